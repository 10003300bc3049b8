"""The days of a played plan: crews cut what is ripe, stores keep it by age, orders and promises take the oldest first."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation.parameters import BROKEN_PROMISE_SHARE as PENALTY_SHARE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
STORED_DRY_DAYS = 100
"""What keeps longer needs no cold room and is cut when ripe."""
KG_SHOWN = 1e-6
CAUSES = {
    "sold": ("order", "commitment", "better_grade", "refunded_quality"),
    "salvaged": ("over_production", "cold_room_full"),
    "lost": ("over_ripe", "crew_limit"),
    "unserved": ("stock_out", "commitment"),
}


@dataclass(frozen=True)
class Goods:
    """Ripe goods of a plan and their worth.

    ripe [crop, grade, day] kg; price [crop, grade] and salvage [crop] yuan/kg; below [crop, grade] share sold under a
    class it misses; hold and keep [crop] days in field and store; hours_per_kg [crop] to cut.
    """

    ripe: Floats
    price: Floats
    salvage: Floats
    below: Floats
    hold: Ints
    keep: Ints
    hours_per_kg: Floats


@dataclass
class Ledger:
    """Kilograms by kind and cause [crop, grade], and hours of cutting."""

    shape: tuple[int, int]
    hours: float = 0.0
    kg: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def add(self, kind: str, cause: str, kg: Floats) -> None:
        """Book kilograms [crop, grade] or [crop], the latter under the middle grade."""
        book = self.kg.setdefault((kind, cause), np.zeros(self.shape))
        if kg.ndim == 1:
            book[:, 1] += kg
        else:
            book += kg

    def frame(self, names: tuple[str, ...], goods: Goods) -> pl.DataFrame:
        """crop_id, kind, cause, kg, yuan (a broken promise costs); crops and causes without kilograms left out."""
        rows = []
        for kind, causes in CAUSES.items():
            for cause in causes:
                kg = self.kg.get((kind, cause), np.zeros(self.shape))
                yuan = (kg * _worth(goods, kind, cause)).sum(axis=1)
                rows += [
                    (c, kind, cause, float(k), float(y))
                    for c, k, y in zip(names, kg.sum(axis=1), yuan, strict=True)
                    if k > KG_SHOWN
                ]
        schema = {
            "crop_id": pl.String,
            "kind": pl.String,
            "cause": pl.String,
            "kg": pl.Float64,
            "yuan": pl.Float64,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")


def _worth(goods: Goods, kind: str, cause: str) -> Floats:
    """What a kilogram brings (yuan) [crop, grade] or something that spreads to it."""
    if kind == "sold" and cause != "refunded_quality":
        return goods.price
    if kind == "salvaged":
        return goods.salvage[:, None]
    if kind == "unserved" and cause == "commitment":
        return -PENALTY_SHARE * goods.price
    return np.zeros((1, 1))


def run_days(
    goods: Goods, wanted: Floats, promised: Floats, cover_days: float, crew_hours: float, cold_kg: float
) -> Ledger:
    """Run all days of `wanted` [crop, grade, day] with `promised` [crop, day].

    Each day: goods become ripe; crews cut, best paid hour first, all of it or (cover_days > 0) what the last week's
    orders ask for so many days; what stood too long is lost; promises, then orders take the oldest stock of their
    grade, else of a better one; what is too old or finds no cold room goes at salvage price.
    """
    crops, grades, days = wanted.shape
    ledger = Ledger((crops, grades))
    field_ = np.zeros((crops, grades, int(goods.hold.max()) + 1))  # by days since ripe
    store = np.zeros((crops, grades, int(goods.keep.max()) + 1))  # by days since cut
    expected = wanted[:, :, :7].mean(axis=2)
    rank = np.argsort(-goods.price[:, 1] / goods.hours_per_kg)
    dry = goods.keep >= STORED_DRY_DAYS
    for t in range(days):
        field_[:, :, 0] += goods.ripe[:, :, t]
        target = np.full((crops, grades), np.inf)
        if cover_days > 0:
            need = expected * cover_days + (promised[:, t] / grades)[:, None] - store.sum(axis=2)
            target = np.where(dry[:, None], np.inf, np.maximum(need, 0))
        short = _cut(field_, store, target, rank, goods, crew_hours, ledger)
        _spoil(field_, short, goods, ledger)
        ledger.add("unserved", "commitment", _promise(store, promised[:, t], ledger))
        _serve(store, wanted[:, :, t], goods, ledger)
        expected += (wanted[:, :, t] - expected) / 7
        _age(store, goods, cold_kg, dry, ledger)
    ledger.add("salvaged", "over_production", store.sum(axis=2))
    ledger.add("lost", "over_ripe", field_.sum(axis=2))
    return ledger


def take_oldest(pool: Floats, kg: Floats) -> Floats:
    """Take up to `kg` [...] from `pool` [..., age], the oldest first, in place; return what was taken."""
    old_first = pool[..., ::-1]
    taken = np.clip(kg[..., None] - (np.cumsum(old_first, axis=-1) - old_first), 0, old_first)
    old_first -= taken
    total: Floats = taken.sum(axis=-1)
    return total


def _cut(
    field_: Floats, store: Floats, target: Floats, rank: Ints, goods: Goods, crew_hours: float, ledger: Ledger
) -> Floats:
    """Cut towards `target` within the crews' hours; return what was wanted but not cut for want of hands."""
    ready = np.minimum(field_.sum(axis=2), target)
    share, left = np.zeros(len(rank)), crew_hours
    for i in rank:
        need = float(ready[i].sum()) * goods.hours_per_kg[i]
        share[i] = 1.0 if need <= left else left / need
        left -= min(need, left)
    cut = ready * share[:, None]
    store[:, :, 0] += take_oldest(field_, cut)
    ledger.hours += float((cut.sum(axis=1) * goods.hours_per_kg).sum())
    missed: Floats = ready - cut
    return missed


