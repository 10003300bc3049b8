"""The checker's own account of a plan: what sells, what is left over, what it earns."""

from collections import defaultdict
from typing import Any

import polars as pl

BALANCE_SCHEMA = pl.Schema(
    {
        "crop_id": pl.String, "year": pl.Int64, "season": pl.Int64, "demand_kg": pl.Float64, "committed_kg": pl.Float64,
        "supply_kg": pl.Float64, "sold_kg": pl.Float64, "surplus_kg": pl.Float64, "unserved_kg": pl.Float64,
        "demand_source": pl.String,
    }
)  # fmt: skip


def balance_and_profit(
    rows: list[dict[str, Any]],
    practices: pl.DataFrame,
    practice_yield: pl.DataFrame,
    demand: pl.DataFrame,
    *,
    surplus: str,
) -> tuple[pl.DataFrame, float]:
    """Balance per crop, year and season, and profit in yuan, of the written lines.

    Kilograms that earn most above their salvage sell first, until demand is met; the rest brings salvage, or nothing when
    `surplus` is 'lost'.
    """
    costs = dict(practices.select("practice_id", "cost_yuan_per_mu").iter_rows())
    bears: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for y in practice_yield.iter_rows(named=True):
        bears[y["practice_id"]].append(y)
    offers: dict[tuple[str, int, int], dict[tuple[float, float], float]] = defaultdict(
        lambda: defaultdict(float)
    )
    profit = 0.0
    for r in rows:
        profit -= r["area_mu"] * costs[r["practice_id"]]
        for y in bears[r["practice_id"]]:
            price = y["price_yuan_per_kg"]
            rest = min(y["salvage_yuan_per_kg"], price) if surplus == "salvage" else 0.0
            offers[y["crop_id"], r["year"], r["season"]][price, rest] += r["area_mu"] * y["yield_kg_per_mu"]
    asked = {(d["crop_id"], d["year"], d["season"]): d for d in demand.iter_rows(named=True)}
    lines: list[tuple[object, ...]] = []
    for key in sorted(set(offers) | {k for k, d in asked.items() if d["demand_kg"] > 0}):
        wanted = asked.get(key, {"demand_kg": 0.0, "committed_kg": 0.0, "demand_source": "none"})
        sold, earned = _sell(offers.get(key, {}), wanted["demand_kg"])
        supply = sum(offers.get(key, {}).values())
        profit += earned
        lines.append(
            (*key, wanted["demand_kg"], wanted["committed_kg"], supply, sold, max(0.0, supply - sold),
             max(0.0, wanted["demand_kg"] - sold), wanted["demand_source"])
        )  # fmt: skip
    return pl.DataFrame(lines, schema=BALANCE_SCHEMA, orient="row"), profit


def _sell(offer: dict[tuple[float, float], float], demand_kg: float) -> tuple[float, float]:
    """Kilograms sold and yuan earned, salvage of the rest included."""
    sold = earned = 0.0
    for (price, rest), kg in sorted(offer.items(), key=lambda o: o[0][1] - o[0][0]):
        now = min(kg, demand_kg - sold)
        sold += now
        earned += now * price + (kg - now) * rest
    return sold, earned
