"""The days of a county under a cutting policy: crews cut, rain falls, cold rooms keep, trucks leave; what is lost and by what.

A policy only says which lots to cut, by which crew, how many kg; cutting, shipping and spoiling are the same for all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.cutting_county import REGION_WEIGHTS, County
from benchmarks.cutting_crops import GRADES
from models.harvest.cutting_problem import CutParams
from models.harvest.cutting_routes import Ways

Floats = NDArray[np.float64]
Wish = list[tuple[int, int, float]]
"""Lot, crew, kg of the lot cut by then (a second crew goes on from the first), the most urgent first."""
Policy = Callable[["Evening"], Wish]
REGIONS = ("near", "far")
PARAMS = CutParams()


@dataclass
class Evening:
    """What is known the evening before `day`: field [lot, days since ripe, as of that morning], store [crop, grade, days since
    cut, as of that morning], orders and contracts of that day [crop, grade]; of the county only forecasts may be read."""

    county: County
    day: int
    field: Floats
    store: Floats
    past_wanted: Floats


@dataclass
class Ledger:
    """Kilograms over all days: by fate, and promised by fate."""

    kg: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, kg: float) -> None:
        """Book."""
        self.kg[name] = self.kg.get(name, 0.0) + float(kg)


def way_hours(county: County) -> Floats:
    """Hours of a crew from its place to a lot's, one way [lot, crew]; infinite beyond reach."""
    hours = Ways(county.land.transit).hours(
        county.lots["place_id"].to_list(), county.land.crews["place_id"].to_list()
    )
    return np.where(hours <= PARAMS.crew_reach_hours, hours, np.inf)


def most_days(county: County) -> NDArray[np.int64]:
    """Days a kg may lie in the cold room before it leaves for each region [region], by the 72 hours."""
    room = county.land.cold_rooms.filter(pl.col("place_id") != "qinghe")["place_id"][0]
    hours = Ways(county.land.transit).hours([room], list(REGIONS))[0] + PARAMS.dispatch_hours
    found: NDArray[np.int64] = np.floor((PARAMS.promise_hours - hours) / 24 + 1e-9).astype(np.int64)
    return found


def play(county: County, policy: Policy) -> Ledger:
    """Play all days; what is left at the end in field or store counts as unsold."""
    crops = county.crops
    crop_of = np.array([crops["crop_id"].to_list().index(c) for c in county.lots["crop_id"]])
    hold, keep = crops["hold_days"].to_numpy(), crops["keep_days"].to_numpy()
    stands = np.zeros((county.lots.height, int(hold.max()) + 1))
    store = np.zeros((crops.height, len(GRADES), int(keep.max()) + 1))
    ledger, ways, most = Ledger(), way_hours(county), most_days(county)
    wait = crops["wait_share_per_day"].to_numpy()
    for d in range(county.days):
        stands[:, 0] += county.ripe[:, d]
        ledger.add("ripe", county.ripe[:, d].sum())
        wish = policy(Evening(county, d, stands.copy(), store.copy(), county.wanted[:, :, :d]))
        cut = _cut(county, d, stands, wish, ways, crop_of, ledger)
        for lot, kg in cut.items():
            store[crop_of[lot], :, 0] += kg * county.share[lot]
        _ship(county, d, store, most, keep, wait, ledger)
        _night(county, d, stands, store, crop_of, hold, keep, ledger)
    ledger.add("left at the end", stands.sum() + store.sum())
    return ledger


def _cut(
    county: County,
    d: int,
    stands: Floats,
    wish: Wish,
    ways: Floats,
    crop_of: NDArray[np.int64],
    ledger: Ledger,
) -> dict[int, float]:
    """Cut the oldest of each lot as far as hours and rain allow; kg per lot."""
    left = county.crew_hours * (1 - PARAMS.rain_hours_share * county.rain[d])
    per_kg, dry = county.crops["hours_per_kg"].to_numpy(), county.crops["needs_dry"].to_numpy()
    wait = county.crops["wait_share_per_day"].to_numpy()
    done: dict[int, float] = {}
    for lot, crew, kg in wish:
        c = crop_of[lot]
        fixed = PARAMS.visit_hours + 2 * ways[lot, crew]
        if (county.rain[d] and dry[c]) or left[crew] <= fixed:
            continue
        able = min(kg - done.get(lot, 0.0), float(stands[lot].sum()), (left[crew] - fixed) / per_kg[c])
        if able <= 1e-9:
            continue
        left[crew] -= fixed + able * per_kg[c]
        ledger.add("hours", fixed + able * per_kg[c])
        old_first = stands[lot, ::-1]
        taken = np.clip(able - (np.cumsum(old_first) - old_first), 0, old_first)
        ledger.add("quality", float(taken[::-1] @ np.arange(len(taken))) * wait[c])
        old_first -= taken
        done[lot] = done.get(lot, 0.0) + able
    return done


def _ship(
    county: County,
    d: int,
    store: Floats,
    most: NDArray[np.int64],
    keep: NDArray[np.int64],
    wait: Floats,
    ledger: Ledger,
) -> None:
    """Contracts, then the day's other orders, the tightest region first; the oldest that still arrives in time, own grade first."""
    contracts = county.contracts[:, :, d]
    others = np.maximum(county.wanted[:, :, d] - contracts, 0)
    for name, kg in (("promised", contracts), ("ordered", others)):
        for r in np.argsort(most):
            for c in range(store.shape[0]):
                days = min(int(most[r]), int(keep[c]))
                for g in range(store.shape[1]):
                    asked = kg[c, g] * REGION_WEIGHTS[r]
                    ledger.add(name, asked)
                    for own in range(g, -1, -1):
                        for age in range(days, -1, -1):
                            taken = min(asked, store[c, own, age])
                            store[c, own, age] -= taken
                            asked -= taken
                            ledger.add(f"{name} served", taken)
                            ledger.add("quality", taken * age * wait[c] * PARAMS.store_wait_factor)


def _night(
    county: County, d: int, stands: Floats, store: Floats, crop_of: NDArray[np.int64], hold: NDArray[np.int64],
    keep: NDArray[np.int64], ledger: Ledger,
) -> None:  # fmt: skip
    if county.rain[d]:
        share = county.crops["rain_share"].to_numpy()[crop_of][:, None]
        ledger.add("rain", (stands * share).sum())
        stands *= 1 - share
    gone = np.arange(stands.shape[1])[None, :] >= hold[crop_of][:, None]
    ledger.add("over ripe", stands[gone].sum())
    stands[gone] = 0.0
    old = np.broadcast_to((np.arange(store.shape[2])[None, :] >= keep[:, None])[:, None, :], store.shape)
    ledger.add("unsold", store[old].sum())
    store[old] = 0.0
    over = float(store.sum()) - county.cold_kg
    if over > 0:  # what does not fit is sold off, the oldest first
        for age in range(store.shape[2] - 1, -1, -1):
            there = float(store[:, :, age].sum())
            out = min(max(over, 0.0), there)
            store[:, :, age] *= 1 - out / max(there, 1e-9)
            ledger.add("unsold", out)
            over -= out
    for pool in (stands, store):
        pool[..., 1:] = pool[..., :-1].copy()
        pool[..., 0] = 0.0
