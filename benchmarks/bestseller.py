"""`anxu bench bestseller`: launches and listings called, beside rankings by what was sold so far and beside calling none."""

from pathlib import Path

from benchmarks import MissingFolderError
from benchmarks.bestseller_cost import cost_figures
from benchmarks.bestseller_data import case_of, read_orders
from benchmarks.bestseller_listings import listing_figures
from benchmarks.bestseller_scores import count_rows, launch_figures, rule_rows
from features.launches_early import FEATURES
from models.forecasting.bestseller import fit_calls
from models.forecasting.bestseller_label import LabelSpec
from settings import Settings

ORDERS, LISTED, TO_CALL = "online-retail-2009-2010", "tiki-fashion-products", "wish-summer-products"
ASKED = ((28, 0.2), (28, 0.1), (14, 0.1))
"""Decision day and top share that are measured when neither is named."""


def run(
    *,
    train: Path | None = None,
    test: Path | None = None,
    day: int = 0,
    top: float = 0.0,
    listings: tuple[Path, Path] | None = None,
    cost: int = 0,
    seed: int = 1,
    threads: int = 1,
) -> dict[str, object]:
    """Measure launches, listings or the cost; with nothing named all three on the setting's data folder.

    Args:
        train: Folder with one parquet of order lines.
        test: Another such folder, later; its products never sold in `train` are called.
        day: Days on sale known at the decision; 0: each of ASKED.
        top: Share called; 0: each of ASKED.
        listings: Folders as tiki-fashion-products and wish-summer-products.
        cost: Order lines made up for the cost; 0: none, unless nothing is named (then a million).
        seed: Of models and draws.
        threads: LightGBM's.
    """
    everything = train is None and test is None and listings is None and not cost
    data = Settings().data
    orders = train or data / ORDERS
    listed = listings or (data / LISTED, data / TO_CALL)
    needed = [*([orders] if everything or train or test else []), *(listed if everything or listings else ())]
    if missing := [p for p in (*needed, *([test] if test else [])) if not p.exists()]:
        raise MissingFolderError(
            f"no folder '{missing[0]}'; name it with --train, --test or --listings, or set ANXU_DATA"
        )
    rows: list[dict[str, object]] = []
    must: list[dict[str, object]] = []
    if everything or train or test:
        found = _launches(orders, test, day=day, top=top, seed=seed, threads=threads)
        rows, must = rows + found[0], must + found[1]
    if everything or listings:
        found = listing_figures(*listed, seed=seed, threads=threads)
        rows, must = rows + found[0], must + found[1]
    if everything or cost:
        found = cost_figures(cost or 1_000_000, seed=seed)
        rows, must = rows + found[0], must + found[1]
    named = [str(p) for p in (train, test, *(listings or ())) if p] or [str(data)]
    return {"bench": "bestseller", "data": ", ".join(named), "seed": seed, "rows": rows, "must": must}


Figures = tuple[list[dict[str, object]], list[dict[str, object]]]


def _launches(folder: Path, test: Path | None, *, day: int, top: float, seed: int, threads: int) -> Figures:
    orders, later = read_orders(folder), read_orders(test) if test else None
    rows = rule_rows("training orders", orders) + (rule_rows("test orders", later) if later else [])
    must: list[dict[str, object]] = []
    asked = [(d, t) for d, t in ASKED if day in (0, d) and top in (0.0, t)] or [(day or 28, top or 0.2)]
    for decision_day, top_share in asked:
        label = LabelSpec(decision_day=decision_day, top_share=top_share)
        case = case_of(orders, later, label=label, seed=seed)
        model = fit_calls(case.train, label=label, features=FEATURES, seed=seed, threads=threads)
        rows += count_rows(case, label)
        found = launch_figures(case, model, is_another_year=test is not None, seed=seed, threads=threads)
        rows, must = rows + found[0], must + found[1]
    return rows, must
