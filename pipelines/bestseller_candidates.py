"""Products that could be taken on: called by what products like them earned, checked against climate and land."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from features.launch_context import day_totals
from models.forecasting.bestseller import LEVELS
from models.forecasting.like_products import LikeCall, call_by_likes, product_spread, sale_windows
from models.forecasting.selection import Offer, Selection, select
from pipelines.bestseller_inputs import (
    ENTRY,
    Growing,
    SelectFacts,
    SelectParams,
    growing_of,
    sold_prices,
)
from pipelines.bestseller_rows import REASON, offer_margin
from settings import Settings
from warehouse import Warehouse

LEAST_LIKE_WINDOWS = 3
YEAR = timedelta(days=365)
Row = dict[str, Any]


@dataclass(frozen=True)
class Candidate:
    """One candidate, called and decided about."""

    call: Row
    offer: Offer
    choice: Selection
    reasons: pl.DataFrame


def call_candidates(
    settings: Settings, warehouse: Warehouse, facts: SelectFacts, *, cutoff: date, params: SelectParams
) -> list[Candidate]:
    """Call every candidate on offer, best margin first within a family.

    A candidate with a crop is grown for it: it is on sale from the first harvest that can still be sown, or bought in, after
    `pack_lead_days`, where no sowing day is known. Like products are those of its family, all where the family has fewer than
    three windows. None while no window has passed.
    """
    known = warehouse.read("candidate_listing", known_by=settings.known_by(cutoff)).sort("candidate_id")
    open_ = (pl.col("decide_by").is_null() | (pl.col("decide_by") >= cutoff)) & ~pl.col(
        "withdrawn"
    ).fill_null(value=False)
    rows = known.filter(open_)
    if rows.is_empty() or facts.entries.filter(pl.col("units") > 0).is_empty():
        return []
    windows = sale_windows(
        day_totals(facts.entries.select(ENTRY)),
        facts.launches,
        before=cutoff + timedelta(days=1),
        from_day=params.from_day,
        to_day=params.to_day,
        past_days=params.past_days,
    ).join(facts.families, on="product_id", how="left", maintain_order="left")
    if windows.is_empty():
        return []
    prices = sold_prices(facts)
    commission = dict(warehouse.read("channel").select("channel_id", "commission_share").iter_rows())
    crops = rows["crop_id"].drop_nulls().unique().sort().to_list()
    growing = growing_of(settings, warehouse, crops, cutoff=cutoff)
    usual = prices["keeps_share"].mean()
    found = [
        _candidate(
            row,
            windows,
            prices,
            growing.get(row["crop_id"], Growing(None, None)),
            1 - commission[row["channel_id"]] if row["channel_id"] in commission else float(str(usual)),
            cutoff,
            params,
        )
        for row in rows.iter_rows(named=True)
    ]
    return _in_order(found)


def _candidate(
    row: Row, windows: pl.DataFrame, prices: pl.DataFrame, growing: Growing, keeps: float, cutoff: date, params: SelectParams
) -> Candidate:  # fmt: skip
    family = windows.filter(pl.col("family") == row["family"])
    label, like = (
        ("like_products", family) if family.height >= LEAST_LIKE_WINDOWS else ("like_products_all", windows)
    )
    window_from = _on_sale(row, growing.way, cutoff, params)
    liked = call_by_likes(
        like,
        prices.select("product_id", "price_yuan_per_kg"),
        price_yuan_per_kg=row["price_yuan"] / row["pack_kg"],
        window_from=window_from,
        levels=LEVELS,
        top_share=params.top_share,
        spread=product_spread(windows),
    )
    offer = _offer(row, growing, keeps, prices)
    window_to = window_from + timedelta(days=params.to_day - params.from_day)
    call = {
        "question": "listing", "subject_id": row["candidate_id"], "name": row["title"], "category": row["family"],
        "decision_on": cutoff, "window_from": window_from, "window_to": window_to, "top_share": params.top_share,
        "base_rate": liked.base_rate, "probability": liked.probability, "rank_in_category": 0,
        "expected_yuan": liked.expected_yuan, "low_yuan": float(liked.worth[LEVELS.index(0.1)]),
        "high_yuan": float(liked.worth[LEVELS.index(0.9)]),
        "expected_margin_yuan": offer_margin(liked.expected_yuan, offer, row["price_yuan"]),
        "lead_days": (window_to - cutoff).days - 1, "model_version": "like_products",
        "fallback_reason": f"{label}:{liked.products}",
    }  # fmt: skip
    choice = select(
        liked.worth * keeps, LEVELS, offer, cutoff=cutoff, window_from=window_from, probability=liked.probability,
        base_rate=liked.base_rate,
    )  # fmt: skip
    return Candidate(call, offer, choice, _reasons(row, liked))


def _in_order(found: list[Candidate]) -> list[Candidate]:
    """Give ranks within the category: chance, then margin, then id."""
    ranked = sorted(
        found,
        key=lambda c: (-c.call["probability"], -c.call["expected_margin_yuan"], c.call["subject_id"]),
    )
    seen: dict[str, int] = {}
    for one in ranked:
        one.call["rank_in_category"] = seen[one.call["category"]] = seen.get(one.call["category"], 0) + 1
    return ranked


def _on_sale(row: Row, way: Row | None, cutoff: date, params: SelectParams) -> date:
    """First day of the candidate's window."""
    ready = cutoff + timedelta(days=1)
    if way is None or way["growing_days"] is None or way["sow_from_doy"] is None:
        return ready + timedelta(days=params.pack_lead_days)
    opens = date(ready.year, 1, 1) + timedelta(days=way["sow_from_doy"] - 1)
    stays = ((way["sow_to_doy"] or way["sow_from_doy"]) - way["sow_from_doy"]) % 365
    sown = next(day for day in (opens - YEAR, opens, opens + YEAR) if day + timedelta(days=stays) >= ready)
    return max(sown, ready) + timedelta(days=way["growing_days"])


