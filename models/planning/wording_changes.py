"""Why a line of a plan changed or stands, in Chinese and English."""

Texts = tuple[str, str]
KINDS = {
    "price": ("价格", "price", "元/公斤", "yuan a kg"),
    "cost": ("成本", "cost", "元/亩", "yuan a mu"),
    "yield": ("单产", "yield", "公斤/亩", "kg a mu"),
}


def decision() -> Texts:
    """People settled something on the plot."""
    return "本地块有了新的人工决定", "people decided on this plot since the last plan"


def field() -> Texts:
    """The plot's land or what stands on it is recorded otherwise."""
    return "本地块的面积、类别或种植记录有变", "the plot's area, class or recorded plantings changed"


def cold(*, is_cold: bool) -> Texts:
    """The crop does no longer (or does now) ripen in the usual year."""
    if is_cold:
        return "按常年积温不能成熟", "it does not ripen in the usual year as now known"
    return "按常年积温现在可以成熟", "it ripens in the usual year as now known"


def cold_plot(practice_id: str, before: float | None, now: float | None) -> Texts:
    """The plot's own sensors say (or no longer say) that it is too cold for a practice; °C against the stations."""
    if now is not None:
        return (
            f"本地块传感器比气象站低 {-now:g} °C，{practice_id} 积温不够",
            f"the plot's own sensors read {-now:g} °C below the stations: too little heat for {practice_id}",
        )
    return (
        f"本地块不再按自己的传感器（低 {-(before or 0):g} °C）判断 {practice_id} 的积温：传感器已移除、停报或转暖",
        f"the plot's own sensors ({-(before or 0):g} °C below the stations) no longer bar {practice_id}: removed, silent, or "
        "warmer than before",
    )


def passed(year: int, season: int) -> Texts:
    """The season is over for planning."""
    return f"{year} 年第 {season} 季已过播期", f"{year} season {season} is no longer open"


def entered(year: int, season: int) -> Texts:
    """The season was not planned before."""
    return f"{year} 年第 {season} 季新进入计划期", f"{year} season {season} was not planned before"


def money(name: Texts, kind: str, before: float | None, now: float | None) -> Texts:
    """A price, cost or yield moved."""
    zh, en, unit_zh, unit_en = KINDS[kind]
    return (
        f"{name[0]}{zh}由 {_number(before, '无')} 变为 {_number(now, '无')} {unit_zh}",
        f"{en} of {name[1]} went from {_number(before, 'none')} to {_number(now, 'none')} {unit_en}",
    )


def demand(
    name: Texts, year: int, season: int, before: float | None, now: float | None, *, elsewhere: bool = False
) -> Texts:
    """The demand of the crop, of what it shares land with, or elsewhere moved."""
    zh = f"{name[0]} {year} 年第 {season} 季需求由 {before or 0:,.0f} 变为 {now or 0:,.0f} 公斤"
    en = f"demand for {name[1]} in {year} season {season} went from {before or 0:,.0f} to {now or 0:,.0f} kg"
    return (f"随之调整：{zh}", f"follows from land elsewhere: {en}") if elsewhere else (zh, en)


def elsewhere() -> Texts:
    """Nothing near the line moved by much."""
    return "各项数据略有变动后的整体调整", "small changes of the data, added up over the plan"


def frozen(name: Texts, area_mu: float) -> Texts:
    """The line is sown soon and stands."""
    return (
        f"{name[0]} {area_mu:,.1f} 亩临近播种，不再变动",
        f"{area_mu:,.1f} mu of {name[1]} are sown soon and stand",
    )


def kept(name: Texts, gain_yuan: float) -> Texts:
    """A better line would gain too little to move."""
    return (
        f"保留原计划的{name[0]}：改种只多赚 {gain_yuan:,.0f} 元，不值得变动",
        f"{name[1]} stays: another use would gain only {gain_yuan:,.0f} yuan, too little to move",
    )


def _number(value: float | None, none: str) -> str:
    return none if value is None else f"{value:,.2f}"
