"""Write a sample county's deliveries as real file formats, so a demonstration goes through a customer's doors."""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from models.simulation import days, graded, parameters, tables, truth
from models.simulation.growth import harvest_events
from models.simulation.orders import as_of, midnight
from models.simulation.sizes import ENDS_ON, stream
from models.simulation.weather import forecast_of
from models.simulation.world import World, build_world
from pipelines import sample_feeds as feeds
from pipelines.sample_book import HEADERS, workbook
from pipelines.sample_broken import Broken, break_some
from pipelines.sample_orders import WRITERS

MARKER = "sample.json"
STATION = ("station-1", *parameters.COUNTY[2:], 18.0)
"""Station id, which is also its folder; latitude, longitude (degrees), elevation (m)."""
BOOK_ROWS = 20_000
"""Longer tables come as CSV."""
HARVEST_DAYS = 400
"""Cuts of so many last days are delivered; older ones stand only in the truth."""


@dataclass(frozen=True)
class SampleReport:
    """What was written, for people and for tests."""

    size: str
    seed: int
    starts_on: str
    ends_on: str
    files: int
    megabytes: float
    order_lines: int
    readings: int
    broken_rows: int

    def __str__(self) -> str:
        return (
            f"sample county '{self.size}', seed {self.seed}: {self.starts_on} to {self.ends_on}, {self.files} files "
            f"({self.megabytes:.1f} MB), {self.order_lines:,} order lines, {self.readings:,} sensor messages, "
            f"{self.broken_rows} rows broken on purpose; the truth is in truth/"
        )


def write_sample(size: str, seed: int, folder: Path) -> SampleReport:
    """Write `folder`/deliveries (history/, then daily/DATE/ for the last days) and `folder`/truth.

    The same size and seed give the same bytes. A sample already there is replaced.

    Raises:
        ValueError: No such size.
        FileExistsError: `folder`/deliveries exists and no sample wrote it.
    """
    world = build_world(size, seed)
    _clear(folder)
    broken = [*_write_history(world, folder / "deliveries" / "history")]
    for back in range(world.size.daily_files - 1, -1, -1):
        day = ENDS_ON - timedelta(days=back)
        _write_day(world, day, folder / "deliveries" / "daily" / day.isoformat())
    _write_truth(world, broken, folder / "truth")
    report = _report(world, broken, folder)
    (folder / MARKER).write_text(json.dumps(asdict(report), indent=1), "utf-8")
    return report


def _clear(folder: Path) -> None:
    if (folder / "deliveries").exists() and not (folder / MARKER).exists():
        raise FileExistsError(
            f"'{folder / 'deliveries'}' exists and was not written by this command; take another folder"
        )
    for name in ("deliveries", "truth"):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).write_text("{}", "utf-8")


def _put(path: Path, data: bytes) -> None:
    if data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _put_csv(path: Path, frame: pl.DataFrame) -> None:
    if frame.height:
        _put(path, frame.write_csv(datetime_format="%Y-%m-%d %H:%M:%S").encode())


