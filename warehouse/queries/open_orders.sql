-- Orders paid from the instant $since on that nothing says are shipped, as known by $known_by: kilograms of crop per crop, grade,
-- region and local day of payment. Only these lines' versions are read, not the whole of the orders.
with version as (
    select *, row_number() over (
        partition by platform, shop, order_id, line_id order by status_rank desc, known_at desc, file_id desc, rowid desc
    ) as nth
    from order_line where known_at <= $known_by and paid_at >= $since
), line as (
    select platform, shop, seller_sku, region_id, quantity, (paid_at at time zone $zone)::date as paid_on
    from version
    where nth = 1 and status in ('paid', 'part_shipped', 'unknown') and shipped_at is null
)
select pc.crop_id, product.grade, nullif(line.region_id, 'unknown') as region_id, line.paid_on,
    sum(line.quantity * listing.pieces * listing.net_weight_kg * pc.crop_kg_per_product_kg) as order_kg
from line
asof join listing
    on line.platform = listing.platform and line.shop = listing.shop
    and line.seller_sku = listing.seller_sku and line.paid_on >= listing.valid_from
join product on product.product_id = listing.product_id
join product_crop pc on pc.product_id = listing.product_id
group by all
order by all;
