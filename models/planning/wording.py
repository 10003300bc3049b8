"""The sentences of a plan's reasons, in Chinese and English. Numbers come in; no reckoning here."""

SOURCES_ZH = {
    "forecast": "预测", "forecast × catchment": "预测×辐射系数", "expected sales": "预期销量", "commitment": "订单承诺",
    "last year's sales": "去年销量",
    "last year's sales × catchment": "去年销量×辐射系数", "none": "无需求",
}  # fmt: skip
LAND_ZH = {
    "paddy": "水田", "dry_flat": "平旱地", "terrace": "梯田", "hillside": "山坡地", "irrigated": "水浇地",
    "greenhouse": "普通大棚", "smart_greenhouse": "智慧大棚", "orchard": "果园",
}  # fmt: skip
"""Land classes that are known by name; a county's own classes stand as it wrote them."""
Texts = tuple[str, str]


def land_full(class_name: str, year: int, season: int, yuan: float) -> Texts:
    """The plot is full."""
    return (
        f"地块已满：{year} 年第 {season} 季每多一亩{LAND_ZH.get(class_name, class_name)}可多赚 {yuan:,.0f} 元",
        f"the plot is full: one more mu of {class_name} in {year} season {season} would earn {yuan:,.0f} yuan",
    )


def land_free(year: int, season: int) -> Texts:
    """Neither land nor demand binds."""
    return (
        f"{year} 年第 {season} 季土地与需求均有余量，按收益最高者种植",
        f"neither land nor demand of {year} season {season} is used up; it earns most of what fits",
    )


def demand_met(crop: Texts, kg: float, yuan: float) -> Texts:
    """All demand of the crop is served."""
    return (
        f"{crop[0]}需求 {kg:,.0f} 公斤已满足，不再多种；每多一公斤需求可多赚 {yuan:,.2f} 元",
        f"demand of {kg:,.0f} kg {crop[1]} is met, so no more is planted; one more kg asked for would earn {yuan:,.2f} yuan",
    )


def over_demand(crop: Texts, kg: float, surplus: float) -> Texts:
    """More is grown than is asked for."""
    return (
        f"{crop[0]}需求只有 {kg:,.0f} 公斤，另有 {surplus:,.0f} 公斤按处理价出售",
        f"only {kg:,.0f} kg of {crop[1]} are asked for; {surplus:,.0f} kg go at salvage",
    )


def no_demand(crop: Texts) -> Texts:
    """Nobody asks for the crop; what it brings is salvage."""
    return (
        f"{crop[0]}没有需求，只按处理价出售",
        f"nobody asks for {crop[1]}; it is sold at salvage",
    )


def legume_kept(yuan: float) -> Texts:
    """The legume rule holds the line."""
    return (
        f"为三年内种一次豆类而种，每亩少赚 {yuan:,.0f} 元",
        f"planted so that legumes cover the plot within the rule's years; it costs {yuan:,.0f} yuan a mu",
    )


def share_kept(share: float, yuan: float) -> Texts:
    """The minimum share holds the line."""
    return (
        f"每种作物至少占地块 {share:.0%}，此限每亩少赚 {yuan:,.0f} 元",
        f"a crop takes at least {share:.0%} of a plot; that limit costs {yuan:,.0f} yuan a mu",
    )


def settled() -> Texts:
    """A person fixed the area."""
    return "面积由人工确定", "the area was settled by a person"


def committed(crop: Texts, kg: float) -> Texts:
    """Commitments come first."""
    return (
        f"优先保障已承诺的{crop[0]} {kg:,.0f} 公斤",
        f"{kg:,.0f} kg of {crop[1]} are promised and come first",
    )


def rotation(crop: Texts, gain: float, rule: str) -> Texts:
    """A better use is forbidden."""
    why = ("重茬限制", "the repeat rule") if rule == "repeat" else ("豆类轮作要求", "the legume rule")
    return (
        f"{why[0]}：否则改种{crop[0]}可多赚 {gain:,.0f} 元",
        f"{why[1]} forbids {crop[1]}, which would earn {gain:,.0f} yuan more",
    )


def next_best(crop: Texts, per_mu: float, total: float) -> Texts:
    """What the next best use of the land would lose (negative: gain)."""
    zh, en = ("少赚", "lose") if total >= 0 else ("多赚", "gain")
    return (
        f"次优：改为{crop[0]}，每亩{zh} {abs(per_mu):,.0f} 元，共 {abs(total):,.0f} 元",
        f"next best: {crop[1]} would {en} {abs(per_mu):,.0f} yuan a mu, {abs(total):,.0f} in all",
    )


def demand_served(crop: Texts, kg: float, asked: float, year: int, season: int, source: str) -> Texts:
    """The demand a line serves."""
    return (
        f"产 {kg:,.0f} 公斤{crop[0]}，供 {year} 年第 {season} 季需求 {asked:,.0f} 公斤（来源：{SOURCES_ZH.get(source, source)}）",
        f"{kg:,.0f} kg of {crop[1]} towards {asked:,.0f} kg asked for in {year} season {season} (source: {source})",
    )


def freshness(zh: str, en: str) -> Texts:
    """How fresh the facts are."""
    return f"数据：{zh}", f"data: {en}"


def unserved(crop: Texts, kg: float, asked: float, year: int, season: int, cause: Texts) -> Texts:
    """Demand that the plan leaves unserved, and why."""
    return (
        f"{year} 年第 {season} 季{crop[0]}需求 {asked:,.0f} 公斤，有 {kg:,.0f} 公斤未满足：{cause[0]}",
        f"{kg:,.0f} of {asked:,.0f} kg {crop[1]} asked for in {year} season {season} stay unserved: {cause[1]}",
    )


def cause_missing(detail: str) -> Texts:
    """Something is not known."""
    return f"缺少资料（{detail}）", detail


def cause_no_line() -> Texts:
    """No plot may bear it then."""
    return (
        "该季没有地块可种（地类、热量、重茬或已定面积所限）",
        "no plot may bear it then (land class, warmth, repeat rule or settled areas)",
    )


def cause_unprofitable(per_kg: float) -> Texts:
    """It sells below cost."""
    return (
        f"售价低于成本，每公斤亏 {per_kg:,.2f} 元",
        f"it sells below its cost; a kg loses {per_kg:,.2f} yuan",
    )


def cause_full() -> Texts:
    """The land that fits is full."""
    return "适种土地已用满", "the land that fits it is full"


def cause_land(per_kg: float) -> Texts:
    """Land or rules are worth more elsewhere."""
    return (
        f"土地另有更高收益或受轮作限制，每多供一公斤少赚 {per_kg:,.2f} 元",
        f"land earns more otherwise or rotation stands against it; each kg more would cost {per_kg:,.2f} yuan",
    )
