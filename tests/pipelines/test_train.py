"""Training on a small county: due or not, promoted or not, the same again after a kill."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest

from features.assemble import FEATURES, REVISION
from models.forecasting.demand import DemandParams
from pipelines import registry, registry_moves
from pipelines.demand_inputs import demand_tables, eligible_series
from pipelines.forecast import forecast_demand, forecast_season
from pipelines.score import matured, score_matured
from pipelines.train import TrainResult, recipe_of, train_if_due
from settings import Settings
from warehouse import Warehouse

START = date(2025, 9, 1)
DAYS = 240
CUTOFF = START + timedelta(days=DAYS - 31)
KNOWN = datetime(2025, 8, 1, tzinfo=UTC)
PARAMS = DemandParams(train_days=150, max_rows=3000, trees=30, leaves=7, least_leaf_rows=20)
SERIES = ["product_id", "channel_id", "region_id"]


def fill(warehouse: Warehouse) -> None:
    """Six products in two shops over 240 days, weekends three times a workday, each day known the next morning."""
    rng = np.random.default_rng(7)
    products = [f"p{i}" for i in range(6)]
    warehouse.append(
        "product",
        pl.DataFrame({"product_id": products, "family": ["leaf", "root"] * 3}).with_columns(
            name_zh="product_id", name_en="product_id", known_at=pl.lit(KNOWN)
        ),
    )
    warehouse.append("region", pl.DataFrame({"region_id": ["r"], "name": ["r"], "known_at": [KNOWN]}))
    shops = pl.DataFrame({"channel_id": ["s0", "s1"]})
    warehouse.append(
        "channel",
        shops.with_columns(
            name="channel_id", platform=pl.lit("market"), shop="channel_id", known_at=pl.lit(KNOWN)
        ),
    )
    day = pl.DataFrame({"sale_date": [START + timedelta(days=i) for i in range(DAYS)]})
    grid = (
        pl.DataFrame({"product_id": products, "level": [9.0, 6, 4, 2, 1, 0.5]})
        .join(shops, how="cross")
        .join(day, how="cross")
    )
    mean = grid["level"].to_numpy() * np.where(grid["sale_date"].dt.weekday().to_numpy() > 5, 3.0, 1.0)
    sold = grid.with_columns(
        sold_kg=pl.Series(rng.poisson(mean).astype(float)),
        region_id=pl.lit("r"),
        known_at=pl.col("sale_date").cast(pl.Datetime("us", "UTC")) + timedelta(hours=17),
    )
    warehouse.append("daily_sale", sold.filter(pl.col("sold_kg") > 0).drop("level"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled")
    with Warehouse.open(home / "warehouse.duckdb") as warehouse:
        fill(warehouse)
    return home / "warehouse.duckdb"


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry: MLflow takes seconds to make its tables, a copy none."""
    settings = small(tmp_path_factory.mktemp("registry"))
    registry._client(settings).search_registered_models()
    return settings.home / "mlflow.sqlite"


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory, filled: Path, registered: Path) -> Settings:
    return with_copies(tmp_path_factory.mktemp("county"), filled, registered)


@pytest.fixture
def unmodelled(tmp_path: Path, registered: Path) -> Settings:
    """A county without sales and without models."""
    return with_copies(tmp_path / "county", registered)


def with_copies(home: Path, *files: Path) -> Settings:
    home.mkdir(exist_ok=True)
    for file in files:
        (home / file.name).write_bytes(file.read_bytes())
    return small(home)


def small(home: Path) -> Settings:
    return Settings(home=home, horizon_days=14, levels=(0.1, 0.5, 0.9), backtest_origins=2, threads=1)


