-- The ten largest recommendations by area in the first year of seasons of a cutoff's plan, with their first reason.
with planned as (
    select *, min(year * 10 + season) over () as first_season
    from planting_recommendation
    where cutoff = $cutoff
)
select r.plot_id, c.name_zh, c.name_en, r.year, r.season, r.area_mu, r.expected_kg, r.expected_profit_yuan,
       r.demand_source, w.text_zh, w.text_en
from planned r
join crop c using (crop_id)
left join recommendation_reason w
    on w.cutoff = r.cutoff and w.recommendation_id = r.recommendation_id and w.rank = 1
where r.year * 10 + r.season < r.first_season + 10
order by r.area_mu desc, r.recommendation_id
limit 10
