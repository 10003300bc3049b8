"""What a product's first days tell: one row per product and decision day, made only of what was known that day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from features.launch_context import day_totals, shop_context
from features.launch_titles import title_context
from features.order_rules import huge_line_yuan
from features.titles import TitleSpace, fit_titles

SHAPE = (
    "log_revenue", "log_units", "log_orders", "log_buyers", "log_last_week", "log_first_week", "trend", "last_share",
    "active_share", "silent_share", "weekend_share", "top_order_share", "log_capped", "log_line_units", "log_order_yuan",
    "log_price", "price_change", "repeat_share", "unnamed_share", "log_regions", "other_region_share", "returned_share",
    "log_basket",
)  # fmt: skip
CONTEXT = ("log_order_share", "shop_momentum", "price_position", "shop_lift_last_year", "days_on_sale")
TITLE = ("similar_log_revenue", "similar_momentum", "similar_lift_last_year", "similar_count", "title_words")


@dataclass(frozen=True)
class FeatureBasis:
    """What features need that was learnt from earlier orders; kept with a model."""

    huge_line_yuan: float
    """Lines above it are capped in `log_capped` (order_rules.huge_line_yuan)."""
    space: TitleSpace

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"huge_line_yuan": self.huge_line_yuan, "space": self.space.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "FeatureBasis":
        """From what to_json gave."""
        return cls(float(stored["huge_line_yuan"]), TitleSpace.from_json(stored["space"]))


def learn_basis(entries: pl.DataFrame, *, before: date, seed: int, dimensions: int = 12) -> FeatureBasis:
    """Learn from what was known before a day: the size of a huge line, and the titles' words."""
    past = entries.filter(pl.col("known_on") < before)
    titles = past.filter(pl.col("title").is_not_null()).unique(
        "product_id", keep="first", maintain_order=True
    )
    space = fit_titles(titles["title"].to_list(), dimensions=dimensions, seed=seed)
    return FeatureBasis(huge_line_yuan(past), space)


FEATURES = (*SHAPE, *CONTEXT, *TITLE)
"""What calls are learnt from. The title's own place (`title_0` …) is made too, but helped neither trees nor linear models."""


def early_features(entries: pl.DataFrame, asks: pl.DataFrame, basis: FeatureBasis) -> pl.DataFrame:
    """Features of each asked product as known on its decision day.

    Args:
        entries: As order_rules.RuledOrders.entries; rows known on or after a decision day do not touch its row.
        asks: `product_id`, `start_on`, `decision_on`; at most one row per product and decision day.
        basis: Learnt on orders before the first decision.

    Returns:
        The asks in their order with `revenue_so_far_yuan`, `orders_so_far`, `buyers_so_far`, `last_week_yuan`, `growth`
        (yuan of the second half less the first), FEATURES and the title's place (Float64, null where not known).
    """
    days = (pl.col("decision_on") - pl.col("start_on")).dt.total_days()
    keyed = asks.select("product_id", "start_on", "decision_on").with_columns(days=days)
    seen = keyed.join(entries, on="product_id").filter(
        (pl.col("day") >= pl.col("start_on")) & (pl.col("known_on") < pl.col("decision_on"))
    )
    basket = entries.filter(pl.col("units") > 0).group_by("order_id").agg(basket=pl.len())
    known = asks.join(
        _shape(seen.join(basket, on="order_id", how="left"), basis),
        on=["product_id", "decision_on"],
        how="left",
        maintain_order="left",
    )
    known = known.with_columns(pl.col(_COUNTS).fill_null(0.0), pl.col(_LOGS).fill_null(0.0))
    totals = day_totals(entries)
    known = title_context(entries, shop_context(entries, known, totals), totals, basis.space)
    return known.with_columns(pl.col(FEATURES).cast(pl.Float64))


_COUNTS = ("revenue_so_far_yuan", "orders_so_far", "buyers_so_far", "last_week_yuan", "growth")
_LOGS = (
    "log_revenue",
    "log_units",
    "log_orders",
    "log_buyers",
    "log_last_week",
    "log_first_week",
    "log_capped",
)


