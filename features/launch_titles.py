"""What a launch's title tells: how products with similar titles fare, and whether their season comes."""

import numpy as np
import numpy.typing as npt
import polars as pl

from features.launch_context import MONTH, DayTotals, day_totals
from features.titles import TitleSpace, title_tokens

NEIGHBOURS = 8
LEAST_ALIKE = 0.6


def title_context(entries: pl.DataFrame, asks: pl.DataFrame, space: TitleSpace) -> pl.DataFrame:
    """Add the title's place (`title_0` …) and how its neighbours do.

    Neighbours are up to 8 other products on sale before the decision day whose titles are alike (cosine ≥ 0.6).

    Returns:
        The asks with `similar_log_revenue` (mean log of 1 + their yuan of the last 28 days), `similar_momentum` (log of that over
        the 28 days before), `similar_lift_last_year` (as shop_lift_last_year, of theirs), `similar_count`, `title_words`; null
        without neighbours or records.
    """
    totals = day_totals(entries)
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
    number = {product: i for i, product in enumerate(totals.products)}
    found = np.full((asks.height, 4), np.nan)
    rows = asks.select("product_id", "decision_on").with_row_index("i")
    for _, part in rows.group_by("decision_on", maintain_order=True):
        now = totals.day_number(part["decision_on"][:1])
        at = part["i"].to_numpy()
        past, month, before, ahead, behind = (
            totals.between(now + a, now + b)[:, 0]
            for a, b in ((-int(now[0]), 0), (-MONTH, 0), (-2 * MONTH, -MONTH), (-365, -309), (-393, -365))
        )
        alike = place[at] @ shelf.T  # [asks of the day, products]
        alike[:, past <= 0] = -1.0
        for row, i, product in zip(alike, at, part["product_id"], strict=True):
            if product in number:
                row[number[product]] = -1.0
            near = np.argsort(-row, kind="stable")[:NEIGHBOURS]
            near = near[row[near] >= LEAST_ALIKE]
            if near.size:
                found[i] = _facts(near, month, before, ahead / 2, behind)
            found[i, 3] = near.size
    columns = ("similar_log_revenue", "similar_momentum", "similar_lift_last_year", "similar_count")
    return [pl.Series(name, found[:, j]).fill_nan(None) for j, name in enumerate(columns)]


def _facts(near: npt.NDArray[np.int64], *windows: npt.NDArray[np.float64]) -> list[float]:
    month, before, ahead, behind = (w[near] for w in windows)
    mild = 20.0
    momentum = np.log((month.sum() + mild) / (before.sum() + mild))
    lift = np.log((ahead.sum() + mild) / (behind.sum() + mild))
    return [float(np.log1p(month).mean()), float(momentum), float(lift), float(near.size)]
