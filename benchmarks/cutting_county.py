"""A sample county whose plan is scaled to demand: what truly ripens, rains and is ordered, and what may be known each night.

Growth, weather, demand and their draws are those of models.simulation; forecasts of what ripens are those of models.harvest.
The plan "as last year" bears some thirty times the demand, so kilograms of each crop are scaled to what is ordered.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.cutting_crops import GRADES, crop_rows
from models.harvest.learn import crop_table_stages, finished, learn
from models.harvest.outlook import Knowledge, daily_kg, look_ahead
from models.harvest.paths import Temperatures
from models.harvest.seasons import cuts_of, plantings_of
from models.simulation import parameters as p
from models.simulation.demand import build_market
from models.simulation.growth import grade_shares, grow, harvest_events
from models.simulation.land import FIRST_YEAR, Land, build_land, build_plantings
from models.simulation.play import NAMES as PLAYED
from models.simulation.play import draw_demand
from models.simulation.sizes import BEYOND_DAYS, ENDS_ON, size_of, stream
from models.simulation.stage import _usual_year
from models.simulation.tables import crop, practice, practice_yield
from models.simulation.weather import Weather, forecast_of, generate

Floats = NDArray[np.float64]
FRESH = ("crab", "grape", "pakchoi", "tomato", "cucumber", "edamame")
"""Cut by the day; grain and roots are cut when ripe whatever the policy."""
SIZE = replace(size_of("demo"), towns=1, villages=6, plots_per_village=20)
RIPEN_DAYS, RUN_OFF_DAYS = 24, 7
SUPPLY_SHARE = 1.0
"""Expected ripe kg over the ripening days ÷ mean demand of these days, per crop."""
CREW_SLACK, COLD_DAYS = 1.6, 2.0
"""Crew hours ÷ hours that cutting all of it takes on an average day; days of supply that the cold room holds."""
CONTRACT_SHARE, CONTRACT_NOTICE_DAYS = 0.3, 7
CONTRACT_COVER = 3.0
"""Of mean demand, promised and told a week ahead, where the outlook foresees so many times as much ripe."""
STAGGERED = (  # crop, practice, season, land class, plots, first ripe day from … to (days from the first day played)
    ("pakchoi", "pakchoi-irrigated-2", 2, "irrigated", 10, -8, 22),
    ("cucumber", "cucumber-irrigated", 1, "irrigated", 7, -30, 14),
    ("tomato", "tomato-irrigated", 1, "irrigated", 7, -30, 14),
    ("edamame", "edamame-dry", 1, "dry_flat", 12, -4, 22),
)
"""Sown in turns, as orders come every day: the usual warmth of past years says when to sow for which ripe day."""
REGION_WEIGHTS = (0.45, 0.55)
MISS, MISS_PER_DAY = 0.08, 0.03
"""Chance that the forecast of rain or no rain is wrong, tomorrow and more per further day."""
PATHS = 40


@dataclass(frozen=True)
class County:
    """`lots`: plot_id, crop_id, place_id; ripe [lot, day], share [lot, grade] (true), rain [day] (true), wanted [crop, grade,
    day] and contracts alike (kg, crops in the order of FRESH), foreseen: per night the frame of kg that ripen later,
    rain_told: per night chance [day]. `mean` [crop, grade, day]: usual demand. `mix` [crop, grade]: of past harvests."""

    first: date
    lots: pl.DataFrame
    crops: pl.DataFrame
    land: Land
    ripe: Floats
    share: Floats
    rain: NDArray[np.bool_]
    wanted: Floats
    contracts: Floats
    mean: Floats
    mix: Floats
    foreseen: list[pl.DataFrame]
    rain_told: list[Floats]
    crew_hours: Floats
    cold_kg: float

    @property
    def days(self) -> int:
        """Days played."""
        return RIPEN_DAYS + RUN_OFF_DAYS


def build(seed: int) -> County:
    """The county of a seed; the same for all policies."""
    first = ENDS_ON + timedelta(days=1)
    begin = date(FIRST_YEAR, 1, 1)
    weather = generate(begin, (ENDS_ON - begin).days + 1 + BEYOND_DAYS, seed)
    land = build_land(SIZE, ("near", "far"), seed)
    planted = staggered(build_plantings(land, seed), weather, first)
    noise, quality = stream(seed, "growth").normal(size=(2, planted.height))
    grown = grow(planted, weather, noise, quality)
    days = RIPEN_DAYS + RUN_OFF_DAYS
    events = harvest_events(grown, first + timedelta(days=RIPEN_DAYS - 1)).select(
        "plot_id", "crop_id", day=pl.col("harvested_at").dt.date(), kg="harvested_kg"
    ).filter(pl.col("crop_id").is_in(FRESH)).group_by("plot_id", "crop_id", "day", maintain_order=True).agg(pl.col("kg").sum())  # fmt: skip
    foreseen = _foreseen(planted, land, weather, events, first, seed)
    mean, wanted = _demand(first, days, seed)
    factor = _factors(foreseen[0], mean)
    scale = pl.col("crop_id").replace_strict(factor, return_dtype=pl.Float64)
    foreseen = [f.with_columns(ripe_kg=pl.col("ripe_kg") * scale) for f in foreseen]
    ripe_rows = events.filter(pl.col("day") >= first).with_columns(kg=pl.col("kg") * scale)
    lots = (
        pl.concat([ripe_rows.select("plot_id", "crop_id"), *(f.select("plot_id", "crop_id") for f in foreseen)])
        .unique().sort("plot_id", "crop_id").join(land.plots.select("plot_id", "place_id"), on="plot_id", maintain_order="left")
        .with_columns(lot=pl.int_range(pl.len()))
    )  # fmt: skip
    ripe = np.zeros((lots.height, days))
    at = ripe_rows.join(lots, on=["plot_id", "crop_id"])
    np.add.at(
        ripe, (at["lot"].to_numpy(), (at["day"] - first).dt.total_days().to_numpy()), at["kg"].to_numpy()
    )
    crops = crop_rows().filter(pl.col("crop_id").is_in(FRESH))
    order = pl.DataFrame({"crop_id": list(FRESH)})
    crops = order.join(crops, on="crop_id", maintain_order="left")
    hours = float(
        (foreseen[0].join(crops, on="crop_id").select(pl.col("ripe_kg") * pl.col("hours_per_kg")))
        .sum()
        .item()
    )
    workers = land.crews["workers"].to_numpy().astype(float)
    daily_kg_mean = float(foreseen[0]["ripe_kg"].sum()) / RIPEN_DAYS
    truth_rain = weather.daily()["rain_mm"].to_numpy()[(first - begin).days :][:days] > 1.0
    mix = _mix(grown, first)
    return County(
        first, lots, crops, land, ripe, _true_shares(lots, grown), truth_rain, wanted,
        _contracts(foreseen[0], mean, mix, first), mean, mix, foreseen, _rain_told(truth_rain, seed),
        CREW_SLACK * hours / RIPEN_DAYS * workers / workers.sum(), COLD_DAYS * daily_kg_mean,
    )  # fmt: skip


def staggered(planted: pl.DataFrame, weather: Weather, first: date) -> pl.DataFrame:
    """The plantings, with this year's fresh crops of the fields sown in turns; luck, plots and past years stay as they are."""
    daily = weather.daily().filter(pl.col("day") < date(first.year, 1, 1))
    usual = daily.group_by(doy=pl.col("day").dt.ordinal_day()).agg(
        c=((pl.col("low_c") + pl.col("high_c")) / 2).mean()
    )
    mean = usual.sort("doy")["c"].to_numpy()
    fixed = {c.crop_id: c for c in p.CROPS}
    parts = [planted]
    for name, practice_id, season, land_class, count, start, end in STAGGERED:
        used = pl.concat(parts[1:])["plot_id"].to_list() if len(parts) > 1 else []
        plots = planted.filter(pl.col("land_class") == land_class, ~pl.col("plot_id").is_in(used)).unique("plot_id", maintain_order=True).sort(
            pl.col("plot_id").str.slice(-3), "plot_id"
        ).head(count)  # fmt: skip
        ripe = first.timetuple().tm_yday - 1 + np.linspace(start, end, plots.height)
        heat = np.maximum(mean - float(fixed[name].base_temp_c or 0), 0)
        sown = [_sow_day(heat, int(r), float(fixed[name].mature_gdd_c_d or 1)) for r in ripe]
        parts.append(plots.with_columns(
            practice_id=pl.lit(practice_id), crop_id=pl.lit(name), season=pl.lit(season, plots["season"].dtype),
            year=pl.lit(first.year, plots["year"].dtype),
            sown_on=pl.Series([date(first.year, 1, 1) + timedelta(days=d) for d in sown], dtype=pl.Date),
        ))  # fmt: skip
    new = pl.concat(parts[1:])
    taken = (pl.col("year") == first.year) & pl.col("plot_id").is_in(new["plot_id"].to_list())
    fresh_else = (pl.col("year") == first.year) & pl.col("crop_id").is_in([x[0] for x in STAGGERED])
    return pl.concat([planted.filter(~taken, ~fresh_else), new]).sort("year", "season", "plot_id")


