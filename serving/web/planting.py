"""What the planting page shows: plan, balance, map, recommendations by village."""

from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import planting as reads
from serving.reads import things
from serving.web.charts import Dot, place_dots
from serving.web.say import Say

COLOURS = 9
MOST_DOTS = 3000
MOST_LINES = 400


def planting(release: Release, say: Say, wish: reads.Planted, village: str) -> dict[str, Any]:
    """Values for planting.html; `wish` filters year, season and crop, `village` is the one opened."""
    everything = release.made(reads.recommendations)
    if everything.is_empty():
        return {"years": [], "plan": reads.plan(release)}
    years = everything["year"].unique().sort().to_list()
    year = wish.year or years[0]
    rows = reads.chosen(release, reads.Planted(None, wish.crop, year, wish.season, None))
    crops = things.names(release, "crop")
    colours = _colours(everything)
    villages = _villages(rows)
    return {
        "plan": reads.plan(release),
        "years": years,
        "year": year,
        "season": wish.season,
        "crop": wish.crop,
        "crops": sorted(
            ((k, say.name(crops, k)) for k in everything["crop_id"].unique()), key=lambda p: p[1]
        ),
        "seasons": everything["season"].unique().sort().to_list(),
        "area_mu": float(rows["area_mu"].sum()),
        "lines": rows.height,
        "villages": villages,
        "opened": village,
        "plots": _opened(rows, village) if villages else [],
        "balance": _balance(release, say, crops, year, wish.crop),
        **_map(release, rows, say, crops, colours),
    }


def _villages(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return (
        rows.with_columns(pl.col("village_id").fill_null(""))
        .group_by("village_id", maintain_order=True)
        .agg(
            pl.col("village_name").first(),
            n=pl.len(),
            plots=pl.col("plot_id").n_unique(),
            area_mu=pl.col("area_mu").sum(),
            kg=pl.col("expected_kg").sum(),
            yuan=pl.col("expected_profit_yuan").sum(),
        )
        .to_dicts()
    )


def _opened(rows: pl.DataFrame, village: str) -> list[dict[str, Any]]:
    return rows.filter(pl.col("village_id").fill_null("") == village).head(MOST_LINES).to_dicts()


def _balance(
    release: Release, say: Say, crops: dict[str, dict[str, str]], year: int, crop: str | None
) -> list[dict[str, Any]]:
    """Kg per crop of a year, all seasons; `*_x` are positions on a common scale of 0–100."""
    kg = ["demand_kg", "committed_kg", "supply_kg", "surplus_kg", "unserved_kg"]
    rows = reads.balance(release).filter(pl.col("year") == year)
    if crop:
        rows = rows.filter(pl.col("crop_id") == crop)
    summed = rows.group_by("crop_id").agg(pl.col(kg).sum(), pl.col("demand_source").first())
    found = summed.sort(["demand_kg", "crop_id"], descending=[True, False]).to_dicts()
    for row in found:
        most = max(row["demand_kg"], row["supply_kg"]) or 1.0
        row["name"] = say.name(crops, row["crop_id"])
        row["demand_x"], row["supply_x"] = 100 * row["demand_kg"] / most, 100 * row["supply_kg"] / most
    return found


def _colours(everything: pl.DataFrame) -> dict[str, int]:
    """The crops with most area get the palette's colours; the same crop has the same colour under every filter."""
    ranked = (
        everything.group_by("crop_id")
        .agg(pl.col("area_mu").sum())
        .sort(["area_mu", "crop_id"], descending=[True, False])
    )
    return {crop: i for i, crop in enumerate(ranked["crop_id"].head(COLOURS))}


def _map(
    release: Release, rows: pl.DataFrame, say: Say, crops: dict[str, dict[str, str]], colours: dict[str, int]
) -> dict[str, Any]:
    """Dots of plots by their largest crop (by village when there are too many), and the legend."""
    located = things.plots(release).drop_nulls(["lat_deg", "lon_deg"]).select("plot_id", "lat_deg", "lon_deg")
    placed = rows.join(located, on="plot_id", how="inner")
    if placed.is_empty():
        return {"dots": [], "legend": [], "by_village": False}
    by_village = placed["plot_id"].n_unique() > MOST_DOTS
    key = "village_id" if by_village else "plot_id"
    largest = (
        placed.group_by(key, "crop_id")
        .agg(pl.col("area_mu").sum(), pl.col("lat_deg", "lon_deg").mean(), pl.col("village_name").first())
        .sort("area_mu", "crop_id", descending=[True, False])
        .group_by(key, maintain_order=True)
        .agg(pl.col("crop_id", "lat_deg", "lon_deg", "village_name").first(), pl.col("area_mu").sum())
    )
    places = place_dots(*(largest[c].to_list() for c in ("lat_deg", "lon_deg", "area_mu")))
    dots = [
        Dot(x, y, r, colours.get(row["crop_id"], -1), _dot_label(row, key, say, crops))
        for (x, y, r), row in zip(places, largest.iter_rows(named=True), strict=True)
    ]
    present = {dot.colour for dot in dots}
    legend = [(i, say.name(crops, crop)) for crop, i in colours.items() if i in present]
    legend += [(-1, say.t("planting.other"))] if -1 in present else []
    return {"dots": dots, "legend": legend, "by_village": by_village}


def _dot_label(row: dict[str, Any], key: str, say: Say, crops: dict[str, dict[str, str]]) -> str:
    place = row["village_name"] or "" if key == "village_id" else f"{row['village_name'] or ''} {row[key]}"
    return f"{place.strip()} · {say.name(crops, row['crop_id'])} · {say.area(row['area_mu'])}"
