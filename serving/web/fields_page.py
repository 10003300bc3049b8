"""What the fields page shows: sensors by plot with their last weeks, gaps and faults, and what stands where."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import fieldwork, harvest, runs, things
from serving.reads.health import cutoff
from serving.web.charts import spark
from serving.web.say import Say
from serving.web.texts import catalogue

DAYS = 30
SILENT_HOURS = 24
MOST = 400
MOST_FAULTS = 60


def fields_page(release: Release, say: Say, village: str) -> dict[str, Any]:
    """Values for fields.html; `village` '' is all."""
    plots = things.plots(release)
    villages = plots.drop_nulls("village_id").select("village_id", "village_name").unique().sort("village_id")
    shown = plots.filter(pl.col("village_id") == village) if village else plots
    sensors = _sensors(release, say, shown if village else None)
    everything = runs.sensors(release)
    silent = everything.filter(pl.col("silent_hours") > SILENT_HOURS)["sensor_id"].n_unique()
    return {
        "villages": [(r["village_id"], r["village_name"] or r["village_id"]) for r in villages.to_dicts()],
        "village": village,
        "sensors": sensors,
        "sensor_count": everything["sensor_id"].n_unique(),
        "silent": silent,
        "faulty": everything.filter(runs.has_fault())["sensor_id"].n_unique(),
        "faults": _faults(release, say),
        "standing": _standing(release, say, shown),
        "days": DAYS,
    }


def _sensors(release: Release, say: Say, plots: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per sensor and quantity: faulty and silent ones first, with a line of daily means and the days without."""
    names = things.plots(release).select("plot_id", "village_name")
    rows = (
        runs.sensors(release)
        .with_columns(is_bad=runs.has_fault())
        .join(names, on="plot_id", how="left")
        .sort(
            "is_bad",
            pl.col("silent_hours"),
            "plot_id",
            "sensor_id",
            descending=[True, True, False, False],
            nulls_last=True,
        )
    )
    if plots is not None:
        rows = rows.join(plots.select("plot_id"), on="plot_id", how="semi")
    daily = dict(release.frame("reading_daily").group_by("sensor_id", "quantity"))
    last = cutoff(release)
    found = []
    for row in rows.head(MOST).iter_rows(named=True):
        readings = daily.get((row["sensor_id"], row["quantity"]))
        line, gaps = _line(readings, last)
        word = f"quantity.{row['quantity']}"
        found.append(
            row
            | {"name": say.t(word) if word in catalogue() else row["quantity"], "line": line, "gaps": gaps}
        )
    return found


def _line(readings: pl.DataFrame | None, last: date | None) -> tuple[str, int | None]:
    """A small line of the daily means over the last DAYS, and how many of these days have none; None: nothing is known."""
    if readings is None or last is None:
        return "", None
    means = dict(readings.select("day", "mean_value").iter_rows())
    days = [last - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    values = [means[d] for d in days if d in means]
    if not values:
        return "", DAYS
    low = min(values)
    return spark([v - low for v in values], [])[0], sum(d not in means for d in days)


def _faults(release: Release, say: Say) -> list[dict[str, Any]]:
    lasting = release.frame("sensor_fault").filter(pl.col("fault") != "duplicate")
    rows = lasting.sort("from_at", descending=True, nulls_last=True).head(MOST_FAULTS)
    return [
        row | {"name": say.t(word) if (word := f"fault.{row['fault']}") in catalogue() else row["fault"]}
        for row in rows.to_dicts()
    ]


def _standing(release: Release, say: Say, plots: pl.DataFrame) -> list[dict[str, Any]]:
    """What was planted last on each plot and how far it is: days since sowing, days until it is on sale."""
    today = cutoff(release)
    if today is None:
        return []
    crops = things.names(release, "crop")
    stages = harvest.stages(release)
    planted = release.frame("planting").filter(
        (pl.col("sown_on") <= today) & (pl.col("sown_on") > today - timedelta(days=365))
    )
    rows = (
        fieldwork.with_days(release, planted)
        .filter(pl.col("ready_to").is_null() | (pl.col("ready_to") >= today))
        .join(plots.select("plot_id", "village_name"), on="plot_id", how="inner")
        .sort("ready_from", "plot_id", nulls_last=True)
        .head(MOST)
    )
    return [
        row
        | {
            "name": say.name(crops, row["crop_id"]),
            "stage": stages.get((row["plot_id"], row["crop_id"])),
            "age": (today - row["sown_on"]).days,
            "until": (row["ready_from"] - today).days if row["ready_from"] else None,
        }
        for row in rows.to_dicts()
    ]
