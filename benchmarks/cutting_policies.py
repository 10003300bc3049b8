"""Three ways to cut: everything when ripe, today's orders only, and the rolling plan. Each sees the same evening."""

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.cutting_county import CONTRACT_NOTICE_DAYS, FRESH, REGION_WEIGHTS, County
from benchmarks.cutting_crops import GRADES
from benchmarks.cutting_days import PARAMS, REGIONS, Evening, Policy, Wish, most_days, way_hours
from models.harvest.cutting import plan_cuts
from models.harvest.cutting_problem import CutParams, CutPlan, CutProblem
from models.simulation import parameters as p

Floats = NDArray[np.float64]
TIERS = ((0.9, -1.0), (0.5, 0.0))
"""Chance that a tier's kg are asked for, and up to how many spreads of log demand it reaches."""


def when_ripe(county: County) -> Policy:
    """All that stands ripe, the best paid hour first, then the oldest; the nearest crew, then the next."""
    return _by_rule(county, lambda evening: np.full(len(FRESH), np.inf))


def to_order(county: County, *, by_grade: bool) -> Policy:
    """What the day's orders ask for beyond what lies in the cold room and still arrives in time.

    `by_grade`: until every grade's orders are met, by the usual mix; else until kilograms equal orders.
    """
    most = most_days(county)

    def target(evening: Evening) -> Floats:
        asked = np.maximum(county.wanted[:, :, evening.day], county.contracts[:, :, evening.day])
        fresh = evening.store[:, :, : int(most.max()) + 1].sum(axis=2)
        short = asked - fresh
        if not by_grade:
            whole: Floats = np.maximum(short.sum(axis=1), 0)
            return whole
        cut: Floats = np.maximum(np.cumsum(short, axis=1) / np.cumsum(county.mix, axis=1), 0).max(axis=1)
        return cut

    return _by_rule(county, target)


def _by_rule(county: County, target: Callable[[Evening], Floats]) -> Policy:
    ways = way_hours(county)
    crop_of = np.array([FRESH.index(c) for c in county.lots["crop_id"]])
    per_kg, dry = county.crops["hours_per_kg"].to_numpy(), county.crops["needs_dry"].to_numpy()
    rank = np.argsort(-county.crops["price_yuan_per_kg"].to_numpy() / per_kg)

    def policy(evening: Evening) -> Wish:
        wish: Wish = []
        kg = target(evening)
        wet = evening.county.rain_told[evening.day][evening.day] > 0.5
        hours = county.crew_hours * (1 - PARAMS.rain_hours_share * wet)
        for c in rank:
            left = 0.0 if wet and dry[c] else float(kg[c])
            lots = [i for i in np.flatnonzero(crop_of == c) if evening.field[i].sum() > 1e-6]
            for lot in sorted(lots, key=lambda i: -int(np.flatnonzero(evening.field[i] > 1e-9).max())):
                taken = 0.0
                for k in np.argsort(ways[lot], kind="stable")[:2]:
                    able = (hours[k] - PARAMS.visit_hours - 2 * ways[lot, k]) / per_kg[c]
                    take = min(float(evening.field[lot].sum()) - taken, left, able)
                    if take > 1e-6:
                        hours[k] -= PARAMS.visit_hours + 2 * ways[lot, k] + take * per_kg[c]
                        left -= take
                        taken += take
                        wish.append((int(lot), int(k), taken))
        return wish

    return policy


def planned(county: County, params: CutParams = PARAMS, *, days: int = 14, gap: float = 0.01) -> Policy:
    """The rolling plan, solved every evening from what is then known."""
    crew = {x: i for i, x in enumerate(county.land.crews["crew_id"])}
    lot_of = {(a, b): i for a, b, i in county.lots.select("plot_id", "crop_id", "lot").iter_rows()}

    def policy(evening: Evening) -> Wish:
        problem = _problem(county, evening, days)
        plan = plan_cuts(problem, CutParams(**{**vars(params), "days": days}), gap=gap, time_limit_s=20.0)
        return _first_day(plan, problem, lot_of, crew)

    return policy


def _first_day(
    plan: CutPlan, problem: CutProblem, lot_of: dict[tuple[str, str], int], crew: dict[str, int]
) -> Wish:
    today = plan.cuts.filter(pl.col("day") == problem.first_day).with_columns(
        upto=pl.col("cut_kg").cum_sum().over("plot_id", "crop_id")
    )
    return [
        (lot_of[(a, b)], crew[k], float(kg))
        for a, b, k, kg in today.select("plot_id", "crop_id", "crew_id", "upto").iter_rows()
    ]