def _write_history(world: World, folder: Path) -> list[Broken]:
    """Everything known before the first daily delivery."""
    size = world.size
    last = size.days - size.daily_files  # first day that comes as a daily delivery
    for name, make in tables.STANDING.items():
        frame = make(world)
        if name == "planting":
            frame = frame.filter(pl.col("sown_on") < size.starts_on + timedelta(days=last))
        if name in HEADERS and frame.height <= BOOK_ROWS:
            _put(folder / "tables" / f"{name}.xlsx", workbook(name, frame))
        else:
            _put_csv(folder / "tables" / f"{name}.csv", frame)
    for name, make in graded.STANDING.items():
        _put_csv(folder / "tables" / f"{name}.csv", make(world))
    _put_csv(folder / "plans" / "campaign.csv", days.campaign(world))
    slots = days.live_slot(world).filter(pl.col("decided_on") < size.starts_on + timedelta(days=last))
    _put_csv(folder / "plans" / "live_slot.csv", slots)
    for year, first, end in _years(size.starts_on, last + parameters.PLAN_DAYS):
        _put_csv(folder / "prices" / f"price_day_{year}.csv", days.price_day(world, first, end))
    stock_from = max(last - 120, 0) if size.plain_sales else 0
    for year, first, end in _years(size.starts_on, last):
        _put_csv(
            folder / "stock" / f"stock_day_{year}.csv",
            days.stock_day(world, max(first, min(stock_from, end)), end),
        )
        if size.plain_sales:
            _put_csv(folder / "sales" / f"daily_sale_{year}.csv", days.daily_sale(world, first, end))
    _write_fields(world, folder, None, midnight(size, last))
    return [] if world.lines is None else _write_orders(world, world.lines, folder, last)


def _years(starts_on: date, days: int) -> list[tuple[int, int, int]]:
    """Calendar years of the first `days` days: year, first day, day after the last."""
    ends = starts_on + timedelta(days=days)
    return [
        (
            year,
            max((date(year, 1, 1) - starts_on).days, 0),
            min((date(year + 1, 1, 1) - starts_on).days, days),
        )
        for year in range(starts_on.year, (ends - timedelta(days=1)).year + 1)
    ]


def _write_orders(world: World, lines: pl.DataFrame, folder: Path, last: int) -> list[Broken]:
    """A year's orders a file and shop, as exported on the morning of the first daily delivery; some rows broken."""
    moment, broken = midnight(world.size, last), list[Broken]()
    shown = as_of(lines, moment)
    for channel in world.market.channels:
        mine = shown.filter(pl.col("channel_id") == channel.channel_id)
        years = mine["created_at"].dt.year().unique().sort().to_list()
        for year in years:
            files = WRITERS[channel.platform](mine.filter(pl.col("created_at").dt.year() == year), moment)
            if year == years[-1]:
                files, found = break_some(
                    channel.platform, files, stream(world.seed, "broken", channel.channel_id)
                )
                broken += [b.of(channel.shop) for b in found]
            for name, data in files.items():
                _put(folder / "orders" / channel.shop / f"{year}_{name}", data)
    return broken


def _write_day(world: World, day: date, folder: Path) -> None:
    """One day's delivery: orders created or changed, stock, newly decided plans, readings, weather, cuts."""
    size = world.size
    n = (day - size.starts_on).days
    if world.lines is not None:
        shown = as_of(world.lines, midnight(size, n + 1), updated_since=midnight(size, n))
        for channel in world.market.channels:
            mine = shown.filter(pl.col("channel_id") == channel.channel_id)
            for name, data in (
                WRITERS[channel.platform](mine, midnight(size, n + 1)).items() if mine.height else ()
            ):
                _put(folder / "orders" / channel.shop / f"{day:%Y%m%d}_{name}", data)
    else:
        _put_csv(folder / "sales" / f"daily_sale_{day:%Y%m%d}.csv", days.daily_sale(world, n, n + 1))
    _put_csv(folder / "stock" / f"stock_day_{day:%Y%m%d}.csv", days.stock_day(world, n, n + 1))
    last = n + parameters.PLAN_DAYS
    _put_csv(folder / "prices" / f"price_day_{day:%Y%m%d}.csv", days.price_day(world, last, last + 1))
    slots = days.live_slot(world).filter(pl.col("decided_on") == day)
    _put_csv(folder / "plans" / f"live_slot_{day:%Y%m%d}.csv", slots)
    _put_csv(
        folder / "tables" / f"planting_{day:%Y%m%d}.csv",
        tables.planting(world).filter(pl.col("sown_on") == day),
    )
    _write_fields(world, folder, midnight(size, n), midnight(size, n + 1))
    ahead = forecast_of(world.weather, day + timedelta(days=1), world.seed)
    issued = f"{day:%Y-%m-%d}T23:00:00+08:00"
    _put(
        folder / "weather" / STATION[0] / f"forecast_{day:%Y%m%d}.json",
        feeds.open_meteo(ahead, place=STATION[1:], issued_at=issued),
    )


