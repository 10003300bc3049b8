"""`anxu bench county`: the sample county as a measuring instrument. Does what it promises hold, and what do the present
practices earn on it?"""

import math

from models.simulation.actions import Actions, Harvest, as_last_year, cut_to_order, cut_when_ripe
from models.simulation.instrument import Check, checks, quantile_losses, yield_variation
from models.simulation.play import play
from models.simulation.sizes import ENDS_ON
from models.simulation.stage import Truth, truth_of
from models.simulation.truth import origins
from models.simulation.world import World, build_world

PRACTICES: dict[str, Harvest] = {"cut when ripe": cut_when_ripe(), "cut to order": cut_to_order()}
"""How the present plan, as last year with the present grade cuts, is harvested."""


def run(size: str = "demo", *, seed: int = 1, plays: int = 3) -> dict[str, object]:
    """Build the county and measure it.

    Args:
        size: tiny, demo or county.
        seed: Of the county; the plays take it and the seeds after it.
        plays: How often each present practice is played.

    Returns:
        `bench`, `data`, `seed`, `rows` and `must` in the common form; a figure with a lower and an upper limit is two
        rows of `must`.

    Raises:
        ValueError: No such size.
    """
    world = build_world(size, seed)
    must = [limit for check in checks(world) for limit in _limits(check)]
    rows = [*_losses(world), *_variation(world), *_practices(truth_of(world), seed, plays)]
    return {"bench": "county", "data": size, "seed": seed, "rows": rows, "must": must}


def _limits(check: Check) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {
            "what": f"{check.what}, at least",
            "value": check.value,
            "limit": check.low,
            "holds": check.value >= check.low,
        }
    ]
    if math.isfinite(check.high):
        at_most = {"what": f"{check.what}, at most", "value": check.value, "limit": check.high}
        found.append({**at_most, "holds": check.value <= check.high})
    return found


def _losses(world: World) -> list[dict[str, object]]:
    """Summed quantile loss (kg) by origin of seasonal naive and of the oracle."""
    rows: list[dict[str, object]] = []
    for cutoff in origins():
        for method, loss in zip(("seasonal_naive", "oracle"), quantile_losses(world, cutoff), strict=True):
            rows.append(_row(f"origin {cutoff}", "quantile_loss_kg", method, loss))
    return rows


def _variation(world: World) -> list[dict[str, object]]:
    table = yield_variation(world).sort("practice_id", "crop_id")
    return [_row(f"{p}: {c}", "yield_cv", "truth", cv) for p, c, _, cv in table.iter_rows()]


def _practices(truth: Truth, seed: int, plays: int) -> list[dict[str, object]]:
    """Means over plays of common luck of what each present practice brings in the year after the records."""
    plantings, rows = as_last_year(truth, ENDS_ON.year + 1), list[dict[str, object]]()
    for name, harvest in PRACTICES.items():
        outcomes = [play(truth, Actions(plantings, harvest), seed + n) for n in range(plays)]
        for metric in ("profit_yuan", "sold_kg", "lost_kg", "unserved_kg", "labour_hours"):
            mean = sum(getattr(o, metric) for o in outcomes) / plays
            rows.append(_row(f"as last year, {ENDS_ON.year + 1}", metric, name, mean))
    return rows


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(float(value), 4)}
