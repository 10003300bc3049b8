"""How matured bestseller calls turned out: named against what sold, false alarms and what they cost."""

from datetime import date, timedelta

import polars as pl

from models.forecasting.bestseller_label import LabelSpec
from pipelines.bestseller_inputs import SelectFacts, SelectParams, select_facts
from settings import Settings
from warehouse import Warehouse

SCORED_DAYS = 365
"""Calls whose window ended in so many days up to the cutoff are scored together, for a night alone matures few."""


def score_calls(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Score calls whose window has passed in the last year; one row per question, in place of the former.

    Of a subject called in several nights the first call counts. Named are the top share by chance (by expected yuan where
    there is none), bestsellers the top share by what was earned, each among the scored calls of a category. A candidate
    counts once it is a product of the same id. Returns the number of calls scored.
    """
    made = warehouse.sql(
        "select * from bestseller_forecast where cutoff <= $cutoff and window_to <= $after and window_to > $since"
        " qualify row_number() over (partition by question, subject_id, decision_on - window_from order by cutoff) = 1"
        " order by question, subject_id, decision_on",
        cutoff=cutoff,
        after=cutoff + timedelta(days=1),
        since=cutoff - timedelta(days=SCORED_DAYS),
    )
    facts = None
    if made.height:
        facts = select_facts(settings, warehouse, cutoff=cutoff, params=SelectParams())
    rows = pl.DataFrame(schema={"run_id": pl.String})
    if facts is not None:
        chosen = warehouse.sql(
            "select cutoff, question, subject_id, first_quantity_packs, yuan_at_risk from selection_recommendation order by all"
        )
        rows = _scored(
            _outcomes(made, facts).join(chosen, on=["cutoff", "question", "subject_id"], how="left")
        )
    warehouse.replace("bestseller_score", rows.with_columns(run_id=pl.lit(run_id)), cutoff=cutoff)
    return int(rows["calls"].sum()) if rows.height else 0


def _outcomes(made: pl.DataFrame, facts: SelectFacts) -> pl.DataFrame:
    """Calls with `earned_yuan` and `sold_packs` of their window; candidates that are no product yet are left out."""
    is_product = (pl.col("question") == "launch") | pl.col("subject_id").is_in(
        facts.families["product_id"].to_list()
    )
    calls = made.filter(is_product)
    within = (pl.col("day") >= pl.col("window_from")) & (pl.col("day") < pl.col("window_to"))
    keys = ["question", "subject_id", "decision_on"]
    sold = (
        calls.select(*keys, "window_from", "window_to")
        .join(facts.entries, left_on="subject_id", right_on="product_id")
        .filter(within)
        .group_by(keys, maintain_order=True)
        .agg(earned_yuan=pl.col("revenue_yuan").sum(), sold_packs=pl.col("units").sum())
    )
    return calls.join(sold, on=keys, how="left", maintain_order="left").with_columns(
        pl.col("earned_yuan", "sold_packs").fill_null(0.0).clip(lower_bound=0.0)
    )


def _scored(calls: pl.DataFrame) -> pl.DataFrame:
    """One row per question of bestseller_score, without run and cutoff."""
    rows = [_score(part) for _, part in calls.group_by("question", maintain_order=True)]
    return pl.DataFrame(rows) if rows else pl.DataFrame(schema={"run_id": pl.String})


def _score(part: pl.DataFrame) -> dict[str, object]:
    share = float(part["top_share"].max())  # type: ignore[arg-type]
    by_chance = part.with_columns(named_by=pl.coalesce(pl.col("probability"), "expected_yuan"))
    is_named = LabelSpec(top_share=share, worth="named_by", category="category").mark(by_chance)
    is_best = LabelSpec(top_share=share, worth="earned_yuan", category="category").mark(part)
    left = (pl.col("first_quantity_packs") - pl.col("sold_packs")).clip(lower_bound=0.0)
    per_pack = pl.when(pl.col("first_quantity_packs") > 0).then(
        pl.col("yuan_at_risk") / pl.col("first_quantity_packs")
    )
    cost = part.select((left * per_pack).fill_null(0.0)).to_series().to_numpy()
    return {
        "question": part["question"][0],
        "calls": part.height,
        "called": int(is_named.sum()),
        "hits": int((is_named & is_best).sum()),
        "false_alarms": int((is_named & ~is_best).sum()),
        "missed": int((~is_named & is_best).sum()),
        "base_rate": float(is_best.mean()),
        "false_alarm_yuan": float(cost[is_named & ~is_best].sum()),
        "lead_days_median": float(part["lead_days"].median() or 0.0),  # type: ignore[arg-type]
    }
