"""The outlook of standing plantings: stage, ready date, kilograms of the season and of each day ahead, as quantiles."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.crop_stages import Stages
from models.harvest.effects import Effects
from models.harvest.paths import Temperatures, weather_paths
from models.harvest.phenology import OBSERVED_ERROR_SHARE, progress
from models.harvest.ready import day_quantiles, ready_after
from models.harvest.warmth import Warmth, crop_key, heat_from, rates
from models.harvest.yields import SEASON, PickPattern, updated

Floats = NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
CALENDAR_SD_DAYS = 8.0
"""Spread of the first cut of a crop without thermal data about its usual day, before harvests are known; assumed."""
CHUNK = 2_000
"""Plantings whose days ahead are drawn at once."""


@dataclass(frozen=True)
class Knowledge:
    """What past seasons taught: see warmth.fit_warmth, yields.fit_yields, yields.pick_patterns; `first_cut_doy`: crop →
    (day of the year of the first cut, its spread) for crops without stages."""

    stages: Mapping[str, Stages]
    warmth: Warmth
    yields: Effects
    patterns: Mapping[str, PickPattern]
    first_cut_doy: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Outlook:
    """Of plantings in the order given.

    `plantings`: the rows given with stage, heat_c_d, from_observed, unknown_days; ready_p10/p50/p90 (dates; null: not
    within the days looked ahead), season_p10/p50/p90/expected_kg. `after`: days until ready [planting, path]; `season`:
    kilograms of the season [planting, path].
    """

    plantings: pl.DataFrame
    after: Floats
    season: Floats


def first_cut_days(seasons: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Crop → mean day of the year of the first cut and its spread, shrunk to CALENDAR_SD_DAYS."""
    days = seasons.drop_nulls("first_cut_on").with_columns(
        doy=pl.col("first_cut_on").dt.ordinal_day().cast(pl.Float64)
    )
    per = days.group_by("crop_id").agg(mean=pl.col("doy").mean(), var=pl.col("doy").var(ddof=0), n=pl.len())
    return {
        crop: (mean, float(np.sqrt((var * n + CALENDAR_SD_DAYS**2) / (n + 1))))
        for crop, mean, var, n in per.select("crop_id", "mean", "var", "n").iter_rows()
    }


def look_ahead(
    plantings: pl.DataFrame,
    known: Knowledge,
    temperatures: Temperatures,
    forecast_c: Floats,
    *,
    observed: Mapping[tuple[str, str], list[tuple[date, str]]],
    sheltered: Collection[str],
    days: int,
    paths: int,
    seed: int,
) -> Outlook:
    """The outlook from the day after the temperatures end.

    Args:
        plantings: Rows of seasons.with_cuts that stand.
        forecast_c: Daily means forecast for the days ahead, as many as there are.
        observed: (plot_id, crop_id) → stages seen, by day.
        days, paths, seed: How far, how many joint paths, and of what draw.
    """
    rng = np.random.default_rng(seed + 1)
    after = np.full((plantings.height, paths), np.nan)
    weather = weather_paths(temperatures, forecast_c, days=days, paths=paths, seed=seed)
    past = rates(temperatures, dict(known.stages), cover_c=known.warmth.cover_c)
    ahead: dict[tuple[str, bool], Floats] = {}
    for p in range(paths):
        one = Temperatures(temperatures.last + timedelta(days=1), weather[p])
        for key, rate in rates(one, dict(known.stages), cover_c=known.warmth.cover_c).items():
            ahead.setdefault(key, np.empty((paths, days)))[p] = rate
    keyed = plantings.with_columns(is_covered=pl.col("land_class").is_in(sorted(sheltered)))
    scale = known.warmth.effects.predict(keyed.with_columns(crop_id=crop_key("is_covered")))
    told: list[tuple[str | None, float | None, bool, int]] = []
    groups: dict[tuple[str, bool], list[int]] = {}
    needs = np.zeros((plantings.height, paths))
    z = rng.normal(size=(plantings.height, paths))
    for i, (row, log_mean, log_sd) in enumerate(
        zip(keyed.iter_rows(named=True), scale["log_mean"], scale["log_sd"], strict=True)
    ):
        key = (row["crop_id"], row["is_covered"])
        if row["crop_id"] not in known.stages:
            after[i] = _by_calendar(row, known, temperatures.last, z[i])
            told.append((None, None, False, 0))
            continue
        stages = known.stages[row["crop_id"]]
        begin = max(temperatures.index(heat_from(row)), 0)
        seen = [((d - heat_from(row)).days, s) for d, s in observed.get((row["plot_id"], row["crop_id"]), [])]
        at = progress(past[key][begin:], stages, seen, float(np.exp(log_mean)))
        left = OBSERVED_ERROR_SHARE if at.from_observed else log_sd
        needs[i] = stages.sums[2] * np.exp(log_mean + left * z[i]) - at.heat_c_d
        told.append((at.stage, at.heat_c_d, at.from_observed, at.unknown_days))
        groups.setdefault(key, []).append(i)
    for key, rows in groups.items():
        after[rows] = ready_after(ahead[key], needs[rows])
    season = _season_paths(plantings, known, rng.normal(size=(plantings.height, paths)))
    return Outlook(_described(plantings, told, after, season, temperatures.last), after, season)