def _sow_day(heat: Floats, ripe: int, total: float) -> int:
    """Day of the year (from 0) from which usual warmth reaches the sum on day `ripe`."""
    summed = np.cumsum(heat[:ripe][::-1])
    return max(ripe - 1 - int(np.searchsorted(summed, total)), 0)


def _foreseen(
    planted: pl.DataFrame, land: Land, weather: Weather, events: pl.DataFrame, first: date, seed: int
) -> list[pl.DataFrame]:
    """What models.harvest foresees before each day: plot_id, crop_id, ripe_on, ripe_kg (expected); picks so far are known."""
    crops = crop(None)  # type: ignore[arg-type]
    plantings = plantings_of(planted, practice(None), practice_yield(None), land.plots)  # type: ignore[arg-type]
    stages = crop_table_stages(crops)
    daily = weather.daily()
    mean = ((daily["low_c"] + daily["high_c"]) / 2).to_numpy()
    begin = daily["day"][0]
    knowledge: Knowledge | None = None
    told = []
    for n in range(RIPEN_DAYS + RUN_OFF_DAYS):
        last = first + timedelta(days=n - 1)
        past = Temperatures(begin, mean[: (last - begin).days + 1])
        known = plantings.filter(pl.col("sown_on") <= last)
        cuts = cuts_of(known, events.filter(pl.col("day") <= last))
        if knowledge is None:
            knowledge = learn(known, cuts, past, stages, sheltered=("greenhouse",))
        standing = finished(known, cuts, past).filter(~pl.col("is_finished"), pl.col("crop_id").is_in(FRESH))
        hours = forecast_of(weather, last + timedelta(days=1), seed)["air_temp_c"].to_numpy()
        found = look_ahead(
            standing, knowledge, past, hours.reshape(-1, 24).mean(axis=1), observed={}, sheltered=("greenhouse",), days=30,
            paths=PATHS, seed=seed,
        )  # fmt: skip
        ahead = daily_kg(found, knowledge.patterns, last, max(RIPEN_DAYS - n, 1) if n else RIPEN_DAYS)
        told.append(_told(ahead, first + timedelta(days=RIPEN_DAYS - 1)))
    return told


