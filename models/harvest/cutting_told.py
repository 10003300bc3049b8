"""A cutting plan as recommendations: which cut serves what, what it is worth, and the reasons in words."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from models.harvest.cutting_problem import CutPlan, CutProblem

LIKELY_RAIN = 0.5
LATE_HOURS = 48.0
"""A route that leaves less than a day of 72 hours is told."""
BATCH = ["cold_room_id", "crop_id", "cut_on"]


def recommended(plan: CutPlan, problem: CutProblem) -> pl.DataFrame:
    """One row per cut: recommendation_id, rank, day, plot_id, crop_id, crew_id, cold_room_id, cut_kg, crew_hours, oldest_on,
    last_on, rain_chance, promised_kg, expected_kg, other_kg, value_yuan, hours_to_table (longest of what it serves).

    Kilograms of one day and crop in one cold room serve orders together; each cut has its part of them. The value is what these
    orders pay times their chance, and salvage of the rest.
    """
    orders = problem.orders.select("order_id", "is_promised", "chance", price="price_yuan_per_kg")
    served = plan.serves.join(orders, on="order_id").group_by(BATCH).agg(
        promised=pl.col("served_kg").filter("is_promised").sum(),
        expected=pl.col("served_kg").filter(~pl.col("is_promised")).sum(),
        paid=(pl.col("served_kg") * pl.col("price") * pl.col("chance")).sum(),
        hours_to_table=pl.col("hours_to_table").max(),
    )  # fmt: skip
    crops = problem.crops.select("crop_id", "hold_days", "salvage_yuan_per_kg")
    part = pl.col("cut_kg") / pl.col("cut_kg").sum().over("day", "crop_id", "cold_room_id")
    rows = (
        plan.cuts.with_columns(cut_on="day", part=part)
        .join(served, on=BATCH, how="left", maintain_order="left")
        .join(crops, on="crop_id", how="left", maintain_order="left")
        .with_columns(
            promised_kg=(pl.col("promised") * pl.col("part")).fill_null(0.0),
            expected_kg=(pl.col("expected") * pl.col("part")).fill_null(0.0),
            last_on=pl.col("oldest_on") + pl.duration(days="hold_days"),
        )
        .with_columns(other_kg=(pl.col("cut_kg") - pl.col("promised_kg") - pl.col("expected_kg")).clip(lower_bound=0.0))
        .with_columns(
            value_yuan=(pl.col("paid") * pl.col("part")).fill_null(0.0) + pl.col("other_kg") * pl.col("salvage_yuan_per_kg")
        )
        .sort("day", "value_yuan", "plot_id", "crop_id", "crew_id", "cold_room_id", descending=[False, True, *[False] * 4])
    )  # fmt: skip
    keys = ["plot_id", "crop_id", "day"]
    return rows.with_columns(
        rank=pl.int_range(1, pl.len() + 1).over("day"), nth=pl.int_range(1, pl.len() + 1).over(keys)
    ).select(
        pl.format("{}/{}/{}/{}", *keys, "nth").alias("recommendation_id"), "rank", *("day", "plot_id", "crop_id"),
        "crew_id", "cold_room_id", "cut_kg", "crew_hours", "oldest_on", "last_on", "rain_chance", "promised_kg",
        "expected_kg", "other_kg", "value_yuan", "hours_to_table",
    )  # fmt: skip


def reasons(
    cuts: pl.DataFrame, problem: CutProblem, crew_days: pl.DataFrame, levels: Mapping[str, Mapping[str, int]]
) -> pl.DataFrame:
    """recommendation_id, rank, kind, text_zh, text_en of every row of `recommended`.

    Args:
        levels: plot_id → kind of threat (frost, heat, water, disease) → level of the last day.
    """
    rain = dict(problem.weather.select("day", "rain_chance").iter_rows())
    crops = {r["crop_id"]: r for r in problem.crops.iter_rows(named=True)}
    loads = {
        (d, k): (u, m)
        for d, k, u, m in crew_days.select("day", "crew_id", "used_hours", "limit_hours").iter_rows()
    }
    rows: list[tuple[str, int, str, str, str]] = []
    for cut in cuts.iter_rows(named=True):
        said = [
            *_for_whom(cut, is_fresh=crops[cut["crop_id"]]["within_hours"] != -1),
            *_ripeness(cut, crops[cut["crop_id"]], problem.first_day),
            *_rain(cut, rain),
            *_field(levels.get(cut["plot_id"], {})),
            *_hands(cut, *loads[cut["day"], cut["crew_id"]]),
        ]
        rows += [(cut["recommendation_id"], n, *reason) for n, reason in enumerate(said, start=1)]
    names = {
        "recommendation_id": pl.String,
        "rank": pl.Int64,
        "kind": pl.String,
        "text_zh": pl.String,
        "text_en": pl.String,
    }
    return pl.DataFrame(rows, schema=names, orient="row")


Reason = tuple[str, str, str]


def _for_whom(cut: dict[str, Any], *, is_fresh: bool) -> list[Reason]:
    found: list[Reason] = []
    if (kg := cut["promised_kg"]) >= 1:
        found.append(
            (
                "promise",
                f"其中 {kg:,.0f} 公斤供已付款订单和已承诺的交付",
                f"{kg:,.0f} kg go to orders paid and promises made",
            )
        )
    if (kg := cut["expected_kg"]) >= 1:
        found.append(("expected", f"其中 {kg:,.0f} 公斤供预计的订单", f"{kg:,.0f} kg go to orders expected"))
    if (kg := cut["other_kg"]) >= 1:
        found.append(
            (
                "surplus",
                f"其余 {kg:,.0f} 公斤暂无买家：先入库，或按处理价出售",
                f"{kg:,.0f} kg have no buyer yet: kept in store, or sold off",
            )
        )
    if is_fresh and (hours := cut["hours_to_table"]) is not None and hours > LATE_HOURS:
        found.append(
            (
                "route",
                f"最远一单从田头到餐桌 {hours:.0f} 小时",
                f"the farthest order is {hours:.0f} hours from field to table",
            )
        )
    return found  # fmt: skip


def _ripeness(cut: dict[str, Any], crop: dict[str, Any], first: date) -> list[Reason]:
    stands = (cut["day"] - cut["oldest_on"]).days
    left = (cut["last_on"] - cut["day"]).days
    since_zh = "当天成熟" if stands <= 0 else f"最早的已成熟 {stands} 天"
    since_en = (
        "ripe on that day" if stands <= 0 else f"the oldest ripened {stands} day{'s' * (stands > 1)} before"
    )
    loss = crop["wait_share_per_day"]
    wait_zh = f"每多等一天，价值{'减' if loss >= 0 else '增'} {abs(loss):.0%}"
    wait_en = f"a day's waiting {'costs' if loss >= 0 else 'gains'} {abs(loss):.0%} of the price"
    return [
        ("ripeness", f"{since_zh}；{wait_zh}，再等 {left} 天就落损", f"{since_en}; {wait_en}, after {left} more days it is lost")
    ]  # fmt: skip


def _rain(cut: dict[str, Any], rain: Mapping[date, float]) -> list[Reason]:
    today, after = cut["rain_chance"], rain.get(cut["day"] + timedelta(days=1), 0.0)
    if after >= LIKELY_RAIN > today:
        return [
            (
                "rain",
                f"赶在雨前：次日降雨概率 {after:.0%}",
                f"before the rain: {after:.0%} likely on the next day",
            )
        ]
    if today >= LIKELY_RAIN:
        return [
            (
                "rain",
                f"当天降雨概率 {today:.0%}，工时按雨天折减",
                f"rain {today:.0%} likely that day, hours counted less for it",
            )
        ]
    return []  # fmt: skip


def _field(levels: Mapping[str, int]) -> list[Reason]:
    words = {"frost": "霜冻", "heat": "高温", "water": "缺水", "disease": "病害天气"}
    bad = [k for k in words if levels.get(k, 0) >= 2]
    if not bad:
        return []
    return [
        ("field", f"地块状况：{'、'.join(words[k] for k in bad)}，需处理", f"the plot: {', '.join(bad)}, act")
    ]


def _hands(cut: dict[str, Any], used: float, limit: float) -> list[Reason]:
    crew, hours = cut["crew_id"], cut["crew_hours"]
    return [
        ("crew", f"{crew} 用 {hours:.1f} 工时（全队当天 {used:.0f} / {limit:.0f}）",
         f"{crew} needs {hours:.1f} hours (its day: {used:.0f} of {limit:.0f})")
    ]  # fmt: skip


def shortfalls(plan: CutPlan, problem: CutProblem) -> pl.DataFrame:
    """What the plan cannot keep: kind (order, ripe), subject_id, crop_id, grade (rank), region_id, day, kg, is_promised, cause.

    Expected demand that is not served is no broken word and is left out.
    """
    region = problem.orders.select("order_id", "region_id")
    orders = plan.unserved.filter("is_promised").join(region, on="order_id", how="left").select(
        pl.lit("order").alias("kind"), pl.col("order_id").alias("subject_id"), "crop_id", "grade", "region_id",
        pl.col("ship_on").alias("day"), pl.col("unserved_kg").alias("kg"), "is_promised", "cause",
    )  # fmt: skip
    none = pl.lit(None, pl.String)
    ripe = plan.uncut.select(
        pl.lit("ripe").alias("kind"), pl.col("plot_id").alias("subject_id"), "crop_id", none.alias("grade"),
        none.alias("region_id"), pl.col("lost_on").alias("day"), pl.col("lost_kg").alias("kg"),
        pl.lit(value=False).alias("is_promised"), "cause",
    )  # fmt: skip
    return pl.concat([orders, ripe]).filter(pl.col("kg") >= 0.5).sort("kind", "day", "subject_id", "crop_id")


def changes(before: pl.DataFrame, after: pl.DataFrame, *, least_kg: float = 1.0) -> pl.DataFrame:
    """What two lists of cuts differ in: day, plot_id, crop_id, before_kg, after_kg, crews (of the later list; '': none).

    Differences below `least_kg` are none.
    """
    keys = ["day", "plot_id", "crop_id"]
    old = before.group_by(keys).agg(
        before_kg=pl.col("cut_kg").sum(), old_crews=pl.col("crew_id").unique().sort().str.join(", ")
    )
    new = after.group_by(keys).agg(
        after_kg=pl.col("cut_kg").sum(), crews=pl.col("crew_id").unique().sort().str.join(", ")
    )
    both = old.join(new, on=keys, how="full", coalesce=True).with_columns(
        pl.col("before_kg", "after_kg").fill_null(0.0), pl.col("crews", "old_crews").fill_null("")
    )
    moved = (pl.col("before_kg") - pl.col("after_kg")).abs() >= least_kg
    return both.filter(moved | (pl.col("crews") != pl.col("old_crews"))).drop("old_crews").sort(keys)
