"""The benchmark of a whole county: what it draws, what its jobs come to, and how its limits are held."""

from pathlib import Path

import polars as pl
import pytest

from benchmarks import scale, scale_data, scale_jobs
from models.forecasting.demand import DemandParams
from settings import Settings

SMALL = DemandParams(trees=3, max_rows=2_000, held_out_rows=2_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = tmp_path_factory.mktemp("county")
    scale_data.draw(drawn, leaves=12, days=400, seed=1)
    return drawn


def test_the_same_seed_draws_the_same_county_and_another_one_another(folder: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        scale_data.draw(tmp_path / f"{seed}", leaves=12, days=400, seed=seed)
    drawn, _ = scale_data.read(folder)
    assert drawn.sales.equals(scale_data.read(tmp_path / "1")[0].sales)
    assert not drawn.sales.equals(scale_data.read(tmp_path / "2")[0].sales)


def test_nothing_is_sold_twice_and_hours_add_up_to_days(folder: Path) -> None:
    tables, hourly = scale_data.read(folder)
    assert not tables.sales.select("product_id", "channel_id", "region_id", "sale_date").is_duplicated().any()
    assert hourly["orders"].sum() == tables.sales["orders"].sum()
    out = tables.stock_day.filter(pl.col("hours_out_of_stock") > 0)
    assert (out["out_mask"].bitwise_count_ones() == out["hours_out_of_stock"].cast(pl.UInt32)).all()
    assert 0.03 < out.height / tables.stock_day.height < 0.12


def test_a_county_is_refitted_predicted_and_added_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale_jobs, "_recipe", lambda *_: SMALL)
    settings = Settings(home=folder, threads=1, backtest_origins=1)
    clock = scale_jobs.Clock()
    scale_jobs.refit(folder, settings, clock)
    scale_jobs.predict(folder, settings, clock)
    days = pl.read_parquet(folder / "demand_forecast.parquet")
    assert days.height == clock.counts["forecast"] == 12 * 28 * 11
    ordered = days.sort("product_id", "channel_id", "region_id", "forecast_date", "level")
    key = ["product_id", "channel_id", "region_id", "forecast_date"]
    assert (ordered.select(pl.col("demand_kg").diff().over(key).drop_nulls() >= 0)).to_series().all()
    assert clock.counts["series"] == 12
    assert clock.counts["recovered"] > 0
    assert set(clock.seconds) >= {"latent demand", "panel", "days", "weeks", "backtest", "agree and add up"}


def test_growth_of_cpu_time_is_held_against_that_of_the_series(monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(seconds: float, size: int) -> scale.Cost:
        return scale.Cost(seconds, seconds, 1.0, {}, {"series": size})

    def county(size: int, *_: object) -> dict[str, scale.Cost]:
        return {"predict": cost(float(size**2), size), "refit": cost(float(size), size)}

    monkeypatch.setattr(scale, "_county", county)
    must = {m["what"]: m["holds"] for m in scale.run(leaves=8, steps=1)["must"]}  # type: ignore[attr-defined]
    assert must == {
        "predict, s": True,
        "predict and refit, s": True,
        "peak memory, GB": True,
        "predict: CPU at 4 ÷ at 2 leaves": False,
        "refit: CPU at 4 ÷ at 2 leaves": True,
        "predict: CPU at 8 ÷ at 4 leaves": False,
        "refit: CPU at 8 ÷ at 4 leaves": True,
    }


def test_a_job_that_fails_says_how(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)draw of 3 leaves ended with 1 .*at least 1 and 400"):
        scale.run(leaves=3, days=10, cache=tmp_path)
