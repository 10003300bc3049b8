"""From tables in the warehouse to a written, checked and explained plan."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from models.planning.problem import Infeasible
from pipelines import plan as plan_module
from pipelines import plan_made
from pipelines.ingest import load
from pipelines.plan import PlanResult, plan_planting
from pipelines.scenarios import draw_scenarios
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2025, 12, 31)
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
TABLES = {
    "region": "region_id,name\n310000,上海市\n",
    "channel": "channel_id,name,platform,shop\ntill,超市,market,till\n",
    "crop": "crop_id,name_zh,name_en,family,kind,is_legume,keeps_days\n"
    "leek,韭葱,leek,Amaryllidaceae,vegetable,0,10\nbean,豆,bean,Fabaceae,vegetable,1,200\n",
    "product": "product_id,name_zh,name_en,family\np-leek,韭葱,leek,leeks\np-misc,杂货,sundries,leeks\n",
    "product_crop": "product_id,crop_id,crop_kg_per_product_kg,source\np-leek,leek,1.25,test\n",
    "plot": "plot_id,land_class,area_mu\nN1,dry_flat,10\nN2,dry_flat,5\n",
    "practice": "practice_id,crop_id,land_class,season,last_season,cost_yuan_per_mu,sow_from_doy,sow_to_doy,"
    "sell_from_doy,sell_to_doy\nleek-1,leek,dry_flat,1,1,100,60,120,1,366\nbean-1,bean,dry_flat,1,1,60,60,120,1,366\n",
    "practice_yield": "practice_id,crop_id,yield_kg_per_mu,price_yuan_per_kg,salvage_yuan_per_kg\n"
    "leek-1,leek,500,3,0\nbean-1,bean,200,2,0.1\n",
    "planting": "plot_id,crop_id,year,season,area_mu,practice_id,sown_on\n"
    "N1,bean,2025,1,10,bean-1,2025-03-10\nN2,bean,2025,1,5,bean-1,2025-03-10\n",
}
Tables = dict[str, str]


@pytest.fixture
def county(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "county", plan_years=2)


@pytest.fixture
def wh(county: Settings) -> Iterator[Warehouse]:
    with Warehouse.open(county.warehouse_path) as warehouse:
        yield warehouse


def fill(county: Settings, wh: Warehouse, **more: str) -> None:
    """Load the tables, and a year of sales: 10 kg of leeks and as much of sundries a day."""
    folder = county.home / "tables"
    folder.mkdir(parents=True)
    days = [CUTOFF - timedelta(days=n) for n in range(364)]
    sales = "".join(f"{p},till,310000,{d},10\n" for d in days for p in ("p-leek", "p-misc"))
    tables = {**TABLES, "daily_sale": f"product_id,channel_id,region_id,sale_date,sold_kg\n{sales}", **more}
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    report = load(county, wh, [folder], history=True, now=NOW)
    assert {f.state for f in report.files} == {"taken"}, report


def forecast(wh: Warehouse, kg_a_week: float) -> None:
    monday = date(2026, 1, 5)
    weeks = pl.DataFrame({"week_start": [monday + timedelta(weeks=n) for n in range(52)]}).with_columns(
        run_id=pl.lit("r"), cutoff=pl.lit(CUTOFF), family=pl.lit("leeks"), channel_id=pl.lit("till"),
        region_id=pl.lit("310000"), level=pl.lit(0.5), demand_kg=pl.lit(kg_a_week), model_version=pl.lit("m"),
    )  # fmt: skip
    wh.replace("season_forecast", weeks, cutoff=CUTOFF)


def planned(county: Settings, wh: Warehouse, cutoff: date = CUTOFF) -> PlanResult:
    return plan_planting(county, wh, cutoff=cutoff, run_id="run")


def demand_of(wh: Warehouse, crop_id: str) -> tuple[float, str]:
    row = wh.read("planting_balance").filter((pl.col("crop_id") == crop_id) & (pl.col("year") == 2026))
    return row.select("demand_kg", "demand_source").row(0)


def test_a_familys_forecast_becomes_demand_for_the_crops_of_its_products(
    county: Settings, wh: Warehouse
) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    result = planned(county, wh)
    kg, source = demand_of(wh, "leek")
    assert kg == pytest.approx(364 * 20 * 0.5 * 1.25, rel=0.01)
    assert source == "forecast"
    assert "3,640 kg of the season forecast belong to 1 products that no crop is mapped to" in result.notes


def test_the_plan_is_written_with_its_reasons_and_passes_the_checker(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    planned(county, wh)
    plan = wh.read("planting_plan").row(0, named=True)
    assert (plan["first_year"], plan["last_year"], plan["status"], plan["rules_broken"]) == (
        2026,
        2027,
        "optimal",
        0,
    )
    lines = wh.read("planting_recommendation")
    assert lines["expected_profit_yuan"].sum() == pytest.approx(plan["profit_yuan"])
    told = wh.read("recommendation_reason").filter(pl.col("rank") == 1)["recommendation_id"]
    assert set(lines["recommendation_id"]) <= set(told)


def test_every_plan_is_valued_on_paths_that_it_was_not_made_for(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    season = wh.read("season_forecast")
    fan = [
        season.with_columns(level=pl.lit(q), demand_kg=pl.lit(kg)) for q, kg in ((0.1, 40.0), (0.9, 260.0))
    ]
    wh.replace("season_forecast", pl.concat([season, *fan]), cutoff=CUTOFF)
    draw_scenarios(county, wh, cutoff=CUTOFF, run_id="run")
    planned(county, wh)
    value = wh.read("planting_value").row(0, named=True)
    assert (value["paths"], value["scenarios"]) == (1000, 20)
    assert value["cvar_yuan"] < value["low_yuan"] < value["expected_yuan"] < value["high_yuan"]
    assert value["vss_yuan"] > 0
    assert value["evpi_yuan"] > 0
    assert value["expected_yuan"] >= value["mean_plan_yuan"] - 1
    assert 0 < value["service_share"] < 1


def test_planning_twice_changes_nothing(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    planned(county, wh)
    once = {name: wh.read(name) for name in plan_module.TABLES}
    planned(county, wh)
    assert all(once[name].equals(wh.read(name)) for name in plan_module.TABLES)


def test_without_a_forecast_last_years_sales_stand_in_and_are_named(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    result = planned(county, wh)
    assert demand_of(wh, "leek") == (pytest.approx(364 * 10 * 1.25), "last year's sales")
    assert "there is no season forecast of 2025-12-31, so last year's sales stand for demand" in result.notes


def test_a_declared_catchment_scales_and_expected_sales_fill_in(county: Settings, wh: Warehouse) -> None:
    fill(
        county, wh,
        catchment="channel_id,factor,source\ntill,2,half the market\n",
        expected_sale="crop_id,season,year_kg,source\nbean,1,700,statistics\n",
    )  # fmt: skip
    forecast(wh, 140.0)
    planned(county, wh)
    assert demand_of(wh, "leek") == (pytest.approx(2 * 364 * 10 * 1.25, rel=0.01), "forecast × catchment")
    assert demand_of(wh, "bean") == (700.0, "expected sales")


def test_a_refused_line_does_not_come_back_and_a_changed_one_keeps_its_area(
    county: Settings, wh: Warehouse
) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    planned(county, wh)
    later = CUTOFF + timedelta(days=1)
    decide(wh, "N1/2026/1/leek-1", "refuse")
    decide(wh, "N2/2026/1/leek-1", "change", 2.5)
    planned(county, wh, later)
    leeks = wh.sql(
        "select plot_id, area_mu from planting_recommendation where cutoff = $c and year = 2026 and crop_id = 'leek'",
        c=later,
    )
    assert leeks.rows() == [("N2", 2.5)]


def test_an_accepted_line_keeps_the_area_it_was_recommended_with(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    forecast(wh, 140.0)
    planned(county, wh)
    first = (
        wh.read("planting_recommendation")
        .filter(pl.col("year") == 2026, pl.col("crop_id") == "leek")
        .row(0, named=True)
    )
    decide(wh, first["recommendation_id"], "accept")
    forecast(wh, 20.0)
    planned(county, wh, CUTOFF + timedelta(days=1))
    again = wh.sql(
        "select area_mu from planting_recommendation where cutoff > $c and recommendation_id = $id",
        c=CUTOFF,
        id=first["recommendation_id"],
    )
    assert again["area_mu"].to_list() == [pytest.approx(first["area_mu"])]


def test_decisions_that_leave_a_plot_no_plan_are_left_out_and_told(county: Settings, wh: Warehouse) -> None:
    fill(county, wh)
    decide(wh, "N1/2026/1/leek-1", "change", 12.0)
    result = planned(county, wh, CUTOFF + timedelta(days=1))
    assert result.plan is not None
    assert any("plot 'N1'" in note and "is left out" in note for note in result.notes)


def test_a_plan_that_rules_make_impossible_is_written_as_such(
    county: Settings, wh: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def impossible(*_: object) -> None:
        raise Infeasible("N1", ["legumes on 10 mu more in the window ending 2027"])

    fill(county, wh)
    monkeypatch.setattr(plan_made, "solve", impossible)
    assert "these limits conflict: legumes on 10 mu" in planned(county, wh).summary
    assert wh.read("planting_plan")["status"].to_list() == ["infeasible"]
    assert wh.read("planting_recommendation").is_empty()


def test_without_land_nothing_is_planned_and_that_is_said(county: Settings, wh: Warehouse) -> None:
    assert planned(county, wh).summary == "no plan: load plots and practices first"


BEAN_WANTS_3000 = TABLES["crop"].replace("keeps_days", "keeps_days,base_temp_c,mature_gdd_c_d").replace(
    ",10\n", ",10,5,900\n"
).replace(",200\n", ",200,5,3000\n")  # fmt: skip
BEANS_SELL = "crop_id,season,year_kg,source\nbean,1,700,statistics\n"
KNOWN = datetime(2025, 12, 31, 1, tzinfo=UTC)


def weather(wh: Warehouse, days: int, known_at: datetime = KNOWN) -> None:
    """Hours of a year that is 15 °C from day 80 to day 289 and -5 °C otherwise."""
    hours = pl.datetime_range(
        datetime(2024, 12, 31, 16, tzinfo=UTC), interval="1h", closed="left", eager=True,
        end=datetime(2024, 12, 31, 16, tzinfo=UTC) + timedelta(days=days),
    )  # fmt: skip
    doy = pl.col("observed_at").dt.convert_time_zone("Asia/Shanghai").dt.ordinal_day()
    station = {"station_id": "hill", "name": "Hill", "known_at": KNOWN}
    wh.append("weather_station", pl.DataFrame([station]))
    rows = pl.DataFrame({"observed_at": hours}).with_columns(
        station_id=pl.lit("hill"), known_at=pl.lit(known_at),
        air_temp_c=pl.when(doy.is_between(80, 289)).then(15.0).otherwise(-5.0),
    )  # fmt: skip
    wh.append("weather_observed", rows)


def test_a_crop_that_does_not_ripen_in_the_usual_year_is_left_out_with_its_numbers(
    county: Settings, wh: Warehouse
) -> None:
    fill(county, wh, crop=BEAN_WANTS_3000, expected_sale=BEANS_SELL)
    forecast(wh, 140.0)
    weather(wh, 365)
    result = planned(county, wh)
    heat = 10 * 196 + sum(
        20 * k / 15 - 10 for k in [*range(8, 15), 14, 13]
    )  # full days, then parts of the 15-day mean
    assert [n for n in result.notes if "°C·d" in n] == [
        f"bean on dry_flat (practice 'bean-1'): 3,000 °C·d needed, {heat:,.0f} in the usual year between day 60 and the "
        "first frost on day 285; it is not planned"
    ]
    assert set(wh.read("planting_recommendation")["crop_id"]) == {"leek"}
    assert wh.read("planting_plan")["rules_broken"].to_list() == [0]


def test_demand_for_what_does_not_ripen_stays_unserved_with_its_cause(
    county: Settings, wh: Warehouse
) -> None:
    fill(county, wh, crop=BEAN_WANTS_3000, expected_sale=BEANS_SELL)
    weather(wh, 365)
    result = planned(county, wh)
    told = wh.sql(
        "select text_en from recommendation_reason where recommendation_id = 'unserved/bean/2026/1'"
    )
    assert "warmth" in told["text_en"][0]
    assert not [n for n in result.notes if n.startswith("crop 'bean' has demand but")]


@pytest.mark.parametrize(("days", "known_at"), [(0, KNOWN), (200, KNOWN), (365, NOW)])
def test_without_climate_known_by_the_cutoff_nothing_changes(
    county: Settings, wh: Warehouse, days: int, known_at: datetime
) -> None:
    fill(county, wh, crop=BEAN_WANTS_3000, expected_sale=BEANS_SELL)
    forecast(wh, 140.0)
    weather(wh, days, known_at)
    result = planned(county, wh)
    assert {"leek", "bean"} == set(wh.read("planting_recommendation")["crop_id"])
    (note,) = [n for n in result.notes if "weather" in n]
    assert note.endswith("days of the year; no practice is judged by its warmth below 300")


def test_the_open_airs_climate_does_not_judge_a_greenhouse(county: Settings, wh: Warehouse) -> None:
    under_cover = {name: TABLES[name].replace("dry_flat", "greenhouse") for name in ("plot", "practice")}
    fill(county, wh, crop=BEAN_WANTS_3000, expected_sale=BEANS_SELL, **under_cover)
    weather(wh, 365)
    assert not [n for n in planned(county, wh).notes if "°C·d" in n]
    assert "bean" in set(wh.read("planting_recommendation")["crop_id"])


def decide(wh: Warehouse, recommendation_id: str, answer: str, area_mu: float | None = None) -> None:
    row = {
        "decision_id": f"d-{recommendation_id}", "recommendation_id": recommendation_id, "answer": answer,
        "area_mu": area_mu, "author": "grower", "reason": "", "written_at": NOW, "known_at": NOW,
    }  # fmt: skip
    wh.append("decision", pl.DataFrame([row], schema_overrides={"area_mu": pl.Float64}))
