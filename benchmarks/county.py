"""The sample county as a measuring instrument: does what it promises hold, and what do present practices earn on it?"""

import json
import time
from dataclasses import asdict
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from models.simulation.actions import Actions, Harvest, as_last_year, cut_to_order, cut_when_ripe
from models.simulation.instrument import Check, checks, yield_variation
from models.simulation.play import play
from models.simulation.sizes import ENDS_ON
from models.simulation.stage import Truth, truth_of
from models.simulation.world import World, build_world

PLAYS = 3
PRACTICES: dict[str, Harvest] = {
    "as last year, cut when ripe": cut_when_ripe(),
    "as last year, cut to order": cut_to_order(),
}


def run(size: str, seed: int, json_path: Path | None = None) -> int:
    """Build the county, print its figures beside their limits and the present practices' profit; 0 when all hold."""
    console, started = Console(), time.perf_counter()
    world = build_world(size, seed)
    built = time.perf_counter() - started
    found = checks(world)
    console.print(_checks_table(found, f"sample county '{size}', seed {seed} (built in {built:.1f} s)"))
    console.print(_frame_table(yield_variation(world).sort("practice_id"), "yield per mu"))
    played = present_practices(truth_of(world), seed)
    console.print(_frame_table(played, f"present practices in {ENDS_ON.year + 1}, mean of {PLAYS} plays"))
    if json_path is not None:
        json_path.write_text(
            json.dumps(_document(world, found, played, seed), indent=1, ensure_ascii=False), "utf-8"
        )
    return 0 if all(c.holds for c in found) else 1


def present_practices(truth: Truth, seed: int) -> pl.DataFrame:
    """One row per practice: profit_yuan, sold_kg, lost_kg, unserved_kg, labour_hours, means over plays of common luck."""
    plantings = as_last_year(truth, ENDS_ON.year + 1)
    rows = []
    for name, harvest in PRACTICES.items():
        for n in range(PLAYS):
            outcome = play(truth, Actions(plantings, harvest), seed + n)
            numbers = {k: v for k, v in vars(outcome).items() if k != "flows"}
            rows.append({"practice": name, **numbers})
    return pl.DataFrame(rows).group_by("practice", maintain_order=True).mean()


def _checks_table(found: list[Check], title: str) -> Table:
    table = Table(title=title)
    for name in ("what", "value", "must lie in", "holds"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for c in found:
        high = "" if c.high == float("inf") else f"{c.high:g}"
        table.add_row(c.what, f"{c.value:,.3f}", f"{c.low:g} … {high}", "yes" if c.holds else "NO")
    return table


def _frame_table(frame: pl.DataFrame, title: str) -> Table:
    table = Table(title=title)
    for name in frame.columns:
        table.add_column(name)
    for row in frame.iter_rows():
        table.add_row(
            *(
                f"{v:,.3f}"
                if isinstance(v, float) and abs(v) < 10
                else f"{v:,.0f}"
                if isinstance(v, float)
                else str(v)
                for v in row
            )
        )
    return table


def _document(world: World, found: list[Check], played: pl.DataFrame, seed: int) -> dict[str, object]:
    return {
        "bench": "county",
        "data": world.size.name,
        "seed": seed,
        "rows": played.to_dicts(),
        "must": [
            {**asdict(c), "high": None if c.high == float("inf") else c.high, "holds": c.holds} for c in found
        ],
    }