def _shape(seen: pl.DataFrame, basis: FeatureBasis) -> pl.DataFrame:
    """One row per product and decision day with what SHAPE and the reference rankings need."""
    age = (pl.col("day") - pl.col("start_on")).dt.total_days()
    yuan, sold = pl.col("revenue_yuan"), pl.col("units") > 0
    parts = seen.with_columns(age=age, left=pl.col("days") - age)
    keys = ["product_id", "decision_on"]
    orders = parts.group_by(*keys, "order_id", maintain_order=True).agg(order_yuan=yuan.sum())
    top = orders.group_by(keys).agg(
        top_yuan=pl.col("order_yuan").max(), median_yuan=pl.col("order_yuan").median()
    )
    home = pl.col("region_id").drop_nulls().mode().sort().first()
    return (
        parts.group_by(keys, maintain_order=True)
        .agg(
            pl.col("days").first(),
            total=yuan.sum().clip(lower_bound=0.0),
            n_units=pl.col("units").sum().clip(lower_bound=0.0),
            orders_so_far=pl.col("order_id").filter(sold).n_unique().cast(pl.Float64),
            buyers_so_far=pl.col("buyer_id").filter(sold).drop_nulls().n_unique().cast(pl.Float64),
            buyer_days=pl.struct("buyer_id", "day").filter(sold & pl.col("buyer_id").is_not_null()).n_unique(),
            last_week_yuan=yuan.filter(pl.col("left") <= 7).sum(),
            first_week=yuan.filter(pl.col("age") < 7).sum(),
            first_half=yuan.filter(2 * pl.col("age") < pl.col("days")).sum(),
            active=pl.col("day").filter(sold).n_unique(),
            silent=pl.col("left").filter(sold).min() - 1,
            weekend=yuan.filter(pl.col("day").dt.weekday() >= 6).sum(),
            capped=yuan.clip(upper_bound=basis.huge_line_yuan).sum(),
            line_units=pl.col("units").filter(sold).median(),
            gross=yuan.filter(sold).sum(),
            gross_units=pl.col("units").filter(sold).sum(),
            early_price=(yuan / pl.col("units")).filter(sold & (pl.col("age") < 7)).median(),
            late_price=(yuan / pl.col("units")).filter(sold & (pl.col("left") <= 14)).median(),
            unnamed=yuan.filter(pl.col("buyer_id").is_null()).sum(),
            regions=pl.col("region_id").n_unique(),
            elsewhere=yuan.filter(pl.col("region_id") != home).sum(),
            basket=pl.col("basket").filter(sold).log1p().mean(),
        )
        .join(top, on=keys, how="left")
        .with_columns(_shape_columns())
        .select(*keys, *_COUNTS, *SHAPE)
    )  # fmt: skip


def _shape_columns() -> list[pl.Expr]:
    total = pl.col("total").clip(lower_bound=0.01)
    second = pl.col("total") - pl.col("first_half")

    def log(column: str) -> pl.Expr:
        return pl.col(column).clip(lower_bound=0.0).log1p()

    return [
        pl.col("total").alias("revenue_so_far_yuan"),
        (second - pl.col("first_half")).alias("growth"),
        log("total").alias("log_revenue"),
        log("n_units").alias("log_units"),
        log("orders_so_far").alias("log_orders"),
        log("buyers_so_far").alias("log_buyers"),
        log("last_week_yuan").alias("log_last_week"),
        log("first_week").alias("log_first_week"),
        ((second.clip(lower_bound=0.0) + 20) / (pl.col("first_half").clip(lower_bound=0.0) + 20)).log().alias("trend"),
        (pl.col("last_week_yuan") / total).clip(0, 1).alias("last_share"),
        (pl.col("active") / pl.col("days")).alias("active_share"),
        (pl.col("silent") / pl.col("days")).alias("silent_share"),
        (pl.col("weekend") / total).clip(0, 1).alias("weekend_share"),
        (pl.col("top_yuan") / total).clip(0, 1).alias("top_order_share"),
        log("capped").alias("log_capped"),
        log("line_units").alias("log_line_units"),
        log("median_yuan").alias("log_order_yuan"),
        (pl.col("gross") / pl.col("gross_units")).log().alias("log_price"),
        (pl.col("late_price") / pl.col("early_price")).log().alias("price_change"),
        (1 - pl.col("buyers_so_far") / pl.col("buyer_days").clip(lower_bound=1)).alias("repeat_share"),
        (pl.col("unnamed") / total).clip(0, 1).alias("unnamed_share"),
        log("regions").alias("log_regions"),
        (pl.col("elsewhere") / total).clip(0, 1).alias("other_region_share"),
        (1 - pl.col("total") / pl.col("gross").clip(lower_bound=0.01)).clip(0, 1).alias("returned_share"),
        pl.col("basket").alias("log_basket"),
    ]  # fmt: skip