@pytest.fixture
def warehouse(county: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(county.warehouse_path) as opened:
        yield opened


def train(
    settings: Settings, warehouse: Warehouse, cutoff: date = CUTOFF, params: DemandParams = PARAMS
) -> TrainResult:
    return train_if_due(settings, warehouse, cutoff=cutoff, run_id="r1", params=params)


@pytest.mark.slow
def test_a_kept_model_a_back_fill_a_roll_back_and_a_forecast_follow_one_another(
    county: Settings, warehouse: Warehouse
) -> None:
    first = train(county, warehouse)
    assert first.trained
    assert first.promoted
    assert first.version == "demand-1"
    assert first.metrics["wql"] < first.metrics["naive_wql"]
    error = registry.champion_error(county)
    assert error["metric"].to_list() == ["wape", "wql", "bias", "coverage_80"]
    assert error["anxu"][1] == pytest.approx(first.metrics["wql"])
    tested = warehouse.read("node_score").filter(pl.col("cutoff") == CUTOFF)
    assert set(tested["source"]) == {"backtest"}
    assert tested["scored_cutoff"].n_unique() == 2

    assert_evidence(registry.versions(county, cutoff=CUTOFF)[0].folder.parent)

    again = train(county, warehouse, CUTOFF + timedelta(days=6))
    assert not again.trained
    assert again.version == "demand-1"
    assert again.metrics == pytest.approx(first.metrics)

    fresher = train(county, warehouse, CUTOFF + timedelta(days=7))
    assert fresher.promoted
    assert "recipe on newer days" in fresher.summary

    worse = DemandParams(train_days=150, max_rows=3000, trees=1, leaves=2, least_leaf_rows=20)
    kept = train(county, warehouse, CUTOFF + timedelta(days=14), worse)
    assert kept.trained
    assert not kept.promoted
    assert "not surely better" in kept.summary or "above seasonal naive" in kept.summary
    champion = registry.champion(county, cutoff=CUTOFF + timedelta(days=14))
    assert champion is not None
    assert champion.name == "demand-2"

    earlier = registry.champion(county, cutoff=CUTOFF + timedelta(days=1))
    assert earlier is not None
    assert earlier.name == "demand-1"
    backfilled = train(county, warehouse, CUTOFF - timedelta(days=10))
    assert backfilled.version == "demand-4"
    assert registry.champion(county, cutoff=date.max).number == 2  # type: ignore[union-attr]

    assert registry_moves.rollback(county).name == "demand-1"
    assert registry.champion(county, cutoff=date.max).number == 1  # type: ignore[union-attr]
    with pytest.raises(registry.RegistryError, match="no earlier champion"):
        registry_moves.rollback(county)
    refitted = train(county, warehouse, CUTOFF + timedelta(days=21))
    assert refitted.trained
    assert not refitted.promoted
    assert "its recipe was rolled back" in refitted.summary
    assert registry.champion(county, cutoff=date.max).number == 1  # type: ignore[union-attr]


def assert_evidence(artifacts: Path) -> None:
    """What a run leaves beside its model: tables MLflow can show, and drawings."""

    def table(name: str) -> pl.DataFrame:
        told = json.loads((artifacts / f"{name}.json").read_text("utf-8"))
        return pl.DataFrame(told["data"], schema=told["columns"], orient="row")

    actual = table("backtest/actual")
    assert set(actual["family"]) == {"leaf", "root"}
    assert actual["anxu_kg"].sum() == pytest.approx(actual["sold_kg"].sum(), rel=0.2)
    levels = table("backtest/calibration").filter(pl.col("segment") == "all")
    assert levels["level"].to_list() == [0.1, 0.5, 0.9]
    assert (levels["below"] <= levels["at_or_below"]).all()
    assert levels["at_or_below"].is_sorted()
    moved = table("backtest/contributions")
    assert moved["mean_size"].is_sorted(descending=True)
    assert moved["mean_size"][0] > 0
    assert {"p0", "p1", "p2", "p3"} <= set(table("backtest/nodes")["product_id"])
    for name in ("actual", "calibration"):
        drawn = ElementTree.parse(artifacts / "backtest" / f"{name}.svg").getroot()
        assert len(drawn.findall(".//{http://www.w3.org/2000/svg}path")) > 3


def test_a_version_left_by_a_kill_before_its_aliases_is_settled_not_trained_again(
    unmodelled: Settings, warehouse: Warehouse
) -> None:
    registry.record(
        unmodelled,
        key="k",
        recipe="r",
        cutoff=CUTOFF,
        promote=True,
        reason="first",
        params={},
        metrics={"wql": 0.5},
        files={"model.txt": "trees", "model.json": json.dumps({"features": FEATURES, "revision": REVISION})},
        tables={},
    )
    assert registry.champion(unmodelled, cutoff=CUTOFF) is None
    assert not train(unmodelled, warehouse).trained
    champion = registry.champion(unmodelled, cutoff=CUTOFF)
    assert champion is not None
    assert champion.name == "demand-1"


def test_a_champion_of_other_features_is_followed_at_once_though_its_time_has_not_come(
    unmodelled: Settings, warehouse: Warehouse
) -> None:
    registry.settle(
        unmodelled,
        registry.record(
            unmodelled,
            key="k",
            recipe="r",
            cutoff=CUTOFF,
            promote=True,
            reason="first",
            params={},
            metrics={"wql": 0.5},
            files={"model.txt": "trees", "model.json": json.dumps({"features": ["old"], "revision": 0})},
            tables={},
        ),
    )
    assert train(unmodelled, warehouse).trained
    assert registry.load_champion(unmodelled, cutoff=CUTOFF) is not None


def test_too_little_history_is_said_and_forecasts_are_labelled_baselines(
    tmp_path: Path, filled: Path
) -> None:
    settings, early = with_copies(tmp_path, filled), START + timedelta(days=60)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        result = train(settings, warehouse, early)
        assert not result.trained
        assert "61 days of sales, 112 are needed" in result.summary
        assert forecast_demand(settings, warehouse, cutoff=early, run_id="r") == 12 * 14 * 3
        rows = warehouse.read("demand_forecast")
        assert set(rows["fallback_reason"]) == {"no_model"}
        assert set(rows["model_version"]) == {"seasonal-naive"}
        assert forecast_season(settings, warehouse, cutoff=early, run_id="r") == 4 * 52 * 3


def test_an_empty_county_trains_and_forecasts_nothing_without_a_crash(tmp_path: Path) -> None:
    settings = small(tmp_path)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        assert "no sales are known" in train(settings, warehouse).summary
        assert forecast_demand(settings, warehouse, cutoff=CUTOFF, run_id="r") == 0
        assert forecast_season(settings, warehouse, cutoff=CUTOFF, run_id="r") == 0
        assert score_matured(settings, warehouse, cutoff=CUTOFF, run_id="r") == 0


def test_another_recipe_has_another_name() -> None:
    assert recipe_of(PARAMS) == recipe_of(DemandParams(**vars(PARAMS)))
    assert recipe_of(PARAMS) != recipe_of(DemandParams())


@pytest.fixture(scope="module")
def forecast(tmp_path_factory: pytest.TempPathFactory, filled: Path, registered: Path) -> Settings:
    """A county with a champion of CUTOFF and forecasts of CUTOFF and a week later."""
    settings = with_copies(tmp_path_factory.mktemp("forecast"), filled, registered)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        train(settings, warehouse)
        for days in (0, 7):
            forecast_demand(settings, warehouse, cutoff=CUTOFF + timedelta(days=days), run_id="r1")
    return settings


def test_a_forecast_carries_its_model_and_is_the_same_the_second_time(forecast: Settings) -> None:
    with Warehouse.open(forecast.warehouse_path) as warehouse:
        before = warehouse.read("demand_forecast").filter(pl.col("cutoff") == CUTOFF).sort(pl.all())
        assert before.height == 12 * 14 * 3
        assert set(before["model_version"]) == {"demand-1"}
        assert before["fallback_reason"].null_count() == before.height
        forecast_demand(forecast, warehouse, cutoff=CUTOFF, run_id="r1")
        again = warehouse.read("demand_forecast").filter(pl.col("cutoff") == CUTOFF).sort(pl.all())
        assert again.equals(before)


def test_only_the_asked_series_are_forecast(forecast: Settings) -> None:
    with Warehouse.open(forecast.warehouse_path) as warehouse:
        tables = demand_tables(forecast, warehouse, cutoff=CUTOFF)
        found = eligible_series(tables.sales, cutoff=CUTOFF, min_days=150)
        assert found.filter(~pl.col("is_eligible"))["reason"].str.contains("sales days, 150 are needed").all()
        chosen = found.filter("is_eligible")
        assert 0 < chosen.height < 12
        cutoff = CUTOFF + timedelta(days=1)
        rows = forecast_demand(forecast, warehouse, cutoff=cutoff, run_id="r", only=chosen)
        assert rows == chosen.height * 14 * 3
        warehouse.replace("demand_forecast", warehouse.read("demand_forecast").clear(), cutoff=cutoff)


def test_matured_forecasts_are_scored_once_beside_seasonal_naive(forecast: Settings) -> None:
    cutoff = CUTOFF + timedelta(days=14)
    with Warehouse.open(forecast.warehouse_path) as warehouse:
        due = matured(warehouse, cutoff=cutoff, horizon_days=14)
        assert due == {CUTOFF + timedelta(days=7): ["1-7"], CUTOFF: ["1-7", "8-14", "all"]}
        written = score_matured(forecast, warehouse, cutoff=cutoff, run_id="s")
        assert score_matured(forecast, warehouse, cutoff=cutoff, run_id="s") == written
        scores = warehouse.read("forecast_score")
        assert scores.height == written
        whole = scores.filter(
            (pl.col("segment") == "all") & (pl.col("lead_days") == "all") & (pl.col("metric") == "wql")
        )
        ours, naive = (
            whole.filter(pl.col("method") == m)["value"].item() for m in ("anxu", "seasonal_naive")
        )
        assert ours < naive
        assert {"channel:s0", "family:leaf", "region:r", "volume:A", "override:no"} <= set(scores["segment"])
        assert scores["rows_scored"].null_count() == 0
        nodes = warehouse.read("node_score").filter(pl.col("source") == "matured")
        assert nodes["scored_cutoff"].unique().sort().to_list() == [CUTOFF, CUTOFF + timedelta(days=7)]
        assert nodes.group_by("node").len().sort("node").rows() == [("product_channel", 24), ("series", 24)]
        later = CUTOFF + timedelta(days=15)
        assert matured(warehouse, cutoff=later, horizon_days=14) == {}


def test_a_sale_that_came_to_light_later_is_not_in_the_naive_forecast_of_then(
    forecast: Settings,
) -> None:
    """Naive at CUTOFF is made of what CUTOFF knew: a correction known only later leaves its score's forecast alone."""
    cutoff = CUTOFF + timedelta(days=14)
    settings = with_copies(forecast.home.parent / "late", forecast.warehouse_path)
    with Warehouse.open(settings.warehouse_path) as warehouse:
        score_matured(settings, warehouse, cutoff=cutoff, run_id="s")
        before = warehouse.read("forecast_score").sort(pl.all())
        sold = warehouse.read("daily_sale").filter(pl.col("sale_date") == CUTOFF)
        corrected = sold.with_columns(
            sold_kg=pl.lit(5000.0), known_at=pl.lit(datetime.combine(cutoff, datetime.min.time(), UTC))
        )
        warehouse.append("daily_sale", corrected)
        score_matured(settings, warehouse, cutoff=cutoff, run_id="s")
        assert warehouse.read("forecast_score").sort(pl.all()).equals(before)