def _offer(row: Row, growing: Growing, keeps: float, prices: pl.DataFrame) -> Offer:
    way = growing.way
    return Offer(
        "listing",
        row["price_yuan"] * keeps,
        row["cost_yuan"],
        row["salvage_yuan"] or 0.0,
        row["pack_kg"],
        crop_id=row["crop_id"],
        crop_kg_per_pack=None if way is None else row["pack_kg"],
        yield_kg_per_mu=None if way is None else way["yield_kg_per_mu"],
        growing_days=None if way is None else way["growing_days"],
        blocked=growing.blocked,
    )


def _reasons(row: Row, liked: LikeCall) -> pl.DataFrame:
    """Three reasons, the strongest first: like products, price, time of year."""
    level = _log_ratio(liked.probability, liked.base_rate)
    dear, share = liked.price_share > 0.5, liked.price_share
    middle = float(liked.worth[LEVELS.index(0.5)])
    season = _log_ratio(liked.season_lift, 1.0)
    found = [
        (
            "likes", level,
            f"同类 {liked.products} 个商品在同样长的时间里，中位数卖 {middle:,.0f} 元",
            f"{liked.products} like products earned {middle:,.0f} yuan (median) in as many days",
        ),
        (
            "price", 0.5 - share,
            f"每公斤 {row['price_yuan'] / row['pack_kg']:.2f} 元，比{share if dear else 1 - share:.0%} 的同类{'贵' if dear else '便宜'}",
            f"At {row['price_yuan'] / row['pack_kg']:.2f} yuan a kg it is {'dearer' if dear else 'cheaper'} than "
            f"{share if dear else 1 - share:.0%} of its like",
        ),
        (
            "season", season,
            f"上市时正值同类{'旺' if season > 0 else '平淡或淡'}季：为全年平均的 {liked.season_lift:.0%}",
            f"On sale when its like earn {liked.season_lift:.0%} of their yearly mean",
        ),
    ]  # fmt: skip
    found.sort(key=lambda r: -abs(r[1]))
    rows = [("listing", row["candidate_id"], i + 1, *r) for i, r in enumerate(found)]
    return pl.DataFrame(rows, schema=REASON, orient="row")


def _log_ratio(top: float, bottom: float) -> float:
    """log(top ÷ bottom), both kept above 0.01."""
    return math.log(max(top, 0.01) / max(bottom, 0.01))
