-- Scores given in the 90 days up to $cutoff over everything; those of other segments in the last 28.
select * from forecast_score
where cutoff between $cutoff::date - 90 and $cutoff::date
  and (segment = 'all' or cutoff > $cutoff::date - 28)
order by all
