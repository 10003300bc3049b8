-- All raw readings of some devices with what is known of the file each came in.
select r.sensor_id, r.quantity, r.measured_at, r.value, r.status, r.line_number, r.known_at, r.file_id,
    coalesce(f.profile, '') as profile, coalesce(f.arrived_at, r.known_at) as arrived_at,
    coalesce(f.is_history, true) as is_history, coalesce(f.name, '') as file_name
from raw_reading r left join source_file f using (file_id)
where r.known_at <= $known_by and split_part(r.sensor_id, '/', 1) in (select unnest($devices::text[]))
