"""What-ifs over the current release: nodes to series, plans changed, forecast anew, summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from models.forecasting.whatif import what_if
from models.forecasting.whatif_effects import by_day, planned_yuan
from models.forecasting.whatif_plans import (
    CampaignChange,
    Changes,
    LiveChange,
    NothingPlannedError,
    PriceChange,
    changed_rows,
)
from models.forecasting.whatif_support import Caution, cautions
from serving.problems import Problem
from serving.published import Release
from serving.reads import forecasts
from serving.reads.whatif_desk import Desk, desk
from serving.schemas_whatif import MOST_NODES, NodeAsk, WhatIfAsk

MOST_SERIES = 100
THREADS = 1
"""Of the model: some thousand rows are too few to share out, and other requests want the cores."""
DAILY = forecasts.DAILY


@dataclass(frozen=True)
class Answered:
    """A what-if worked out: one row per case (node and series), day and level, and per case and day."""

    nodes: Sequence[NodeAsk]
    changes: Sequence[Changes]
    """One per case."""
    node_of: Sequence[int]
    """Case → place of its node."""
    levels: pl.DataFrame
    """As models.forecasting.whatif.what_if."""
    days: pl.DataFrame
    """As models.forecasting.whatif_effects.by_day."""
    cautions: Sequence[Sequence[Caution]]
    """One list per case."""


def answer(release: Release, ask: WhatIfAsk) -> Answered:
    """Work out a what-if.

    Raises:
        Problem: 404 for an unknown id; 422 for too many nodes or series, a day outside the horizon, an event to be removed
            that is not planned; 503 where the release carries no model files.
    """
    counter = release.made(desk)
    if len(ask.nodes) > MOST_NODES:
        raise _refused(
            f"nodes: {len(ask.nodes)} are asked for, the limit is {MOST_NODES}", "ask in several requests"
        )
    for place, node in enumerate(ask.nodes):
        _inside(counter, place, node)
    leaves = [_leaves(release, place, node) for place, node in enumerate(ask.nodes)]
    _few(leaves)
    node_of = [place for place, found in enumerate(leaves) for _ in range(found.height)]
    changes = [_changes(ask.nodes[place]) for place in node_of]
    cases = pl.concat(leaves).with_row_index("case")
    return _worked_out(counter, ask.nodes, changes, node_of, cases)


def _worked_out(
    counter: Desk,
    nodes: Sequence[NodeAsk],
    changes: Sequence[Changes],
    node_of: Sequence[int],
    cases: pl.DataFrame,
) -> Answered:
    book = counter.book(cases)
    published = counter.published(cases)
    rows = cases.join(book.rows, on=DAILY, how="inner", maintain_order="left").select(
        *book.rows.columns, "case"
    )
    try:
        changed = changed_rows(rows, book.plans, changes)
    except NothingPlannedError as error:
        raise _refused(str(error), "look at what is planned, or leave the removal out") from error
    levels = what_if(counter.model, cases, rows, changed, published, threads=THREADS)
    days = by_day(levels, planned_yuan(rows, book.plans), planned_yuan(changed, book.plans), changes)
    reasons = dict(days.group_by("case").agg(pl.col("fallback_reason").first()).iter_rows())
    parts = {case: part for (case,), part in changed.group_by("case")}
    told = [
        cautions(
            parts.get(case, changed.clear()), asked, book.plans, book.seen, counter.learnt, reasons[case]
        )
        for case, asked in enumerate(changes)
    ]
    return Answered(nodes, changes, node_of, levels, days, told)


def _leaves(release: Release, place: int, node: NodeAsk) -> pl.DataFrame:
    """The series under a node, by DAILY."""
    wish = forecasts.Wish(node.product_id, node.channel_id, node.region_id)
    found = forecasts.daily(release, wish).select(DAILY).unique(maintain_order=True)
    if found.is_empty():
        raise Problem(
            404,
            "not-found",
            f"nodes[{place}] ({_named(node)}): nothing is forecast for this combination",
            "see /v1/forecasts for what is forecast",
        )
    return found


def _few(leaves: Sequence[pl.DataFrame]) -> None:
    sizes = [found.height for found in leaves]
    if sum(sizes) > MOST_SERIES:
        largest = sizes.index(max(sizes))
        raise _refused(
            f"the {len(sizes)} nodes hold {sum(sizes)} series together (nodes[{largest}] alone {sizes[largest]}), the "
            f"limit is {MOST_SERIES}",
            "name channel or region, or ask in several requests",
        )


def _inside(counter: Desk, place: int, node: NodeAsk) -> None:
    asked: list[tuple[str, date | None]] = []
    for i, p in enumerate(node.prices):
        asked += [(f"prices[{i}].starts_on", p.starts_on), (f"prices[{i}].ends_on", p.ends_on)]
    for i, c in enumerate(node.campaigns):
        where = f"campaigns[{i}]"
        asked += [(f"{where}.starts_on", c.starts_on), (f"{where}.ends_on", c.ends_on)]
        asked.append((f"{where}.presale_from", c.presale_from))
    asked += [(f"live_slots[{i}].slot_date", s.slot_date) for i, s in enumerate(node.live_slots)]
    for name, day in asked:
        if day is not None and not counter.first <= day <= counter.last:
            raise _refused(
                f"nodes[{place}].{name} = {day} is outside the days that are forecast, {counter.first} to {counter.last}",
                "take a day within them",
            )


def _changes(node: NodeAsk) -> Changes:
    return Changes(
        tuple(
            PriceChange(p.starts_on, p.ends_on, p.price_yuan_per_kg, p.discount_share) for p in node.prices
        ),
        tuple(
            CampaignChange(c.action == "add", c.starts_on, c.ends_on, c.discount_share, c.presale_from)
            for c in node.campaigns
        ),
        tuple(
            LiveChange(s.action == "add", s.slot_date, s.price_yuan_per_kg, s.allotment_kg)
            for s in node.live_slots
        ),
    )


def _named(node: NodeAsk) -> str:
    parts = {"product": node.product_id, "channel": node.channel_id, "region": node.region_id}
    return ", ".join(f"{name} '{value}'" if value else f"all {name}s" for name, value in parts.items())


def _refused(detail: str, way_out: str) -> Problem:
    return Problem(422, "invalid-parameter", detail, way_out)
