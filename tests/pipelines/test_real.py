"""`make real` on the real sets, where the folder is there."""

from pathlib import Path

import polars as pl
import pytest

from pipelines.night import run_night
from pipelines.real import RealCounty, prepare_real
from pipelines.real_inputs import missing_files
from settings import Settings
from warehouse.release import current

pytestmark = [pytest.mark.flow, pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> RealCounty:
    if missing_files(Settings().data):
        pytest.skip(f"needs the real data sets in '{Settings().data}' (ANXU_DATA)")
    real = prepare_real(tmp_path_factory.mktemp("real") / "home")
    run_night(real.settings, cutoff=real.cutoff)
    return real


def released(county: RealCounty, table: str) -> pl.DataFrame:
    name = current(county.settings.releases_dir)
    return pl.read_parquet(Path(county.settings.releases_dir) / str(name) / f"{table}.parquet")


def test_items_with_enough_sales_are_forecast_and_the_others_listed(county: RealCounty) -> None:
    forecast = set(released(county, "demand_forecast")["product_id"])
    listed = set(county.inputs.unforecast["item_code"])
    sold = set(released(county, "history_daily")["product_id"])
    assert forecast
    assert not forecast & listed
    assert sold <= forecast | listed


def test_the_plan_of_the_village_breaks_no_rule_and_stays_within_its_bound(county: RealCounty) -> None:
    plan = released(county, "planting_plan").row(0, named=True)
    assert plan["rules_broken"] == 0
    assert 0 < plan["profit_yuan"] <= plan["bound_yuan"] * (1 + 1e-9)
    planted = set(released(county, "planting_recommendation")["plot_id"])
    assert planted <= set(released(county, "plot")["plot_id"])


def test_demand_says_whether_it_is_forecast_times_catchment_or_expected_sales(county: RealCounty) -> None:
    sources = set(released(county, "planting_balance")["demand_source"])
    assert {"forecast × catchment", "expected sales"} <= sources


def test_the_loggers_faults_are_found_and_good_readings_kept(county: RealCounty) -> None:
    assert county.cleaned.faults["clock"] > 0
    assert county.cleaned.faults["sentinel"] > 0
    assert county.cleaned.flagged < county.cleaned.readings * 0.05
