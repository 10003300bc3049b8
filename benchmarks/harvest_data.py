"""Picks of greenhouse compartments from a folder laid out as `greenhouse-agc2`."""

from pathlib import Path

import numpy as np

from benchmarks import MissingFolderError
from models.harvest.picks import Picks

YEAR_DAYS = 365
FILE = "Production.csv"


def read_compartments(data: Path) -> tuple[dict[str, Picks], list[str]]:
    """Folder name → picks (day as the file numbers it, kg per m² of both classes), and what was put right.

    A date out of order that falls into order when a year is added is taken for a slip of the year; other dates out of
    order, and rows without a number, are left out and named.

    Raises:
        MissingFolderError: Fewer than three compartments: leaving one out, two must be left to choose on.
    """
    files = sorted(data.glob(f"*/{FILE}"))
    if len(files) < 3:
        raise MissingFolderError(f"{len(files)} folders with {FILE} in '{data}'; at least three are needed")
    found, notes = {}, []
    for path in files:
        picks, said = _picks(path)
        found[path.parent.name] = picks
        notes += [f"{path.parent.name}: {note}" for note in said]
    return found, notes


def _picks(path: Path) -> tuple[Picks, list[str]]:
    numbers, notes = [], []
    for n, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("%"):
            continue
        cells = [c.strip() for c in line.split(",")]
        try:
            numbers.append((float(cells[0]), float(cells[1]) + float(cells[2])))
        except (ValueError, IndexError):
            notes.append(f"line {n} has no day, class A and class B: left out")
    usual = float(np.median([day for day, _ in numbers]))
    rows: list[tuple[float, float]] = []
    for day, kg in numbers:
        put_right = day + YEAR_DAYS
        if day < usual - YEAR_DAYS / 2 and put_right <= usual + YEAR_DAYS / 2:
            notes.append(f"day {day:g} lies a year before the others: taken for {put_right:g}")
            day = put_right
        if np.isnan(kg) or kg < 0:
            notes.append(f"day {day:g}: {kg:g} kg is no weight: left out")
        elif rows and day <= rows[-1][0]:
            notes.append(f"day {day:g} is not after {rows[-1][0]:g}: left out")
        else:
            rows.append((day, kg))
    days, kgs = zip(*rows, strict=True)
    return Picks(np.array(days), np.array(kgs)), notes
