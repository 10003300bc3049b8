-- Refused lines in full, newest first, with the file each came in; what people wrote is under the file name 'inbox'.
select r.file_id, coalesce(f.name, case when r.file_id like 'inbox:%' then 'inbox' end) as file_name, coalesce(f.kind, r.table_name) as kind,
       r.table_name, r.line_number, r.rule, r.detail, r.row_text, r.rejected_at
from rejected_row r
left join source_file f using (file_id)
order by r.rejected_at desc, file_name, r.line_number, r.rule
limit 20000
