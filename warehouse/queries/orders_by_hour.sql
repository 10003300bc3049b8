-- When in the day orders are paid: one row per product, channel, region, weekend or not, and local hour, as known by $known_by.
-- Days with a stock-out are left out, as they show the hours until it only; so are orders refunded before shipping.
with line as (
    select platform, shop, seller_sku, order_id,
        coalesce(region_id, 'unknown') as region_id,
        paid_at at time zone $zone as paid
    from {order_line}
    where status <> 'refunded_before_ship'
), mapped as (
    select listing.product_id, channel.channel_id, line.region_id, line.paid, line.order_id
    from (select *, paid::date as sale_date from line) line
    asof join listing
        on line.platform = listing.platform and line.shop = listing.shop
        and line.seller_sku = listing.seller_sku and line.sale_date >= listing.valid_from
    join channel on channel.platform = line.platform and channel.shop = line.shop
)
select product_id, channel_id, region_id, isodow(paid) > 5 as is_weekend, hour(paid)::integer as hour,
    count(*) as orders
from mapped
anti join (
    select product_id, channel_id, region_id, stock_date from {stock_day} where hours_out_of_stock >= 1
) ran_out
    on mapped.product_id = ran_out.product_id and mapped.channel_id = ran_out.channel_id
    and mapped.region_id = ran_out.region_id and mapped.paid::date = ran_out.stock_date
group by all
order by all;
