"""Price of a grade against Medium, by file, beside the medians within cells that a plain reading gives."""

import csv
import gzip
import io
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from models.grading.prices import grade_price_ratios

BASE = "Medium"
METRICS = {"Large": "price_ratio_large", "Small": "price_ratio_small"}
MANY_CELLS, CLOSE, NEAR = 90, 0.03, 0.08
NEVER = "Extra"
"""A class of other standards, asked about in every file: where it never occurs the answer must be 'not estimable'."""
Figures = list[dict[str, Any]]


def price_bench(files: Sequence[Path], *, seed: int) -> tuple[Figures, Figures]:
    """Rows and limits of every file; segment is the file's name up to its first dot."""
    rows: Figures = []
    must: Figures = []
    for path in files:
        prices = read_reports(path)
        segment = path.name.split(".")[0]
        asked = [*sorted(set(prices["grade"]) | {BASE, *METRICS, NEVER})]
        found = grade_price_ratios(prices, base=BASE, grades=asked, seed=seed)
        plain = within_cell_medians(path)
        for answer in found.iter_rows(named=True):
            new_rows, new_must = _judged(segment, answer, plain)
            rows, must = [*rows, *new_rows], [*must, *new_must]
    return rows, must


def read_reports(path: Path) -> pl.DataFrame:
    """market, variety, month, grade, price (modal) of one file."""
    raw = pl.read_csv(path, infer_schema=False)
    return raw.select(
        market=pl.concat_str("State", "District", "Market", separator="/"),
        variety="Variety",
        month=pl.col("Arrival_Date").str.slice(0, 7),
        grade="Grade",
        price=pl.col("Modal_Price").cast(pl.Float64, strict=False),
    )


def within_cell_medians(path: Path) -> dict[str, tuple[float, int]]:
    """Median over cells of a grade's median price ÷ Medium's, and the cells: by plain loops, sharing no code with ours."""
    cells: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    unpacked = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for row in csv.DictReader(io.StringIO(unpacked.decode("utf-8-sig"))):
        try:
            price = float(row["Modal_Price"])
        except ValueError:
            continue
        if price > 0:
            key = (row["State"], row["District"], row["Market"], row["Variety"], row["Arrival_Date"][:7])
            cells[key][row["Grade"]].append(price)
    ratios: dict[str, list[float]] = defaultdict(list)
    for grades in cells.values():
        if BASE in grades:
            for grade, found in grades.items():
                ratios[grade].append(statistics.median(found) / statistics.median(grades[BASE]))
    return {grade: (statistics.median(r), len(r)) for grade, r in ratios.items() if grade != BASE}


def _judged(
    segment: str, answer: dict[str, Any], plain: dict[str, tuple[float, int]]
) -> tuple[Figures, Figures]:
    grade, advice = answer["grade"], answer["advice"]
    if grade == BASE:
        return [], []
    metric = METRICS.get(grade, f"price_ratio_{grade.lower()}")

    def row(name: str, method: str, value: Any) -> dict[str, Any]:
        return {"segment": segment, "metric": name, "method": method, "value": value}

    rows = [
        row(metric, "anxu", "not estimable" if answer["price_ratio"] is None else answer["price_ratio"]),
        row(f"{metric}_advice", "anxu", advice.replace("_", " ")),
    ]
    must: Figures = []
    if grade in plain:
        rows.append(row(metric, "within_cell_median", plain[grade][0]))
        rows.append(row(f"{metric}_cells", "within_cell_median", plain[grade][1]))
    if answer["price_ratio"] is not None:
        rows += [row(f"{metric}_low", "anxu", answer["low"]), row(f"{metric}_high", "anxu", answer["high"])]
        far, limit = (
            abs(answer["price_ratio"] - plain[grade][0]),
            CLOSE if plain[grade][1] >= MANY_CELLS else NEAR,
        )
        what = f"{segment}: {metric} away from the within-cell median, at most"
        must.append({"what": what, "value": far, "limit": limit, "holds": far <= limit})
        has_one = answer["low"] <= 1.0 <= answer["high"]
        if has_one:
            what = f"{segment}: interval of {metric} holds 1.00, so it does not pay"
            must.append(
                {"what": what, "value": advice, "limit": "does_not_pay", "holds": advice == "does_not_pay"}
            )
    elif grade not in plain:
        what = f"{segment}: {grade} never stands beside {BASE}"
        must.append(
            {"what": what, "value": advice, "limit": "not_estimable", "holds": advice == "not_estimable"}
        )
    return rows, must
