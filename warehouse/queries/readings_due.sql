-- Devices with raw readings that cleaning has not yet judged, and the earliest of them. Judged is what a cleaned
-- reading stands for, at its own time or a moved one, or what a fault says was left out. A device whose clock could
-- not be put right comes again once a reference or a day of installation is there.
with faults as (
    select * from {sensor_fault} where readings > 0
),
moved as (
    select distinct sensor_id, quantity, regexp_extract(detail, 'moved by (-?\d+) s', 1)::bigint as shift_s
    from faults where fault = 'clock' and detail like '%moved by %'
),
left_out as (
    select f.* from faults f left join sensor s using (sensor_id)
    where f.fault = 'bench_test' or (f.fault = 'made_up_id' and s.sensor_id is null)
),
cleaned as (
    select distinct sensor_id, quantity, measured_at from reading
),
unseen as (
    select r.sensor_id, r.quantity, r.measured_at
    from raw_reading r left join cleaned c using (sensor_id, quantity, measured_at)
    where r.known_at <= $known_by and r.value is not null and r.quantity <> 'clock_offset_s' and c.sensor_id is null
),
seen_moved as (
    select u.* from unseen u join moved m using (sensor_id, quantity)
    join cleaned c on c.sensor_id = u.sensor_id and c.quantity = u.quantity
        and c.measured_at = u.measured_at + to_seconds(m.shift_s)
),
seen_left_out as (
    select u.* from unseen u join left_out f
        on f.sensor_id = u.sensor_id and f.quantity = u.quantity and u.measured_at between f.from_at and f.to_at
),
doubted as (
    select distinct f.sensor_id, f.from_at from faults f left join sensor s using (sensor_id)
    where f.fault = 'clock' and f.detail not like '%moved by %' and (
        s.installed_on is not null
        or split_part(f.sensor_id, '/', 1) in (select sensor_id from raw_reading where quantity = 'clock_offset_s')
    )
)
select split_part(sensor_id, '/', 1) as device, min(measured_at) as since
from (
    select * from unseen except (select * from seen_moved union all select * from seen_left_out)
    union all
    select sensor_id, '*', from_at from doubted
)
group by device
