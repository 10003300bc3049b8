"""The planting page's charts over time: plots planned against actual, and demand against supply by week."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import fieldwork
from serving.reads.health import cutoff
from serving.web.calendar import marks
from serving.web.charts import FanData, fan
from serving.web.gantt import Gantt, Span, gantt
from serving.web.say import UNITS, Say

MOST_PLOTS = 30
Names = dict[str, dict[str, str]]
Colours = dict[str, int]


def timeline(
    release: Release, say: Say, crops: Names, colours: Colours, rows: pl.DataFrame, village: str
) -> dict[str, Any]:
    """Plots of the opened village, else the first MOST_PLOTS, of the lines `rows` (as fieldwork.lines)."""
    today = cutoff(release)
    dated = rows.drop_nulls(["ready_from", "ready_to"])
    if village:
        dated = dated.filter(pl.col("village_id").fill_null("") == village)
    if today is None or dated.is_empty():
        return {"gantt": None, "gantt_plots": 0, "gantt_shown": 0}
    plots = dated.select("village_name", "plot_id").unique(maintain_order=True)
    shown = plots if village else plots.head(MOST_PLOTS)
    groups = [
        (name[0] or say.t("planting.no_village"), group["plot_id"].to_list())
        for name, group in shown.group_by("village_name", maintain_order=True)
    ]
    wanted = dated.join(shown, on="plot_id", how="semi")
    spans = [*_planned(say, crops, colours, wanted), *_actual(release, say, crops, shown, today)]
    chart: Gantt = gantt(groups, spans, today)
    return {"gantt": chart, "gantt_plots": plots.height, "gantt_shown": shown.height}


def _planned(say: Say, crops: Names, colours: Colours, rows: pl.DataFrame) -> list[Span]:
    found = []
    for r in rows.iter_rows(named=True):
        name, colour, plot = say.name(crops, r["crop_id"]), colours.get(r["crop_id"], -1), r["plot_id"]
        about = f"{plot} · {name} · {say.area(r['area_mu'])}"
        parts = [("ready", r["ready_from"], r["ready_to"])]
        if r["sow_from"]:
            parts = [("grow", r["sow_from"], r["ready_from"]), ("sow", r["sow_from"], r["sow_to"]), *parts]
        found += [
            Span(
                plot,
                kind,
                a,
                b,
                colour,
                f"{about} · {say.t(f'planting.span_{kind}')} {say.day(a)} – {say.day(b)}",
            )
            for kind, a, b in parts
        ]
    return found


def _actual(release: Release, say: Say, crops: Names, shown: pl.DataFrame, today: date) -> list[Span]:
    """Plantings until their last cut (else until the cutoff), and the days cut."""
    cuts = (
        release.frame("harvest_event")
        .join(shown, on="plot_id", how="semi")
        .group_by(
            "plot_id", "crop_id", day=pl.col("harvested_at").dt.convert_time_zone(str(say.zone)).dt.date()
        )
        .agg(pl.col("harvested_kg").sum())
        .sort("plot_id", "day")
    )
    ended: dict[tuple[str, str], date] = {
        (r["plot_id"], r["crop_id"]): r["day"] for r in cuts.iter_rows(named=True)
    }
    planted = release.frame("planting").drop_nulls("sown_on").join(shown, on="plot_id", how="semi")
    found = []
    for r in planted.iter_rows(named=True):
        last = ended.get((r["plot_id"], r["crop_id"]), today)
        end = last if last >= r["sown_on"] else today
        text = f"{r['plot_id']} · {say.name(crops, r['crop_id'])} · {say.t('planting.span_done')} {say.day(r['sown_on'])}"
        if (end - r["sown_on"]).days <= 400:
            found.append(Span(r["plot_id"], "done", r["sown_on"], end, -1, text))
    for r in cuts.iter_rows(named=True):
        told = say.t("planting.span_cut", kg=say.weight(r["harvested_kg"]))
        label = f"{r['plot_id']} · {say.name(crops, r['crop_id'])} · {told} {say.day(r['day'])}"
        found.append(Span(r["plot_id"], "cut", r["day"], r["day"], -1, label))
    return found


def weeks(release: Release, say: Say, crops: Names, crop: str | None) -> dict[str, Any]:
    """Weekly demand over the supply band of one crop: the chosen one, else the one asked for most."""
    demand = release.frame("demand_scenario_total").drop_nulls("week_start")
    asked = demand.unique(["crop_id", "week_start"]).select("crop_id", "week_start", "expected_kg")
    ranked = asked.group_by("crop_id").agg(pl.col("expected_kg").sum()).sort("expected_kg", descending=True)
    options = [(c, say.name(crops, c)) for c in ranked["crop_id"]]
    chosen = crop if crop in dict(options) else (options[0][0] if options else None)
    if chosen is None:
        return {"week_charts": [], "week_crops": [], "week_crop": None}
    supply = release.made(fieldwork.supply).filter(pl.col("crop_id") == chosen)
    rows = (
        asked.filter(pl.col("crop_id") == chosen)
        .join(supply, on="week_start", how="left")
        .with_columns(pl.col("kg", "low_kg", "high_kg").fill_null(0.0))
        .sort("week_start")
    )
    short = rows.filter(pl.col("expected_kg") > pl.col("kg"))
    lacking = float((short["expected_kg"] - short["kg"]).sum())
    return {
        "week_charts": _charts(release, say, rows),
        "week_crops": options,
        "week_crop": chosen,
        "week_name": say.name(crops, chosen),
        "week_short": (short.height, rows.height, lacking),
    }


def _charts(release: Release, say: Say, rows: pl.DataFrame) -> Sequence[Any]:
    scale = UNITS[say.unit]
    days: list[date] = rows["week_start"].to_list()
    texts = [
        f"{say.day(r['week_start'])} – {say.day(r['week_start'] + timedelta(days=6))}"
        f" · {say.t('planting.week_demand')} {say.weight(r['expected_kg'])}"
        f" · {say.t('planting.week_supply')} {say.weight(r['kg'])} ({say.weight(r['low_kg'])} – {say.weight(r['high_kg'])})"
        for r in rows.iter_rows(named=True)
    ]
    starts = [i for i, d in enumerate(days) if i == 0 or d.month != days[i - 1].month]
    data = FanData(
        texts,
        [(i, say.month(days[i])) for i in starts if i > 0 or days[0].day <= 20],
        [],
        (rows["expected_kg"] * scale).to_list(),
        [((rows["low_kg"] * scale).to_list(), (rows["high_kg"] * scale).to_list())],
        (rows["kg"] * scale).to_list(),
        marks(release, say, days, kinds=("festival", "solar_term")),
    )
    return [
        ("wide", fan(data, width=1080, height=300, max_ticks=12)),
        ("narrow", fan(data, width=370, height=250, max_ticks=4)),
    ]
