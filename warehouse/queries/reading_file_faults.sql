-- Faults of whole sensor files: lines that could not be read, and restarts of the log. Columns of sensor_fault.
select 'file:' || f.name as sensor_id, '*' as quantity, n.fault, f.arrived_at as from_at, f.arrived_at as to_at,
    n.lines as readings, n.detail, f.arrived_at as known_at
from source_file f join (
    select file_id, 'unreadable' as fault, count(*)::bigint as lines, 'lines that are no reading' as detail
    from rejected_row where table_name = 'raw_reading' and rule = 'unreadable' and line_number > 0 group by file_id
    union all
    select file_id, 'log_start', (dropped_json::json ->> 'log_start')::bigint, 'restarts of the log'
    from source_file where dropped_json::json ->> 'log_start' is not null
) n using (file_id)
where f.arrived_at <= $known_by
