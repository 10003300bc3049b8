"""What a product that has sold nothing may earn: windows of products like it, weighed by price and time of year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import ndtri

from features.launch_context import DayTotals

Floats = npt.NDArray[np.float64]
PRICE_SPREAD = 0.5
"""Products whose price differs by so much (log) weigh 0.61 of equally dear ones."""
SEASON_DAYS = 30.0
"""Windows that begin so many days of the year apart weigh 0.61 of those that begin together."""
LEAST_WEIGHT = 1e-3
"""Below it no window lies near in time of year, and the time of year is left out."""
STEP_DAYS = 28
LEAST_SPREAD = 0.3
PRIOR = 2.0
"""The base rate counts as so many like products."""
NORMAL = ndtri((np.arange(9) + 0.5) / 9)
WINDOWS = pl.Schema(
    {"product_id": pl.String, "window_from": pl.Date, "worth_yuan": pl.Float64, "is_launch": pl.Boolean}
)


@dataclass(frozen=True)
class LikeCall:
    """What windows of like products tell of one that is not on sale."""

    probability: float
    """Chance to lie above what the top share of its like earn at that time of year."""
    base_rate: float
    """The same for any of its like, whatever its price."""
    worth: Floats
    """[levels] yuan, not falling."""
    expected_yuan: float
    products: int
    price_share: float
    """Share of the like products that are cheaper per kg."""
    season_lift: float
    """Mean worth at that time of year over that of all windows; 1 where no window lies near."""


def sale_windows(
    totals: DayTotals, starts: pl.DataFrame, *, before: date, from_day: int, to_day: int, past_days: int
) -> pl.DataFrame:
    """Windows of to_day − from_day days in which products may have sold.

    Args:
        totals: Of all products.
        starts: `product_id`, `start_on` of launches.
        before: Windows end before or on this day.
        from_day, to_day: Of a launch's window, in days after its start.
        past_days: Windows of products that are no launches begin at most so many days before `before`.

    Returns:
        WINDOWS: a launch's own window; of every other product one each STEP_DAYS from its first sale on.
    """
    width, end = to_day - from_day, totals.day_number(before)
    launched = dict(starts.select("product_id", "start_on").iter_rows())
    first = np.argmax(totals.yuan > 0, axis=0) - 1
    rows = list[tuple[str, int, bool]]()
    for column, product in enumerate(totals.products):
        if product in launched:
            at = totals.day_number(launched[product]) + from_day
            rows += [(product, at, True)] if at + width <= end else []
        else:
            latest = range(end - width, max(int(first[column]), end - past_days) - 1, -STEP_DAYS)
            rows += [(product, at, False) for at in latest]
    row_of = {p: i for i, p in enumerate(totals.products)}
    found = [
        (
            product,
            totals.first_on + timedelta(days=at),
            float(totals.yuan_between(at, at + width)[row_of[product]]),
            is_launch,
        )
        for product, at, is_launch in rows
    ]
    return pl.DataFrame(found, schema=WINDOWS, orient="row")


def call_by_likes(
    windows: pl.DataFrame,
    prices: pl.DataFrame,
    *,
    price_yuan_per_kg: float,
    window_from: date,
    levels: Sequence[float],
    top_share: float,
    spread: float,
) -> LikeCall:
    """Call a product by what those like it earned.

    Args:
        windows: Rows of sale_windows of the like products.
        prices: `product_id`, `price_yuan_per_kg`; a product without one weighs as if equally dear.
        price_yuan_per_kg: Asked for the product called.
        window_from: Its window's first day.
        levels: Ascending, in (0, 1).
        top_share: Share of windows that count as bestsellers.
        spread: How far a product lies from those like it (log; product_spread). Each window counts with a spread of
            factors, else one like product would make its own past look certain.

    Raises:
        ValueError: No window.
    """
    if windows.is_empty():
        raise ValueError("no window of a like product: there is nothing to call by")
    rows = windows.join(prices, on="product_id", how="left", maintain_order="left")
    worth = rows["worth_yuan"].to_numpy().astype(float)
    alike = (1.0 / rows.select(pl.len().over("product_id")).to_series().to_numpy()).astype(float)
    far = (
        rows["price_yuan_per_kg"].fill_null(price_yuan_per_kg).log() - np.log(price_yuan_per_kg)
    ).to_numpy()
    dear = np.exp(-0.5 * (far / PRICE_SPREAD) ** 2)
    apart = np.abs((rows["window_from"].dt.ordinal_day() - window_from.timetuple().tm_yday).to_numpy())
    season = np.exp(-0.5 * (np.minimum(apart, 365 - np.minimum(apart, 365)) / SEASON_DAYS) ** 2)
    if (alike * season).sum() <= LEAST_WEIGHT * alike.sum():
        season = np.ones(worth.size)
    usual, own = alike * season, alike * season * dear
    own = own if own.sum() > 0 else usual  # prices beyond all comparison
    factors = np.exp(spread * NORMAL)
    drawn = (worth[:, None] * factors).ravel()
    usual_drawn, own_drawn = (np.repeat(w, factors.size) for w in (usual, own))
    cut = weighed_quantiles(drawn, usual_drawn, [1 - top_share])[0]
    best = (drawn >= cut) & (drawn > 0)
    base = float(np.average(best, weights=usual_drawn))
    by_product = (
        rows.select("product_id", own=pl.Series(own))
        .group_by("product_id", maintain_order=True)
        .agg(pl.col("own").sum())["own"]
        .to_numpy()
    )
    held = float(np.sum(by_product) ** 2 / np.sum(by_product**2))
    all_year = float(np.average(worth, weights=alike))
    cheaper = rows.unique("product_id", maintain_order=True)["price_yuan_per_kg"].drop_nulls().to_numpy()
    return LikeCall(
        probability=(held * float(np.average(best, weights=own_drawn)) + PRIOR * base) / (held + PRIOR),
        base_rate=base,
        worth=weighed_quantiles(drawn, own_drawn, levels),
        expected_yuan=float(np.average(drawn, weights=own_drawn)),
        products=rows["product_id"].n_unique(),
        price_share=float(np.mean(cheaper < price_yuan_per_kg)) if cheaper.size else 0.5,
        season_lift=float(np.average(worth, weights=usual)) / all_year if all_year > 0 else 1.0,
    )


def product_spread(windows: pl.DataFrame) -> float:
    """Standard deviation of the log of 1 + a product's mean worth, within families; LEAST_SPREAD at least.

    Where no family has two products it is taken over all of them.

    Args:
        windows: Rows of sale_windows with `family`.
    """
    means = (
        windows.group_by("product_id", "family", maintain_order=True)
        .agg(worth=pl.col("worth_yuan").mean().log1p())
        .sort("product_id")
        .with_columns(left=pl.col("worth") - pl.col("worth").mean().over("family"), n=pl.len().over("family"))
    )
    several = means.filter(pl.col("n") > 1)
    free = several.height - several["family"].n_unique()
    if free > 0:
        return max(LEAST_SPREAD, float(np.sqrt((several["left"].to_numpy() ** 2).sum() / free)))
    return max(LEAST_SPREAD, float(np.std(means["worth"].to_numpy())))


def weighed_quantiles(values: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """[levels] quantiles of weighed values, on straight lines between the middles of their weights."""
    order = np.argsort(values, kind="stable")
    ranked, share = values[order], weights[order] / weights.sum()
    middle = np.cumsum(share) - share / 2
    return np.asarray(np.interp(levels, middle, ranked), dtype=np.float64)
