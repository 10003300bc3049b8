"""Made-up sensors with faults put in and the truth of each kept: the yardstick of cleaning, seeded.

Series have a year's and a day's cycle, weather that wanders for days, rain that wets the soil in a step and drains,
and a probe's noise and resolution. Limits of cleaning were chosen on seeds 1–6; figures are taken on others.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
START = datetime(2024, 3, 1, tzinfo=UTC)
CLASSES = ("duplicate", "spike", "stuck", "sentinel", "clock", "gap")
QUANTITIES = {
    "air": {"air_temp_c": 0.01, "rel_humidity_pct": 0.01},
    "soil": {"soil_vwc": 0.001, "soil_temp_c": 0.1, "soil_ec_ms_cm": 0.01},
}
"""Device → quantity → resolution."""
SPIKE = {
    "air_temp_c": 18.0,
    "rel_humidity_pct": 40.0,
    "soil_vwc": 0.15,
    "soil_temp_c": 12.0,
    "soil_ec_ms_cm": 1.0,
}
SENTINEL = {
    "air_temp_c": -127.0,
    "rel_humidity_pct": 655.35,
    "soil_vwc": -999.0,
    "soil_temp_c": -999.0,
    "soil_ec_ms_cm": -999.0,
}
STUCK_HOURS = {
    "air_temp_c": 14,
    "rel_humidity_pct": 20,
    "soil_vwc": 48,
    "soil_temp_c": 48,
    "soil_ec_ms_cm": 96,
}
"""Shortest flat line put in; up to three times as long."""


@dataclass(frozen=True)
class Faulty:
    """Raw readings as `features.sensors.clean` takes them, with what was put in."""

    raw: pl.DataFrame
    """With `truth` per row: null, duplicate, spike, stuck, sentinel or clock."""
    gaps: pl.DataFrame
    """`sensor_id`, `from_at` and `to_at`: the readings around each gap put in."""


def faulty(seed: int, *, devices: int = 12, days: int = 120, spike_size: float = 1.0) -> Faulty:
    """Devices, half in the air and half in the soil, every 10 to 60 minutes, each with every kind of fault.

    `spike_size` × SPIKE is the smallest spike put in, 1.8 times that the largest.
    """
    parts, gaps = [], []
    for number in range(devices):
        rng = np.random.default_rng([seed, number])
        kind = ("air", "soil")[number % 2]
        minutes = (60, 30, 10, 60)[number // 2 % 4]
        rows, cut = _device(f"{kind}-{seed}-{number}", kind, minutes, days, spike_size, rng)
        parts.append(rows)
        gaps.append(cut)
    raw = pl.concat(parts).with_columns(
        status=pl.lit(None, pl.String),
        profile=pl.lit("sample"),
        is_history=pl.lit(value=True),
        span_from=pl.lit(None, pl.Date),
        span_to=pl.lit(None, pl.Date),
        file_order=pl.lit(0),
        arrived_at=pl.lit(START + timedelta(days=days + 30)).dt.cast_time_unit("us"),
        known_at=pl.lit(START + timedelta(days=days + 30)).dt.cast_time_unit("us"),
    )
    return Faulty(raw, pl.concat(gaps))


def _device(
    sensor: str, kind: str, minutes: int, days: int, spike_size: float, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    n = days * 1440 // minutes
    times = np.array([START + timedelta(minutes=minutes * i, seconds=17) for i in range(n)])
    clean = _series(kind, np.arange(n) * minutes / 1440, rng)
    free = np.ones(n, dtype=bool)
    free[:30] = free[-30:] = False
    per_hour = 60 / minutes
    truth = {q: np.full(n, "", dtype=object) for q in clean}
    for quantity, values in clean.items():
        _put_in_flat_lines(quantity, values, truth[quantity], free, per_hour, rng)
    order = np.arange(n)
    clock = np.zeros(n, dtype=bool)
    a = _free_start(free, int(72 * per_hour), rng)
    clock[a : a + int(rng.integers(24, 72) * per_hour)] = True
    free[a : a + int(72 * per_hour)] = False
    for quantity, values in clean.items():
        _put_in_values(SPIKE[quantity] * spike_size, SENTINEL[quantity], values, truth[quantity], free, rng)
    told = np.where(clock, times - timedelta(days=int(rng.integers(900, 5000))), times)
    keep, gaps = _cut(times, free, per_hour, rng)
    again = np.sort(rng.choice(np.flatnonzero(free & keep), size=max(5, n // 400), replace=False))
    at = np.sort(np.concatenate([order[keep], again]), kind="stable")
    repeated = np.concatenate([[False], at[1:] == at[:-1]])
    frames = [
        pl.DataFrame(
            {
                "sensor_id": sensor,
                "quantity": quantity,
                "measured_at": pl.Series(told[at].tolist(), dtype=pl.Datetime("us", "UTC")),
                "value": values[at],
                "line_number": np.arange(len(at)),
                "truth": np.where(repeated, "duplicate", np.where(clock[at], "clock", truth[quantity][at])),
            }
        )
        for quantity, values in clean.items()
    ]
    rows = pl.concat(frames).with_columns(truth=pl.when(pl.col("truth") != "").then("truth"))
    return rows, gaps.with_columns(sensor_id=pl.lit(sensor))


def _wander(n: int, step_days: float, hours: float, rng: np.random.Generator) -> Floats:
    """An autoregressive series of unit variance that forgets within `hours`."""
    keep = float(np.exp(-step_days * 24 / hours))
    shocks = rng.normal(0, np.sqrt(1 - keep**2), n)
    out = np.empty(n)
    level = rng.normal()
    for i in range(n):
        level = keep * level + shocks[i]
        out[i] = level
    return out


def _series(kind: str, day: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    n, step = len(day), float(day[1] - day[0])
    sun = np.clip(np.sin(2 * np.pi * (day - 0.28)), -0.35, None)
    season = 12 * np.sin(2 * np.pi * (day / 365 - 0.1))
    front = _wander(n, step, 60, rng)
    air = 11 + season + 3.5 * front + rng.uniform(4, 9) * sun + 0.4 * _wander(n, step, 2, rng)
    if kind == "air":
        humid = 72 - 3.2 * (air - 11 - season) + 6 * _wander(n, step, 30, rng)
        values = {
            "air_temp_c": air + rng.normal(0, 0.15, n),
            "rel_humidity_pct": np.clip(humid + rng.normal(0, 0.8, n), 8, 99.9),
        }
    else:
        values = _soil(air, step, rng)
    return {q: np.round(v / QUANTITIES[kind][q]) * QUANTITIES[kind][q] for q, v in values.items()}


def _soil(air: Floats, step: float, rng: np.random.Generator) -> dict[str, Floats]:
    """Soil follows the air slowly; rain wets it within the hour, then it drains fast and dries slowly."""
    n = len(air)
    rain = (rng.random(n) < step / 4) * rng.gamma(1.2, 0.05, n)
    vwc, temp = np.empty(n), np.empty(n)
    wet, warm = 0.24, float(air[:50].mean())
    for i in range(n):
        wet = wet + rain[i] - step * (0.9 * max(wet - 0.33, 0) + 0.012 * max(wet - 0.08, 0))
        warm += (air[i] - warm) * min(1.0, step * 3)
        vwc[i], temp[i] = min(wet, 0.48), warm
    return {
        "soil_vwc": vwc + rng.normal(0, 0.0015, n),
        "soil_temp_c": temp + rng.normal(0, 0.08, n),
        "soil_ec_ms_cm": 0.2 + 1.5 * vwc + rng.normal(0, 0.012, n),
    }


def _free_start(free: NDArray[np.bool_], length: int, rng: np.random.Generator) -> int:
    """A place where `length` readings and their neighbourhood are untouched."""
    for _ in range(1000):
        a = int(rng.integers(30, len(free) - length - 30))
        if free[a - 6 : a + length + 6].all():
            return a
    raise ValueError(f"no room for {length} faulty readings among {len(free)}; simulate more days")


def _put_in_flat_lines(
    quantity: str,
    values: Floats,
    truth: NDArray[np.object_],
    free: NDArray[np.bool_],
    per_hour: float,
    rng: np.random.Generator,
) -> None:
    for _ in range(2):
        width = int(STUCK_HOURS[quantity] * per_hour * rng.uniform(1, 3))
        a = _free_start(free, width, rng)
        values[a : a + width] = values[a]
        truth[a : a + width], free[a : a + width] = "stuck", False


def _put_in_values(
    spike: float,
    word: float,
    values: Floats,
    truth: NDArray[np.object_],
    free: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    """Spikes of one or two readings, error words of one to four."""
    n = len(values)
    for fault, most, count in (("spike", 2, n // 700), ("sentinel", 4, n // 900)):
        for _ in range(max(4, count)):
            width = int(rng.integers(1, most + 1))
            a = _free_start(free, width, rng)
            away = rng.choice([-1, 1]) * spike * rng.uniform(1, 1.8)
            values[a : a + width] = word if fault == "sentinel" else values[a : a + width] + away
            truth[a : a + width], free[a : a + width] = fault, False


def _cut(
    times: NDArray[np.object_], free: NDArray[np.bool_], per_hour: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], pl.DataFrame]:
    keep, gaps = np.ones(len(times), dtype=bool), []
    for _ in range(8):
        width = max(1, int(rng.integers(1, 30) * per_hour))
        a = _free_start(free, width, rng)
        keep[a : a + width], free[a - 1 : a + width + 1] = False, False
        gaps.append((times[a - 1], times[a + width]))
    instant = pl.Datetime("us", "UTC")
    return keep, pl.DataFrame(gaps, schema={"from_at": instant, "to_at": instant}, orient="row")
