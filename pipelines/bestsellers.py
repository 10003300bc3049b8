"""The night's step `select`: which products will sell best, what they may earn, and what to take on."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from models.forecasting.bestseller import LEVELS, worth_column
from models.forecasting.selection import Offer, select
from pipelines.bestseller_candidates import call_candidates
from pipelines.bestseller_inputs import SelectFacts, SelectParams, product_costs, select_facts, sold_prices
from pipelines.bestseller_rows import CALL, REASON, SELECTION, offer_margin, selection_row
from pipelines.bestseller_train import Caller, caller_for, launch_asks
from pipelines.progress import report
from settings import Settings
from warehouse import Warehouse

TABLES = ("bestseller_forecast", "bestseller_reason", "selection_recommendation")
Row = dict[str, Any]
DECIMALS = 6
"""Of what is written: sums of floats in another order are no other call."""


def select_products(
    settings: Settings,
    warehouse: Warehouse,
    *,
    cutoff: date,
    run_id: str,
    params: SelectParams | None = None,
) -> str:
    """Call launches and candidates from what was known on `cutoff`, decide about them, and write both in place of the former.

    A launch is called by the latest of `decision_days` it has reached until its window has passed; candidates that are
    not withdrawn and whose `decide_by` has not passed, every night. Without order lines there is nothing to tell from and
    no row. What is left out is said.

    Returns:
        One line: how many were called and decided, what stands in, what is missing.
    """
    params = params or SelectParams()
    facts = select_facts(settings, warehouse, cutoff=cutoff, params=params)
    calls, reasons, chosen, notes = list[Row](), list[pl.DataFrame](), list[Row](), list[str]()
    if facts is None:
        _write(warehouse, cutoff, run_id, calls, reasons, chosen)
        return "no calls: no order line is mapped to a product; load orders and listings first"
    costs = sold_prices(facts).join(
        product_costs(settings, warehouse, cutoff=cutoff), on="product_id", how="left"
    )
    for n, (day, asks) in enumerate(launch_asks(facts, cutoff=cutoff, params=params).items()):
        report("select", n, 3, f"day {day}")
        caller = caller_for(settings, facts, decision_day=day, cutoff=cutoff, params=params, run_id=run_id)
        if isinstance(caller, str):
            rows = _ranked(facts, asks, day, cutoff, params)
            notes.append(f"day {day}: {caller}; ranked by sales so far")
        else:
            known = caller.features_of(facts, asks)
            rows = _called(settings, facts, known, caller)
            reasons.append(_reasons(settings, known, caller))
        for row in rows.join(costs, on="product_id", how="left", maintain_order="left").iter_rows(named=True):
            _launch(row, cutoff, params, calls, chosen, notes)
    report("select", 2, 3, "candidates")
    _candidates(settings, warehouse, facts, cutoff, params, calls, reasons, chosen)
    _write(warehouse, cutoff, run_id, calls, reasons, chosen)
    launches = sum(c["question"] == "launch" for c in calls)
    stand_in = sorted(
        {c["fallback_reason"] for c in calls if c["question"] == "launch" and c["fallback_reason"]}
    )
    said = [
        f"{launches} launches and {len(calls) - launches} candidates called, {len(chosen)} decided",
        *stand_in,
        *notes,
    ]
    return "; ".join(said)


def _called(settings: Settings, facts: SelectFacts, rows: pl.DataFrame, caller: Caller) -> pl.DataFrame:
    """The model's calls of launches: predict's columns with start_on, name, base_rate, model_version, fallback_reason."""
    calls = caller.model.predict(rows, threads=settings.threads)
    return _named(calls.with_columns(start_on=rows["start_on"]), facts).with_columns(
        base_rate=pl.lit(caller.base_rate),
        model_version=pl.lit(caller.version),
        fallback_reason=pl.lit(caller.fallback_reason, pl.String),
    )


def _ranked(
    facts: SelectFacts, asks: pl.DataFrame, day: int, cutoff: date, params: SelectParams
) -> pl.DataFrame:
    """The stand-in where nothing can be learnt: ranked by money so far, which goes on at the same pace; no chance, no spread."""
    age = (pl.col("day") - pl.col("start_on")).dt.total_days()
    early = (
        asks.join(facts.entries, on="product_id")
        .filter((age >= 0) & (age < day) & (pl.col("known_on") <= cutoff))
        .group_by("product_id")
        .agg(so_far=pl.col("revenue_yuan").sum().clip(lower_bound=0.0))
    )
    rows = asks.join(early, on="product_id", how="left", maintain_order="left").with_columns(
        pl.col("so_far").fill_null(0.0)
    )
    return _named(rows, facts).select(
        "product_id", "start_on", "decision_on", "name",
        category=pl.lit("all"),
        probability=pl.lit(None, pl.Float64),
        rank=pl.col("so_far").rank("ordinal", descending=True).cast(pl.Int64),
        expected_yuan=pl.col("so_far") / day * (params.to_day - params.from_day),
        base_rate=pl.lit(params.top_share),
        model_version=pl.lit("sales_so_far"),
        fallback_reason=pl.lit("too_little_matured"),
    )  # fmt: skip


def _named(rows: pl.DataFrame, facts: SelectFacts) -> pl.DataFrame:
    return rows.join(
        facts.families.select("product_id", "name"), on="product_id", how="left", maintain_order="left"
    )


def _reasons(settings: Settings, rows: pl.DataFrame, caller: Caller) -> pl.DataFrame:
    found = caller.model.reasons(rows, threads=settings.threads)
    return found.select(
        pl.lit("launch").alias("question"), pl.col("product_id").alias("subject_id"),
        "place", "theme", "effect", "text_zh", "text_en",
    )  # fmt: skip


def _launch(
    row: Row, cutoff: date, params: SelectParams, calls: list[Row], chosen: list[Row], notes: list[str]
) -> None:
    """Add a launch's call, and its recommendation where money and spread are known and its window is young enough."""
    window_from = row["start_on"] + timedelta(days=params.from_day)
    window_to = row["start_on"] + timedelta(days=params.to_day)
    worth = None if row.get(worth_column(0.5)) is None else [row[worth_column(q)] for q in LEVELS]
    offer = _offer(row)
    call = {
        "question": "launch", "subject_id": row["product_id"], "name": row["name"], "category": row["category"],
        "decision_on": row["decision_on"], "window_from": window_from, "window_to": window_to, "top_share": params.top_share,
        "base_rate": row["base_rate"], "probability": row["probability"], "rank_in_category": row["rank"],
        "expected_yuan": row["expected_yuan"], "low_yuan": row.get(worth_column(0.1)), "high_yuan": row.get(worth_column(0.9)),
        "expected_margin_yuan": None if offer is None else offer_margin(row["expected_yuan"], offer, row["price_yuan"]),
        "lead_days": (window_to - cutoff).days - 1, "model_version": row["model_version"],
        "fallback_reason": row["fallback_reason"],
    }  # fmt: skip
    calls.append(call)
    late = (cutoff + timedelta(days=1) - window_from).days > params.decide_days
    if offer is None:
        notes.append(
            f"'{row['product_id']}' is not decided about: neither a wholesale price nor the cost of its crop is known"
        )
    elif worth is not None and not late:
        keeps = [w * row["keeps_share"] for w in worth]
        choice = select(
            keeps, LEVELS, offer, cutoff=cutoff, window_from=window_from, probability=row["probability"],
            base_rate=row["base_rate"],
        )  # fmt: skip
        chosen.append(selection_row(call, offer, choice))


