"""What field sensors measure, and the real-life faults of their readings, with the truth of each fault kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.simulation import parameters as p
from models.simulation.land import Land
from models.simulation.sizes import ENDS_ON, Size, stream
from models.simulation.weather import Weather

Floats = NDArray[np.float64]
QUANTITIES = {
    "soil": ("soil_vwc", "soil_temp_c", "battery_v"),
    "air": ("air_temp_c", "rel_humidity_pct", "battery_v"),
    "water": ("water_temp_c", "battery_v"),
    "logger": ("air_temp_c", "rel_humidity_pct", "soil_vwc", "soil_temp_c", "battery_v"),
}
"""Device model → what it reports; soil by The Things Stack, air and water by ChirpStack, loggers as TOA5."""


@dataclass(frozen=True)
class Field:
    """Sensors, what they delivered and what was wrong with it.

    `sensors`: the table's columns but known_at. `readings`: one row per message in the order delivered, sensor_id,
    model, measured_at (naive local, as the device's clock says), seq, one column per quantity (null: not reported).
    `faults`: sensor_id, quantity ('*': the whole message), fault, from_at, to_at (true times), readings.
    """

    sensors: pl.DataFrame
    readings: pl.DataFrame
    faults: pl.DataFrame


def build_sensors(size: Size, land: Land, plantings: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Which plot has which device: loggers for the long ones, water probes in crab fields, soil and air elsewhere."""
    rng = stream(seed, "sensors")
    ponds = (
        plantings.filter(pl.col("practice_id") == "ricecrab-paddy")["plot_id"]
        .unique(maintain_order=True)
        .to_list()
    )
    rows = []
    others = [x for x in land.plots["plot_id"].to_list() if x not in set(ponds[: size.sensors // 5 + 1])]
    pick = rng.permutation(len(others))
    for i in range(size.sensors):
        if i < max(size.long_sensors, 1):
            model, plot = "logger", others[pick[i % len(others)]]
        elif i % 5 == 1 and ponds:
            model, plot = "water", ponds[(i // 5) % len(ponds)]
        else:
            model, plot = ("soil", "air")[i % 2], others[pick[i % len(others)]]
        depth = {"soil": 20.0, "logger": 10.0}.get(model)
        rows.append((f"{model}-{i + 1:03d}", plot, model, depth, _first_day(size, i)))
    names = {
        "sensor_id": pl.String,
        "plot_id": pl.String,
        "model": pl.String,
        "depth_cm": pl.Float64,
        "installed_on": pl.Date,
    }
    return pl.DataFrame(rows, schema=names, orient="row")


def _first_day(size: Size, i: int) -> object:
    days = 365 if i < size.long_sensors else size.sensor_days
    return ENDS_ON - timedelta(days=days - 1)


def field(size: Size, sensors: pl.DataFrame, weather: Weather, seed: int) -> Field:
    """All readings up to the end of the records, hourly, with faults put in."""
    soil = _soil(weather)
    readings, faults = [], []
    for row in sensors.iter_rows(named=True):
        rng = stream(seed, "device", row["sensor_id"])
        clean = _clean(row, weather, soil, rng)
        frame, found = _with_faults(clean, QUANTITIES[row["model"]], row["sensor_id"], rng)
        readings.append(frame.with_columns(sensor_id=pl.lit(row["sensor_id"]), model=pl.lit(row["model"])))
        faults += found
    names = ["sensor_id", "quantity", "fault", "from_at", "to_at", "readings"]
    table = pl.DataFrame(faults, schema=names, orient="row").sort("sensor_id", "from_at", "quantity")
    return Field(sensors, pl.concat(readings, how="diagonal"), table)


def _soil(weather: Weather) -> dict[str, Floats]:
    """Soil water (m³/m³) as a leaky bucket on rain, soil and pond temperature as a slow follower of the air."""
    air, rain = weather.air_temp_c, weather.rain_mm
    water, temp, pond = np.empty(len(air)), np.empty(len(air)), np.empty(len(air))
    vwc, ground, deep = 0.28, air[:24].mean(), air[:24].mean()
    for i in range(len(air)):
        vwc += 0.0032 * rain[i] - 0.00004 * max(air[i] + 3, 1) * (vwc - 0.08) - 0.02 * max(vwc - 0.36, 0)
        ground += (air[i] - ground) / 40
        deep += (air[i] - deep) / 22
        water[i], temp[i], pond[i] = vwc, ground, deep
    return {
        "soil_vwc": np.clip(water, 0.05, 0.45),
        "soil_temp_c": temp,
        "water_temp_c": np.maximum(pond, 0.5),
    }


def _clean(
    row: dict[str, object], weather: Weather, soil: dict[str, Floats], rng: np.random.Generator
) -> pl.DataFrame:
    """A device's hours without faults: the place's own shift and the probe's noise."""
    installed = row["installed_on"]
    first = (installed - weather.starts_on).days * 24  # type: ignore[operator]
    last = ((ENDS_ON - weather.starts_on).days + 1) * 24
    start = datetime.combine(weather.starts_on, datetime.min.time()) + timedelta(hours=first)
    minute = int(rng.integers(0, 60))
    n = last - first
    columns: dict[str, object] = {"true_at": [start + timedelta(hours=i, minutes=minute) for i in range(n)]}
    truth = {**soil, "air_temp_c": weather.air_temp_c, "rel_humidity_pct": weather.rel_humidity_pct}
    shift = {
        "soil_vwc": 0.03,
        "soil_temp_c": 0.8,
        "air_temp_c": 0.7,
        "rel_humidity_pct": 3.0,
        "water_temp_c": 0.8,
    }
    for quantity in QUANTITIES[str(row["model"])]:
        noise = rng.normal(0, p.SENSOR_NOISE[quantity], n)
        if quantity == "battery_v":
            columns[quantity] = np.round(3.62 - 0.25 * np.linspace(0, 1, n) + noise, 2)
            continue
        values = truth[quantity][first:last] + rng.normal(0, shift[quantity]) + noise
        values = np.clip(values, 3, 100) if quantity == "rel_humidity_pct" else values
        columns[quantity] = np.round(values, 3 if quantity == "soil_vwc" else 2)
    return pl.DataFrame(columns)


def _spans(rng: np.random.Generator, fault: str, n: int, hours: tuple[int, int]) -> list[tuple[int, int]]:
    """Stretches of a fault, apart from each other and from the ends."""
    count = rng.poisson(p.FAULTS_PER_SENSOR_MONTH[fault] * n / 720)
    starts = np.sort(rng.integers(48, max(n - 96, 49), count))
    spans = [(int(a), int(a + rng.integers(hours[0], hours[1] + 1))) for a in starts]
    apart: list[tuple[int, int]] = []
    for a, b in spans:
        if not apart or a > apart[-1][1] + 48:
            apart.append((a, min(b, n)))
    return apart


def _with_faults(
    clean: pl.DataFrame, quantities: tuple[str, ...], sensor: str, rng: np.random.Generator
) -> tuple[pl.DataFrame, list[tuple[object, ...]]]:
    """A clock fault, stuck stretches, spikes and sentinels per quantity, then gaps and doubles; none on another."""
    n, touched = clean.height, np.zeros(clean.height, dtype=bool)
    times = clean["true_at"].to_list()
    faults: list[tuple[object, ...]] = []

    def place(fault: str, quantity: str, hours: tuple[int, int]) -> list[tuple[int, int]]:
        free = [(a, b) for a, b in _spans(rng, fault, n, hours) if not touched[max(a - 3, 0) : b + 3].any()]
        for a, b in free:
            touched[a:b] = True
            faults.append((sensor, quantity, fault, times[a], times[b - 1], b - a))
        return free

    clock = _clock_fault(clean, sensor, rng)
    for a, b in clock:
        touched[a:b] = True
        faults.append((sensor, "*", "clock", times[a], times[b - 1], b - a))
    values = {q: clean[q].to_numpy().copy() for q in quantities}
    for q in quantities:
        for fault, hours in (("stuck", p.STUCK_HOURS), ("spike", (1, 1)), ("sentinel", (1, 3))):
            for a, b in place(fault, q, hours) if q != "battery_v" else ():
                wrong = {
                    "stuck": values[q][a],
                    "spike": values[q][a] + p.SPIKES.get(q, 0),
                    "sentinel": p.SENTINELS.get(q, 0),
                }
                values[q][a:b] = wrong[fault]
    keep = np.ones(n, dtype=bool)
    for a, b in place("gap", "*", p.GAP_HOURS):
        keep[a:b] = False
    twice = [a for a, _ in _spans(rng, "duplicate", n, (1, 1)) if keep[a]]
    faults += [(sensor, "*", "duplicate", times[a], times[a], 1) for a in twice]
    frame = clean.with_columns(pl.Series(q, v) for q, v in values.items()).with_row_index("seq")
    frame = _by_the_devices_clock(frame, clock).filter(pl.Series(keep))
    again = frame.filter(pl.col("seq").is_in(twice))
    return pl.concat([frame, again]).sort("seq", maintain_order=True).drop("true_at"), faults


def _clock_fault(clean: pl.DataFrame, sensor: str, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Now and then a logger restarts with its clock years back, until it is set; radio has the network's time."""
    n = clean.height
    if not sensor.startswith("logger") or rng.random() >= p.CLOCK_FAULT_SHARE or n < 400:
        return []
    start = int(rng.integers(100, n - 250))
    return [(start, start + int(rng.integers(72, 144)))]


def _by_the_devices_clock(frame: pl.DataFrame, clock: list[tuple[int, int]]) -> pl.DataFrame:
    """Add `measured_at`: true time, but in a clock fault years back."""
    wrong = pl.any_horizontal(pl.lit(False), *(pl.col("seq").is_between(a, b - 1) for a, b in clock))
    back = pl.col("true_at") - pl.duration(days=p.CLOCK_SHIFT_DAYS)
    return frame.with_columns(measured_at=pl.when(wrong).then(back).otherwise("true_at"))
