"""The daily benchmark on a small folder: what is read, what forecasters may know, and how forecasts are scored."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from benchmarks.demand_case import known_tables, peer_frames, weekly_origins, what_came
from benchmarks.demand_jobs import Job, done
from benchmarks.demand_peers import last_week, lightgbm_point, weekly_mean
from benchmarks.demand_scores import Limits, musts, weighted_bias
from benchmarks.fresh_data import HOURS, STATICS, FreshData, read_fresh, series_keys

START = date(2026, 3, 2)
DAYS = 56
SERIES = 12
ORIGIN = START + timedelta(days=DAYS - 8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve series, one unit an hour from 8 to 17 h; from 13 h on every third day is out of stock."""
    place = tmp_path_factory.mktemp("fresh")
    number = np.arange(1, SERIES + 1)
    pl.DataFrame(
        {"series_id": number, **{name: number % (k + 2) for k, name in enumerate(STATICS)}}
    ).write_parquet(place / "series.parquet")
    days = pl.DataFrame({"dt": [START + timedelta(days=d) for d in range(DAYS)], "d": range(DAYS)})
    rows = pl.DataFrame({"series_id": number}).join(days, how="cross")
    out = (pl.col("d") + pl.col("series_id")) % 3 == 0
    mask = sum(1 << hour for hour in range(13, 24))
    rows.select(
        "series_id",
        "dt",
        sale_amount=pl.when(out).then(0.05).otherwise(0.1).cast(pl.Float32),
        stock_hour6_22_cnt=pl.when(out).then(9).otherwise(0),
        stockout_hours_24=pl.when(out).then(11).otherwise(0),
        stockout_mask=pl.when(out).then(mask).otherwise(0),
        discount=pl.lit(0.9),
        activity_flag=pl.col("d") % 5 == 0,
    ).write_parquet(place / "daily-1of1.parquet")
    sold = {
        name: (pl.when(out & (hour >= 13)).then(0).otherwise(1) if 8 <= hour < 18 else pl.lit(0)).cast(
            pl.UInt16
        )
        for hour, name in enumerate(HOURS)
    }
    rows.select("series_id", "dt", **sold).write_parquet(place / "hourly-1of1.parquet")
    days.select("dt", holiday_flag=pl.col("d") % 7 > 4).write_csv(place / "holidays.csv")
    return place


@pytest.fixture(scope="module")
def data(folder: Path) -> FreshData:
    return read_fresh(folder)


def test_a_sample_holds_whole_series_and_is_the_same_for_a_seed(folder: Path, data: FreshData) -> None:
    some = read_fresh(folder, series=4, seed=5)
    assert some.series.height == 4
    assert some.daily.height == 4 * DAYS
    assert some.hourly(first=data.last).collect().height == 4
    assert some.series.equals(read_fresh(folder, series=4, seed=5).series)
    assert read_fresh(folder, series=99).whole


def test_origins_lie_a_week_apart_before_the_last_horizon(data: FreshData) -> None:
    found = weekly_origins(data, count=2, horizon=7)
    assert found == [ORIGIN - timedelta(days=7), ORIGIN]
    assert weekly_origins(data, count=1, horizon=7, skip=1) == found[:1]


def test_forecasters_know_no_sale_or_stock_of_the_days_ahead(data: FreshData) -> None:
    none = pl.DataFrame(schema={"product_id": pl.String})
    tables = known_tables(data, none, origin=ORIGIN, horizon=7)
    assert tables.sales["sale_date"].max() == tables.stock_day["stock_date"].max() == ORIGIN
    assert tables.price_day["price_date"].max() == ORIGIN + timedelta(days=7)
    assert tables.sales["orders"].max() == 10
    train, ahead = peer_frames(data, origin=ORIGIN, horizon=7)
    assert train["ds"].max() == ORIGIN
    assert set(ahead.columns) == {"unique_id", "ds", "discount", "activity", "holiday"}
    assert train.filter(pl.col("y") < 0.09)["weight"].unique().to_list() == [0.01]


