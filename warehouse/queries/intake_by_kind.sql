-- Files and lines by kind of file.
select kind, count(*)::bigint as files, sum(rows_read)::bigint as rows_read, sum(rows_taken)::bigint as rows_taken,
       sum(rows_unchanged)::bigint as rows_unchanged, sum(rows_dropped)::bigint as rows_dropped,
       sum(rows_rejected)::bigint as rows_rejected
from source_file
group by kind
order by rows_read desc, kind
