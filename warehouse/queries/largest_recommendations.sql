-- The ten largest recommendations of a cutoff's first planned year by area, with their first reason.
select r.plot_id, c.name_zh, c.name_en, r.year, r.season, r.area_mu, r.expected_kg, r.expected_profit_yuan,
       r.demand_source, w.text_zh, w.text_en
from planting_recommendation r
join crop c using (crop_id)
left join recommendation_reason w
    on w.cutoff = r.cutoff and w.recommendation_id = r.recommendation_id and w.rank = 1
where r.cutoff = $cutoff and r.year = (select min(year) from planting_recommendation where cutoff = $cutoff)
order by r.area_mu desc, r.recommendation_id
limit 10
