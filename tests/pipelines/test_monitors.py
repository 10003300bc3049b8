"""From scores and forecasts in the warehouse to findings, node states and season scores."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.panel import build_panel
from models.evaluation.standing import BASELINE, LOST
from pipelines.check import FINDING_SCHEMA, ranked
from pipelines.demand_inputs import demand_tables
from pipelines.forecast import apply_overrides, holding_overrides
from pipelines.monitors import watch_forecasts
from pipelines.score import score_matured
from pipelines.score_season import keep_season, score_season
from pipelines.standing import KEY, before_rows, put_node_scores, take_baseline, write_status
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2026, 5, 31)
KNOWN = datetime(2024, 1, 1, tzinfo=UTC)
LEVELS = (0.1, 0.5, 0.9)
SERIES = ["product_id", "channel_id", "region_id"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, horizon_days=7, levels=LEVELS, threads=1)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(settings.warehouse_path) as opened:
        for table, row in {
            "product": {"product_id": "p", "family": "leaf", "name_zh": "p", "name_en": "p"},
            "region": {"region_id": "r", "name": "r"},
            "channel": {"channel_id": "c", "name": "c", "platform": "market", "shop": "c"},
        }.items():
            opened.append(table, pl.DataFrame([row | {"known_at": KNOWN}]))
        yield opened


def sell(warehouse: Warehouse, first: date, last: date, kg: float = 10.0) -> None:
    """10 kg a day of one series, each day known the same evening."""
    day = pl.DataFrame({"sale_date": pl.date_range(first, last, eager=True)})
    rows = day.with_columns(
        pl.lit("p").alias("product_id"),
        pl.lit("c").alias("channel_id"),
        pl.lit("r").alias("region_id"),
        pl.lit(kg).alias("sold_kg"),
        known_at=pl.col("sale_date").cast(pl.Datetime("us", "UTC")) + timedelta(hours=14),
    )
    warehouse.append("daily_sale", rows)


def model_says(kg: float, cutoff: date) -> pl.DataFrame:
    rows = [
        ("p", "c", "r", cutoff + timedelta(days=d), q, kg * f, kg, "demand-1", None)
        for d in range(1, 8)
        for q, f in zip(LEVELS, (0.9, 1.0, 1.1), strict=True)
    ]
    names = [*KEY, "demand_kg", "expected_kg", "model_version", "fallback_reason"]
    schema = dict.fromkeys(names) | {"fallback_reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def score(kind: str, value: float, week: int, segment: str = "all") -> dict[str, object]:
    day = CUTOFF - timedelta(weeks=week)
    return {"run_id": "r", "cutoff": day, "scored_cutoff": day - timedelta(days=7), "segment": segment, "lead_days": "1-7",
            "metric": kind, "method": "anxu", "value": value, "rows_scored": 700}  # fmt: skip


def test_a_rising_error_is_found_once_among_the_other_findings(
    settings: Settings, warehouse: Warehouse
) -> None:
    sell(warehouse, date(2026, 1, 1), CUTOFF)
    rows = [score("wape", 0.9 if w < 4 else 0.3, w) for w in range(12)]
    rows += [score("wape", 0.3, w, "channel:c") for w in range(12)]
    warehouse.append("forecast_score", pl.DataFrame(rows))
    silent = ("no_file_since", "c", 3.0, 2.0, "没有订单", "no sale")
    other = pl.DataFrame([silent], schema=FINDING_SCHEMA, orient="row")
    warehouse.replace("finding", ranked([other], cutoff=CUTOFF, run_id="r"), cutoff=CUTOFF)
    for _ in range(2):
        assert watch_forecasts(settings, warehouse, cutoff=CUTOFF, run_id="r") == 1
        found = warehouse.read("finding").sort("rank")
        assert found["kind"].to_list() == ["error_rises", "no_file_since"]
        assert found["subject"][0] == "all"
        assert found["text_en"][0].startswith("all: error 90.0% over the last four weeks, usually 30.0%")
        assert "近四周误差 90.0%" in found["text_zh"][0]


def test_inputs_that_moved_are_no_alert_while_the_error_stays(
    settings: Settings, warehouse: Warehouse
) -> None:
    sell(warehouse, date(2026, 1, 1), date(2026, 5, 3))
    sell(warehouse, date(2026, 5, 4), CUTOFF, kg=500.0)
    warehouse.append("forecast_score", pl.DataFrame([score("wape", 0.3, w) for w in range(12)]))
    assert watch_forecasts(settings, warehouse, cutoff=CUTOFF, run_id="r") == 0


def lose(warehouse: Warehouse, cutoffs: list[date], *, model: float, source: str = "matured") -> None:
    for cutoff in cutoffs:
        rows = pl.DataFrame(
            {
                "node": ["series"],
                "product_id": ["p"],
                "channel_id": ["c"],
                "region_id": ["r"],
                "days": [7],
                "sale_days": [7],
                "sold_kg": [70.0],
                "model_loss_kg": [model],
                "naive_loss_kg": [10.0],
                "scored_cutoff": [cutoff - timedelta(days=7)],
            }
        )
        put_node_scores(warehouse, rows, cutoff=cutoff, source=source, run_id="r")


def test_a_node_that_lost_four_times_takes_the_baseline_and_the_model_is_kept_and_scored(
    settings: Settings, warehouse: Warehouse
) -> None:
    sell(warehouse, date(2026, 3, 1), CUTOFF + timedelta(days=7))
    lose(warehouse, [CUTOFF - timedelta(weeks=w) for w in (4, 3, 2, 1)], model=20.0)
    lose(warehouse, [CUTOFF], model=1.0)
    status = write_status(warehouse, cutoff=CUTOFF, run_id="r")
    assert status.select("state", "lost_origins", "counted_origins").rows() == [(BASELINE, 4, 4)]

    panel = build_panel(demand_tables(settings, warehouse, cutoff=CUTOFF), cutoff=CUTOFF, horizon_days=7)
    published, model = take_baseline(settings, panel, model_says(30.0, CUTOFF), status)
    assert set(published["fallback_reason"]) == {LOST}
    assert published["demand_kg"].to_list() == pytest.approx([10.0] * 21)
    assert set(model["demand_kg"]) == {27.0, 30.0, 33.0}
    nothing = published.clear().with_columns(override_id=pl.lit(None, pl.String))
    before = before_rows(model, nothing).with_columns(run_id=pl.lit("r"))
    warehouse.replace("demand_before", before, cutoff=CUTOFF)
    warehouse.replace("demand_forecast", published.with_columns(run_id=pl.lit("r")), cutoff=CUTOFF)

    score_matured(settings, warehouse, cutoff=CUTOFF + timedelta(days=7), run_id="s")
    wape = warehouse.read("forecast_score").filter(
        (pl.col("segment") == "all") & (pl.col("lead_days") == "1-7") & (pl.col("metric") == "wape")
    )
    assert dict(wape.select("method", "value").iter_rows()) == pytest.approx(
        {"anxu": 0.0, "before_override": 0.0, "model": 2.0, "seasonal_naive": 0.0}
    )
    nodes = warehouse.read("node_score").filter(pl.col("scored_cutoff") == CUTOFF)
    assert (nodes["model_loss_kg"] > nodes["naive_loss_kg"]).all()


def test_the_backtest_s_origins_stand_in_until_forecasts_have_matured(warehouse: Warehouse) -> None:
    first = CUTOFF - timedelta(weeks=9)
    for back in (3, 2, 1):
        lose(warehouse, [first - timedelta(weeks=back)], model=20.0, source="backtest")
    tested = warehouse.read("node_score").with_columns(cutoff=pl.lit(first)).drop("run_id", "source")
    warehouse.replace("node_score", warehouse.read("node_score").clear(), cutoff=first)
    for back in (3, 2, 1):
        empty = warehouse.read("node_score").clear()
        warehouse.replace("node_score", empty, cutoff=first - timedelta(weeks=back))
    put_node_scores(warehouse, tested, cutoff=first, source="backtest", run_id="r")
    assert write_status(warehouse, cutoff=first, run_id="r")["lost_origins"].to_list() == [3]
    lose(warehouse, [first + timedelta(weeks=2)], model=20.0)
    later = write_status(warehouse, cutoff=first + timedelta(weeks=3), run_id="r")
    assert later.select("state", "counted_origins").rows() == [(BASELINE, 4)]


def test_what_a_day_was_before_its_override_is_kept_with_its_author_s_mark() -> None:
    forecast = model_says(30.0, CUTOFF)
    override = pl.DataFrame(
        {
            "override_id": ["o1"],
            "product_id": ["p"],
            "channel_id": pl.Series([None], dtype=pl.String),
            "region_id": pl.Series([None], dtype=pl.String),
            "starts_on": [CUTOFF + timedelta(days=2)],
            "ends_on": [CUTOFF + timedelta(days=3)],
            "factor": [0.0],
            "expires_on": [CUTOFF + timedelta(days=9)],
            "written_at": [KNOWN],
        }
    )
    changed = forecast.join(holding_overrides(forecast, override, cutoff=CUTOFF), on=KEY[:-1], how="inner")
    kept = before_rows(forecast.clear(), changed)
    after = apply_overrides(forecast, override, cutoff=CUTOFF).join(kept.select(KEY), on=KEY, how="semi")
    assert kept.height == 6
    assert set(kept["override_id"]) == {"o1"}
    assert kept["demand_kg"].sum() == pytest.approx(180.0)
    assert after["demand_kg"].sum() == 0.0


def test_season_forecasts_are_kept_once_a_week_and_scored_once_their_week_is_over(
    settings: Settings, warehouse: Warehouse
) -> None:
    sell(warehouse, date(2025, 2, 3), CUTOFF + timedelta(weeks=9))
    weeks = [CUTOFF + timedelta(days=1 + 7 * i) for i in range(52)]
    rows = [
        ("leaf", "c", "r", w, q, 70.0 * f) for w in weeks for q, f in zip(LEVELS, (0.9, 1, 1.1), strict=True)
    ]
    names = ["family", "channel_id", "region_id", "week_start", "level", "demand_kg"]
    season = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        run_id=pl.lit("r"), model_version=pl.lit("s-1")
    )
    warehouse.replace("season_forecast", season, cutoff=CUTOFF)
    warehouse.replace("season_forecast", season, cutoff=CUTOFF + timedelta(days=1))
    assert keep_season(settings, warehouse, cutoff=CUTOFF, run_id="r") == 7 * 3
    assert keep_season(settings, warehouse, cutoff=CUTOFF + timedelta(days=1), run_id="r") == 0
    kept = warehouse.read("season_kept")
    assert sorted(kept["lead_weeks"].unique()) == [4, 8, 12, 16, 26, 39, 52]
    assert kept["naive_kg"].to_list() == pytest.approx([70.0] * 21)

    assert score_season(settings, warehouse, cutoff=CUTOFF + timedelta(weeks=3), run_id="r") == 0
    now = CUTOFF + timedelta(weeks=8)
    written = score_season(settings, warehouse, cutoff=now, run_id="r")
    assert score_season(settings, warehouse, cutoff=now, run_id="r") == written
    wape = warehouse.read("season_score").filter(
        (pl.col("metric") == "wape") & (pl.col("segment") == "family:leaf")
    )
    assert sorted(wape.select("lead_weeks", "method", "value").rows()) == [
        (4, "anxu", 0.0), (4, "seasonal_naive", 0.0), (8, "anxu", 0.0), (8, "seasonal_naive", 0.0),
    ]  # fmt: skip
    assert score_season(settings, warehouse, cutoff=now + timedelta(days=1), run_id="r") == 0
