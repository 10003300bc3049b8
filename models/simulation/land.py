"""Places, plots and what members planted on them, following last year rather than demand. Truth and delivery alike."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.almanac import dates
from models.simulation.shapes import Practice
from models.simulation.sizes import ENDS_ON, Size, stream

FIRST_YEAR = ENDS_ON.year - 3
"""Plantings are known from this year on."""


@dataclass(frozen=True)
class Land:
    """The county's ground as frames with warehouse column names (no known_at), and each plot's lasting effect.

    `plots` has `effect`, the log change of its yields, which is truth and is not delivered.
    """

    places: pl.DataFrame
    plots: pl.DataFrame
    crews: pl.DataFrame
    cold_rooms: pl.DataFrame
    transit: pl.DataFrame


def build_land(size: Size, regions: tuple[str, ...], seed: int) -> Land:
    """The county, its towns and villages, plots, crews, cold rooms and roads; pure in size and seed."""
    rng = stream(seed, "land")
    places = _places(size, rng)
    plots = _plots(size, places, rng)
    villages = places.filter(pl.col("kind") == "village")["place_id"].to_list()
    crews = pl.DataFrame({
        "crew_id": [f"crew-{v}" for v in villages], "place_id": villages,
        "workers": rng.integers(*p.CREW_WORKERS, len(villages)), "hours_per_day": p.CREW_HOURS_PER_DAY,
    })  # fmt: skip
    towns = places.filter(pl.col("kind") != "village")["place_id"].to_list()
    area = float(plots["area_mu"].sum())
    rooms = pl.DataFrame({
        "cold_room_id": [f"cold-{t}" for t in towns], "place_id": towns,
        "capacity_kg": np.round(area * p.COLD_ROOM_KG_PER_MU / len(towns) * rng.uniform(0.7, 1.3, len(towns)), -1),
        "temp_c": p.COLD_ROOM_TEMP_C,
    })  # fmt: skip
    return Land(places, plots, crews, rooms, _transit(places, regions, rng))


def _places(size: Size, rng: np.random.Generator) -> pl.DataFrame:
    county, name, lat, lon = p.COUNTY
    rows: list[tuple[object, ...]] = [(county, name, "county", None, lat, lon)]
    towns = [
        (f"t{i + 1:02d}", f"第{i + 1}镇", lat + rng.normal(0, 0.12), lon + rng.normal(0, 0.15))
        for i in range(size.towns)
    ]
    rows += [(i, n, "town", county, round(a, 4), round(o, 4)) for i, n, a, o in towns]
    for v in range(size.villages):
        town, _, a, o = towns[v % size.towns]
        rows.append(
            (
                f"v{v + 1:03d}",
                f"第{v + 1}村",
                "village",
                town,
                round(a + rng.normal(0, 0.03), 4),
                round(o + rng.normal(0, 0.04), 4),
            )
        )
    return pl.DataFrame(
        rows, schema=["place_id", "name", "kind", "parent_id", "lat_deg", "lon_deg"], orient="row"
    )


def _plots(size: Size, places: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    villages = places.filter(pl.col("kind") == "village")
    n, per = villages.height * size.plots_per_village, size.plots_per_village
    classes = list(p.LAND_SHARES)
    edges = np.cumsum(list(p.LAND_SHARES.values()))
    order = (np.arange(per) + 0.5) / per  # every village holds the shares as nearly as its plots allow
    kind = np.tile(np.searchsorted(edges, order).clip(max=len(classes) - 1), villages.height)
    mean = np.array([p.AREA_MU[c] for c in classes])[kind] * size.area_factor
    area = mean * np.exp(rng.normal(-(p.PLOT_AREA_SIGMA**2) / 2, p.PLOT_AREA_SIGMA, n))
    names = [f"{v}-{i + 1:03d}" for v in villages["place_id"] for i in range(per)]
    return pl.DataFrame({
        "plot_id": names, "place_id": np.repeat(villages["place_id"].to_numpy(), per),
        "land_class": np.array(classes)[kind], "area_mu": area.round(1).clip(min=0.3),
        "lat_deg": (np.repeat(villages["lat_deg"].to_numpy(), per) + rng.normal(0, 0.006, n)).round(5),
        "lon_deg": (np.repeat(villages["lon_deg"].to_numpy(), per) + rng.normal(0, 0.007, n)).round(5),
        "soil": np.array([p.SOILS[c] for c in classes])[kind], "effect": rng.normal(0, p.PLOT_EFFECT_SD, n),
    })  # fmt: skip


def _transit(places: pl.DataFrame, regions: tuple[str, ...], rng: np.random.Generator) -> pl.DataFrame:
    county = p.COUNTY[0]
    rows: list[tuple[str, str, float]] = []
    for place, kind, parent in places.select("place_id", "kind", "parent_id").iter_rows():
        if kind != "county":
            rows.append((place, parent, float(rng.uniform(8, 30) / p.TRANSIT_KM_PER_HOUR)))
    far = np.sort(rng.uniform(*p.REGION_KM, len(regions)))
    rows += [(county, r, float(km / p.TRANSIT_KM_PER_HOUR + 12)) for r, km in zip(regions, far, strict=True)]
    frame = pl.DataFrame(rows, schema=["from_id", "to_id", "hours"], orient="row")
    return frame.with_columns(
        pl.col("hours").round(1), cost_yuan_per_kg=(pl.col("hours") * p.TRANSIT_YUAN_PER_KG_HOUR).round(2)
    )


def practices_for(land_class: str, season: int) -> list[Practice]:
    """The practices that fit a land class and begin in a season."""
    return [x for x in p.PRACTICES if x.land_class == land_class and x.season == season]


def build_plantings(land: Land, seed: int) -> pl.DataFrame:
    """What stood on each plot, by year and season, up to the end of the records.

    Columns: plot_id, practice_id, crop_id (main crop), year, season, area_mu, sown_on, land_class, effect, place_id.
    Members mostly repeat what they planted there a year ago, unless the season before had the same crop.
    """
    rng = stream(seed, "plantings")
    frames = []
    for land_class in p.LAND_SHARES:
        plots = land.plots.filter(pl.col("land_class") == land_class)
        before: dict[int, NDArray[np.int64]] = {}
        for year in range(FIRST_YEAR, ENDS_ON.year + 1):
            for season in (1, 2):
                fitting = practices_for(land_class, season)
                if not fitting:
                    continue
                choice = _choose(
                    fitting, before.get(season), before.get(3 - season), season, plots.height, rng
                )
                before[season] = np.where(choice >= 0, choice + 100 * season, -1)
                frames.append(_planted(plots, fitting, choice, year, season, rng))
    planted = pl.concat(frames).filter(pl.col("sown_on") <= ENDS_ON)
    return planted.sort("year", "season", "plot_id")


def _choose(
    fitting: list[Practice],
    last_year: NDArray[np.int64] | None,
    last_season: NDArray[np.int64] | None,
    season: int,
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Index of the practice each plot takes; -1 lies fallow."""
    weight = np.array([p.PRACTICE_CHANCE[x.practice_id] for x in fitting])
    choice = rng.choice(len(fitting), size=n, p=weight / weight.sum())
    if last_year is not None:
        again = (rng.random(n) < p.REPEAT_CHANCE) & (last_year >= 0)
        choice = np.where(again, last_year - 100 * season, choice)
    if last_season is not None and len(fitting) > 1:
        choice = _not_twice(fitting, choice, last_season, season)
    if fitting[0].is_perennial:
        return choice
    paddy_winter = fitting[0].land_class == "paddy" and season == 2
    fallow = p.FALLOW_PADDY_WINTER if paddy_winter else p.FALLOW_CHANCE[season]
    return np.where(rng.random(n) < fallow, -1, choice)