def _problem(county: County, evening: Evening, days: int) -> CutProblem:
    first = county.first + timedelta(days=evening.day)
    lots = county.lots.select("plot_id", "crop_id")
    lot, age = np.nonzero(evening.field > 1e-6)
    standing = lots[lot].with_columns(
        ripe_on=pl.Series([first - timedelta(days=int(a)) for a in age], dtype=pl.Date),
        ripe_kg=pl.Series(evening.field[lot, age]),
    )
    later = county.foreseen[evening.day].filter(pl.col("ripe_on") > first)
    room = county.land.cold_rooms.filter(pl.col("place_id") != "qinghe").head(1)
    c, g, cut = np.nonzero(evening.store > 1e-6)
    stock = pl.DataFrame(
        [(room["cold_room_id"][0], FRESH[i], GRADES[j], first - timedelta(days=int(a)), float(evening.store[i, j, a]))
         for i, j, a in zip(c, g, cut, strict=True)],
        schema={"cold_room_id": pl.String, "crop_id": pl.String, "grade": pl.String, "cut_on": pl.Date, "stock_kg": pl.Float64},
        orient="row",
    )  # fmt: skip
    mix = [(plot, crop, GRADES[j], float(county.mix[FRESH.index(crop), j])) for plot, crop in lots.iter_rows() for j in range(len(GRADES))]  # fmt: skip
    rain = county.rain_told[evening.day]
    return CutProblem(
        first_day=first, plots=county.land.plots.select("plot_id", "place_id"),
        ripe=pl.concat([standing, later]),
        grade_mix=pl.DataFrame(mix, schema=["plot_id", "crop_id", "grade", "share"], orient="row"),
        crops=county.crops, orders=_orders(county, evening, days),
        crews=county.land.crews.select("crew_id", "place_id", hours_per_day=pl.Series(county.crew_hours)),
        cold_rooms=room.select("cold_room_id", "place_id", capacity_kg=pl.lit(county.cold_kg), truck_kg_per_day=pl.lit(None, pl.Float64)),
        transit=county.land.transit,
        weather=pl.DataFrame({"day": [county.first + timedelta(days=d) for d in range(len(rain))], "rain_chance": rain}),
        stock=stock,
    )  # fmt: skip


def _orders(county: County, evening: Evening, days: int) -> pl.DataFrame:
    """The day's orders, contracts as far as they are told, and tiers of what is expected beside them."""
    rows: list[tuple[object, ...]] = []
    now = evening.day
    level = _level(county, evening)
    for d in range(now, min(now + days, county.days)):
        ship = county.first + timedelta(days=d)
        for i, c in enumerate(FRESH):
            for j, g in enumerate(GRADES):
                price = float(county.crops["price_yuan_per_kg"][i]) * p.GRADE_PRICE_FACTOR[g]
                told = county.contracts[i, j, d] if d < now + CONTRACT_NOTICE_DAYS else 0.0
                rows += _split(f"{c}-{g}-{d}-c", c, g, ship, told, price, True, 1.0)
                if d == now:
                    rows += _split(
                        f"{c}-{g}-{d}-o",
                        c,
                        g,
                        ship,
                        max(county.wanted[i, j, d] - told, 0.0),
                        price,
                        False,
                        1.0,
                    )
                    continue
                before = told
                for n, (chance, reach) in enumerate(TIERS):
                    upto = county.mean[i, j, d] * level[i] * np.exp(reach * SPREAD)
                    rows += _split(
                        f"{c}-{g}-{d}-t{n}", c, g, ship, max(upto - before, 0.0), price, False, chance
                    )
                    before = max(before, upto)
    schema = {"order_id": pl.String, "crop_id": pl.String, "grade": pl.String, "region_id": pl.String, "ship_on": pl.Date,
              "order_kg": pl.Float64, "price_yuan_per_kg": pl.Float64, "is_promised": pl.Boolean, "chance": pl.Float64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("order_kg") > 0)


SPREAD = 0.35
"""Log spread of a day's demand about the forecast, as the plan supposes."""


def _level(county: County, evening: Evening) -> Floats:
    """How a crop's orders stand to the usual, from the last seven days, drawn halfway to 1."""
    past = evening.past_wanted[:, :, -7:].sum(axis=(1, 2))
    usual = county.mean[:, :, max(evening.day - 7, 0) : evening.day].sum(axis=(1, 2))
    found: Floats = np.sqrt(np.where((usual > 0) & (past > 0), past / np.maximum(usual, 1e-9), 1.0))
    return found


def _split(
    name: str, crop: str, grade: str, ship: object, kg: float, price: float, is_promised: bool, chance: float
) -> list[tuple[object, ...]]:
    return [
        (f"{name}-{r}", crop, grade, r, ship, float(kg) * w, price, is_promised, chance)
        for r, w in zip(REGIONS, REGION_WEIGHTS, strict=True)
    ]
