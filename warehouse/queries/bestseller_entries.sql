-- What was ordered, by line, as known by $known_by: entries of features.launches_early, with channel and kg beside them.
-- A refund is a row below 0 on the order's day, known from the day it was refunded; the buyer is the keyed hash or null.
with line as (
    select platform, shop, seller_sku, platform || '/' || shop || '/' || order_id as order_id, buyer_key, region_id, title,
        quantity, goods_yuan::double as goods_yuan, starts_with(status, 'refunded') as is_refunded,
        (paid_at at time zone $zone)::date as day,
        (coalesce(refunded_at, known_at) at time zone $zone)::date as refunded_on
    from {order_line}
), mapped as (
    select listing.product_id, channel.channel_id, channel.commission_share, line.*,
        line.quantity * listing.pieces as packs, line.quantity * listing.pieces * listing.net_weight_kg as kg
    from line
    asof join listing
        on line.platform = listing.platform and line.shop = listing.shop
        and line.seller_sku = listing.seller_sku and line.day >= listing.valid_from
    join channel on channel.platform = line.platform and channel.shop = line.shop
), signed as (
    select *, 1 as side, day as known_on from mapped
    union all
    select *, -1 as side, greatest(day, refunded_on) as known_on from mapped where is_refunded
)
select product_id, channel_id, commission_share, order_id, buyer_key as buyer_id, region_id, title, day, known_on,
    (side * packs)::double as units, side * goods_yuan as revenue_yuan, (side * kg)::double as kg
from signed
order by day, product_id, order_id, known_on, units, revenue_yuan, title;
