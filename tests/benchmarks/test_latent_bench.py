"""The benchmark of hidden demand on a small folder: what is hidden, what is learnt from, what is scored."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.fresh_data import HOURS, STATICS, read_fresh
from benchmarks.latent import hide, run, with_hidden
from benchmarks.latent_days import read_sales, recovered_days
from features.latent import out_of_stock, whole_days

START = date(2026, 3, 2)
DAYS, SERIES = 70, 30
AFTERNOON = int(sum(1 << hour for hour in range(13, 24)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty series, orders from 8 to 20 h at random; every fourth day is out of stock from 13 h."""
    place = tmp_path_factory.mktemp("fresh")
    number = np.arange(1, SERIES + 1)
    statics = {name: number % (k + 2) for k, name in enumerate(STATICS)}
    pl.DataFrame({"series_id": number, **statics}).write_parquet(place / "series.parquet")
    day = np.tile(np.arange(DAYS), SERIES)
    mask = np.where((day + np.repeat(number, DAYS)) % 4 == 0, AFTERNOON, 0)
    open_hours = (np.arange(24) >= 8) & (np.arange(24) < 20)
    units = np.random.default_rng(2).poisson(1.2, (SERIES * DAYS, 24)) * open_hours
    sold = np.where((mask[:, None] >> np.arange(24)) & 1, 0, units * 10).astype(np.uint16)
    keys = pl.DataFrame(
        {"series_id": np.repeat(number, DAYS), "dt": [START + timedelta(days=int(d)) for d in day]}
    )
    keys.with_columns(
        sale_amount=pl.Series(sold.sum(axis=1) / 100).cast(pl.Float32),
        stock_hour6_22_cnt=pl.Series(np.where(mask > 0, 9, 0)),
        stockout_hours_24=pl.Series(np.where(mask > 0, 11, 0)),
        stockout_mask=pl.Series(mask),
        discount=pl.lit(0.9, pl.Float32),
        activity_flag=pl.Series(day % 5 == 0),
    ).write_parquet(place / "daily-1of1.parquet")
    hourly = {name: pl.Series(sold[:, hour]) for hour, name in enumerate(HOURS)}
    keys.with_columns(**hourly).write_parquet(place / "hourly-1of1.parquet")
    pl.DataFrame({"dt": [START], "holiday_flag": [False]}).write_csv(place / "holidays.csv")
    return place


@pytest.mark.parametrize("after_sale", [False, True])
def test_only_whole_days_are_hidden_and_what_is_hidden_is_gone_from_the_record(
    folder: Path, after_sale: bool
) -> None:
    sales = read_sales(read_fresh(folder))
    hiding, truth = hide(sales, after_sale, seed=1)
    masked = with_hidden(sales, hiding)
    assert whole_days(sales.grid)[hiding.rows].all()
    assert not whole_days(masked.grid)[hiding.rows].any()
    before, after = sales.grid["sold_kg"].to_numpy(), masked.grid["sold_kg"].to_numpy()
    assert (before - after)[hiding.rows] == pytest.approx(truth, abs=1e-5)
    others = np.setdiff1d(np.arange(len(before)), hiding.rows)
    assert (before[others] == after[others]).all()
    if after_sale:
        start = hiding.hidden.argmax(axis=1)
        assert (sales.hourly[hiding.rows, start - 1] > 0).all()


def test_ours_and_the_peers_are_scored_on_the_same_days(folder: Path) -> None:
    result = run(folder, seed=2)
    rows = pl.DataFrame(result["rows"])
    assert rows.filter(pl.col("metric") == "hidden days").height == 2
    assert set(rows["method"].to_list()) == {"-", "anxu", "closed form", "level × hidden share"}
    total = rows.filter(pl.col("segment") == "masks of real days: day total", pl.col("metric") == "bias")
    assert total["value"].abs().max() < 0.15  # type: ignore[operator]
    assert len(result["must"]) == 6  # type: ignore[arg-type]


def test_recovery_knows_nothing_after_the_days_it_is_given(folder: Path) -> None:
    data = read_fresh(folder)
    early = data.until(START + timedelta(days=55))
    found = recovered_days(early)
    assert found["date"].max() <= early.last
    mask, _ = out_of_stock(read_sales(early).grid)
    assert found.height == (mask > 0).sum()
    usual = read_sales(early).grid.filter(pl.col("out_mask") == 0)["sold_kg"].mean()
    assert found.filter(pl.col("date") > START + timedelta(days=20))["demand_kg"].mean() == pytest.approx(
        usual, rel=0.1
    )
