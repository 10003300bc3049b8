"""Cuts on the sample county: learnt from samples, sales and prices up to a year before its end, scored on the last year.

Goods: `planned`, the plantings' pieces scaled to the kilograms a year that were sold before (what a planting plan aims at), or
`as grown`, where members grow far more than is ordered. Nothing a class limit forbids is tried: every class is cut at or above its present limit. What is sold under a class it truly
misses is refunded, for the present cuts as for ours. Two ways of selling: `packed` (a packed grade is sold as that grade; what its
buyers do not take is cleared) and `relabelled` (what is left of a better grade serves the buyers of the next lower one).

`bound`: of the cuts that were best on the scored year's own goods, prices and demand, the present ones and ours, what earned most packed: no way
of choosing cuts at or above the class limits can do noticeably better.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from models.grading.cuts import Floats, best_cuts
from models.grading.propose import NEW, ProposeParams, Sold, cut_problem, propose
from models.simulation import parameters as p
from models.simulation.growth import CROPS
from models.simulation.sizes import ENDS_ON
from models.simulation.truth import latent_demand
from models.simulation.world import World, build_world

YEAR = timedelta(days=365)
SAMPLED, SCORED = 15, 200
"""Pieces measured of each planting to learn from, and drawn to score on."""
KNOWN_EVERY = 8
"""Of the scored pieces every eighth is looked at for the bound."""
ERROR_SHARE = 0.1
"""Standard deviation of measuring ÷ that of the attribute within a planting."""
LESS_IS_BETTER = ("damage_pct",)
ALL, CHANGED = "all crops", "crops with new cuts"
GOODS, WAYS = ("planned", "as grown"), ("packed", "relabelled")


@dataclass(frozen=True)
class Pieces:
    """Pieces of one crop: measured and true value [piece] (more is better), kilograms a year."""

    measured: Floats
    true: Floats
    kg: Floats


def county_rows(size: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Revenue per kg by crop and over all crops, present cuts and ours, in both ways of selling."""
    rows: list[dict[str, Any]] = []
    totals: dict[str, dict[tuple[str, str, str], Floats]] = {ALL: {}, CHANGED: {}}
    counts = dict.fromkeys(GOODS, 0)
    for seed in seeds:
        for crop, earned in _county(build_world(size, seed), seed).items():
            for key, (yuan_kg, is_proposed) in earned.items():
                for group in (ALL, CHANGED)[: 1 + is_proposed]:
                    totals[group][key] = totals[group].get(key, np.zeros(2)) + yuan_kg
                if key[1:] == ("planned", "packed"):
                    value = float(yuan_kg[0] / yuan_kg[1])
                    rows.append(_row(f"county seed {seed}: {crop}", "yuan_per_kg", key[0], value))
                counts[key[1]] += is_proposed and (key[0], key[2]) == ("anxu", "packed")
    for group, found in totals.items():
        for goods in GOODS:
            rows += _summary(group, goods, found)
    rows += [_row("all counties", f"proposals, {g}", "anxu", n) for g, n in counts.items()]
    return rows


def _summary(group: str, goods: str, found: dict[tuple[str, str, str], Floats]) -> list[dict[str, Any]]:
    rows = []
    if (bound := found.get(("bound", goods, "packed"))) is not None:
        value = float(bound[0] / found["present", goods, "packed"][0])
        rows.append(_row(group, f"over_present, {goods}, packed", "bound", value))
    for way in WAYS:
        ours, present = (found.get((who, goods, way)) for who in ("anxu", "present"))
        if ours is None or present is None:
            continue
        label = f"{goods}, {way}"
        rows += [
            _row(group, f"yuan_per_kg, {label}", m, float(x[0] / x[1]))
            for m, x in (("anxu", ours), ("present", present))
        ]
        rows.append(_row(group, f"over_present, {label}", "anxu", float(ours[0] / present[0])))
    return rows


