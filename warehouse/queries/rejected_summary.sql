-- Refused lines by kind of file and rule, most first, with one example each.
select f.kind, r.table_name, r.rule, count(*)::bigint as lines, min(r.detail) as example_detail,
       min(f.name || ':' || r.line_number) as example_at
from rejected_row r
join source_file f using (file_id)
group by f.kind, r.table_name, r.rule
order by lines desc, f.kind, r.rule
