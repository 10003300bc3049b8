"""The night's step `grade`: standards, what customers pay for a grade, cut points and proposed standards, lots, and the mix of grades."""

from collections.abc import Mapping
from datetime import date, datetime

import polars as pl
import polars.selectors as cs

from models.grading.demand import grade_demand
from models.grading.prices import ANSWER, grade_price_ratios
from models.grading.standards import Standard
from pipelines.grading_cuts import CropAsk, Cut, crop_rows
from pipelines.grading_facts import GradeFacts, grade_facts, price_reports
from pipelines.grading_lots import allocation_rows, asked_for, lot_rows, lots_in_store
from pipelines.grading_mix import mix_rows
from pipelines.grading_standards import (
    Known,
    hand_over,
    known_standards,
    latest_answers,
    own_standard,
    standard_rows,
)
from pipelines.progress import report
from settings import Settings
from warehouse import Warehouse

SEED = 1
DECIMALS = 6
"""Of what is written: sums of floats in another order are no other answer."""


def grade_goods(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> str:
    """Take approved standards over, then write every table of grading in place of the cutoff's former rows.

    Returns:
        One line: standards in force, crops with a price by grade, answers, lots labelled, what was left out.
    """
    notes = hand_over(settings, warehouse, cutoff=cutoff)
    known = known_standards(settings, warehouse, cutoff=cutoff)
    facts = grade_facts(settings, warehouse, cutoff=cutoff)
    crops = sorted({*facts.sales.drop_nulls("grade")["crop_id"], *facts.pieces["crop_id"]})
    own = {c: k for c in crops if (k := own_standard(known, c))}
    prices = grade_prices(facts, {c: k.standard for c, k in own.items()})
    cut = _cuts(settings, warehouse, facts, own, prices, crops, cutoff)
    labels = lot_rows(facts, own, cutoff=cutoff)
    stored = lots_in_store(warehouse, facts, own, labels, cutoff=cutoff)
    asks = asked_for(settings, warehouse, own, prices, facts.sales, cutoff=cutoff)
    tables = {
        "published_standard": standard_rows(known),
        "grade_price": prices,
        **cut.tables(),
        "lot_grade": labels,
        "lot_allocation": allocation_rows(warehouse, facts, stored, asks, cutoff=cutoff),
        "grade_mix": mix_rows(facts, own),
    }
    for name, rows in tables.items():
        written = rows.with_columns(cs.float().round(DECIMALS), run_id=pl.lit(run_id))
        warehouse.replace(name, written, cutoff=cutoff)
    return _said(known, prices, cut, labels, [*notes, *cut.notes])


def grade_prices(facts: GradeFacts, own: Mapping[str, Standard]) -> pl.DataFrame:
    """Rows of grade_price without run and cutoff: price ratios to the grade sold most, demand and returns, by crop and grade.

    Grades of the crop's standard that were never sold are answered too, with 0 kg.
    """
    demand = grade_demand(facts.sales)
    reports = price_reports(facts.sales)
    parts = [
        _crop_prices(str(crop_id), part, reports.filter(crop_id=crop_id), own.get(str(crop_id)))
        for (crop_id,), part in demand.group_by("crop_id", maintain_order=True)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=PRICE)


def _crop_prices(
    crop_id: str, demand: pl.DataFrame, reports: pl.DataFrame, standard: Standard | None
) -> pl.DataFrame:
    sold = demand.sort("sold_kg", descending=True)["grade"].to_list()
    grades = list(dict.fromkeys([*(standard.grades if standard else ()), *sorted(sold)]))
    ratios = (
        grade_price_ratios(reports, base=sold[0], grades=grades, seed=SEED)
        if reports.height
        else pl.DataFrame({"grade": grades}, schema={"grade": pl.String}).select(
            "grade",
            *[
                pl.lit(None, t).alias(n)
                for n, t in ANSWER.items()
                if n not in ("grade", "cells", "markets", "advice")
            ],
            cells=pl.lit(0),
            markets=pl.lit(0),
            advice=pl.lit("not_estimable"),
        )
    )
    return (
        ratios.join(demand.drop("crop_id"), on="grade", how="left", maintain_order="left")
        .with_columns(
            pl.col("sold_kg", "sold_share").fill_null(0.0), pl.col("lines").fill_null(0),
            crop_id=pl.lit(crop_id), base_grade=pl.lit(sold[0]),
        )
        .select(PRICE.names()).cast(PRICE)
    )  # fmt: skip


def _cuts(
    settings: Settings, warehouse: Warehouse, facts: GradeFacts, own: Mapping[str, Known], prices: pl.DataFrame,
    crops: list[str], cutoff: date,
) -> Cut:  # fmt: skip
    answers: dict[str, tuple[str, datetime]] = {
        r["recommendation_id"]: (r["answer"], r["written_at"])
        for r in latest_answers(settings, warehouse, cutoff=cutoff).iter_rows(named=True)
    }
    names = {r["crop_id"]: (r["name_zh"], r["name_en"]) for r in warehouse.read("crop").iter_rows(named=True)}
    found = Cut()
    for n, crop_id in enumerate(crops):
        report("grade", n, len(crops), crop_id)
        ask = CropAsk(crop_id, *names.get(crop_id, (crop_id, crop_id)), own.get(crop_id), SEED)
        found = found.and_of(crop_rows(ask, facts, prices.filter(crop_id=crop_id), answers))
    return found


def _said(known: list[Known], prices: pl.DataFrame, cut: Cut, labels: pl.DataFrame, notes: list[str]) -> str:
    answers = cut.recommendations["answer"].value_counts(sort=True)
    told = ", ".join(f"{n} {answer}" for answer, n in answers.iter_rows()) or "none"
    lots = labels.unique("lot_id")
    said = [
        f"{sum(k.is_in_force for k in known)} standards in force",
        f"{prices.filter(pl.col('price_ratio').is_not_null())['crop_id'].n_unique()} crops with prices by grade",
        f"answers: {told}",
        f"{lots['label'].count()} of {lots.height} lots labelled",
    ]
    return "; ".join([", ".join(said), *notes])


S, F, N = pl.String(), pl.Float64(), pl.Int64()
PRICE = pl.Schema({
    "crop_id": S, "grade": S, "base_grade": S, "price_ratio": F, "low": F, "high": F, "cells": N, "markets": N, "advice": S,
    "yuan_per_kg": F, "sold_kg": F, "sold_share": F, "lines": N, "return_share": F,
})  # fmt: skip
