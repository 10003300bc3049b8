-- Kilograms of crop expected to be ordered per crop, grade, region and day up to $until, by the forecast of $cutoff: p10, p50, p90.
-- Levels of series are added up as if they moved together, so the tiers between them are rather too wide than too narrow.
with leaf as (
    select product_id, channel_id, region_id, forecast_date, max(expected_kg) as mean_kg,
        max(demand_kg) filter (where level = 0.1) as p10, max(demand_kg) filter (where level = 0.5) as p50,
        max(demand_kg) filter (where level = 0.9) as p90
    from demand_forecast where cutoff = $cutoff and forecast_date <= $until
    group by all
)
select pc.crop_id, p.grade, nullif(leaf.region_id, 'unknown') as region_id, leaf.forecast_date as ship_on,
    sum(coalesce(p10, 0) * pc.crop_kg_per_product_kg) as p10_kg,
    sum(coalesce(p50, mean_kg, 0) * pc.crop_kg_per_product_kg) as p50_kg,
    sum(coalesce(p90, p50, mean_kg, 0) * pc.crop_kg_per_product_kg) as p90_kg
from leaf join product p using (product_id) join product_crop pc using (product_id)
group by all
order by all;
