"""Demand if plans were others, by the model and the features of the night."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from features.assemble import FEATURES
from features.calendar import SERIES
from features.plans import Plans
from features.prices import KEYS
from models.forecasting.demand import DemandModel

LONG = (*SERIES, "forecast_date", "level")
CAMPAIGN = {"channel_id", "presale_from", "starts_on", "ends_on", "discount_share", "known_on"}
LIVE = {"product_id", "channel_id", "slot_date", "allotment_kg", "known_on"}


@dataclass(frozen=True)
class Book:
    """What a night leaves behind so that what-ifs can be answered; one origin."""

    rows: pl.DataFrame
    """As features.assemble.future_frame."""
    plans: Plans
    """As features.plans.coming."""
    seen: pl.DataFrame
    """As models.forecasting.whatif_support.own_history."""

    def tables(self) -> dict[str, pl.DataFrame]:
        """All of it by name, sorted, numbers a model reads as 32 bits as such: what a release carries."""
        doubles = [c for c, dtype in self.rows.schema.items() if dtype == pl.Float64 and c in FEATURES]
        plans = self.plans
        return {
            "row": self.rows.with_columns(pl.col(doubles).cast(pl.Float32)).sort("series", "date"),
            "price": plans.prices.sort(*KEYS, "date"),
            "campaign": plans.campaign.select(sorted(CAMPAIGN)).sort(sorted(CAMPAIGN)),
            "live": plans.live_slot.select(sorted(LIVE)).sort(sorted(LIVE)),
            "seen": self.seen.sort(KEYS),
        }

    @classmethod
    def of(cls, origin: date, tables: Mapping[str, pl.DataFrame]) -> "Book":
        """From what `tables` gave, or from a part of its rows."""
        plans = Plans(origin, tables["price"], tables["campaign"], tables["live"])
        return cls(tables["row"], plans, tables["seen"])


def what_if(
    model: DemandModel,
    cases: pl.DataFrame,
    rows: pl.DataFrame,
    changed: pl.DataFrame,
    published: pl.DataFrame,
    *,
    threads: int,
) -> pl.DataFrame:
    """Forecast rows before and after, on the footing of what was published.

    Args:
        model: That made the published forecast.
        cases: `case` and SERIES, one row per case.
        rows: Rows of a Book, with `case`; a case without any (a product that never sold) stays as published.
        changed: The same rows with other plans, as whatif_plans.changed_rows.
        published: SERIES, `forecast_date`, `level`, `demand_kg`, `expected_kg`, `fallback_reason`: overrides and whatever
            else the night did to the model's own forecast included.
        threads: For the model.

    Returns:
        One row per case, day and level, sorted: `case`, SERIES, `forecast_date`, `level`, `demand_kg` and `expected_kg` (as
        published), `changed_kg`, `changed_expected_kg` (≥ 0; quantiles never cross), `fallback_reason` as published. Where nothing
        changes both are equal to rounding: the changed forecast is the published one × the model's changed ÷ its unchanged one.
    """
    keys = ["case", *LONG]
    told = published.select(*LONG, "demand_kg", "expected_kg", "fallback_reason")
    asked = cases.select("case", *SERIES).join(told, on=SERIES, how="inner")
    differs = _differs(rows, changed)
    for name, frame in (("before", rows), ("after", changed)):
        if differs.any():
            forecast = _forecast(model, frame.filter(differs), threads).rename(
                {"demand_kg": f"_{name}", "expected_kg": f"_mean_{name}"}
            )
            asked = asked.join(forecast, on=keys, how="left", validate="1:1")
        else:
            asked = asked.with_columns(
                pl.lit(None, pl.Float64).alias(column) for column in (f"_{name}", f"_mean_{name}")
            )
    return (
        asked.with_columns(changed_expected_kg=_carried("expected_kg", "_mean_before", "_mean_after"))
        .with_columns(changed_kg=_carried("demand_kg", "_before", "_after"))
        .sort("case", "forecast_date", "level")
        .with_columns(pl.col("changed_kg").cum_max().over("case", "forecast_date"))
        .select(*keys, "demand_kg", "expected_kg", "changed_kg", "changed_expected_kg", "fallback_reason")
    )


def _differs(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.Series:
    """Which rows have another value anywhere: the others need no model."""
    return pl.select(
        pl.any_horizontal(rows[name].ne_missing(changed[name]) for name in rows.columns)
    ).to_series()


def _carried(published: str, before: str, after: str) -> pl.Expr:
    """Published × after ÷ before; where the model had expected nothing, what it expects now is added; untouched: published."""
    had = pl.col(before) > 0
    return (
        pl.when(pl.col(before).is_null())
        .then(pl.col(published))
        .when(had)
        .then(pl.col(published) * (pl.col(after) / pl.col(before)))
        .otherwise(pl.col(published) + pl.col(after))
    )


def _forecast(model: DemandModel, rows: pl.DataFrame, threads: int) -> pl.DataFrame:
    """The model's forecast with `case`; a series asked twice is forecast in two calls, as the model names series alone."""
    numbered = rows.with_columns(_call=pl.col("case").rank("dense").over(SERIES))
    calls = numbered.partition_by("_call", maintain_order=True)
    parts = []
    for call in calls:
        case_of = call.select(*SERIES, "case").unique()
        forecast = model.predict(call.drop("case", "_call"), threads=threads)
        parts.append(
            forecast.select(*LONG, "demand_kg", "expected_kg").join(
                case_of, on=SERIES, how="left", validate="m:1"
            )
        )
    return pl.concat(parts)
