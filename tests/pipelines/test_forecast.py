"""Overrides, and which cutoff knows a fact first."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.demand_inputs import first_cutoff
from pipelines.forecast import apply_overrides
from settings import Settings

SERIES = ["product_id", "channel_id", "region_id"]


def override(**changes: object) -> pl.DataFrame:
    row = {
        "override_id": "o1",
        "product_id": "p0",
        "channel_id": None,
        "region_id": None,
        "starts_on": date(2026, 5, 2),
        "ends_on": date(2026, 5, 3),
        "factor": 2.0,
        "expires_on": date(2026, 6, 1),
        "written_at": datetime(2026, 4, 30, tzinfo=UTC),
    }
    return pl.DataFrame(
        [row | changes], schema_overrides={"channel_id": pl.String, "region_id": pl.String}, orient="row"
    )


def may(*products: str) -> pl.DataFrame:
    rows = [(p, c, "r", date(2026, 5, d)) for p in products for c in ("s0", "s1") for d in (1, 2)]
    return pl.DataFrame(rows, schema=[*SERIES, "forecast_date"], orient="row").with_columns(
        level=pl.lit(0.5), demand_kg=pl.lit(10.0), expected_kg=pl.lit(10.0), model_version=pl.lit("demand-1")
    )


@pytest.mark.parametrize(
    ("overrides", "kg"),
    [
        (override(), [10, 20, 10, 20]),
        (override(channel_id="s1"), [10, 10, 10, 20]),
        (override(region_id="elsewhere"), [10, 10, 10, 10]),
        (override(expires_on=date(2026, 4, 29)), [10, 10, 10, 10]),
        (
            pl.concat(
                [
                    override(override_id="new", factor=0.0, written_at=datetime(2026, 5, 1, tzinfo=UTC)),
                    override(),
                ]
            ),
            [10, 0, 10, 0],
        ),
    ],
)
def test_the_last_valid_override_counts(overrides: pl.DataFrame, kg: list[float]) -> None:
    changed = apply_overrides(may("p0", "p1"), overrides, cutoff=date(2026, 4, 30))
    assert changed["demand_kg"].to_list() == [*kg, 10, 10, 10, 10]
    assert changed["expected_kg"].to_list() == [*kg, 10, 10, 10, 10]
    marked = changed.filter(pl.col("model_version") == "demand-1+override").height
    assert marked == sum(k != 10 for k in kg)


def test_a_fact_belongs_to_the_first_cutoff_whose_morning_has_not_closed() -> None:
    instants = pl.DataFrame(
        {
            "known_at": [
                datetime(2026, 5, 1, 17, tzinfo=UTC),
                datetime(2026, 5, 1, 22, tzinfo=UTC),
                datetime(2026, 5, 1, 23, tzinfo=UTC),
            ]
        }
    )
    settings = Settings()
    days = instants.select(
        first_cutoff(pl.col("known_at"), settings.timezone, settings.day_closes)
    ).to_series()
    assert days.to_list() == [date(2026, 5, 1), date(2026, 5, 1), date(2026, 5, 2)]
    assert settings.known_by(days[1]) == instants["known_at"][1]
