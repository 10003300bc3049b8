-- What was sold: one row per product, channel, region and local day of payment, as known by $known_by.
-- Order lines carry units; the newest listing valid on the day turns them into product and kg.
-- A daily report stands where the channel's day has no order lines of the product, so nothing counts twice.
with line as (
    select platform, shop, seller_sku, order_id, quantity, goods_yuan,
        coalesce(region_id, 'unknown') as region_id,
        (paid_at at time zone $zone)::date as sale_date
    from {order_line}
    where status <> 'refunded_before_ship'
), from_orders as (
    select listing.product_id, channel.channel_id, line.region_id, line.sale_date,
        sum(line.quantity * listing.pieces * listing.net_weight_kg) as sold_kg,
        sum(line.goods_yuan)::double as revenue_yuan,
        count(distinct line.order_id) as orders
    from line
    asof join listing
        on line.platform = listing.platform and line.shop = listing.shop
        and line.seller_sku = listing.seller_sku and line.sale_date >= listing.valid_from
    join channel on channel.platform = line.platform and channel.shop = line.shop
    group by all
), from_reports as (
    select product_id, channel_id, region_id, sale_date, sold_kg, revenue_yuan, receipts::bigint as orders
    from {daily_sale}
    anti join from_orders using (product_id, channel_id, sale_date)
)
from from_orders union all by name from from_reports
order by product_id, channel_id, region_id, sale_date;
