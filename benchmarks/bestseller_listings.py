"""Listings of one platform learnt from, those of another called: with the product's own review count, and without."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.cluster import KMeans

from features.listings import COUNTS, PRODUCT, SELLER, listing_features, unique_listings
from features.titles import fit_titles
from models.evaluation.ranking import area_under_roc, average_precision, bootstrap
from models.forecasting.bestseller import CallParams, fit_calls
from models.forecasting.bestseller_choice import choose_features
from models.forecasting.bestseller_label import LabelSpec

BEST_UNITS = 10_000
"""Units sold from which a called listing counts as a bestseller (its platform publishes steps)."""
TOP_SHARE = 0.2
GROUPS = 8
LINEAR = CallParams(core=(), trees=0, penalty=50.0)
COLUMNS = {
    "product_id": ("id", "product_id"),
    "title": ("name", "title_orig"),
    "price": ("current_price", "price"),
    "list_price": ("original_price", "retail_price"),
    "seller_id": ("seller_id", "merchant_id"),
    "seller_reviews": ("seller_review_count", "merchant_rating_count"),
    "seller_rating": ("seller_rating_average", "merchant_rating"),
    "rating": ("rating_average", "rating"),
    "reviews": ("product_review_count", "rating_count"),
    "units_sold": ("quantity_sold", "units_sold"),
}
SETS: dict[str, tuple[Sequence[str], float | None]] = {
    "no counts": (PRODUCT, 0.60),
    "seller counts": ((*PRODUCT, *SELLER), 0.75),
    "all counts": ((*PRODUCT, *SELLER, *COUNTS), None),
}
"""What may be used → columns, and the area under the curve that must be reached (None: reported)."""


def read_listings(folder: Path) -> pl.DataFrame:
    """All listing files of a folder, one row per line, under our names.

    Raises:
        ValueError: There is no csv file, or a column is missing under all its spellings.
    """
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")])
    if not files:
        raise ValueError(f"no csv file in '{folder}'; put listings there")
    raw = pl.concat([pl.read_csv(f, infer_schema_length=None) for f in files], how="vertical_relaxed")
    chosen = {n: next((s for s in spellings if s in raw.columns), "") for n, spellings in COLUMNS.items()}
    if missing := [n for n, s in chosen.items() if not s]:
        raise ValueError(
            f"'{folder}' has no column for {', '.join(missing)}; there are {', '.join(raw.columns)}"
        )
    text = {"product_id", "title", "seller_id"}
    return raw.select(
        pl.col(s).cast(pl.String if n in text else pl.Float64).alias(n) for n, s in chosen.items()
    )


def listing_figures(
    train: Path, test: Path, *, seed: int, threads: int
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows and limits."""
    learnt, learnt_counts = unique_listings(read_listings(train))
    called, called_counts = unique_listings(read_listings(test))
    ours, theirs = listing_features(learnt), listing_features(called)
    is_best = (called["units_sold"] >= BEST_UNITS).to_numpy()
    rows = [_row("listings learnt from", n, "rule", v) for n, v in learnt_counts.items()]
    rows += [_row("listings called", n, "rule", v) for n, v in called_counts.items()]
    base = float(is_best.mean())
    rows += [
        _row("listings called", "base rate", "all", base),
        _row("listings called", "area under the curve", "never", 0.5),
    ]
    must: list[dict[str, object]] = []
    for name, (columns, limit) in SETS.items():
        score, path = _called(ours, theirs, columns, seed=seed, threads=threads)
        used = ", ".join(f"{feature} {area:.3f}" for feature, area in path)
        found = bootstrap(
            {
                "area under the curve": partial(_figure, area_under_roc, is_best, score),
                "average precision": partial(_figure, average_precision, is_best, score),
            },
            is_best.size,
            seed=seed,
        )
        rows.append(_row(f"listings, {name}", "used, area in groups left out", "anxu", used))
        rows += [
            _row(f"listings, {name}", n, "anxu", f"{i.value:.3f} ({i.low:.3f}–{i.high:.3f})")
            for n, i in found.items()
        ]
        area = found["area under the curve"].value
        if limit is not None:
            what = f"listings, {name}: area under the curve (base rate {base:.3f})"
            must.append({"what": what, "value": area, "limit": limit, "holds": area >= limit})
    return rows, must


def _called(
    ours: pl.DataFrame, theirs: pl.DataFrame, columns: Sequence[str], *, seed: int, threads: int
) -> tuple[npt.NDArray[np.float64], list[tuple[str, float]]]:
    """Scores of the called listings, and the features chosen on the learnt ones alone."""
    label = LabelSpec(kind="listing", top_share=TOP_SHARE, worth="units_sold", so_far=None)
    titles = ours["title"].to_list()
    place = fit_titles(titles, dimensions=24, seed=seed).place(titles)
    group = KMeans(GROUPS, n_init=3, random_state=seed).fit_predict(place).astype(np.int64)
    x = ours.select(pl.col(list(columns)).cast(pl.Float64)).fill_null(np.nan).to_numpy()
    chosen, path = choose_features(
        x,
        np.log1p(ours["units_sold"].to_numpy()),
        label.mark(ours),
        group,
        names=columns,
        penalty=LINEAR.penalty,
    )
    model = fit_calls(ours, label=label, features=chosen, params=LINEAR, seed=seed, threads=threads)
    return model.score(theirs, threads=threads), path


def _figure(figure: object, is_best: object, score: object, rows: npt.NDArray[np.int64]) -> float:
    return float(figure(is_best[rows], score[rows]))  # type: ignore[operator,index]


def _row(segment: str, metric: str, method: str, value: object) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": value}
