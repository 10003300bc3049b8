"""What a release says otherwise than the one before it: read from that release's files, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import orjson
import polars as pl

from serving.loading import MANIFEST
from serving.published import Release
from serving.reads.health import cutoff
from serving.shapes import conform

MOST = 5
TABLES = ("demand_expected", "planting_plan", "planting_recommendation", "load_summary", "finding")


@dataclass(frozen=True)
class Since:
    """Changes against the newest release of an earlier cutoff. `trouble` says why there is no comparison."""

    before: str | None = None
    before_cutoff: date | None = None
    trouble: str | None = None
    demand_kg: tuple[float, float] | None = None
    """Expected kg before and now, summed over the days and series both forecast."""
    profit_yuan: tuple[float, float] | None = None
    lines: tuple[int, int, int] | None = None
    """Planting recommendations added, dropped, with another area."""
    files: tuple[int, int] | None = None
    """Files taken in since, and their rows."""
    products: Sequence[tuple[str, float, float]] = field(default_factory=tuple)
    """(product, kg before, kg now), the largest change first."""
    findings: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """New findings of the nightly check, in Chinese and English."""


def since(release: Release) -> Since:
    """Compare with the release before; a release that is gone or cannot be read is told, not guessed."""
    found = _before(release)
    if found is None:
        return Since()
    folder, day = found
    try:
        old = {name: _old(folder, name) for name in TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        return Since(folder.name, day, trouble=str(error)[:200])
    demand_kg, products = _demand(old["demand_expected"], release.frame("demand_expected"))
    return Since(
        folder.name,
        day,
        demand_kg=demand_kg,
        profit_yuan=_profit(old["planting_plan"], release.frame("planting_plan")),
        lines=_lines(old["planting_recommendation"], release.frame("planting_recommendation")),
        files=_files(old["load_summary"], release.frame("load_summary")),
        findings=_findings(old["finding"], release.frame("finding")),
        products=products,
    )


def _before(release: Release) -> tuple[Path, date] | None:
    """The release of the newest earlier cutoff; of several the one written last."""
    own = cutoff(release)
    if own is None:
        return None
    others = []
    for path in release.folder.parent.glob(f"*/{MANIFEST}"):
        try:
            text = str(orjson.loads(path.read_bytes()).get("cutoff") or "")
        except orjson.JSONDecodeError:
            continue  # told where releases are loaded; the one before it is compared with
        if text and (day := date.fromisoformat(text)) < own:
            others.append((day, path.stat().st_mtime, path.parent))
    return (max(others)[2], max(others)[0]) if others else None


def _old(folder: Path, table: str) -> pl.DataFrame:
    path = folder / f"{table}.parquet"
    return conform(table, pl.read_parquet(path) if path.exists() else None)


def _demand(
    old: pl.DataFrame, new: pl.DataFrame
) -> tuple[tuple[float, float] | None, Sequence[tuple[str, float, float]]]:
    keys = ["product_id", "channel_id", "region_id", "forecast_date"]
    both = new.join(old, on=keys, suffix="_before").drop_nulls(["expected_kg", "expected_kg_before"])
    if both.is_empty():
        return None, ()
    kg = ["expected_kg_before", "expected_kg"]
    products = (
        both.group_by("product_id")
        .agg(pl.col(kg).sum())
        .sort((pl.col(kg[1]) - pl.col(kg[0])).abs(), "product_id", descending=[True, False])
        .head(MOST)
    )
    whole = float(both[kg[0]].sum()), float(both[kg[1]].sum())
    return whole, list(products.select("product_id", *kg).iter_rows())


def _profit(old: pl.DataFrame, new: pl.DataFrame) -> tuple[float, float] | None:
    if old.is_empty() or new.is_empty():
        return None
    return float(old["profit_yuan"][-1]), float(new["profit_yuan"][-1])


def _lines(old: pl.DataFrame, new: pl.DataFrame) -> tuple[int, int, int] | None:
    if old.is_empty() and new.is_empty():
        return None
    both = new.join(old, on="recommendation_id", suffix="_before")
    moved = both.filter((pl.col("area_mu") - pl.col("area_mu_before")).abs() > 0.05)
    return new.height - both.height, old.height - both.height, moved.height


def _files(old: pl.DataFrame, new: pl.DataFrame) -> tuple[int, int]:
    fresh = new.join(old, on=["name", "arrived_at"], how="anti")
    return fresh.height, int(fresh["rows_taken"].sum())


def _findings(old: pl.DataFrame, new: pl.DataFrame) -> list[tuple[str, str]]:
    fresh = new.join(old, on=["kind", "subject"], how="anti").sort("rank").head(MOST)
    return list(fresh.select("text_zh", "text_en").iter_rows())