def _county(world: World, seed: int) -> dict[str, dict[tuple[str, str, str], tuple[Floats, bool]]]:
    """Crop → (method, goods, way) → ((yuan, kg) of the scored year, whether new cuts were proposed).

    Raises:
        ValueError: Under two years of sales: nothing is left to learn from.
    """
    if world.size.days < 2 * YEAR.days:
        raise ValueError(f"size '{world.size.name}' has {world.size.days} days of sales; take demo or county")
    learnt, scored = _market(world, is_scored=False), _market(world, is_scored=True)
    found: dict[str, dict[tuple[str, str, str], tuple[Floats, bool]]] = {}
    for crop in CROPS:
        known, goods = _pieces(world, crop, False, SAMPLED, seed), _pieces(world, crop, True, SCORED, seed)
        if crop in learnt and crop in scored and known is not None and goods is not None:
            found[crop] = {}
            for name in GOODS:
                aim = sum(kg for _, kg in learnt[crop].values()) if name == "planned" else None
                earned, proposed = _earned(
                    crop, _scaled(known, aim), _scaled(goods, aim), learnt[crop], scored[crop], seed
                )
                found[crop] |= {(who, name, way): (x, proposed) for (who, way), x in earned.items()}
    return found


def _market(world: World, *, is_scored: bool) -> dict[str, dict[str, tuple[float, float]]]:
    """Crop → grade → (yuan per kg of crop, kg of crop a year): as sold before the last year, or as wanted in it."""
    cut = world.size.days - YEAR.days
    first, last = (cut, world.size.days) if is_scored else (cut - YEAR.days, cut)
    m = world.market
    price = m.price[:, :, first:last].mean(axis=(1, 2))
    about = pl.DataFrame({
        "product_id": [x.product_id for x in m.products], "crop_id": [x.crop_id for x in m.products],
        "grade": [x.grade for x in m.products], "price": price,
        "factor": [p.CROP_KG_PER_PRODUCT_KG.get(x.crop_id, 1.0) for x in m.products],
    })  # fmt: skip
    kg = pl.col("demand_kg" if is_scored else "sold_kg")
    rows = (
        latent_demand(world, first, last).group_by("product_id").agg(kg=kg.sum() * 365 / (last - first))
        .join(about, on="product_id").group_by("crop_id", "grade")
        .agg(
            price=(pl.col("price") * pl.col("kg")).sum() / (pl.col("kg") * pl.col("factor")).sum(),
            kg=(pl.col("kg") * pl.col("factor")).sum(),
        )
        .filter(pl.col("kg") > 0).sort("crop_id", "grade")
    )  # fmt: skip
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for crop, grade, yuan, kilograms in rows.select("crop_id", "grade", "price", "kg").iter_rows():
        found.setdefault(crop, {})[grade] = (yuan, kilograms)
    return found


def _pieces(world: World, crop: str, is_scored: bool, each: int, seed: int) -> Pieces | None:
    """Pieces of the crop's plantings that ripened in the last year, or before it; kilograms as a year's."""
    start = ENDS_ON - YEAR
    grown = world.grown.filter(pl.col("crop_id") == crop)
    old, new = (
        grown.filter(pl.col("ripe_on") <= start),
        grown.filter(pl.col("ripe_on").is_between(start, ENDS_ON, closed="right")),
    )
    mine = new if is_scored else old
    if mine.is_empty():
        return None
    years = 1.0 if is_scored else (start - old["ripe_on"].min()).days / YEAR.days  # type: ignore[operator, union-attr]
    rng = np.random.default_rng([seed, int(is_scored), list(CROPS).index(crop)])
    spread = float(CROPS[crop].attribute_sd)
    sign = -1.0 if CROPS[crop].attribute in LESS_IS_BETTER else 1.0
    true = sign * rng.normal(mine["attribute_mean"].to_numpy()[:, None], spread, (mine.height, each)).ravel()
    measured = true + rng.normal(0, ERROR_SHARE * spread, true.shape)
    kg = np.repeat(mine["yield_kg"].to_numpy() / each / max(years, 0.5), each)
    return Pieces(measured, true, kg)


def _scaled(pieces: Pieces, aim_kg: float | None) -> Pieces:
    return pieces if aim_kg is None else replace(pieces, kg=pieces.kg * aim_kg / pieces.kg.sum())


