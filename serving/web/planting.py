"""What the planting page shows: plan, balance, map, recommendations by village."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import fieldwork, things
from serving.reads import planting as reads
from serving.web.charts import Dot, place_dots
from serving.web.planting_time import timeline, weeks
from serving.web.say import Say

COLOURS = 9
MOST_DOTS = 3000
MOST_LINES = 400


RISKS = ("late", "now", "uncertain", "steady")
Answers = Mapping[str, Mapping[str, Any]]


def planting(
    release: Release, say: Say, wish: reads.Planted, village: str, colour: str, answers: Answers
) -> dict[str, Any]:
    """Values for planting.html.

    Args:
        wish: Filters year, season and crop.
        village: The one opened.
        colour: What the map is coloured by: 'crop' or 'risk'.
        answers: As serving.reads.decisions.answers.
    """
    everything = release.made(reads.recommendations)
    if everything.is_empty():
        return {"years": [], "plan": reads.plan(release), **promises(release, say)}
    years = everything["year"].unique().sort().to_list()
    year = wish.year or years[0]
    rows = reads.chosen(release, reads.Planted(None, wish.crop, year, wish.season, None))
    dated = release.made(fieldwork.lines)
    rows = rows.join(
        dated.select("recommendation_id", "risk", *fieldwork.WINDOWS), on="recommendation_id", how="left"
    )
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
        "plots": _opened(rows, village, answers) if villages else [],
        "undecided": rows.height - sum(key in answers for key in rows["recommendation_id"]),
        "colour": colour,
        "balance": _balance(release, say, crops, year, wish.crop),
        **(_risk_map if colour == "risk" else _map)(release, rows, say, crops, colours),
        **timeline(release, say, crops, colours, _shown(dated, wish.crop), village),
        **weeks(release, say, crops, wish.crop),
        **promises(release, say),
        "colours": colours,
    }


def promises(release: Release, say: Say) -> dict[str, Any]:
    """Open commitments, and the crops one can be entered for."""
    crops = things.names(release, "crop")
    rows = release.frame("commitment").to_dicts()
    return {
        "commitments": [row | {"name": say.name(crops, row["crop_id"])} for row in rows[:MOST_LINES]],
        "all_crops": sorted(((k, say.name(crops, k)) for k in crops), key=lambda pair: pair[1]),
    }


def _shown(rows: pl.DataFrame, crop: str | None) -> pl.DataFrame:
    return rows.filter(pl.col("crop_id") == crop) if crop else rows


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


def _opened(rows: pl.DataFrame, village: str, answers: Answers) -> list[dict[str, Any]]:
    found = rows.filter(pl.col("village_id").fill_null("") == village).head(MOST_LINES).to_dicts()
    return [row | {"answered": answers.get(row["recommendation_id"])} for row in found]


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
    located, is_tiled = _located(release)
    placed = rows.join(located, on="plot_id", how="inner")
    by_village = placed["plot_id"].n_unique() > MOST_DOTS
    key = "village_id" if by_village else "plot_id"
    largest = (
        placed.group_by(key, "crop_id")
        .agg(pl.col("area_mu").sum(), pl.col("lat_deg", "lon_deg").mean(), pl.col("village_name").first())
        .sort("area_mu", "crop_id", descending=[True, False])
        .group_by(key, maintain_order=True)
        .agg(pl.col("crop_id", "lat_deg", "lon_deg", "village_name").first(), pl.col("area_mu").sum())
    )
    if largest.is_empty():
        return {"dots": [], "legend": [], "by_village": False, "is_tiled": False}
    places = place_dots(*(largest[c].to_list() for c in ("lat_deg", "lon_deg", "area_mu")))
    dots = [
        Dot(x, y, r, colours.get(row["crop_id"], -1), _dot_label(row, key, say, crops))
        for (x, y, r), row in zip(places, largest.iter_rows(named=True), strict=True)
    ]
    present = {dot.colour for dot in dots}
    legend = [(i, say.name(crops, crop)) for crop, i in colours.items() if i in present]
    legend += [(-1, say.t("planting.other"))] if -1 in present else []
    return {"dots": dots, "legend": legend, "by_village": by_village, "is_tiled": is_tiled}


def _risk_map(
    release: Release, rows: pl.DataFrame, say: Say, crops: dict[str, dict[str, str]], colours: dict[str, int]
) -> dict[str, Any]:
    """Dots of plots by their worst risk."""
    located, is_tiled = _located(release)
    words = [say.t(f"planting.risk_{name}") for name in RISKS]
    worst = (
        rows.with_columns(rank=pl.col("risk").replace_strict({r: i for i, r in enumerate(RISKS)}, default=3))
        .sort("rank", "recommendation_id")
        .group_by("plot_id", maintain_order=True)
        .agg(pl.col("rank", "village_name", "crop_id").first(), pl.col("area_mu").sum())
        .join(located, on="plot_id", how="inner")
        .sort("area_mu", descending=True)
        .head(MOST_DOTS)
    )
    if worst.is_empty():
        return {"dots": [], "legend": [], "by_village": False, "is_tiled": False}
    places = place_dots(*(worst[c].to_list() for c in ("lat_deg", "lon_deg", "area_mu")))
    dots = [
        Dot(x, y, r, row["rank"], f"{_dot_label(row, 'plot_id', say, crops)} · {words[row['rank']]}")
        for (x, y, r), row in zip(places, worst.iter_rows(named=True), strict=True)
    ]
    return {"dots": dots, "legend": [*enumerate(words)], "by_village": False, "is_tiled": is_tiled}


def _located(release: Release) -> tuple[pl.DataFrame, bool]:
    """plot_id, lat_deg, lon_deg; where no plot has coordinates, places of a grid: one block a village (then True)."""
    plots = things.plots(release)
    known = plots.drop_nulls(["lat_deg", "lon_deg"]).select("plot_id", "lat_deg", "lon_deg")
    if known.height or plots.is_empty():
        return known, False
    in_village = pl.int_range(pl.len()).over("village_id")
    village = pl.col("village_id").fill_null("").rank("dense").cast(pl.Int64) - 1
    across = math.ceil(math.sqrt(plots["village_id"].n_unique()))
    side = math.ceil(math.sqrt(max(plots.group_by("village_id").len()["len"].to_list()))) + 1
    tiles = plots.with_columns(v=village, i=in_village).select(
        "plot_id",
        lat_deg=-((pl.col("v") // across) * side + pl.col("i") // (side - 1)).cast(pl.Float64) / 1000,
        lon_deg=((pl.col("v") % across) * side + pl.col("i") % (side - 1)).cast(pl.Float64) / 1000,
    )
    return tiles, True


def _dot_label(row: dict[str, Any], key: str, say: Say, crops: dict[str, dict[str, str]]) -> str:
    place = row["village_name"] or "" if key == "village_id" else f"{row['village_name'] or ''} {row[key]}"
    return f"{place.strip()} · {say.name(crops, row['crop_id'])} · {say.area(row['area_mu'])}"
