-- The steps of the last 60 runs.
select s.* from run_step s
where s.run_id in (select run_id from run order by started_at desc, run_id limit 60)
order by s.started_at, s.run_id, s.step
