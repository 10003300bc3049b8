"""What the harvest page shows: kilograms of the next days, plantings in the order they ripen, what threatens them, what came of it."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import harvest as reads
from serving.reads import things
from serving.reads.health import cutoff
from serving.web.say import Say

DAYS = 14
MOST = 400
KINDS = ("frost", "heat", "water", "disease")
ALL_CROPS = "*"


def harvest_page(release: Release, say: Say, village: str, crop: str) -> dict[str, Any]:
    """Values for harvest.html; '' is all villages, all crops."""
    today = cutoff(release)
    wish = reads.Wish(village=village or None, crop=crop or None)
    outlook = reads.outlook(release, wish)
    names = things.names(release, "crop")
    plots = things.plots(release).drop_nulls("village_id").select("village_id", "village_name").unique()
    crops = release.frame("harvest_outlook")["crop_id"].unique().sort()
    value = reads.value(release).filter(pl.col("crop_id") == ALL_CROPS)
    threatened = reads.fields(release, plot=None, village=village or None, day=None, level=1)
    return {
        "villages": [(r["village_id"], r["village_name"] or r["village_id"]) for r in plots.sort("village_id").to_dicts()],
        "crops": [(c, say.name(names, c)) for c in crops],
        "village": village,
        "crop": crop,
        "days": _days(release, say, names, today, wish),
        "outlook": [_named(say, names, row) for row in outlook.head(MOST).to_dicts()],
        "plantings": outlook.height,
        "overdue": outlook.filter("is_overdue").height,
        "threats": [_threat(say, names, row) for row in threatened.head(MOST).to_dicts()],
        "acting": threatened.filter(pl.col("level") == 2)["plot_id"].n_unique(),
        "value": value.row(0, named=True) if value.height else None,
        "actuals": [
            _named(say, names, row) | {"gone": _gone(row)} for row in reads.actuals(release, wish).head(MOST).to_dicts()
        ],
    }  # fmt: skip


def _days(
    release: Release,
    say: Say,
    names: dict[str, dict[str, str]],
    today: date | None,
    wish: reads.Wish,
) -> dict[str, Any]:
    """Mean kilograms by crop and day of the next DAYS: `heads`, `rows` of (crop, values, sum), `totals`, `kg`, `most`."""
    if today is None:
        return {"heads": [], "rows": [], "totals": [], "kg": 0.0, "most": 0.0}
    heads = [today + timedelta(days=n) for n in range(1, DAYS + 1)]
    rows = reads.days(release, wish).filter(pl.col("forecast_date") <= heads[-1])
    sums = rows.group_by("crop_id", "forecast_date").agg(kg=pl.col("expected_kg").sum())
    by_crop: dict[str, dict[date, float]] = {}
    for crop, day, kg in sums.iter_rows():
        by_crop.setdefault(crop, {})[day] = kg
    table = [
        (say.name(names, c), [v.get(d, 0.0) for d in heads], sum(v.values())) for c, v in by_crop.items()
    ]
    totals = [sum(values[n] for _, values, _ in table) for n in range(len(heads))]
    most = max((v for _, values, _ in table for v in values), default=0.0)
    return {
        "heads": heads,
        "rows": sorted(table, key=lambda r: -r[2]),
        "totals": totals,
        "kg": sum(totals),
        "most": most,
    }


def _named(say: Say, names: dict[str, dict[str, str]], row: dict[str, Any]) -> dict[str, Any]:
    return row | {"name": say.name(names, row["crop_id"])}


def _gone(row: dict[str, Any]) -> float | None:
    """What was cut ÷ what was told (else what the practice promises), of a season that is over."""
    told = row["told_kg"] or row["practice_kg"]
    return row["cut_kg"] / told - 1 if row["is_finished"] and told else None


def _threat(say: Say, names: dict[str, dict[str, str]], row: dict[str, Any]) -> dict[str, Any]:
    """A plot with its flags in words and the crops that stand on it."""
    flags = [
        (say.t(f"harvest.{kind}"), row[f"level_{kind}"], say.t(f"harvest.by_{row[f'source_{kind}']}"))
        for kind in KINDS
        if row[f"level_{kind}"]
    ]
    standing = [(say.name(names, s["crop_id"]), s["stage"]) for s in row["standing"] or []]
    return row | {"flags": flags, "crops": standing}
