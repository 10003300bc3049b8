"""Play a plan on the county: fields grow, crews cut, stores keep, customers order; money and kilograms by cause.

Common random numbers: weather, yields, demand follow from the seed alone, never from the actions, so two plans played
with one seed differ only by what was decided.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.actions import Actions, check_plantings
from models.simulation.growth import CROPS, grade_shares, grow, with_grades
from models.simulation.sizes import ENDS_ON, stream
from models.simulation.stage import Truth
from models.simulation.store_days import Goods, Ledger, run_days
from models.simulation.weather import generate

Floats = NDArray[np.float64]
NAMES = tuple(CROPS)


@dataclass(frozen=True)
class Outcome:
    """What a plan brought.

    `flows`: one row per crop, kind (sold, salvaged, lost, unserved) and cause: kg (of crop) and yuan. Costs are those of
    table practice; the hours of growing and cutting are counted beside, not paid twice.
    """

    profit_yuan: float
    revenue_yuan: float
    cost_yuan: float
    sold_kg: float
    lost_kg: float
    unserved_kg: float
    labour_hours: float
    flows: pl.DataFrame

    def by_cause(self) -> pl.DataFrame:
        """`flows` over all crops: kind, cause, kg, yuan."""
        return self.flows.group_by("kind", "cause", maintain_order=True).agg(
            pl.col("kg").sum(), pl.col("yuan").sum()
        )


def play(truth: Truth, actions: Actions, seed: int) -> Outcome:
    """Play the plan from the day after the records to 30 September after its last year.

    Demand is counted on every day of that time and for every crop, planted or not, so what stays unserved before the
    first harvest is the same for all plans of the same years. Nothing is in store at the start; at the end what is left
    goes at salvage price.

    Raises:
        ValueError: The plan does not fit the ground (see check_plantings) or is empty.
    """
    plantings = actions.plantings
    if plantings.is_empty():
        raise ValueError("the plan has no plantings; give at least one row")
    check_plantings(truth, plantings)
    first, last = ENDS_ON + timedelta(days=1), date(int(plantings["year"].max()) + 1, 9, 30)  # type: ignore[arg-type]
    days = (last - first).days + 1
    grown = _grown(truth, plantings, seed, last)
    goods = _goods(grown, actions, first, days)
    wanted = draw_demand(truth, first, days, seed)
    promised = _promised(truth, first, days)
    limit = truth.limits.row(0, named=True)
    ledger = run_days(
        goods,
        wanted,
        promised,
        actions.harvest.cover_days,
        limit["crew_hours_per_day"],
        limit["cold_room_kg"],
    )
    return _outcome(plantings, goods, ledger)


def draw_yields(truth: Truth, plantings: pl.DataFrame, seed: int) -> pl.DataFrame:
    """What plantings (as Actions.plantings) bear under a seed's weather and luck: one row per planting and crop, as growth.grow."""
    last = date(int(plantings["year"].max()) + 1, 9, 30)  # type: ignore[arg-type]
    return _grown(truth, plantings, seed, last)


