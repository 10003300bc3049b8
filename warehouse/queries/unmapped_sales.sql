-- Sold order lines that cannot become kilograms, per article, as known by $known_by; most money first.
-- `missing` says what to add: the listing valid on the day of payment, or the channel of the shop.
select line.platform, line.shop, line.seller_sku,
    arg_max(line.title, line.paid_at) as title,
    count(*) as lines,
    coalesce(sum(line.goods_yuan), 0)::double as goods_yuan,
    case when listing.product_id is null then 'listing' else 'channel' end as missing
from {order_line} line
asof left join listing
    on line.platform = listing.platform and line.shop = listing.shop
    and line.seller_sku = listing.seller_sku and (line.paid_at at time zone $zone)::date >= listing.valid_from
left join channel on channel.platform = line.platform and channel.shop = line.shop
where line.status <> 'refunded_before_ship' and (listing.product_id is null or channel.channel_id is null)
group by all
order by goods_yuan desc, lines desc, platform, shop, seller_sku;
