"""A farm of two villages to plan on: tables loaded, a year of sales, a season forecast of any size, decisions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines import registry
from pipelines.ingest import load
from pipelines.plan import PlanResult, plan_planting
from settings import Settings
from warehouse import Warehouse

CUTOFF = date(2025, 12, 31)
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
TABLES = {
    "place": "place_id,name,kind,parent_id\nva,甲村,village,\nvb,乙村,village,\n",
    "region": "region_id,name\n310000,上海市\n",
    "channel": "channel_id,name,platform,shop\ntill,超市,market,till\n",
    "crop": "crop_id,name_zh,name_en,family,kind,is_legume,keeps_days\n"
    "leek,韭葱,leek,Amaryllidaceae,vegetable,0,10\nkale,羽衣甘蓝,kale,Brassicaceae,vegetable,0,10\n"
    "bean,豆,bean,Fabaceae,vegetable,1,200\n",
    "product": "product_id,name_zh,name_en,family\np-leek,韭葱,leek,leeks\np-kale,羽衣甘蓝,kale,kales\n",
    "product_crop": "product_id,crop_id,crop_kg_per_product_kg,source\np-leek,leek,1,test\np-kale,kale,1,test\n",
    "plot": "plot_id,place_id,land_class,area_mu\nN1,va,dry_flat,10\nN2,vb,dry_flat,5\n",
    "practice": "practice_id,crop_id,land_class,season,last_season,cost_yuan_per_mu,labour_hours_per_mu,sow_from_doy,"
    "sow_to_doy,sell_from_doy,sell_to_doy\nleek-1,leek,dry_flat,1,1,100,30,60,120,1,366\n"
    "kale-1,kale,dry_flat,1,1,100,40,90,120,1,366\nbean-1,bean,dry_flat,1,1,60,20,60,120,1,366\n",
    "practice_yield": "practice_id,crop_id,yield_kg_per_mu,yield_cv,price_yuan_per_kg,salvage_yuan_per_kg\n"
    "leek-1,leek,500,0.2,3,0\nkale-1,kale,400,0.2,2.5,0\nbean-1,bean,200,0.2,2,0.1\n",
    "planting": "plot_id,crop_id,year,season,area_mu,practice_id,sown_on\n"
    "N1,bean,2025,1,10,bean-1,2025-03-10\nN2,bean,2025,1,5,bean-1,2025-03-10\n",
}


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty registry: MLflow takes seconds to make its tables, a copy none."""
    settings = Settings(home=tmp_path_factory.mktemp("registry"))
    registry._client(settings).search_registered_models()
    return settings.home / "mlflow.sqlite"


@dataclass
class Farm:
    """A county folder with an open warehouse."""

    county: Settings
    wh: Warehouse

    def fill(self, **more: str) -> None:
        """Load the tables, and a year of sales: 5 kg of leeks and of kale a day."""
        folder = self.county.home / "tables"
        folder.mkdir(parents=True)
        days = [CUTOFF - timedelta(days=n) for n in range(364)]
        sales = "".join(f"{p},till,310000,{d},5\n" for d in days for p in ("p-leek", "p-kale"))
        head = "product_id,channel_id,region_id,sale_date,sold_kg\n"
        for name, text in {**TABLES, "daily_sale": head + sales, **more}.items():
            (folder / f"{name}.csv").write_text(text, "utf-8")
        report = load(self.county, self.wh, [folder], history=True, now=NOW)
        assert {f.state for f in report.files} == {"taken"}, report

    def forecast(self, leek_kg: float, kale_kg: float, cutoff: date = CUTOFF) -> None:
        """Season forecast (kg a week) and paths of demand that lie half below and half above it."""
        monday = cutoff + timedelta(days=7 - cutoff.weekday())
        weeks = pl.DataFrame({"week_start": [monday + timedelta(weeks=n) for n in range(52)]})
        kg = pl.DataFrame(
            {"family": ["leeks", "kales"], "crop_id": ["leek", "kale"], "kg": [leek_kg, kale_kg]}
        )
        rows = weeks.join(kg, how="cross").with_columns(
            run_id=pl.lit("r"), cutoff=pl.lit(cutoff), channel_id=pl.lit("till"), region_id=pl.lit("310000")
        )
        fan = [rows.with_columns(level=pl.lit(q), demand_kg=pl.col("kg") * q * 2) for q in (0.1, 0.5, 0.9)]
        season = pl.concat(fan).with_columns(model_version=pl.lit("m"), expected_kg=pl.col("kg"))
        self.wh.replace("season_forecast", season.drop("crop_id", "kg"), cutoff=cutoff)
        paths = rows.with_columns(
            grade=pl.lit(None, pl.String), expected_kg="kg", seed=pl.lit(1),
            path_kg=pl.concat_list(pl.col("kg") * (0.4 + 0.2 * n) for n in range(7)),
        )  # fmt: skip
        self.wh.replace("demand_scenario", paths.drop("family", "region_id", "kg"), cutoff=cutoff)

    def plan(self, cutoff: date = CUTOFF) -> PlanResult:
        """Plan that night."""
        return plan_planting(self.county, self.wh, cutoff=cutoff, run_id=f"{cutoff}")

    def decide(self, recommendation_id: str, answer: str, area_mu: float | None = None) -> None:
        """Have a person answer."""
        row = {
            "decision_id": f"d-{recommendation_id}", "recommendation_id": recommendation_id, "answer": answer,
            "area_mu": area_mu, "author": "grower", "reason": "", "written_at": NOW, "known_at": NOW,
        }  # fmt: skip
        self.wh.append("decision", pl.DataFrame([row], schema_overrides={"area_mu": pl.Float64}))

    def of(self, table: str, cutoff: date = CUTOFF) -> pl.DataFrame:
        """That night's rows."""
        return self.wh.sql(f"select * from {table} where cutoff = $c order by all", c=cutoff)


@pytest.fixture
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """An empty farm; two years are planned."""
    county = Settings(home=tmp_path_factory.mktemp("farm") / "county", plan_years=2)
    with Warehouse.open(county.warehouse_path) as warehouse:
        yield Farm(county, warehouse)