def _told(ahead: pl.DataFrame, until: date) -> pl.DataFrame:
    schema = {"plot_id": pl.String, "crop_id": pl.String, "ripe_on": pl.Date, "ripe_kg": pl.Float64}
    if ahead.is_empty():
        return pl.DataFrame(schema=schema)
    grouped = ahead.filter(pl.col("forecast_date") <= until).group_by(
        "plot_id", "crop_id", ripe_on="forecast_date", maintain_order=True
    )
    return grouped.agg(ripe_kg=pl.col("expected_kg").sum()).filter(pl.col("ripe_kg") > 0)


def _demand(first: date, days: int, seed: int) -> tuple[Floats, Floats]:
    """Usual and true demand [crop, grade, day], in the order of FRESH."""
    stage = SimpleNamespace(demand=_usual_year(SimpleNamespace(market=build_market(SIZE, seed), size=SIZE)))  # type: ignore[arg-type]
    at = [PLAYED.index(c) for c in FRESH]
    mean = np.zeros((len(FRESH), len(GRADES), days))
    doy = [(first + timedelta(days=t)).timetuple().tm_yday - 1 for t in range(days)]
    for (c, g), part in stage.demand.group_by("crop_id", "grade", maintain_order=True):
        if c in FRESH:
            mean[FRESH.index(str(c)), GRADES.index(str(g))] = part.sort("day_of_year")["mean_kg"].to_numpy()[
                doy
            ]
    return mean, draw_demand(stage, first, days, seed)[at]  # type: ignore[arg-type]


