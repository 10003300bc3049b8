-- The last 500 files, newest first.
select name, kind, profile, shop, is_history, arrived_at,
       rows_read, rows_taken, rows_unchanged, rows_dropped, rows_rejected, dropped_json
from source_file
order by arrived_at desc, name
limit 500