def _grown(truth: Truth, plantings: pl.DataFrame, seed: int, last: date) -> pl.DataFrame:
    """Yields of the plan; luck belongs to plot, year and season, so it is drawn for all of them and then looked up."""
    years = sorted(int(y) for y in plantings["year"].unique())
    span = range(ENDS_ON.year, max(years[-1], ENDS_ON.year + 4) + 1)
    luck = pl.concat(
        truth.plots.select("plot_id", "effect", year=pl.lit(y), season=pl.lit(s)).with_columns(
            **{
                n: pl.Series(stream(seed, "play", n, y, s).normal(size=truth.plots.height))
                for n in ("noise", "quality")
            },
            when=pl.Series(stream(seed, "play", "sown", y, s).random(truth.plots.height)),
        )
        for y in span
        for s in (1, 2)
    )
    rows = plantings.with_columns(pl.col("year", "season").cast(pl.Int32)).join(
        luck.with_columns(pl.col("year", "season").cast(pl.Int32)),
        on=["plot_id", "year", "season"],
        how="inner",
        maintain_order="left",
    )
    if rows.height < plantings.height:
        raise ValueError(f"a planting lies before {span[0]} or after {span[-1]}; play only years within")
    sow = {x.practice_id: x.sow for x in p.PRACTICES}
    first = pl.col("practice_id").replace_strict({k: v[0] for k, v in sow.items()}, return_dtype=pl.Float64)
    width = pl.col("practice_id").replace_strict(
        {k: v[1] - v[0] for k, v in sow.items()}, return_dtype=pl.Float64
    )
    rows = rows.with_columns(
        sown_on=pl.date("year", 1, 1)
        + pl.duration(days=(first + pl.col("when") * width).floor().cast(pl.Int64) - 1)
    )
    begin = date(span[0] - 1, 1, 1)
    weather = generate(begin, (last - begin).days + 1, seed, name="play")
    return grow(rows, weather, rows["noise"].to_numpy(), rows["quality"].to_numpy())


def _goods(grown: pl.DataFrame, actions: Actions, first: date, days: int) -> Goods:
    """What becomes ripe each day [crop, grade, day], and what a kilogram of it is worth."""
    cuts = dict(actions.cuts)
    graded = with_grades(grown, cuts)
    ripe = np.zeros((len(NAMES), len(p.GRADES), days))
    for crop_id, grade, ripe_on, year, kg in graded.select(
        "crop_id", "grade", "ripe_on", "year", "grade_kg"
    ).iter_rows():
        i, g, picks = NAMES.index(crop_id), p.GRADES.index(grade), p.PICKS.get(crop_id, 1)
        start = ((date(year, 9, 22) if crop_id == "crab" else ripe_on) - first).days
        for k in range(picks):
            t = start + k * p.PICK_GAP_DAYS
            if 0 <= t < days:
                ripe[i, g, t] += kg / picks
    price, salvage = _worth(grown)
    factor = np.array([p.GRADE_PRICE_FACTOR[g] for g in p.GRADES])
    return Goods(
        ripe=ripe,
        price=price[:, None] * factor[None, :],
        salvage=salvage,
        below=_below_class(grown, cuts),
        hold=np.array([CROPS[c].hold_days for c in NAMES]),
        keep=np.array([CROPS[c].keeps_days for c in NAMES]),
        hours_per_kg=np.array([p.HARVEST_HOURS_PER_KG.get(c, p.HARVEST_HOURS_PER_KG_OTHER) for c in NAMES]),
    )


def _worth(grown: pl.DataFrame) -> tuple[Floats, Floats]:
    """Price and salvage per crop (yuan/kg): of what was planted, by weight; of the practice table where nothing was."""
    price = {y[0]: y[3] for x in p.PRACTICES for y in x.yields}
    salvage = {y[0]: y[4] for x in p.PRACTICES for y in x.yields}
    weight = pl.col("yield_kg")
    mean = grown.group_by("crop_id", maintain_order=True).agg(
        price=(pl.col("price") * weight).sum() / weight.sum(),
        salvage=(pl.col("salvage") * weight).sum() / weight.sum(),
    )
    price |= dict(zip(mean["crop_id"], mean["price"], strict=True))
    salvage |= dict(zip(mean["crop_id"], mean["salvage"], strict=True))
    return np.array([float(price[c]) for c in NAMES]), np.array([float(salvage[c]) for c in NAMES])