def _write_fields(world: World, folder: Path, since: datetime | None, until: datetime) -> None:
    """Readings, observed weather and cuts of [since, until)."""
    tag = "history" if since is None else f"{since:%Y%m%d}"
    readings = world.field.readings.with_columns(due=pl.col("measured_at"))
    clock = pl.col("due") < pl.datetime(ENDS_ON.year - 4, 1, 1)  # a clock years behind: it came in its turn
    due = pl.when(clock).then(pl.col("due") + pl.duration(days=parameters.CLOCK_SHIFT_DAYS)).otherwise("due")
    readings = _between(readings.with_columns(due=due), "due", since, until).drop("due")
    _put(
        folder / "sensors" / f"ttn_{tag}.jsonl",
        feeds.things_stack(readings.filter(pl.col("model") == "soil")),
    )
    _put(
        folder / "sensors" / f"chirpstack_{tag}.jsonl",
        feeds.chirpstack(readings.filter(pl.col("model").is_in(["air", "water"]))),
    )
    for sensor_id in world.field.sensors.filter(pl.col("model") == "logger")["sensor_id"]:
        mine = readings.filter(pl.col("sensor_id") == sensor_id)
        if mine.height:
            _put(folder / "sensors" / f"{sensor_id}_{tag}.dat", feeds.toa5(mine, sensor_id))
    first = midnight(world.size, 0) if since is None and world.size.weather_from_start else since
    hours = _between(world.weather.frame(), "time", first, until)
    _put(folder / "weather" / STATION[0] / f"observed_{tag}.json", feeds.open_meteo(hours, place=STATION[1:]))
    cuts = harvest_events(world.grown, ENDS_ON).filter(
        pl.col("harvested_at") >= until - timedelta(days=HARVEST_DAYS)
    )
    _put_csv(folder / "tables" / f"harvest_event_{tag}.csv", _between(cuts, "harvested_at", since, until))
    packed, measured = graded.lots(world), graded.inspections(world)
    first_day, day = None if since is None else since.date(), until.date()
    _put_csv(folder / "tables" / f"lot_{tag}.csv", _between(packed, "packed_on", first_day, day))
    _put_csv(folder / "tables" / f"inspection_{tag}.csv", _between(measured, "inspected_at", since, until))


def _between(frame: pl.DataFrame, column: str, since: date | None, until: date) -> pl.DataFrame:
    early = pl.lit(True) if since is None else pl.col(column) >= since
    return frame.filter(early & (pl.col(column) < until))


def _write_truth(world: World, broken: list[Broken], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in truth.frames(world).items():
        frame.write_parquet(folder / f"{name}.parquet")
    rows = [asdict(b) for b in broken]
    schema = {
        "shop": pl.String,
        "file": pl.String,
        "kind": pl.String,
        "rejected": pl.Int64,
        "dropped": pl.Int64,
    }
    pl.DataFrame(rows, schema=schema).write_parquet(folder / "broken_rows.parquet")


def _report(world: World, broken: list[Broken], folder: Path) -> SampleReport:
    files = [p for p in (folder / "deliveries").rglob("*") if p.is_file()]
    return SampleReport(
        size=world.size.name,
        seed=world.seed,
        starts_on=world.size.starts_on.isoformat(),
        ends_on=ENDS_ON.isoformat(),
        files=len(files),
        megabytes=round(float(np.sum([p.stat().st_size for p in files])) / 1e6, 1),
        order_lines=0 if world.lines is None else world.lines.height,
        readings=world.field.readings.height,
        broken_rows=sum(b.rejected + b.dropped for b in broken),
    )