def _spoil(field_: Floats, short: Floats, goods: Goods, ledger: Ledger) -> None:
    """Let a day pass in the field; what stood its days is lost, to want of hands as far as hands were wanted."""
    at = goods.hold[:, None, None] == np.arange(field_.shape[2])[None, None, :]
    gone = np.where(at, field_, 0.0).sum(axis=2)
    field_[at.repeat(field_.shape[1], axis=1)] = 0.0
    crew = np.minimum(gone, short)
    ledger.add("lost", "crew_limit", crew)
    ledger.add("lost", "over_ripe", gone - crew)
    _pass_day(field_)


def _pass_day(pool: Floats) -> None:
    pool[:, :, 1:] = pool[:, :, :-1].copy()
    pool[:, :, 0] = 0.0


def _promise(store: Floats, due: Floats, ledger: Ledger) -> Floats:
    """Deliver promises from the middle grade, then the better, then the lower; return what could not be."""
    left = due.copy()
    for g in (1, 0, 2):
        taken = take_oldest(store[:, g], left)
        booked = np.zeros(ledger.shape)
        booked[:, g] = taken
        ledger.add("sold", "commitment", booked)
        left = left - taken
    return left


def _serve(store: Floats, wanted: Floats, goods: Goods, ledger: Ledger) -> None:
    """Serve orders of each grade from that grade, then from the next better one at the ordered grade's price."""
    own = take_oldest(store, wanted)
    left = wanted - own
    refunded = own * goods.below
    ledger.add("sold", "order", own - refunded)
    ledger.add("sold", "refunded_quality", refunded)
    for g in (1, 2):
        for better in range(g - 1, -1, -1):
            taken = take_oldest(store[:, better], left[:, g])
            booked = np.zeros(ledger.shape)
            booked[:, g] = taken
            ledger.add("sold", "better_grade", booked)
            left[:, g] -= taken
    ledger.add("unserved", "stock_out", left)


def _age(store: Floats, goods: Goods, cold_kg: float, dry: NDArray[np.bool_], ledger: Ledger) -> None:
    """Sell off what is too old, then what the cold rooms cannot hold, cheapest crop first; a day passes."""
    at = goods.keep[:, None, None] == np.arange(store.shape[2])[None, None, :]
    ledger.add("salvaged", "over_production", np.where(at, store, 0.0).sum(axis=2))
    store[at.repeat(store.shape[1], axis=1)] = 0.0
    over = float(store[~dry].sum()) - cold_kg
    for i in np.argsort(goods.price[:, 1]):
        if over <= 1e-9:
            break
        if not dry[i]:
            for g in range(store.shape[1] - 1, -1, -1):
                out = float(take_oldest(store[i, g], np.array(max(over, 0.0))))
                booked = np.zeros(ledger.shape)
                booked[i, g] = out
                ledger.add("salvaged", "cold_room_full", booked)
                over -= out
    _pass_day(store)