def test_the_share_in_stock_is_that_of_a_usual_day(data: FreshData) -> None:
    came = what_came(data, origin=ORIGIN, horizon=7)
    assert came.height == SERIES * 7
    assert came.filter("is_whole")["share"].min() == pytest.approx(1.0)
    assert came.filter(~pl.col("is_whole"))["share"].to_list() == pytest.approx([0.5] * 28, abs=0.02)
    assert set(came["history"]) <= {"1-2", "3+"}
    assert came["volume"].n_unique() == 5


def test_plain_peers_repeat_the_week_and_its_mean(data: FreshData) -> None:
    train, _ = peer_frames(data, origin=ORIGIN, horizon=7)
    one = train.filter(pl.col("unique_id") == 1)
    repeated = last_week(one, horizon=9)["naive_7"].to_list()
    assert repeated[:7] == one["y"].to_list()[-7:]
    assert repeated[7:] == repeated[:2]
    assert weekly_mean(one, horizon=2)["mean_7"].to_list() == pytest.approx([one["y"][-7:].mean()] * 2)


def test_the_strong_peer_looks_past_days_with_a_stock_out(data: FreshData) -> None:
    train, ahead = peer_frames(data, origin=ORIGIN, horizon=2)
    means = [
        lightgbm_point(
            train if weight else train.drop("weight"), ahead, objective="tweedie", horizon=2, statics=STATICS,
            seed=1, threads=1, weight=weight,
        )["tweedie"].mean()
        for weight in (None, "weight")
    ]  # fmt: skip
    assert means[1] > means[0]
    assert means[1] == pytest.approx(0.1, rel=0.1)


@pytest.mark.slow
def test_a_finished_job_is_not_done_again(folder: Path, tmp_path: Path) -> None:
    job = Job("plain", str(folder), f"{ORIGIN}", 7, 0, 1, 1)
    first = done(job, cache=tmp_path, limit_s=120)
    assert first.forecast.columns == ["unique_id", "ds", "mean_7", "naive_7"]
    assert first.cpu_s > 0
    kept = next(tmp_path.glob("plain-*/cost.json"))
    kept.write_text('{"cpu_s": 1.0, "peak_gb": 2.0}')
    assert done(job, cache=tmp_path, limit_s=0.001).peak_gb == 2.0


def test_a_job_that_fails_says_why(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)nonsense at .* there are anxu, tweedie"):
        done(Job("nonsense", str(folder), f"{ORIGIN}", 7, 0, 1, 1), cache=tmp_path, limit_s=120)


def scored() -> pl.DataFrame:
    """600 days of 10 units in two categories; ours is exact, the peers are 2 off on alternating sides or low."""
    n = 600
    exact = {f"{m}_{q / 10:g}": 8.0 + 0.5 * q for m in ("anxu", "decile") for q in range(1, 10)}
    return pl.DataFrame(
        {
            "origin": "2026-04-20", "y": 10.0, "is_whole": True, "share": 1.0, "category": ["a", "b"] * (n // 2),
            "promotion": "off", "history": "0", "volume": "1", "anxu": 10.0, "anxu_demand": 10.0,
            "tweedie": 8.0, "mae": [8.0, 12.0] * (n // 2), "strong": 9.0,
        }
    ).with_columns(pl.lit(v).alias(c) for c, v in exact.items())  # fmt: skip


def test_each_limit_is_held_against_its_peer() -> None:
    rows = scored()
    found = {str(m["what"]): m for m in musts(rows, {"anxu": 2.0, "tweedie": 1.0}, 7.0, Limits())}
    assert found["in stock: WAPE ÷ that of the better of Tweedie and MAE"]["value"] == 0
    assert found["in stock: WQL ÷ the per-decile peer's"]["value"] == pytest.approx(1.0)
    assert not found["in stock: WQL ÷ the per-decile peer's"]["holds"]
    assert not found["in stock: coverage of 10–90 % at 2026-04-20"]["holds"]
    assert found["CPU time ÷ the Tweedie peer's"]["value"] == 2.0
    assert not found["peak memory, GB"]["holds"]
    assert weighted_bias(rows, "mae", "category") == pytest.approx(0.2)
    assert rows.select((pl.col("mae") - pl.col("y")).sum()).item() == 0


def test_keys_are_those_of_the_product(data: FreshData) -> None:
    keys = series_keys(data.series)
    assert keys.columns == ["series_id", "product_id", "channel_id", "region_id", "family"]
    assert keys["product_id"].dtype == pl.String