def _earned(
    crop: str, known: Pieces, goods: Pieces, learnt: dict[str, tuple[float, float]],
    wanted: dict[str, tuple[float, float]], seed: int,
) -> tuple[dict[tuple[str, str], Floats], bool]:  # fmt: skip
    sign = -1.0 if CROPS[crop].attribute in LESS_IS_BETTER else 1.0
    class_limit = dict(zip(p.GRADES, [sign * x for x in p.PRESENT_CUTS[crop]] + [None], strict=True))
    salvage = {y[0]: float(y[4]) for x in p.PRACTICES for y in x.yields}[crop]
    sold = [g for g in p.GRADES if g in learnt]
    problem = cut_problem(
        known.measured, known.kg, [Sold(g, *learnt[g], class_limit[g]) for g in sold], clearance_yuan_per_kg=salvage,
        error=ERROR_SHARE * float(CROPS[crop].attribute_sd),
    )  # fmt: skip
    present = tuple((g, class_limit[g]) for g in sold)
    found = propose(problem, present, seed=seed)
    ours = found.limits if found.answer == NEW else present
    earned = {
        (name, way): _sell(goods, cuts, class_limit, wanted, salvage, is_relabelled=way == "relabelled")
        for name, cuts in (("present", present), ("anxu", ours))
        for way in WAYS
    }
    knowing = _best_knowing(goods, class_limit, wanted, salvage, problem.error)
    tried = [earned["present", "packed"], earned["anxu", "packed"]] + [
        _sell(goods, cuts, class_limit, wanted, salvage, is_relabelled=False) for cuts in knowing
    ]
    earned["bound", "packed"] = max(tried, key=lambda yuan_kg: float(yuan_kg[0]))
    return earned, found.answer == NEW


def _best_knowing(
    goods: Pieces, class_limit: dict[str, float | None], wanted: dict[str, tuple[float, float]], salvage: float, error: float
) -> list[list[tuple[str, float | None]]]:  # fmt: skip
    """The best cuts with each number of grades for whoever knows the scored year; goods thinned for speed."""
    some = slice(None, None, KNOWN_EVERY)
    kg = goods.kg[some] * goods.kg.sum() / goods.kg[some].sum()
    sold = [Sold(g, *wanted[g], class_limit[g]) for g in p.GRADES if g in wanted]
    problem = cut_problem(
        goods.measured[some], kg, sold, clearance_yuan_per_kg=salvage, error=error,
        params=ProposeParams(demand_cv=0.0, bins=80),
    )  # fmt: skip
    return [
        [(g, None if x <= problem.edges[0] else x) for g, x in cuts.limits(problem.edges).items()]
        for cuts in best_cuts(problem)
    ]


def _sell(
    goods: Pieces, cuts: Sequence[tuple[str, float | None]], class_limit: dict[str, float | None],
    wanted: dict[str, tuple[float, float]], salvage: float, *, is_relabelled: bool,
) -> Floats:  # fmt: skip
    """(yuan, kg): pieces sorted by what is measured, refunded by what is true, served from the best grade down."""
    upper, yuan, carried = np.inf, 0.0, 0.0
    for grade, lower in cuts:
        limit = -np.inf if lower is None else lower
        inside = (goods.measured >= limit) & (goods.measured < upper)
        kg, upper = float(goods.kg[inside].sum()), limit
        least = class_limit[grade]
        missing = (
            0.0 if least is None or not kg else float(goods.kg[inside & (goods.true < least)].sum()) / kg
        )
        price, asked = wanted.get(grade, (0.0, 0.0))
        own = min(kg, asked)
        better = min(carried, asked - own) if is_relabelled else 0.0
        yuan += price * (own * (1 - missing) + better)
        left = kg - own
        if is_relabelled:
            carried += left - better
        else:
            yuan += left * salvage
    below = float(goods.kg[goods.measured < upper].sum())
    return np.array([yuan + (below + carried) * salvage, float(goods.kg.sum())])


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, Any]:
    return {"segment": segment, "metric": metric, "method": method, "value": value}
