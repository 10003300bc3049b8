"""What a changed plan does day by day and in all: uplift while it lasts, dip after it, kilograms and yuan."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from features.calendar import SERIES
from features.plans import Plans
from features.prices import KEYS
from models.forecasting.whatif_plans import Changes

PHASES = ("before", "event", "after")


def planned_yuan(rows: pl.DataFrame, plans: Plans) -> pl.DataFrame:
    """The price a row's features stand for: `case`, SERIES, `date`, `yuan_per_kg` (null: no price was ever recorded)."""
    usual = plans.prices.filter(pl.col("date") == plans.origin).select(*KEYS, "price_mean_28")
    return rows.join(usual, on=KEYS, how="left", maintain_order="left").select(
        "case", *SERIES, "date", yuan_per_kg=(pl.col("price_ratio") * pl.col("price_mean_28")).round(4)
    )


def by_day(
    answer: pl.DataFrame, before: pl.DataFrame, after: pl.DataFrame, changes: Sequence[Changes]
) -> pl.DataFrame:
    """Expected kilograms, money and phase of each case and day.

    Args:
        answer: As models.forecasting.whatif.what_if.
        before: As planned_yuan, of the rows as planned.
        after: The same of the changed rows.
        changes: One per case.

    Returns:
        One row per case and day, sorted: `case`, SERIES, `forecast_date`, `phase` ('event' on the days that are changed, 'before'
        and 'after' them; a day between two changes is after the first), `expected_kg`, `changed_expected_kg`, `yuan_per_kg`,
        `changed_yuan_per_kg`, `yuan` and `changed_yuan` (expected kg × price; null without a price), `fallback_reason`.
    """
    keys = ["case", *SERIES, "forecast_date"]
    days = answer.select(*keys, "expected_kg", "changed_expected_kg", "fallback_reason").unique(keys)
    for name, prices in (("yuan_per_kg", before), ("changed_yuan_per_kg", after)):
        priced = prices.rename({"date": "forecast_date", "yuan_per_kg": name})
        days = days.join(priced, on=keys, how="left", validate="1:1")
    touched = [{"case": i, "forecast_date": day} for i, c in enumerate(changes) for day in c.days()]
    marks = pl.DataFrame(
        touched, schema={"case": answer.schema["case"], "forecast_date": pl.Date}
    ).with_columns(is_event=pl.lit(True))
    seen = pl.col("is_event").cum_sum().over("case") > 0
    return (
        days.join(marks, on=["case", "forecast_date"], how="left")
        .sort("case", *SERIES, "forecast_date")
        .with_columns(pl.col("is_event").fill_null(False))
        .with_columns(
            phase=pl.when("is_event")
            .then(pl.lit("event"))
            .when(seen)
            .then(pl.lit("after"))
            .otherwise(pl.lit("before")),
            yuan=pl.col("expected_kg") * pl.col("yuan_per_kg"),
            changed_yuan=pl.col("changed_expected_kg") * pl.col("changed_yuan_per_kg"),
        )
        .drop("is_event")
    )


def totals(days: pl.DataFrame) -> dict[str, Any]:
    """Sums over the days of some cases.

    Args:
        days: As by_day, one or more cases.

    Returns:
        `baseline_kg`, `changed_kg`, their difference `net_kg` and its parts: `uplift_kg` (on event days), `dip_kg` (≤ 0: days after
        with less than the baseline), `regained_kg` (≥ 0: days after with more, as when an event and its dip fall away), `other_kg`
        (days before); `pulled_forward` (share of the uplift that the dip takes back; null without uplift); `baseline_yuan`,
        `changed_yuan`, `net_yuan` (null: a price is missing).
    """
    return totals_by(days.with_columns(_all=pl.lit(0)), "_all")[0]


def totals_by(days: pl.DataFrame, column: str) -> dict[Any, dict[str, Any]]:
    """Value of `column` → the totals of its days."""
    more = pl.col("changed_expected_kg") - pl.col("expected_kg")
    after = pl.col("phase") == "after"
    priced = ~pl.any_horizontal(pl.col("yuan", "changed_yuan").is_null().any())
    gained = pl.col("uplift_kg")
    sums = (
        days.group_by(column)
        .agg(
            baseline_kg=pl.col("expected_kg").sum(),
            changed_kg=pl.col("changed_expected_kg").sum(),
            net_kg=more.sum(),
            uplift_kg=more.filter(pl.col("phase") == "event").sum(),
            dip_kg=more.filter(after).clip(upper_bound=0).sum(),
            regained_kg=more.filter(after).clip(lower_bound=0).sum(),
            other_kg=more.filter(pl.col("phase") == "before").sum(),
            baseline_yuan=pl.when(priced).then(pl.col("yuan").sum()),
            changed_yuan=pl.when(priced).then(pl.col("changed_yuan").sum()),
        )
        .with_columns(
            pulled_forward=pl.when(gained > 0).then(-pl.col("dip_kg") / gained),
            net_yuan=pl.col("changed_yuan") - pl.col("baseline_yuan"),
        )
    )
    return {row.pop(column): row for row in sums.to_dicts()}
