"""Why a crop's grades are cut where they are, in Chinese and English."""

from typing import TYPE_CHECKING, Any

import polars as pl

from models.grading.propose import NEW, NONE

if TYPE_CHECKING:
    from pipelines.grading_cuts import Weighed

ATTRIBUTES = {
    "weight_g": ("单重（克）", "weight (g)"),
    "weight_g_male": ("公蟹单重（克）", "weight of males (g)"),
    "weight_g_female": ("母蟹单重（克）", "weight of females (g)"),
    "brix": ("糖度（°Brix）", "sugar (°Brix)"),
    "damage_pct": ("损伤率（%）", "damage (%)"),
    "full_pods_pct": ("饱满荚率（%）", "full pods (%)"),
    "head_rice_pct": ("整精米率（%）", "head rice (%)"),
}
Row = dict[str, Any]


def attribute_words(attribute: str) -> tuple[str, str]:
    """What people call an attribute; an unknown one is shown as it is."""
    return ATTRIBUTES.get(attribute, (attribute, attribute))


def answer_words(w: "Weighed") -> tuple[str, str]:
    """The answer in one sentence each."""
    p, zh, en = w.proposal, w.ask.name_zh, w.ask.name_en
    if p.answer == NONE:
        return (
            f"{zh}不必分级：混级销售一年约 {p.unsorted_yuan:,.0f} 元，分级的收益不能确定为正",
            f"do not grade {en}: unsorted it brings about {p.unsorted_yuan:,.0f} yuan a year, and sorting does not surely gain",
        )
    limits = [(g, w.value(x)) for g, x in p.limits]
    sign = "≤" if w.sign < 0 else "≥"
    (name_zh, name_en), told = (
        attribute_words(w.attribute),
        [(g, "" if x is None else f" {sign} {x:g}") for g, x in limits],
    )
    list_zh = "，".join(f"{g}{x or ' 其余'}" for g, x in told)
    list_en = ", ".join(f"{g}{x or ' the rest'}" for g, x in told)
    if p.answer == NEW:
        more = "" if p.present_yuan is None else f"，比现行标准多 {p.net_yuan - p.present_yuan:,.0f} 元"
        more_en = (
            ""
            if p.present_yuan is None
            else f", {p.net_yuan - p.present_yuan:,.0f} more than the present cuts"
        )
        return (
            f"建议{zh}按{name_zh}改为：{list_zh}；预计一年 {p.net_yuan:,.0f} 元{more}",
            f"cut {en} by {name_en} at: {list_en}; expected {p.net_yuan:,.0f} yuan a year{more_en}",
        )
    return (
        f"{zh}维持现行分级（{name_zh}：{list_zh}）；最优切点不足以多出 5%",
        f"keep the present cuts of {en} ({name_en}: {list_en}); the best cuts would not bring 5 % more",
    )


def reason_words(w: "Weighed", prices: pl.DataFrame) -> list[Row]:
    """Reasons, the weightiest first: gain, demand limits, prices, classes held, stability, sample."""
    p = w.proposal
    low, middle, high = p.gain_yuan
    found = [
        _row(
            "gain",
            f"比混级销售一年多 {middle:,.0f} 元（90% 区间 {low:,.0f}–{high:,.0f}）；等距切分 {p.equal_width_yuan:,.0f} 元，三等分 {p.terciles_yuan:,.0f} 元",
            f"{middle:,.0f} yuan a year above not sorting (90 % interval {low:,.0f} to {high:,.0f}); equal width would bring "
            f"{p.equal_width_yuan:,.0f}, terciles {p.terciles_yuan:,.0f}",
            middle,
        )
    ]
    found += [
        _row(
            "limit",
            f"{s.grade}一年卖出 {s.kg:,.0f} 公斤，每公斤 {s.yuan_per_kg:.2f} 元；超出部分按处理价",
            f"{s.grade} sold {s.kg:,.0f} kg in the year at {s.yuan_per_kg:.2f} yuan per kg; what goes beyond is cleared",
        )
        for s in w.sold
    ]
    found += [_price(r) for r in prices.filter(pl.col("advice") != "base").iter_rows(named=True)]
    if w.present and p.answer == NEW:
        found.append(
            _row(
                "class",
                "各等级不低于其名称现行的限值：低于它时顾客愿付多少尚不知道",
                "no class is cut below the limit its name promises now: what customers pay for less is not known",
            )
        )
    found.append(
        _row(
            "stability",
            f"重抽样中切点移动超过一格的占 {p.moved:.0%}，固定切点平均损失 {p.regret:.1%}",
            f"a cut moved by more than a step in {p.moved:.0%} of the resamples; keeping these cuts cost {p.regret:.1%} there",
        )
    )
    found.append(
        _row(
            "sample",
            f"依据 {w.pieces:,} 件实测，按一年销量 {float(w.problem.kg.sum()):,.0f} 公斤折算",
            f"{w.pieces:,} measured pieces, scaled to the {float(w.problem.kg.sum()):,.0f} kg sold in a year",
        )
    )
    return found


def _price(r: Row) -> Row:
    if r["price_ratio"] is None:
        return _row(
            "price",
            f"{r['grade']}与{r['base_grade']}的价格比无法估计（同渠道同规格同月只有 {r['cells']} 组）",
            f"price of {r['grade']} against {r['base_grade']}: not estimable ({r['cells']} cells of channel, pack and month hold both)",
        )
    return _row(
        "price",
        f"{r['grade']}价格为{r['base_grade']}的 {r['price_ratio']:.2f} 倍（90% 区间 {r['low']:.2f}–{r['high']:.2f}，{r['cells']} 组）",
        f"{r['grade']} is paid {r['price_ratio']:.2f} times {r['base_grade']} (90 % interval {r['low']:.2f} to {r['high']:.2f}, {r['cells']} cells)",
    )


def _row(kind: str, zh: str, en: str, value_yuan: float | None = None) -> Row:
    return {"kind": kind, "text_zh": zh, "text_en": en, "value_yuan": value_yuan}
