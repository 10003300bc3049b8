"""Look at how forecasts came out, segment by segment, and say on Today what got worse."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from features.assemble import CALENDAR, NUMBERS, future_frame
from features.panel import build_panel
from models.evaluation.monitoring import (
    NOTABLE_DRIFT,
    RECENT,
    YEAR,
    Alert,
    bias_builds_up,
    coverage_off,
    error_rises,
    fallbacks_rise,
    feature_drift,
)
from models.evaluation.standing import JUDGED_DAYS, apart
from pipelines import registry
from pipelines.check import FINDING_SCHEMA, ranked
from pipelines.demand_inputs import demand_tables
from settings import Settings
from warehouse import Warehouse

KINDS = ("bias_builds_up", "error_rises", "coverage_off", "fallbacks_rise", "model_ages")
WATCHED = ("all", "channel", "family", "region", "volume")
MOST_OF_A_KIND = 5
LEAST_ROWS = 200
"""Segments with fewer days over the last four origins scatter too much to be looked at."""
HISTORY_DAYS = 400
AGES_AFTER = 4
"""A champion older than so many refits is said."""
DRIFT_SERIES = 2000
DRIFT_BACK = timedelta(days=28)
TEXTS = {
    "bias_builds_up": (
        "{where}:预测持续偏{side},近四周平均{detail:+.1%}(累积和 {value:.1f},限 {allowed:.0f}){drift}",
        "{where}: forecasts stay too {side}, {detail:+.1%} over the last four weeks (CUSUM {value:.1f}, limit {allowed:.0f}){drift}",
    ),
    "error_rises": (
        "{where}:近四周误差 {value:.1%},自身惯常 {detail:.1%},上限 {allowed:.1%}{drift}",
        "{where}: error {value:.1%} over the last four weeks, usually {detail:.1%}, at most {allowed:.1%}{drift}",
    ),
    "coverage_off": (
        "{where}:80% 区间近四周覆盖 {detail:.1%},应在 72%–88% 之间{drift}",
        "{where}: the 80 % interval held {detail:.1%} over the last four weeks, 72–88 % is sound{drift}",
    ),
    "fallbacks_rise": (
        "{where}:{value:.1%} 的序列用基准法,惯常 {detail:.1%}",
        "{where}: {value:.1%} of the series use a baseline, usually {detail:.1%}",
    ),
    "model_ages": (
        "预测模型已用 {value:.0f} 天未更新{why_zh}",
        "the demand model is {value:.0f} days old{why_en}",
    ),
}
NAMES = {
    "all": ("全部", "all"),
    "channel": ("渠道 {}", "channel {}"),
    "family": ("品类 {}", "family {}"),
    "region": ("地区 {}", "region {}"),
    "volume": ("销量等级 {}", "volume class {}"),
}


def watch_forecasts(settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str) -> int:
    """Add what the monitors find to the cutoff's `finding` rows, ranked anew among the others; returns their number.

    Looked at are scores of days 1–7 ahead from origins a week apart. Findings of the same kinds that an earlier run of this
    cutoff wrote are replaced. Inputs that moved are named beside an alert; alone they are none.
    """
    found = [
        *_of_segments(warehouse, cutoff),
        *_of_fallbacks(warehouse, cutoff),
    ]
    drift = _drift(settings, warehouse, cutoff) if any(a.kind != "fallbacks_rise" for _, a in found) else None
    rows = [_row(segment, alert, drift) for segment, alert in found]
    rows += _of_age(settings, cutoff)
    ours = pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row")
    there = warehouse.sql("select * from finding where cutoff = $cutoff", cutoff=cutoff)
    others = there.filter(~pl.col("kind").is_in(KINDS)).select(FINDING_SCHEMA.names()).cast(FINDING_SCHEMA)
    warehouse.replace("finding", ranked([others, ours], cutoff=cutoff, run_id=run_id), cutoff=cutoff)
    return ours.height


def _of_segments(warehouse: Warehouse, cutoff: date) -> Iterator[tuple[str, Alert]]:
    scores = warehouse.sql(
        "select segment, scored_cutoff, metric, value, rows_scored from forecast_score where lead_days = '1-7'"
        " and method = 'anxu' and cutoff between $since and $cutoff order by all",
        since=cutoff - timedelta(days=HISTORY_DAYS),
        cutoff=cutoff,
    ).filter(pl.col("segment").str.split(":").list.first().is_in(WATCHED))
    weekly = scores.filter(pl.col("scored_cutoff").is_in(_newest_apart(scores["scored_cutoff"].to_list())))
    alerts = [
        (segment, alert)
        for (segment, metric), rows in weekly.group_by("segment", "metric", maintain_order=True)
        if rows.sort("scored_cutoff")["rows_scored"].tail(RECENT).sum() >= LEAST_ROWS
        if (alert := _look(str(metric), rows.sort("scored_cutoff")))
    ]
    for kind in KINDS:
        of_kind = [(str(s), a) for s, a in alerts if a.kind == kind]
        yield from sorted(of_kind, key=lambda pair: -pair[1].value / pair[1].allowed)[:MOST_OF_A_KIND]


def _newest_apart(origins: list[date]) -> list[date]:
    """The newest origin and each earlier one at least a week before the one taken; thinned from the newest back."""
    if not origins:
        return []
    newest = max(origins)
    mirrored = apart([newest + (newest - day) for day in origins], days=JUDGED_DAYS)
    return [newest - (day - newest) for day in mirrored]


def _look(metric: str, rows: pl.DataFrame) -> Alert | None:
    values = rows["value"].to_list()
    if metric == "bias":
        return bias_builds_up(values)
    if metric == "wape":
        return error_rises(values, rows["scored_cutoff"].to_list())
    if metric == "coverage_80_above_0":
        return coverage_off(values, rows["rows_scored"].fill_null(0).to_list())
    return None


def _of_fallbacks(warehouse: Warehouse, cutoff: date) -> Iterator[tuple[str, Alert]]:
    shares = warehouse.sql(
        "select cutoff, avg((fallback_reason is not null)::double) as share from demand_forecast"
        " where cutoff <= $cutoff and forecast_date = cutoff + 1 group by cutoff order by cutoff",
        cutoff=cutoff,
    )
    weekly = shares.filter(pl.col("cutoff").is_in(_newest_apart(shares["cutoff"].to_list())))
    if alert := fallbacks_rise(weekly["share"].to_list()):
        yield "all", alert


def _of_age(settings: Settings, cutoff: date) -> list[tuple[str, str, float, float, str, str]]:
    champion = registry.champion(settings, cutoff=cutoff)
    if champion is None:
        return []
    age, allowed = (cutoff - champion.cutoff).days, AGES_AFTER * settings.train_every_days
    if age <= allowed:
        return []
    held = any(v.held for v in registry.versions(settings, cutoff=cutoff))
    why_zh, why_en = (
        (
            ":已回退,等待 anxu model promote",
            ": its successor was rolled back, refits wait for anxu model promote",
        )
        if held
        else (":新模型未胜出,见 anxu model list", ": no newer one won, see anxu model list")
    )
    zh, en = TEXTS["model_ages"]
    texts = zh.format(value=age, why_zh=why_zh), en.format(value=age, why_en=why_en)
    return [("model_ages", champion.name, float(age), float(allowed), *texts)]


def _drift(settings: Settings, warehouse: Warehouse, cutoff: date) -> str | None:
    """The input of tonight's forecast that moved most against the same days a year ago (else four weeks ago), when it did."""
    panel = build_panel(
        demand_tables(settings, warehouse, cutoff=cutoff), cutoff=cutoff, horizon_days=settings.horizon_days
    )
    back = YEAR if panel.records_begin <= cutoff - YEAR - DRIFT_BACK else DRIFT_BACK
    few = panel.series.sample(min(DRIFT_SERIES, panel.series.height), seed=settings.seed)
    some = replace(panel, series=few.sort("series"))
    now, then = (
        future_frame(some, origin=day, horizon_days=min(JUDGED_DAYS, settings.horizon_days))
        for day in (cutoff, cutoff - back)
    )
    inputs = [name for name in NUMBERS if name not in {*CALENDAR, "lead_days"}]
    worst = feature_drift(now, then, inputs).row(0)
    return str(worst[0]) if worst[1] > NOTABLE_DRIFT else None


def _row(segment: str, alert: Alert, drift: str | None) -> tuple[str, str, float, float, str, str]:
    kind, _, name = segment.partition(":")
    texts = []
    for language, (text, where) in enumerate(zip(TEXTS[alert.kind], NAMES[kind], strict=True)):
        side = (("低", "高"), ("low", "high"))[language][alert.detail > 0]
        moved = (f";输入 {drift} 变化最大", f"; of its inputs {drift} moved most")[language] if drift else ""
        texts.append(
            text.format(
                where=where.format(name),
                value=alert.value,
                allowed=alert.allowed,
                detail=alert.detail,
                side=side,
                drift=moved,
            )
        )
    return (alert.kind, segment, alert.value, alert.allowed, texts[0], texts[1])