def _offer(row: Row) -> Offer | None:
    """A launch as it sells; the price is what the channels' commission leaves. None where its cost is not known."""
    if row["cost_yuan_per_kg"] is None or row["price_yuan"] is None:
        return None
    pack = row["pack_kg"]
    return Offer(
        "launch", row["price_yuan"] * row["keeps_share"], row["cost_yuan_per_kg"] * pack, row["salvage_yuan_per_kg"] * pack, pack,
        crop_id=row["crop_id"],
    )  # fmt: skip


def _candidates(
    settings: Settings, warehouse: Warehouse, facts: SelectFacts, cutoff: date, params: SelectParams,
    calls: list[Row], reasons: list[pl.DataFrame], chosen: list[Row],
) -> None:  # fmt: skip
    found = call_candidates(settings, warehouse, facts, cutoff=cutoff, params=params)
    for one in found:
        calls.append(one.call)
        chosen.append(selection_row(one.call, one.offer, one.choice))
        reasons.append(one.reasons)


def _write(
    warehouse: Warehouse, cutoff: date, run_id: str, calls: list[Row], reasons: list[pl.DataFrame], chosen: list[Row]
) -> None:  # fmt: skip
    frames = (
        pl.DataFrame(calls, schema=CALL),
        pl.concat(reasons, how="diagonal_relaxed") if reasons else pl.DataFrame(schema=REASON),
        pl.DataFrame(chosen, schema=SELECTION),
    )
    with warehouse.transaction():
        for table, rows in zip(TABLES, frames, strict=True):
            told = rows.with_columns(pl.col(pl.Float64).round(DECIMALS), run_id=pl.lit(run_id))
            warehouse.replace(table, told, cutoff=cutoff)
