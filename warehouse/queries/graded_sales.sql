-- Paid order lines of products of one crop from $since on, as known by $known_by, not refunded before shipping: what a grade brings.
-- sold_kg is kg of crop; goods_yuan null where the file has no money; grade null where the product has none.
with line as (
    select platform, shop, seller_sku, quantity, goods_yuan, status, (paid_at at time zone $zone)::date as paid_on
    from {order_line}
    where status <> 'refunded_before_ship'
), one_crop as (
    select product_id, any_value(crop_id) as crop_id, any_value(crop_kg_per_product_kg) as factor
    from product_crop group by product_id having count(*) = 1
)
select one_crop.crop_id, product.grade, channel.channel_id, line.paid_on,
    listing.net_weight_kg as pack_kg,
    line.quantity * listing.pieces * listing.net_weight_kg * one_crop.factor as sold_kg,
    line.goods_yuan::double as goods_yuan,
    line.status = 'refunded_after_ship' as is_returned
from line
asof join listing
    on line.platform = listing.platform and line.shop = listing.shop
    and line.seller_sku = listing.seller_sku and line.paid_on >= listing.valid_from
join channel on channel.platform = line.platform and channel.shop = line.shop
join product on product.product_id = listing.product_id
join one_crop on one_crop.product_id = listing.product_id
where line.paid_on > $since
order by all;
