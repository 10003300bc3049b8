"""What a launch's title tells: how products with similar titles fare, and whether their season comes."""

import numpy as np
import numpy.typing as npt
import polars as pl

from features.launch_context import MONTH, DayTotals, rows_by_day
from features.titles import TitleSpace, title_tokens

NEIGHBOURS = 8
LEAST_ALIKE = 0.6
MILD_YUAN = 20.0
"""Added to sums whose ratio is taken."""


def title_context(
    entries: pl.DataFrame, asks: pl.DataFrame, totals: DayTotals, space: TitleSpace
) -> pl.DataFrame:
    """Add the title's place (`title_0` …) and how its neighbours do.

    Neighbours are up to 8 other products on sale before the decision day whose titles are alike (cosine ≥ 0.6).

    Returns:
        The asks with `similar_log_revenue` (mean log of 1 + their yuan of the last 28 days), `similar_momentum` (log of that over
        the 28 days before), `similar_lift_last_year` (as shop_lift_last_year, of theirs), `similar_count`, `title_words`; null
        without neighbours or records.
    """
    title = _first_titles(entries)
    names = pl.DataFrame({"product_id": totals.products}).join(
        title, on="product_id", how="left", maintain_order="left"
    )
    own = asks.select("product_id", "decision_on").join(
        title, on="product_id", how="left", maintain_order="left"
    )
    known = (
        own.select(pl.when(pl.col("titled_on") < pl.col("decision_on")).then("title")).to_series().to_list()
    )
    shelf, place = space.place(names["title"].to_list()), space.place(known)
    facts = _neighbours(totals, asks, shelf, place)
    axes = [pl.Series(f"title_{i}", place[:, i]) for i in range(place.shape[1])]
    words = pl.Series(
        "title_words", [float(len(title_tokens(t))) if t else None for t in known], dtype=pl.Float64
    )
    return asks.with_columns(*facts, words, *axes)


def _first_titles(entries: pl.DataFrame) -> pl.DataFrame:
    """The title each product had first: `product_id`, `title`, `titled_on`."""
    titled = entries.filter(pl.col("title").is_not_null() & (pl.col("units") > 0)).sort("day", "title")
    return titled.group_by("product_id", maintain_order=True).agg(
        pl.col("title").first(), titled_on=pl.col("day").first()
    )


def _neighbours(
    totals: DayTotals, asks: pl.DataFrame, shelf: npt.NDArray[np.float64], place: npt.NDArray[np.float64]
) -> list[pl.Series]:
    """Only products sold before the day take part, so what comes later cannot even reorder equals."""
    own = (
        asks["product_id"]
        .replace_strict(totals.products, np.arange(len(totals.products)), default=-1)
        .to_numpy()
    )
    found = np.full((asks.height, 4), np.nan)
    for day, at in rows_by_day(asks):
        now = totals.day_number(day)
        there = np.flatnonzero(totals.yuan_between(0, now) > 0)
        windows = np.array([totals.yuan_between(now + a, now + b)[there] for a, b in _WINDOWS])
        alike = place[at] @ shelf[there].T  # [asks of the day, products there]
        alike[there[None, :] == own[at][:, None]] = -1.0
        near = (
            np.argpartition(-alike, min(NEIGHBOURS, there.size - 1), axis=1)[:, :NEIGHBOURS]
            if there.size
            else None
        )
        for r, i in enumerate(at):
            picked = near[r][alike[r, near[r]] >= LEAST_ALIKE] if near is not None else _NOBODY
            if picked.size:
                found[i, :3] = _facts(windows[:, picked])
            found[i, 3] = picked.size
    columns = ("similar_log_revenue", "similar_momentum", "similar_lift_last_year", "similar_count")
    return [pl.Series(name, found[:, j]).fill_nan(None) for j, name in enumerate(columns)]


_WINDOWS = ((-MONTH, 0), (-2 * MONTH, -MONTH), (-365, -365 + 2 * MONTH), (-365 - MONTH, -365))
_NOBODY = np.empty(0, np.int64)


def _facts(windows: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    month, before, ahead, behind = windows
    momentum = np.log((month.sum() + MILD_YUAN) / (before.sum() + MILD_YUAN))
    lift = np.log((ahead.sum() / 2 + MILD_YUAN) / (behind.sum() + MILD_YUAN))
    return float(np.log1p(month).mean()), float(momentum), float(lift)
