-- Kilograms of crop sold per crop and local day from the instant $since on, as known by $known_by: order lines not refunded before
-- shipping; a daily report stands where the channel's day has no lines of the product. Only these days' versions are read.
with version as (
    select *, row_number() over (
        partition by platform, shop, order_id, line_id order by status_rank desc, known_at desc, file_id desc, rowid desc
    ) as nth
    from order_line where known_at <= $known_by and paid_at >= $since
), line as (
    select platform, shop, seller_sku, quantity, (paid_at at time zone $zone)::date as sale_date
    from version where nth = 1 and status <> 'refunded_before_ship'
), ordered as (
    select listing.product_id, channel.channel_id, line.sale_date,
        line.quantity * listing.pieces * listing.net_weight_kg as sold_kg
    from line
    asof join listing
        on line.platform = listing.platform and line.shop = listing.shop
        and line.seller_sku = listing.seller_sku and line.sale_date >= listing.valid_from
    join channel on channel.platform = line.platform and channel.shop = line.shop
), reported as (
    select product_id, channel_id, sale_date, sold_kg
    from {daily_sale}
    anti join ordered using (product_id, channel_id, sale_date)
    where sale_date >= ($since at time zone $zone)::date
), sold as (
    from ordered union all by name from reported
)
select pc.crop_id, sold.sale_date, sum(sold.sold_kg * pc.crop_kg_per_product_kg) as kg
from sold join product_crop pc using (product_id)
group by all
order by all;
