"""Promotions planned for a product in a channel, day by day, and what earlier ones did to its sales."""

from collections.abc import Mapping, Sequence

import polars as pl

KEYS = ("product_id", "channel_id")
ALWAYS_DAYS = 182
PRIOR_DAYS = 3.0
"""Usual days at which what promotion days sold counts as much as no effect at all."""
MOST_RATIO = 8.0
PROMOTED_POOLS: Mapping[str, tuple[str, ...]] = {
    "product": ("product_id",),
    "product_region": ("product_id", "region_id"),
}
"""Pools whose promotions are looked at beside the series' own."""
OWN = "own"


def promotion_days(promotion: pl.DataFrame | None) -> pl.DataFrame:
    """Lay promotions out: KEYS, `date`, `promoted_known_on`, once a day, the earliest known first.

    Args:
        promotion: `product_id`, `channel_id`, `promotion_date`, `known_on`; None: nothing is known of promotions. A day
            recorded only on or after itself (a history load) counts as planned all along.
    """
    if promotion is None:
        return pl.DataFrame(
            schema=dict.fromkeys(KEYS, pl.String) | {"date": pl.Date, "promoted_known_on": pl.Date}
        )
    day = pl.col("promotion_date")
    planned = pl.when(pl.col("known_on") >= day).then(pl.date(1, 1, 1)).otherwise("known_on")
    return promotion.group_by(*KEYS, date=day).agg(promoted_known_on=planned.min()).sort(*KEYS, "date")


def mark_promoted(grid: pl.DataFrame, promotions: pl.DataFrame) -> pl.DataFrame:
    """Add `promoted` (Float32, 0 or 1; null on all days where no promotion is known at all) to the day grid, in order."""
    if promotions.is_empty():
        return grid.with_columns(promoted=pl.lit(None, pl.Float32))
    on = promotions.select(*KEYS, "date", promoted=pl.lit(1.0, pl.Float32))
    return grid.join(on, on=[*KEYS, "date"], how="left", maintain_order="left").with_columns(
        pl.col("promoted").fill_null(0)
    )


def promotion_state(grid: pl.DataFrame, level: pl.Series) -> dict[str, pl.DataFrame]:
    """What promotion days and other days sold against the level of the day before, until each day.

    Args:
        grid: Every day of every series, sorted by `series`, `date`: SERIES, `told_kg` (null: tells nothing), `promoted`.
        level: kg per day to be expected, per row of `grid`.

    Returns:
        'own' and the names of PROMOTED_POOLS, each one row per series (pool) and day: its key, `date`, `on_index`,
        `off_index` (mean of told ÷ level over the last 182 days with and without a promotion, drawn to 1 by 3 usual days) and
        `on_days` (promoted days of the series, pool: mean over series). Empty frames where no promotion is known.
    """
    if grid["promoted"].null_count():
        return {}
    before = level.alias("_level")
    rows = grid.select("series", "date", *_key_columns(), "told_kg", "promoted").with_columns(before)
    usual = pl.col("_level").shift(1).over("series")
    kg = pl.min_horizontal("told_kg", MOST_RATIO * usual)
    told = pl.col("told_kg").is_not_null() & usual.is_not_null()
    on = pl.col("promoted") > 0
    sums = rows.select(
        "series",
        "date",
        *_key_columns(),
        on_kg=pl.when(told & on).then(kg).otherwise(0.0),
        on_usual=pl.when(told & on).then(usual).otherwise(0.0),
        off_kg=pl.when(told & ~on).then(kg).otherwise(0.0),
        off_usual=pl.when(told & ~on).then(usual).otherwise(0.0),
        on_days=pl.col("promoted"),
        prior=usual.fill_null(0.0),
    )
    own = _indices(sums, ["series"])
    return {OWN: own} | {
        name: _indices(
            sums.group_by(*by, "date").agg(
                pl.col("on_kg", "on_usual", "off_kg", "off_usual", "prior").sum(), pl.col("on_days").mean()
            ),
            by,
        )
        for name, by in PROMOTED_POOLS.items()
    }


def _key_columns() -> list[str]:
    return sorted({column for by in PROMOTED_POOLS.values() for column in by})


def _indices(sums: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    rows = sums.sort(*by, "date").with_columns(_pool=pl.struct(by).rle_id())
    wide = {
        name: pl.col(name).cast(pl.Float64).rolling_sum(ALWAYS_DAYS, min_samples=1).over("_pool")
        for name in ("on_kg", "on_usual", "off_kg", "off_usual", "on_days")
    }
    prior = PRIOR_DAYS * pl.col("prior").clip(1e-6)
    return rows.select(*by, "date", "prior", **wide).select(
        *by,
        "date",
        on_index=((pl.col("on_kg") + prior) / (pl.col("on_usual") + prior)).cast(pl.Float32),
        off_index=((pl.col("off_kg") + prior) / (pl.col("off_usual") + prior)).cast(pl.Float32),
        on_days=pl.col("on_days").cast(pl.Float32),
    )


FEATURES = (
    "promoted",
    "promoted_before",
    "promoted_origin",
    "promotion_days",
    *(f"planned_index_{name}" for name in (OWN, *PROMOTED_POOLS)),
)


def add_promotions(
    rows: pl.DataFrame, promotions: pl.DataFrame, state: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Add what is planned for the target day and what such days did before.

    Args:
        rows: `series`, SERIES, `origin`, `date`.
        promotions: As promotion_days.
        state: As promotion_state.

    Returns:
        `rows` in order with FEATURES: `promoted` on the target day, the day before it and the origin, as known at the
        origin; `promotion_days` so far; `planned_index_…`: what days of the target's kind (promoted or not) sold against the
        level until the origin. All null where no promotion is known.
    """
    if promotions.is_empty() or not state:
        return rows.with_columns(pl.lit(None, pl.Float32).alias(name) for name in FEATURES)
    for name, day in (
        ("promoted", pl.col("date")),
        ("promoted_before", pl.col("date").dt.offset_by("-1d")),
        ("promoted_origin", pl.col("origin")),
    ):
        rows = rows.with_columns(_planned(rows, promotions, day).alias(name))
    for name, by in ((OWN, ("series",)), *PROMOTED_POOLS.items()):
        found = rows.select(*by, date="origin").join(
            state[name], on=[*by, "date"], how="left", maintain_order="left"
        )
        index = pl.when(rows["promoted"] > 0).then(found["on_index"]).otherwise(found["off_index"])
        rows = rows.with_columns(pl.select(index.alias(f"planned_index_{name}")).to_series())
        if name == OWN:
            rows = rows.with_columns(found["on_days"].alias("promotion_days"))
    return rows


def _planned(rows: pl.DataFrame, promotions: pl.DataFrame, day: pl.Expr) -> pl.Series:
    asked = rows.select(*KEYS, "origin", date=day)
    found = asked.join(promotions, on=[*KEYS, "date"], how="left", maintain_order="left")
    is_known = (pl.col("promoted_known_on") <= pl.col("origin")).fill_null(False)
    return found.select(is_known.cast(pl.Float32)).to_series()
