"""A folder of order lines read under any of their spellings, and the launches a benchmark asks about."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from features.launch_asks import asked, find_launches, learning_asks, older_windows, outcomes
from features.launches_early import early_features, learn_basis
from features.order_rules import RuledOrders, apply_rules
from models.forecasting.bestseller_label import LabelSpec

SPELLINGS = {
    "order_id": ("Invoice", "InvoiceNo"),
    "product_id": ("StockCode",),
    "title": ("Description",),
    "units": ("Quantity",),
    "ordered_at": ("InvoiceDate",),
    "unit_price": ("Price", "UnitPrice"),
    "buyer_id": ("Customer ID", "CustomerID"),
    "region_id": ("Country",),
}
SURE_AFTER_DAYS = 90
"""A first sale so long after the folder's first day is a launch; an earlier one may be an old product's."""
LIKELY_AFTER_DAYS = 30
TEST_SHARE = 0.4
OLDER_ROWS, OLDER_WEIGHT = 4000, 0.2


def read_orders(folder: Path) -> RuledOrders:
    """Order lines of the folder's parquet files after the rules.

    Raises:
        ValueError: There is no parquet file, or a column is missing under all its spellings.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ValueError(f"no parquet file in '{folder}'; put one with order lines there")
    raw = pl.scan_parquet(files)
    there = raw.collect_schema()
    chosen = {}
    for name, spellings in SPELLINGS.items():
        found = [
            c for c in there if c.lower().replace(" ", "") in {s.lower().replace(" ", "") for s in spellings}
        ]
        if not found:
            raise ValueError(
                f"'{folder}' has no column {' or '.join(spellings)}; there are {', '.join(there)}"
            )
        chosen[name] = found[0]
    ordered = pl.col(chosen["ordered_at"])
    if there[chosen["ordered_at"]] == pl.String:
        ordered = pl.coalesce(
            ordered.str.to_datetime(pattern, strict=False, time_unit="us")
            for pattern in (
                "%Y-%m-%d %H:%M:%S",
                "%Y-%m-%dT%H:%M:%S",
                "%Y-%m-%d %H:%M",
                "%m/%d/%Y %H:%M",
                "%Y-%m-%d",
            )
        )
    buyer = pl.col(chosen["buyer_id"])
    if there[chosen["buyer_id"]].is_float():
        buyer = buyer.cast(pl.Int64)
    lines = raw.select(
        **{n: pl.col(chosen[n]).cast(pl.String) for n in ("order_id", "product_id", "title", "region_id")},
        buyer_id=buyer.cast(pl.String),
        units=pl.col(chosen["units"]).cast(pl.Float64),
        unit_price=pl.col(chosen["unit_price"]).cast(pl.Float64),
        ordered_at=ordered.cast(pl.Datetime("us")),
    )
    return apply_rules(
        lines.drop_nulls(["order_id", "product_id", "units", "unit_price", "ordered_at"]).collect()
    )


@dataclass(frozen=True)
class Case:
    """What is learnt from and what is called, both with features and outcome."""

    train: pl.DataFrame
    test: pl.DataFrame
    before: date
    """Nothing known on this day or later was learnt from: the first decision of the test, or the end of the training folder."""
    every: pl.DataFrame
    """Launches of the training folder (test ones included when it is split): `product_id`, `start_on`, `worth_yuan`."""


def case_of(train: RuledOrders, test: RuledOrders | None, *, label: LabelSpec, seed: int) -> Case:
    """Split by time, or call the launches of another folder.

    Without `test` the last 40 % of launches by date are called; with it, every product of it that was never sold in the
    training folder. Learning rows end their window before the first decision of the test.

    Raises:
        ValueError: There are no launches to call.
    """
    entries = train.entries
    first, last = _span(entries)
    launches = find_launches(
        entries, first_on=first + timedelta(days=SURE_AFTER_DAYS), last_on=last - timedelta(days=label.to_day)
    )
    if test is None:
        called = launches[launches.height - round(TEST_SHARE * launches.height) :]
        world = entries
    else:
        world = pl.concat([entries, test.entries.filter(pl.col("day") > last)]).sort(
            "day", maintain_order=True
        )
        _, end = _span(world)
        known = entries["product_id"].unique().to_list()
        called = find_launches(
            world, first_on=last + timedelta(days=1), last_on=end - timedelta(days=label.to_day), known=known
        )
    if called.is_empty():
        raise ValueError(f"no launch with {label.to_day} days of data after it: the orders span too few days")
    before = min(called["start_on"][0] + timedelta(days=label.decision_day), last + timedelta(days=1))
    likely = find_launches(entries, first_on=first + timedelta(days=LIKELY_AFTER_DAYS), last_on=last)
    learnt = _learnt(entries, likely, label=label, before=before, first=first, seed=seed)
    basis = learn_basis(entries, before=before, seed=seed)
    days = {"from_day": label.from_day, "to_day": label.to_day}
    rows, asks = early_features(entries, learnt, basis), asked(called, day=label.decision_day)
    return Case(
        outcomes(entries, rows, **days),
        outcomes(world, early_features(world, asks, basis), **days),
        before,
        outcomes(entries, launches, **days),
    )


def _learnt(
    entries: pl.DataFrame, likely: pl.DataFrame, *, label: LabelSpec, before: date, first: date, seed: int
) -> pl.DataFrame:
    day, to_day = label.decision_day, label.to_day
    older = older_windows(entries, before=before, day=day, to_day=to_day, most=OLDER_ROWS, seed=seed)
    return learning_asks(
        likely,
        older,
        before=before,
        sure_from=first + timedelta(days=SURE_AFTER_DAYS),
        day=day,
        to_day=to_day,
        older_weight=OLDER_WEIGHT,
    )


def _span(entries: pl.DataFrame) -> tuple[date, date]:
    days = entries.filter(pl.col("units") > 0)["day"]
    if days.is_empty():
        raise ValueError("no sold order line of goods in the folder")
    return days.min(), days.max()  # type: ignore[return-value]