def _below_class(grown: pl.DataFrame, cuts: dict[str, tuple[float, float]]) -> Floats:
    """Share of each crop and grade that misses the class limit it is sold under; such kilograms are refunded."""
    below = np.zeros((len(NAMES), len(p.GRADES)))
    for (crop_id,), part in grown.group_by("crop_id", maintain_order=True):
        name, kg = str(crop_id), part["yield_kg"].to_numpy()
        mean = part["attribute_mean"].to_numpy()
        mine = kg @ grade_shares(name, mean, cuts[name])
        standard = np.cumsum(kg @ grade_shares(name, mean, p.PRESENT_CUTS[name]))
        upto = np.cumsum(mine)
        for g in (0, 1):
            within = min(mine[g], max(standard[g] - (upto[g - 1] if g else 0.0), 0.0))
            below[NAMES.index(name), g] = 1 - within / mine[g] if mine[g] > 0 else 0.0
    return below


def draw_demand(truth: Truth, first: date, days: int, seed: int) -> Floats:
    """Kilograms wanted [crop, grade, day]: the usual year, a slow shock per crop, counts about it."""
    doy = np.array([(first + timedelta(days=t)).timetuple().tm_yday for t in range(days)]).clip(max=365)
    rng = stream(seed, "play", "demand")
    weeks = days // 7 + 2
    slow = np.zeros((len(NAMES), weeks))
    shock = rng.normal(0, p.LEVEL["weekly_sd"], (len(NAMES), weeks))
    for w in range(1, weeks):
        slow[:, w] = p.LEVEL["stays"] * slow[:, w - 1] + shock[:, w]
    z = rng.normal(size=(len(NAMES), len(p.GRADES), days))
    wanted = np.zeros_like(z)
    for (crop_id, grade), part in truth.demand.group_by("crop_id", "grade", maintain_order=True):
        i, g = NAMES.index(str(crop_id)), p.GRADES.index(str(grade))
        mean = part.sort("day_of_year")["mean_kg"].to_numpy()[doy - 1] * np.exp(slow[i, np.arange(days) // 7])
        pack, size = float(part["pack_kg"][0]), float(part["dispersion"][0])
        spread = np.sqrt(np.log1p(pack / np.maximum(mean, 1e-9) + 1 / (size * 8)))
        wanted[i, g] = np.where(
            mean > 0, mean * np.exp(np.minimum(spread, 1.2) * z[i, g] - np.minimum(spread, 1.2) ** 2 / 2), 0
        )
    return wanted


def _promised(truth: Truth, first: date, days: int) -> Floats:
    """Committed kilograms due each day [crop, day], each promise spread evenly over its window."""
    due = np.zeros((len(NAMES), days))
    for crop_id, kg, start, end in truth.commitments.select(
        "crop_id", "quantity_kg", "due_from", "due_to"
    ).iter_rows():
        a, b = max((start - first).days, 0), min((end - first).days + 1, days)
        if b > a:
            due[NAMES.index(crop_id), a:b] += kg / ((end - start).days + 1)
    return due


def _outcome(plantings: pl.DataFrame, goods: Goods, ledger: Ledger) -> Outcome:
    flows = ledger.frame(NAMES, goods)
    cost_of = {x.practice_id: float(x.cost_yuan_per_mu) for x in p.PRACTICES}
    hours_of = {x.practice_id: float(x.labour_hours_per_mu) for x in p.PRACTICES}
    per_mu = plantings.select(
        cost=pl.col("practice_id").replace_strict(cost_of, return_dtype=pl.Float64) * pl.col("area_mu"),
        hours=pl.col("practice_id").replace_strict(hours_of, return_dtype=pl.Float64) * pl.col("area_mu"),
    )
    kg = dict(flows.group_by("kind").agg(pl.col("kg").sum()).iter_rows())
    revenue, cost = float(flows["yuan"].sum()), float(per_mu["cost"].sum())
    return Outcome(
        profit_yuan=revenue - cost,
        revenue_yuan=revenue,
        cost_yuan=cost,
        sold_kg=kg.get("sold", 0.0),
        lost_kg=kg.get("lost", 0.0),
        unserved_kg=kg.get("unserved", 0.0),
        labour_hours=float(per_mu["hours"].sum()) + ledger.hours,
        flows=flows,
    )
