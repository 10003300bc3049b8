-- The last good reading per sensor and quantity, and how many of the last 30 days' readings were flagged.
with known as (
    select r.sensor_id, r.quantity, r.measured_at, r.value, r.flag
    from reading r
    where r.known_at <= $known_by and r.measured_at <= $known_by
),
last_good as (
    select sensor_id, quantity, max(measured_at) as last_at, arg_max(value, measured_at) as last_value
    from known where flag is null group by sensor_id, quantity
),
recent as (
    select sensor_id, quantity, count(*) filter (where flag is not null)::bigint as flagged, count(*)::bigint as readings
    from known where measured_at > $known_by::timestamptz - interval 30 day group by sensor_id, quantity
)
select s.sensor_id, s.plot_id, l.quantity, l.last_at, l.last_value,
       coalesce(c.flagged, 0) as flagged_30d, coalesce(c.readings, 0) as readings_30d
from last_good l
join sensor s using (sensor_id)
left join recent c using (sensor_id, quantity)
order by s.sensor_id, l.quantity
