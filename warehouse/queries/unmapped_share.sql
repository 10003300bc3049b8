-- Share (0–1) of the money of sold order lines that no listing (or channel) maps, as known by $known_by.
select coalesce(
    sum(line.goods_yuan) filter (where listing.product_id is null or channel.channel_id is null)
    / nullif(sum(line.goods_yuan), 0), 0)::double as share
from {order_line} line
asof left join listing
    on line.platform = listing.platform and line.shop = listing.shop
    and line.seller_sku = listing.seller_sku and (line.paid_at at time zone $zone)::date >= listing.valid_from
left join channel on channel.platform = line.platform and channel.shop = line.shop
where line.status <> 'refunded_before_ship';
