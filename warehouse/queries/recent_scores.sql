-- Scores given in the 90 days up to $cutoff.
select * from forecast_score
where cutoff between $cutoff::date - 90 and $cutoff::date
order by all