def _factors(foreseen: pl.DataFrame, mean: Floats) -> dict[str, float]:
    supply = dict(foreseen.group_by("crop_id").agg(pl.col("ripe_kg").sum()).iter_rows())
    wanted = mean[:, :, :RIPEN_DAYS].sum(axis=(1, 2))
    return {c: SUPPLY_SHARE * float(wanted[i]) / max(supply.get(c, 0.0), 1.0) for i, c in enumerate(FRESH)}


def _contracts(foreseen: pl.DataFrame, mean: Floats, mix: Floats, first: date) -> Floats:
    """Promised kg [crop, grade, day]: a share of usual demand where the first night's outlook has three times as much of that
    grade or a better one ripe in the days before."""
    kg = CONTRACT_SHARE * mean
    ripe = np.zeros((len(FRESH), mean.shape[2]))
    for c, day, value in foreseen.select("crop_id", "ripe_on", "ripe_kg").iter_rows():
        ripe[FRESH.index(c), (day - first).days] += value
    for i in range(len(FRESH)):
        for d in range(mean.shape[2]):
            there = ripe[i, max(d - 6, 0) : max(d - 1, 0)].sum() * np.cumsum(mix[i])
            asked = np.cumsum(kg[i, :, max(d - 4, 0) : d + 1].sum(axis=1))
            kg[i, there < CONTRACT_COVER * asked, d] = 0.0
    return kg


def _true_shares(lots: pl.DataFrame, grown: pl.DataFrame) -> Floats:
    newest = grown.sort("ripe_on").group_by("plot_id", "crop_id").last()
    rows = lots.join(newest, on=["plot_id", "crop_id"], how="left", maintain_order="left")
    means = {c.crop_id: float(c.attribute_mean) for c in p.CROPS}
    return np.array([
        grade_shares(c, np.array([a if a is not None else means[c]]), p.PRESENT_CUTS[c])[0]
        for c, a in rows.select("crop_id", "attribute_mean").iter_rows()
    ])  # fmt: skip


def _mix(grown: pl.DataFrame, first: date) -> Floats:
    """Shares of grades in the harvests before the first day [crop, grade]."""
    mix = np.zeros((len(FRESH), len(GRADES)))
    for i, c in enumerate(FRESH):
        past = grown.filter(pl.col("crop_id") == c, pl.col("ripe_on") < first)
        mix[i] = past["yield_kg"].to_numpy() @ grade_shares(
            c, past["attribute_mean"].to_numpy(), p.PRESENT_CUTS[c]
        )
    found: Floats = mix / mix.sum(axis=1, keepdims=True)
    return found


def _rain_told(rain: NDArray[np.bool_], seed: int) -> list[Floats]:
    """Per night the chance of rain on each day: told right but for the misses, then weighed by Bayes with the usual share."""
    base = p.WEATHER["wet_share"]
    told = []
    for n in range(len(rain)):
        rng = stream(seed, "rain-told", n)
        lead = np.maximum(np.arange(len(rain)) - n, 0)
        miss = np.minimum(MISS + MISS_PER_DAY * lead, 0.5)
        says = rain ^ (rng.random(len(rain)) < miss)
        yes = np.where(says, 1 - miss, miss)
        no = np.where(says, miss, 1 - miss)
        told.append(base * yes / (base * yes + (1 - base) * no))
    return told