def _not_twice(
    fitting: list[Practice], choice: NDArray[np.int64], last_season: NDArray[np.int64], season: int
) -> NDArray[np.int64]:
    """Move on to the next practice where the season before bore the same crop."""
    others = practices_for(fitting[0].land_class, 3 - season)
    crops = [x.crop_id for x in fitting]
    clash = np.zeros((len(others) + 1, len(fitting)), dtype=bool)
    for i, other in enumerate(others):
        clash[i] = [crop == other.crop_id for crop in crops]
    behind = np.where(last_season >= 0, last_season - 100 * (3 - season), len(others))
    return np.where(clash[behind, choice], (choice + 1) % len(fitting), choice)


def _planted(
    plots: pl.DataFrame,
    fitting: list[Practice],
    choice: NDArray[np.int64],
    year: int,
    season: int,
    rng: np.random.Generator,
) -> pl.DataFrame:
    first = np.array([x.sow[0] for x in fitting])[choice]
    last = np.array([x.sow[1] for x in fitting])[choice]
    doy = (first + rng.random(len(choice)) * (last - first)).astype(int)
    ids, crops = np.array([x.practice_id for x in fitting]), np.array([x.crop_id for x in fitting])
    return plots.select(
        "plot_id", practice_id=pl.Series(ids[choice]), crop_id=pl.Series(crops[choice]), year=pl.lit(year),
        season=pl.lit(season), area_mu=pl.col("area_mu"),
        sown_on=dates(date(year, 1, 1), doy - 1),
        land_class=pl.col("land_class"), effect=pl.col("effect"), place_id=pl.col("place_id"),
    ).filter(pl.Series(choice >= 0))  # fmt: skip
