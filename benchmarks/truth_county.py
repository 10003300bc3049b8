"""The sample county as it is recorded, and beside it the truth that no model sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from features.calendar import SERIES
from features.panel import DemandTables
from models.simulation.truth import LEVELS, demand_quantiles, latent_demand
from models.simulation.world import World, build_world
from pipelines.demand_inputs import demand_tables
from pipelines.demo import prepare_demo
from pipelines.ingest import watch_once
from settings import Settings
from warehouse import Warehouse

ORACLE = "true quantiles"
DAY = [*SERIES, "date"]


@dataclass(frozen=True)
class County:
    """Files taken in the ordinary way, and the world they came from."""

    settings: Settings
    world: World

    def tables(self, cutoff: date) -> DemandTables:
        """What was known at the cutoff, as the nightly run reads it."""
        with Warehouse.open(self.settings.warehouse_path, zone=self.settings.timezone) as warehouse:
            return demand_tables(self.settings, warehouse, cutoff=cutoff)

    def wanted(self, first: date, last: date) -> pl.DataFrame:
        """DAY, `true_kg` (demand), `mean_kg` (its expectation), `sold_kg`, of series-days on sale from `first` to `last`."""
        start = self.world.size.starts_on
        days = latent_demand(self.world, (first - start).days, (last - start).days + 1)
        return days.rename({"sale_date": "date", "demand_kg": "true_kg"}).select(
            *DAY, "true_kg", "mean_kg", "sold_kg"
        )

    def oracle(self, origin: date) -> pl.DataFrame:
        """DAY and a column per level (by its name): the generator's quantiles of the 28 days after the origin."""
        long = demand_quantiles(self.world, origin).rename({"forecast_date": "date"})
        return by_level(long)


def by_level(long: pl.DataFrame) -> pl.DataFrame:
    """DAY and a column per level from rows of DAY, `level`, `demand_kg`."""
    return long.group_by(DAY, maintain_order=True).agg(
        pl.col("demand_kg").filter((pl.col("level") - q).abs() < 1e-9).first().alias(str(q)) for q in LEVELS
    )


@contextmanager
def county(size: str, seed: int) -> Iterator[County]:
    """Write the county's files, take all of them in, and hold its world beside; the folder goes when the block ends."""
    with TemporaryDirectory() as folder:
        settings, _, now = prepare_demo(Path(folder) / "county", size=size, seed=seed)
        with Warehouse.open(settings.warehouse_path, zone=settings.timezone) as warehouse:
            watch_once(settings, warehouse, now=now)
        yield County(settings, build_world(size, seed))
