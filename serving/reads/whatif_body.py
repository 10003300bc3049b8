"""A what-if worked out → its JSON: sums per node and day, levels side by side, cautions once."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import polars as pl

from models.forecasting.whatif_effects import totals
from models.forecasting.whatif_support import KINDS, Caution
from serving.published import Release
from serving.reads.whatif import Answered
from serving.schemas_whatif import NodeAsk

DIGITS = 3


def body(release: Release, found: Answered) -> dict[str, Any]:
    """An answer as JSON: kg and yuan rounded as `/v1/forecasts` rounds."""
    place = pl.DataFrame({"case": range(len(found.node_of)), "node": found.node_of}).cast(
        {"case": found.days.schema["case"]}
    )
    days = found.days.join(place, on="case", how="left", maintain_order="left")
    levels = found.levels.join(place, on="case", how="left", maintain_order="left")
    of_days = days.partition_by("node", maintain_order=True, as_dict=True)
    of_levels = levels.partition_by("node", maintain_order=True, as_dict=True)
    return {
        "release_id": release.id,
        "cutoff": release.manifest.get("cutoff"),
        "model_version": _version(release),
        "totals": _rounded(totals(days)),
        "nodes": [
            _node(
                node,
                of_days[(i,)],
                of_levels[(i,)],
                [c for c, n in enumerate(found.node_of) if n == i],
                found,
            )
            for i, node in enumerate(found.nodes)
        ],
    }


def _node(
    node: NodeAsk, days: pl.DataFrame, levels: pl.DataFrame, cases: Sequence[int], found: Answered
) -> dict[str, Any]:
    return {
        "product_id": node.product_id,
        "channel_id": node.channel_id,
        "region_id": node.region_id,
        "series": len(cases),
        "levels_are": "of_the_series" if len(cases) == 1 else "added",
        "cautions": _told([found.cautions[case] for case in cases]),
        "totals": _rounded(totals(days)),
        "days": _days(days, levels),
    }


def _days(days: pl.DataFrame, levels: pl.DataFrame) -> list[dict[str, Any]]:
    kg = ["expected_kg", "changed_expected_kg"]
    money = [
        pl.when(pl.col(c).is_not_null().all()).then(pl.col(c).sum()).alias(c)
        for c in ("yuan", "changed_yuan")
    ]
    more = pl.col("changed_expected_kg") - pl.col("expected_kg")
    priced = [
        pl.when(pl.col(kilo) > 0)
        .then(pl.col(yuan) / pl.col(kilo))
        .otherwise(pl.col(usual))
        .round(DIGITS)
        .alias(usual)
        for usual, yuan, kilo in (
            ("yuan_per_kg", "yuan", "expected_kg"),
            ("changed_yuan_per_kg", "changed_yuan", "changed_expected_kg"),
        )
    ]
    summed = (
        days.group_by("forecast_date")
        .agg(
            pl.col("phase").first(),
            pl.col(kg).sum(),
            *money,
            pl.col("yuan_per_kg", "changed_yuan_per_kg").mean(),
        )
        .sort("forecast_date")
        .with_columns(priced)
        .with_columns(
            uplift_kg=pl.when(pl.col("phase") == "event").then(more).otherwise(0.0),
            dip_kg=pl.when(pl.col("phase") == "after").then(more.clip(upper_bound=0)).otherwise(0.0),
        )
    )
    fans = {day: part for (day,), part in levels.group_by("forecast_date")}
    return [{**_rounded(row), **_fan(fans[row["forecast_date"]])} for row in summed.iter_rows(named=True)]


def _fan(levels: pl.DataFrame) -> dict[str, dict[str, float]]:
    summed = levels.group_by("level").agg(pl.col("demand_kg", "changed_kg").sum()).sort("level")
    names = [str(level) for level in summed["level"]]
    return {
        told: dict(zip(names, summed[column].round(DIGITS).to_list(), strict=True))
        for told, column in (("demand_kg", "demand_kg"), ("changed_demand_kg", "changed_kg"))
    }


def _told(of_cases: Sequence[Sequence[Caution]]) -> list[dict[str, Any]]:
    """Cautions of the series of a node, each kind once: the one furthest outside, and for how many series it holds."""
    found = sorted((c for some in of_cases for c in some), key=lambda c: (list(KINDS).index(c.kind), c.what))
    counted = Counter((c.kind, c.what) for c in found)
    worst = [
        max(same, key=lambda c: abs((c.value or 0) - (c.low or 0)))
        for same in (list(group) for _, group in groupby(found, key=lambda c: (c.kind, c.what)))
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
    return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in values.items()}


def _version(release: Release) -> str | None:
    models = release.manifest.get("models") or {}
    return str(models["demand.json"]["version"]) if "demand.json" in models else None
