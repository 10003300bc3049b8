"""A what-if worked out → its JSON: sums per node and day, levels side by side, cautions once."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import polars as pl
import polars.selectors as cs

from models.forecasting.whatif_effects import totals, totals_by
from models.forecasting.whatif_support import KINDS, Caution
from serving.published import Release
from serving.reads.whatif import Answered

DIGITS = 3
_DAY = ["node", "forecast_date"]


def body(release: Release, found: Answered) -> dict[str, Any]:
    """An answer as JSON: kg and yuan rounded as `/v1/forecasts` rounds."""
    place = pl.DataFrame({"case": range(len(found.node_of)), "node": found.node_of}).cast(
        {"case": found.days.schema["case"]}
    )
    days = found.days.join(place, on="case", how="left", maintain_order="left")
    of_nodes = totals_by(days, "node")
    of_days = node_days(days, found.levels.join(place, on="case", how="left", maintain_order="left"))
    nodes = [
        {
            "product_id": node.product_id,
            "channel_id": node.channel_id,
            "region_id": node.region_id,
            "series": found.node_of.count(i),
            "levels_are": "of_the_series" if found.node_of.count(i) == 1 else "added",
            "cautions": told([c for c, n in zip(found.cautions, found.node_of, strict=True) if n == i]),
            "totals": _rounded(of_nodes[i]),
            "days": of_days[i],
        }
        for i, node in enumerate(found.nodes)
    ]
    return {
        "release_id": release.id,
        "cutoff": release.manifest.get("cutoff"),
        "model_version": _version(release),
        "totals": _rounded(totals(days)),
        "nodes": nodes,
    }


def node_days(days: pl.DataFrame, levels: pl.DataFrame) -> dict[int, list[dict[str, Any]]]:
    """Node → its days in order; means and money of its series summed, levels too.

    Args:
        days: As models.forecasting.whatif_effects.by_day, with `node`.
        levels: As models.forecasting.whatif.what_if, with `node`.
    """
    names = [str(level) for level in levels["level"].unique().sort()]
    fans = (
        levels.group_by(*_DAY, "level")
        .agg(pl.col("demand_kg", "changed_kg").sum().round(DIGITS))
        .sort(*_DAY, "level")
        .group_by(_DAY, maintain_order=True)
        .agg("demand_kg", changed_demand_kg="changed_kg")
        .with_columns(pl.col("demand_kg", "changed_demand_kg").list.to_struct(fields=names))
    )
    rows = _summed(days).join(fans, on=_DAY, how="left", maintain_order="left")
    return {
        int(str(node)): part.drop("node").to_dicts()
        for (node,), part in rows.group_by("node", maintain_order=True)
    }


def _summed(days: pl.DataFrame) -> pl.DataFrame:
    """One row per node and day: kg and yuan added up, prices as revenue ÷ kg."""
    more = pl.col("changed_expected_kg") - pl.col("expected_kg")
    priced = [
        pl.when(pl.col(kilo) > 0).then(pl.col(yuan) / pl.col(kilo)).otherwise(pl.col(usual)).alias(usual)
        for usual, yuan, kilo in (
            ("yuan_per_kg", "yuan", "expected_kg"),
            ("changed_yuan_per_kg", "changed_yuan", "changed_expected_kg"),
        )
    ]
    money = [
        pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum()).alias(name)
        for name in ("yuan", "changed_yuan")
    ]
    return (
        days.group_by(_DAY)
        .agg(
            pl.col("phase").first(),
            pl.col("expected_kg", "changed_expected_kg").sum(),
            *money,
            pl.col("yuan_per_kg", "changed_yuan_per_kg").mean(),
        )
        .sort(_DAY)
        .with_columns(priced)
        .with_columns(
            uplift_kg=pl.when(pl.col("phase") == "event").then(more).otherwise(0.0),
            dip_kg=pl.when(pl.col("phase") == "after").then(more.clip(upper_bound=0)).otherwise(0.0),
        )
        .with_columns(cs.float().round(DIGITS) + 0.0)
    )


def told(of_cases: Sequence[Sequence[Caution]]) -> list[dict[str, Any]]:
    """Cautions of the series of a node, each kind once: the one furthest outside, and for how many series it holds."""
    found = sorted((c for some in of_cases for c in some), key=lambda c: (list(KINDS).index(c.kind), c.what))
    counted = Counter((c.kind, c.what) for c in found)
    worst = [
        max(same, key=lambda c: abs((c.value or 0) - (c.low or 0)))
        for _, same in groupby(found, key=lambda c: (c.kind, c.what))
    ]
    return [
        {
            "kind": c.kind,
            "what": c.what,
            "value": c.value,
            "low": c.low,
            "high": c.high,
            "series": counted[c.kind, c.what],
            "text": KINDS[c.kind],
        }
        for c in worst
    ]


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """Rounded, and no zero below zero."""
    return {name: round(v, DIGITS) + 0.0 if isinstance(v, float) else v for name, v in values.items()}


def _version(release: Release) -> str | None:
    models = release.manifest.get("models") or {}
    return str(models["demand.json"]["version"]) if "demand.json" in models else None
