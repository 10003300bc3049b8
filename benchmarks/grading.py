"""`anxu bench grading`: prices by grade on market reports, or grades from measurements, told apart by the folder's files."""

from pathlib import Path
from typing import Any

from benchmarks import MissingFolderError
from benchmarks.grading_prices import price_bench


def run(*, data: Path, seed: int = 1, threads: int = 1) -> dict[str, Any]:
    """Measure the folder.

    Args:
        data: Laid out as agmarknet-grades (*.csv or *.csv.gz with a Grade column) or as wine-quality (winequality-*.csv).
        seed: Of redrawn markets, of folds and of models.
        threads: Of the models.

    Raises:
        MissingFolderError: The folder holds neither.
    """
    files = sorted(p for p in data.iterdir() if p.name.endswith((".csv", ".csv.gz")))
    if any(p.name.startswith("winequality") for p in files):
        from benchmarks.grading_wine import wine_bench

        rows, must = wine_bench(files, seed=seed, threads=threads)
    elif files:
        rows, must = price_bench(files, seed=seed)
    else:
        raise MissingFolderError(f"'{data}' holds no .csv or .csv.gz file")
    return {"bench": "grading", "data": str(data), "seed": seed, "rows": rows, "must": must}
