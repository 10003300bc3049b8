"""What the demand page shows: one product's past and coming days, by channel and region."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.published import Release
from serving.reads import accuracy, things
from serving.reads import forecasts as reads
from serving.reads.week import week
from serving.web.charts import FanData, fan
from serving.web.demand_marks import Marked, marked, words
from serving.web.say import UNITS, Say

HISTORY_DAYS = 120
HISTORY_WEEKS = 40
Line = tuple[str, str]
"""A line of a chart: the column it shows, and its name in the catalogue."""


def demand(release: Release, say: Say, product_id: str, channel_id: str, region_id: str) -> dict[str, Any]:
    """Values for demand.html; '' stands for all channels or regions, and for the largest product."""
    table = release.made(reads.daily_fan)
    names = {noun: things.names(release, noun) for noun in ("product", "channel", "region")}
    chosen = product_id or _largest(release)
    if not chosen:
        return {"chosen": None, "products": []}
    wish = reads.Wish(chosen, channel_id or None, region_id or None)
    rows = reads.daily(release, wish)
    options = table.table.rows(chosen)
    return {
        "chosen": chosen,
        "name": say.name(names["product"], chosen),
        "products": _options(say, names["product"], [str(k[0]) for k in table.table.spans if len(k) == 1]),
        "channels": _options(say, names["channel"], options["channel_id"].unique().to_list()),
        "regions": _options(say, names["region"], options["region_id"].unique().to_list()),
        "channel": channel_id,
        "region": region_id,
        "series": (series := _series(rows, reads.DAILY)),
        "fallback": _fallback(rows),
        "judged": _judged(release, say, names, wish),
        **_days(release, say, wish, rows, series),
        **_weeks(release, say, wish),
    }


def _days(release: Release, say: Say, wish: reads.Wish, rows: pl.DataFrame, series: int) -> dict[str, Any]:
    if rows.is_empty():
        return {"charts": []}
    fan_table = release.made(reads.daily_fan)
    ahead = _summed(rows, "forecast_date", fan_table)
    past = _past(reads.sales(release, wish), ahead["forecast_date"][0], HISTORY_DAYS)
    lines = _lines(fan_table, series)
    shown = _shown(fan_table, series)
    found = marked(release, say, wish, [d for d, _ in past] + ahead["forecast_date"].to_list(), series)
    summed = ahead[str(fan_table.summed)]
    sums = {
        "last7": sum(kg for _, kg in past[-7:]),
        "next7": float(summed.head(7).sum()),
        "last28": sum(kg for _, kg in past[-28:]),
        "next_all": float(summed.sum()),
        "days": ahead.height,
    }
    return {
        "charts": _charts(say, past, ahead, "forecast_date", fan_table.levels, lines, found),
        "marked": found,
        "lines": [name for _, name in lines],
        "expected": fan_table.expected,
        "table_rows": ahead.select("forecast_date", *shown).iter_rows(),
        "shown": shown,
        "levels": fan_table.levels,
        "sums": sums,
    }


def _lines(table: reads.Fan, series: int) -> list[Line]:
    """One series: its median, and thin its mean. A sum: what adds up."""
    if series == 1:
        return [(str(table.middle), "median"), *([("expected_kg", "expected")] if table.expected else [])]
    return [(str(table.summed), "expected" if table.expected else "median_sum")]


def _shown(table: reads.Fan, series: int) -> list[str]:
    """Columns of the table: the mean, and three levels; added medians would mislead beside the sum of means."""
    means = ["expected_kg"] if table.expected else []
    middle = [] if table.expected and series > 1 else [table.middle]
    return [*means, *(level for level in ("0.1", *middle, "0.9") if level in table.levels)]


def _weeks(release: Release, say: Say, wish: reads.Wish) -> dict[str, Any]:
    fan_table = release.made(reads.weekly_fan)
    family = _family(release, str(wish.first))
    rows = pl.DataFrame()
    if family and (family,) in fan_table.table:
        rows = reads.weekly(release, reads.Wish(family, wish.channel_id, wish.region_id))
    if rows.is_empty():
        return {"family": family, "weeks": 0, "week_charts": [], "week_series": 0}
    ahead = _summed(rows, "week_start", fan_table)
    past = _past_weeks(release, family, wish, ahead["week_start"][0])
    series = _series(rows, reads.WEEKLY)
    found = marked(release, say, wish, [d for d, _ in past] + ahead["week_start"].to_list(), series)
    charts = _charts(say, past, ahead, "week_start", fan_table.levels, _lines(fan_table, series), found)
    return {"family": family, "weeks": ahead.height, "week_charts": charts, "week_series": series}


def _charts(
    say: Say,
    past: list[tuple[date, float]],
    ahead: pl.DataFrame,
    day: str,
    levels: tuple[str, ...],
    lines: list[Line],
    found: Marked,
) -> list[Any]:
    """The same chart for wide and for narrow screens."""
    scale = UNITS[say.unit]
    days: list[date] = [d for d, _ in past] + ahead[day].to_list()
    pairs = [(levels[i], levels[-1 - i]) for i in range(len(levels) // 2)]
    texts = [f"{say.day(d)} · {say.t('demand.sold')} {say.weight(kg)}" for d, kg in past]
    for row in ahead.iter_rows(named=True):
        band = f" ({say.weight(row[levels[0]])} – {say.weight(row[levels[-1]])})" if pairs else ""
        values = " · ".join(f"{say.t(f'demand.{name}')} {say.weight(row[column])}" for column, name in lines)
        texts.append(f"{say.day(row[day])} · {values}{band}")
    texts = [text + words(say, found, at) for at, text in enumerate(texts)]
    starts = [i for i, d in enumerate(days) if i == 0 or d.month != days[i - 1].month]
    data = FanData(
        texts,
        [(i, say.month(days[i])) for i in starts if i > 0 or days[0].day <= 20],
        [kg * scale for _, kg in past],
        (ahead[lines[0][0]] * scale).to_list(),
        [((ahead[low] * scale).to_list(), (ahead[high] * scale).to_list()) for low, high in pairs],
        (ahead[lines[1][0]] * scale).to_list() if len(lines) > 1 else (),
        found.events,
        found.shades,
    )
    return [
        ("wide", fan(data, width=1080, height=320, max_ticks=12)),
        ("narrow", fan(data, width=370, height=250, max_ticks=4)),
    ]


def _summed(rows: pl.DataFrame, day: str, table: reads.Fan) -> pl.DataFrame:
    """Kg per day over all series: means add up; levels are exact for one, as if they moved together for more."""
    columns = [*table.levels, *(["expected_kg"] if table.expected else [])]
    return rows.unnest("demand_kg").group_by(day).agg(pl.col(columns).sum()).sort(day)


def _series(rows: pl.DataFrame, keys: tuple[str, ...]) -> int:
    return rows.select(keys).n_unique() if rows.height else 0


def _past(sales: pl.DataFrame, first: date, days: int) -> list[tuple[date, float]]:
    """Kg sold on each of the days before `first`, from the first sale on; a day without sales is 0."""
    sold = dict(sales.group_by("sale_date").agg(pl.col("sold_kg").sum()).iter_rows())
    start = max(first - timedelta(days=days), min(sold, default=first))
    return [
        (day, float(sold.get(day) or 0.0))
        for day in (start + timedelta(days=i) for i in range(max(0, (first - start).days)))
    ]


def _past_weeks(release: Release, family: str, wish: reads.Wish, first: date) -> list[tuple[date, float]]:
    """Kg sold in each whole week before `first` by the products of a family."""
    members = release.frame("product").filter(pl.col("family") == family)["product_id"]
    past = release.made(reads.history)
    sales = pl.concat([past.frame.clear(), *(past.rows(member) for member in members)])
    for column, value in (("channel_id", wish.channel_id), ("region_id", wish.region_id)):
        sales = sales.filter(pl.col(column) == value) if value else sales
    weeks = (
        sales.group_by(week=pl.col("sale_date").dt.truncate("1w"))
        .agg(pl.col("sold_kg").sum(), earliest=pl.col("sale_date").min())
        .filter(pl.col("week") < first)
        .sort("week")
    )
    whole = weeks.slice(1) if weeks.height and weeks["earliest"][0] != weeks["week"][0] else weeks
    return list(whole.select("week", "sold_kg").tail(HISTORY_WEEKS).iter_rows())


def _largest(release: Release) -> str:
    products = release.made(week).products.sort("ahead_kg", descending=True)
    return str(products["product_id"][0]) if products.height else ""


def _family(release: Release, product_id: str) -> str:
    found = release.frame("product").filter(pl.col("product_id") == product_id)["family"]
    return str(found[0]) if len(found) and found[0] else ""


def _judged(
    release: Release, say: Say, names: dict[str, dict[str, dict[str, str]]], wish: reads.Wish
) -> dict[str, Any] | None:
    """How matured forecasts came out: the steps over everything, the segments of what is shown, its nodes and overrides."""
    lead = accuracy.longest_lead(release, "all")
    if lead is None:
        return None
    family = _family(release, str(wish.first))
    named = {"all": say.t("site.all"), f"family:{family}": family}
    named |= {
        f"channel:{c}": say.name(names["channel"], c)
        for c in names["channel"]
        if wish.channel_id in (None, c)
    }
    if wish.region_id:
        named[f"region:{wish.region_id}"] = say.name(names["region"], wish.region_id)
    nodes = accuracy.matching(release, "node_status", product_id=wish.first, channel_id=wish.channel_id)
    fallen = nodes.filter(pl.col("state") == "baseline")
    whole = accuracy.matching(release, "forecast_accuracy", segment="all", lead_days=lead, method="anxu")
    return {
        "lead": lead,
        "forecasts": int(whole["forecasts"].max() or 0),  # type: ignore[arg-type]
        "steps": accuracy.steps(release, "all", lead),
        "segments": [
            row | {"name": named[str(row["segment"])]}
            for row in accuracy.by_segment(release, list(named), lead)
        ],
        "fallen": [
            (say.name(names["channel"], row["channel_id"]), row["region_id"], row["since"])
            for row in fallen.iter_rows(named=True)
        ],
        "overrides": accuracy.matching(release, "override_value", product_id=wish.first).to_dicts(),
    }


def _fallback(rows: pl.DataFrame) -> tuple[int, str] | None:
    if rows.is_empty():
        return None
    reasons = rows.filter(pl.col("fallback_reason").is_not_null())
    return (reasons.select(reads.DAILY).n_unique(), reasons["fallback_reason"][0]) if reasons.height else None


def _options(say: Say, names: dict[str, dict[str, str]], keys: list[str]) -> list[tuple[str, str]]:
    return sorted(((key, say.name(names, key)) for key in keys), key=lambda pair: pair[1])
