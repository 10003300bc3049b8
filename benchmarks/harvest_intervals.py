"""How often the 80 % intervals of ready date and yield hold on sample counties, and what they add to last year's mean."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.learn import crop_table_stages, finished, learn
from models.harvest.outlook import look_ahead
from models.harvest.paths import Temperatures
from models.harvest.seasons import cuts_of, plantings_of
from models.simulation.growth import grow, harvest_events
from models.simulation.land import FIRST_YEAR, build_land, build_plantings
from models.simulation.sizes import BEYOND_DAYS, ENDS_ON, size_of, stream
from models.simulation.tables import crop, practice, practice_yield
from models.simulation.weather import generate

SHELTERED = ("greenhouse",)
CUTOFFS = (date(ENDS_ON.year, 4, 10), date(ENDS_ON.year, 6, 10), ENDS_ON)
PATHS, AHEAD = 200, 240
COVERS = (0.75, 0.85)
SIZE = "demo"
Rows = list[dict[str, object]]
Floats = NDArray[np.float64]


def interval_figures(seed: int, seeds: int) -> tuple[Rows, Rows]:
    """Coverage over `seeds` counties from `seed` on, at three cutoffs each."""
    tables = [_county(seed + n) for n in range(seeds)]
    all_rows = pl.concat(tables)
    rows: Rows = [_row("sample county", "plantings", "anxu", all_rows.height)]
    must: Rows = []
    for what in ("ready", "kg"):
        per = all_rows.select("lead", held=f"{what}_held", inside=f"{what}_inside").drop_nulls()
        value = float(np.mean(per["held"].to_numpy()))
        rows.append(_row("sample county", f"{what}: 80 % interval covers", "anxu", value))
        rows.append(
            _row(
                "sample county",
                f"{what}: days or kg inside, ends counted",
                "anxu",
                float(np.mean(per["inside"].to_numpy())),
            )
        )
        for name, low, high in (("1-14", 1, 14), ("15-45", 15, 45), ("46+", 46, 999)):
            part = per.filter(pl.col("lead").is_between(low, high))
            if part.height:
                rows.append(
                    _row(
                        f"ready in {name} days",
                        f"{what}: 80 % interval covers",
                        "anxu",
                        float(np.mean(part["held"].to_numpy())),
                    )
                )
        for word, limit, holds in (
            ("at least", COVERS[0], value >= COVERS[0]),
            ("at most", COVERS[1], value <= COVERS[1]),
        ):
            must.append(
                {
                    "what": f"80 % interval of {what} covers, {word}",
                    "value": round(value, 4),
                    "limit": limit,
                    "holds": holds,
                }
            )
    rows += _added(all_rows)
    return rows, must


def _county(seed: int) -> pl.DataFrame:
    """One row per standing planting and cutoff: lead (days to the true date), ready_held, ready_inside, kg_held …"""
    size = size_of(SIZE)
    first = date(FIRST_YEAR, 1, 1)
    weather = generate(first, (ENDS_ON - first).days + 1 + BEYOND_DAYS, seed)
    land = build_land(size, (), seed)
    planted = build_plantings(land, seed)
    noise, quality = stream(seed, "growth").normal(size=(2, planted.height))
    grown = grow(planted, weather, noise, quality)
    practices, yields, crops = practice(None), practice_yield(None), crop(None)  # type: ignore[arg-type]
    plantings = plantings_of(planted, practices, yields, land.plots)
    daily = weather.daily()
    mean = ((daily["low_c"] + daily["high_c"]) / 2).to_numpy()
    events = harvest_events(grown, ENDS_ON + timedelta(days=BEYOND_DAYS)).select(
        "plot_id", "crop_id", day=pl.col("harvested_at").dt.date(), kg="harvested_kg"
    )
    stages = crop_table_stages(crops)
    truth = _truth(grown, first + timedelta(days=len(mean) - 1))
    parts = []
    for cutoff in CUTOFFS:
        past = Temperatures(first, mean[: (cutoff - first).days + 1])
        known = plantings.filter(pl.col("sown_on") <= cutoff)
        cuts = cuts_of(known, events.filter(pl.col("day") <= cutoff))
        knowledge = learn(known, cuts, past, stages, sheltered=SHELTERED)
        table = finished(known, cuts, past).filter(
            ~pl.col("is_finished"), pl.col("cuts") == 0, pl.col("crop_id") != "crab"
        )
        standing = table.join(truth, on=["plot_id", "crop_id", "year", "season"]).filter(
            pl.col("ripe_on") > cutoff
        )
        found = look_ahead(
            standing, knowledge, past, np.zeros(0), observed={}, sheltered=SHELTERED, days=AHEAD, paths=PATHS, seed=seed
        )  # fmt: skip
        parts.append(_judged(found.plantings, found.after, found.season, cutoff, seed))
    return pl.concat(parts)


def _truth(grown: pl.DataFrame, last: date) -> pl.DataFrame:
    """Seasons that ripen within the weather known: the rest is cut off by the end of the simulation."""
    known = grown.filter(pl.col("ripe_on") < last - timedelta(days=1))
    return known.select(
        "plot_id", "crop_id", pl.col("year", "season").cast(pl.Int32), "ripe_on", yield_kg="yield_kg"
    )


def _judged(table: pl.DataFrame, after: Floats, season: Floats, cutoff: date, seed: int) -> pl.DataFrame:
    """Held: the true value's place among the paths lies between 0.1 and 0.9, ties of whole days broken by a draw."""
    rng = stream(seed, "ties", cutoff)
    lead = (table["ripe_on"] - cutoff).dt.total_days().to_numpy()
    days = np.where(np.isnan(after), 10_000, np.ceil(after) + 1)

    def place(paths: Floats, truth: Floats) -> Floats:
        below, same = (paths < truth[:, None]).mean(axis=1), (paths == truth[:, None]).mean(axis=1)
        found: Floats = below + same * rng.random(len(truth))
        return found

    kg = table["yield_kg"].to_numpy()
    at, of = place(days, lead), place(season, kg)
    low, high = (np.quantile(days, q, axis=1, method="higher") for q in (0.1, 0.9))
    kg_low, kg_high = (np.quantile(season, q, axis=1) for q in (0.1, 0.9))
    return table.select("crop_id", "area_mu", "cut_kg", "yield_kg", "season_expected_kg", "year").with_columns(
        lead=pl.Series(lead), cutoff=pl.lit(cutoff),
        ready_held=pl.Series((at >= 0.1) & (at <= 0.9)), ready_inside=pl.Series((lead >= low) & (lead <= high)),
        kg_held=pl.Series((of >= 0.1) & (of <= 0.9)), kg_inside=pl.Series((kg >= kg_low) & (kg <= kg_high)),
        promised_kg=pl.Series(table["promised_kg_per_mu"] * table["area_mu"]),
        ready_error=pl.Series(np.median(days, axis=1) - lead),
    )  # fmt: skip


def _added(table: pl.DataFrame) -> Rows:
    """Errors of the season's kilograms beside the practice table's promise."""
    kg = table["yield_kg"].to_numpy()
    total = float(kg.sum())
    rows = [
        _row(
            "sample county",
            "wape of a season's kg",
            method,
            float(np.abs(table[column].to_numpy() - kg).sum()) / total,
        )
        for method, column in (("anxu", "season_expected_kg"), ("practice_table", "promised_kg"))
    ]
    within = table.filter(pl.col("ready_error") <= AHEAD)
    error = float(np.mean(within["ready_error"].abs().to_numpy()))
    late = 1 - within.height / table.height
    return [
        *rows,
        _row("sample county", "share without a median date within the days ahead", "anxu", late),
        _row("sample county", "mean error of the others' ready date (d)", "anxu", error),
    ]


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(float(value), 4)}