def _by_calendar(row: dict[str, Any], known: Knowledge, last: date, z: Floats) -> Floats:
    """Days until ready of a crop without thermal data: its usual day of the year, else the practice's first selling day."""
    usual: tuple[Any, float] = (row["sell_from_doy"], CALENDAR_SD_DAYS)
    mean, sd = known.first_cut_doy.get(str(row["crop_id"]), usual)
    if mean is None:
        return np.full(len(z), np.nan)
    sown: date = row["sown_on"]
    year = sown.year if float(mean) >= sown.timetuple().tm_yday else sown.year + 1
    target = (date(year, 1, 1) - last).days + float(mean) - 2
    result: Floats = np.maximum(target + sd * z, 0.0)
    return result


def _season_paths(plantings: pl.DataFrame, known: Knowledge, z: Floats) -> Floats:
    effect = known.yields.predict(plantings)
    promised = (plantings["promised_kg_per_mu"] * plantings["area_mu"]).log().to_numpy()
    found = np.empty_like(z)
    for i, (crop, cut_kg, cuts) in enumerate(plantings.select("crop_id", "cut_kg", "cuts").iter_rows()):
        mean, sd = updated(
            effect["log_mean"][i] + promised[i],
            effect["log_sd"][i],
            cut_kg,
            cuts,
            known.patterns.get(crop, PickPattern()),
        )
        found[i] = np.maximum(np.exp(mean + sd * z[i]), cut_kg)
    return found


def _described(
    plantings: pl.DataFrame,
    told: list[tuple[str | None, float | None, bool, int]],
    after: Floats,
    season: Floats,
    last: date,
) -> pl.DataFrame:
    names = {
        "stage": pl.String,
        "heat_c_d": pl.Float64,
        "from_observed": pl.Boolean,
        "unknown_days": pl.Int64,
    }
    told_frame = pl.DataFrame(told, schema=names, orient="row")
    ready = np.ceil(day_quantiles(after, LEVELS))
    kg = np.quantile(season, LEVELS, axis=1).T if len(season) else np.zeros((0, 3))
    columns: dict[str, pl.Series] = {}
    for j, name in enumerate(("p10", "p50", "p90")):
        days = pl.Series([None if np.isnan(x) else int(x) for x in ready[:, j]], dtype=pl.Int64)
        columns[f"ready_{name}"] = pl.select(
            pl.lit(last + timedelta(days=1)) + pl.duration(days=pl.lit(days))
        ).to_series()
        columns[f"season_{name}_kg"] = pl.Series(kg[:, j])
    columns["season_expected_kg"] = pl.Series(season.mean(axis=1) if len(season) else [], dtype=pl.Float64)
    first = pl.col("first_cut_on")
    table = pl.concat([plantings, told_frame], how="horizontal").with_columns(**columns)
    return table.with_columns(
        pl.coalesce(first, f"ready_{n}").alias(f"ready_{n}") for n in ("p10", "p50", "p90")
    )


def daily_kg(outlook: Outlook, patterns: Mapping[str, PickPattern], last: date, days: int) -> pl.DataFrame:
    """Kilograms that become ripe on each of the `days` days after `last`.

    Returns:
        SEASON columns, forecast_date, p10_kg, p50_kg, p90_kg, expected_kg; only days whose p90 or mean is above 0.
    """
    table, parts = outlook.plantings, []
    for start in range(0, table.height, CHUNK):
        rows = np.arange(start, min(start + CHUNK, table.height))
        kg = _paths_by_day(outlook, patterns, last, days, rows)
        levels = np.quantile(kg, LEVELS, axis=1)
        mean = kg.mean(axis=1)
        i, d = np.nonzero((levels[2] > 0) | (mean > 0))
        keys = table.select(SEASON)[rows[i]]
        parts.append(keys.with_columns(
            forecast_date=pl.Series([last + timedelta(days=int(x) + 1) for x in d], dtype=pl.Date),
            p10_kg=pl.Series(levels[0][i, d]), p50_kg=pl.Series(levels[1][i, d]), p90_kg=pl.Series(levels[2][i, d]),
            expected_kg=pl.Series(mean[i, d]),
        ))  # fmt: skip
    return pl.concat(parts) if parts else pl.DataFrame()


def _paths_by_day(
    outlook: Outlook, patterns: Mapping[str, PickPattern], last: date, days: int, rows: NDArray[np.int64]
) -> Floats:
    """Kilograms [planting, path, day] of the cuts still to come."""
    paths = outlook.after.shape[1]
    kg = np.zeros((len(rows), paths, days))
    lane = np.arange(paths)
    names = ("crop_id", "cuts", "cut_kg", "last_cut_on")
    for at, i in enumerate(rows):
        crop, cuts, cut_kg, cut_on = outlook.plantings.select(names).row(int(i))
        pattern = patterns.get(crop, PickPattern())
        rest = pattern.shares[cuts:]
        if not rest.size:
            continue
        season, after = outlook.season[i] - cut_kg, np.ceil(outlook.after[i])
        if cuts:
            after = np.full(paths, max((cut_on - last).days + pattern.gap_days - 1, 0.0))
        for j, share in enumerate(rest / rest.sum()):
            day = after + np.round(j * pattern.gap_days)
            inside = (day < days) & (day >= 0)
            kg[at, lane[inside], day[inside].astype(int)] += season[inside] * share
    return kg
