"""Reasons of a call in plain words: features gathered into themes, each with a sentence for and against."""

THEMES: dict[str, tuple[str, str, str, str]] = {
    "sales": (
        "头几天卖得比多数新品多", "头几天卖得比多数新品少",
        "It earned more in its first days than most launches", "It earned less in its first days than most launches",
    ),
    "trend": (
        "最近一周势头在上升", "最近一周势头在减弱",
        "Sales hold up or grow into the last week", "Sales fade in the last week",
    ),
    "buyers": (
        "买的人多，也有人再买", "买的人少，或没有人再买",
        "Many different buyers, some of them again", "Few different buyers, or none again",
    ),
    "orders": (
        "订单分散，不靠一两笔大单", "销量靠少数大单撑着",
        "Many orders carry it, not one large one", "A few large orders carry it",
    ),
    "price": ("价位有利", "价位不利", "Its price speaks for it", "Its price speaks against it"),
    "title": (
        "标题相近的商品卖得好", "标题相近的商品卖得一般",
        "Products with similar titles do well", "Products with similar titles do poorly",
    ),
    "season": ("正赶上旺季", "旺季已过或未到", "Its season is coming", "Its season is over or far"),
    "place": (
        "买家的地区和时间分布有利", "买家的地区和时间分布不利",
        "Where and when it is bought speaks for it", "Where and when it is bought speaks against it",
    ),
    "returns": ("退货取消少", "退货取消多", "Few returns and cancellations", "Many returns and cancellations"),
    "seller": ("卖家口碑好、评价多", "卖家评价少", "The seller is well known and rated", "The seller is little known"),
    "rating": ("评分可信", "评分太少不可信", "Its rating rests on many voices", "Its rating rests on few voices"),
    "supply": (
        "货源和直播安排跟得上", "货源或直播安排跟不上",
        "Stock and live-stream slots are planned for it", "Stock or live-stream slots are short",
    ),
    "other": ("其他特征有利", "其他特征不利", "Other facts speak for it", "Other facts speak against it"),
}  # fmt: skip
"""Theme → Chinese for and against, English for and against."""

_FEATURES = {
    "sales": "log_revenue log_units log_capped log_first_week active_share log_order_share",
    "trend": "log_last_week trend last_share silent_share",
    "buyers": "log_buyers repeat_share unnamed_share",
    "orders": "log_orders top_order_share log_line_units log_order_yuan log_basket",
    "price": "log_price price_change price_position price_share discount_share list_price_share price_against_similar "
    "price_against_seller",
    "title": "similar_log_revenue similar_momentum similar_count title_words title_length title_digits title_capitals",
    "season": "shop_momentum shop_lift_last_year similar_lift_last_year days_on_sale",
    "place": "weekend_share log_regions other_region_share",
    "returns": "returned_share",
    "seller": "seller_standing seller_rating seller_listings",
    "rating": "rating rating_distance reviews",
    "supply": "stock_cover_days live_slots_ahead",
}
_THEME_OF = {feature: theme for theme, features in _FEATURES.items() for feature in features.split()}


def theme_of(feature: str) -> str:
    """The theme a feature belongs to; places of titles (`title_0` …) to 'title', unknown ones to 'other'."""
    known = _THEME_OF.get(feature)
    return known or ("title" if feature.removeprefix("title_").isdigit() else "other")


def wording(theme: str, speaks_for: bool) -> tuple[str, str]:
    """The sentence in Chinese and in English."""
    for_zh, against_zh, for_en, against_en = THEMES[theme]
    return (for_zh, for_en) if speaks_for else (against_zh, against_en)
