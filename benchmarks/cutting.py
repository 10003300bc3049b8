"""`anxu bench cutting`: the rolling cutting plan against "cut when ripe" and "cut to order", and how long a large plan takes."""

import time

from benchmarks.cutting_county import build
from benchmarks.cutting_days import Ledger, play
from benchmarks.cutting_policies import planned, to_order, when_ripe
from benchmarks.cutting_size import made_up
from models.harvest.cutting import plan_cuts
from models.harvest.cutting_problem import CutParams

LOSS = ("over ripe", "rain", "unsold", "quality", "left at the end")
PLAN_DAYS, PLAN_GAP = 4, 0.03
"""Of the nights played; the plan of --size looks 14 days ahead to 1 %."""
Rows = list[dict[str, object]]


def run(*, seeds: int = 30, seed: int = 1, size: str = "300x14") -> dict[str, object]:
    """Measure losses, service and promises on sample counties, and the time of one plan.

    Args:
        seeds: Sample counties played; 0: none.
        seed: The first of them; all policies meet the same county, weather and orders.
        size: Plots × days of the plan that is timed.

    Returns:
        `bench`, `data`, `seed`, `rows` and `must` in the common form.

    Raises:
        ValueError: `size` is not two numbers with an x between.
    """
    rows, must = _timed(size, seed)
    if seeds:
        found, limits = _played(range(seed, seed + seeds))
        rows, must = rows + found, must + limits
    return {
        "bench": "cutting",
        "data": "sample county, plan scaled to demand",
        "seed": seed,
        "rows": rows,
        "must": must,
    }


def _timed(size: str, seed: int) -> tuple[Rows, Rows]:
    plots, _, days = size.partition("x")
    if not (plots.isdigit() and days.isdigit()):
        raise ValueError(f"--size is '{size}'; write plots x days, such as 300x14")
    problem = made_up(int(plots), int(days), seed)
    began, cpu = time.monotonic(), time.process_time()
    plan = plan_cuts(problem, CutParams(days=int(days)), gap=0.01, time_limit_s=60.0)
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    name = f"{plots} plots, {days} days"
    rows = [_row(name, what, "anxu", value) for what, value in (
        ("seconds", seconds), ("cpu seconds, one thread", cpu), ("gap", plan.gap), ("cuts", plan.cuts.height),
    )]  # fmt: skip
    return rows, [
        _must(f"{name}: gap", plan.gap, 0.01, at_most=True),
        _must(f"{name}: seconds", seconds, 20.0, at_most=True),
    ]


def _played(seeds: range) -> tuple[Rows, Rows]:
    totals: dict[str, dict[str, float]] = {}
    for seed in seeds:
        county = build(seed)
        for name, policy in (
            ("when_ripe", when_ripe(county)), ("to_order", to_order(county, by_grade=False)),
            ("to_order_by_grade", to_order(county, by_grade=True)), ("anxu", planned(county, days=PLAN_DAYS, gap=PLAN_GAP)),
        ):  # fmt: skip
            _add(totals.setdefault(name, {}), play(county, policy))
    rows = [row for name, kg in totals.items() for row in _rows(name, kg)]
    order = min(("to_order", "to_order_by_grade"), key=lambda n: _loss(totals[n]))
    ours, ripe = totals["anxu"], totals["when_ripe"]
    return rows, [
        _must("loss against cut when ripe", 1 - _loss(ours) / _loss(ripe), 0.40),
        _must(f"loss against cut to order ({order})", 1 - _loss(ours) / _loss(totals[order]), 0.15),
        _must("service beside the better of them", _service(ours) - max(_service(k) for n, k in totals.items() if n != "anxu"), 0.0),
        _must("promised served within 72 hours", ours["promised served"] / ours["promised"], 0.98),
    ]  # fmt: skip


def _add(total: dict[str, float], ledger: Ledger) -> None:
    for name, kg in ledger.kg.items():
        total[name] = total.get(name, 0.0) + kg


def _loss(kg: dict[str, float]) -> float:
    return sum(kg.get(name, 0.0) for name in LOSS)


def _service(kg: dict[str, float]) -> float:
    return (kg["promised served"] + kg["ordered served"]) / (kg["promised"] + kg["ordered"])


def _rows(name: str, kg: dict[str, float]) -> Rows:
    shares = [(f"{what}, share of ripe kg", kg.get(what, 0.0) / kg["ripe"]) for what in LOSS]
    return [_row("sample county", metric, name, value) for metric, value in (
        ("ripe kg", kg["ripe"]), ("loss kg", _loss(kg)), *shares, ("orders served", _service(kg)),
        ("promised served within 72 h", kg["promised served"] / kg["promised"]), ("crew hours", kg["hours"]),
    )]  # fmt: skip


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(float(value), 4)}


def _must(what: str, value: float, limit: float, *, at_most: bool = False) -> dict[str, object]:
    return {
        "what": what,
        "value": round(value, 4),
        "limit": limit,
        "holds": value <= limit if at_most else value >= limit,
    }
