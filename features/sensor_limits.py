"""What a reading of each quantity can be: physical limits, and how sharp or flat it may honestly run.

`low`/`high` are wider than any farm's values and narrower than a device's error words. `spike` and `stuck_hours` are
floors: the device's own roughness raises them (features/sensor_flags.py). They were chosen on simulated series of
seeds 1–6 (benchmarks/sensor_faults.py) so that clean series stay unflagged, and are scored on other seeds.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one quantity, in its own unit."""

    low: float
    high: float
    spike: float
    """Smallest excursion from the readings on both sides that may be called a spike."""
    stuck_hours: float
    """Shortest flat line that may be called stuck; infinite: flat lines are natural."""
    flat_from: float = float("inf")
    """A flat line at or above this value is natural: saturated air."""
    flat_to: float = float("-inf")
    """A flat line at or below this value is natural: no salt, no light, no rain."""
    flat_near_zero: float = -1.0
    """A flat line this close to zero is natural: freezing soil stays at 0 °C for days."""
    sentinels: tuple[float, ...] = ()
    """Error words many devices share; a profile declares its own beside them."""


NEVER = float("inf")
ERROR_WORDS = (-9999.0, -999.0, 9999.0, 6999.0, 7999.0)
"""Fill values of loggers and services: 6999/7999 and NAN are Campbell's (logger manuals), the rest common usage."""

LIMITS: dict[str, Limits] = {
    # WMO-No. 8 gives −80…60 °C for sensors; −60 is below every place in China (Mohe, −53 °C, 2023).
    "air_temp_c": Limits(
        -60, 60, 8, 8, flat_near_zero=0.3, sentinels=(*ERROR_WORDS, -127.0)
    ),  # −127: DS18B20 without its wire
    "rel_humidity_pct": Limits(0, 102, 20, 12, flat_from=99.5, flat_to=1, sentinels=(*ERROR_WORDS, 655.35)),
    "soil_temp_c": Limits(-40, 70, 4, 24, flat_near_zero=1.0, sentinels=(*ERROR_WORDS, -127.0)),
    "water_temp_c": Limits(-5, 45, 4, 24, flat_near_zero=0.5, sentinels=(*ERROR_WORDS, -127.0)),
    # Capacitance probes read slightly below zero in dry soil; above 0.8 there is no soil left.
    "soil_vwc": Limits(-0.1, 0.8, 0.04, 24, sentinels=ERROR_WORDS),
    "soil_ec_ms_cm": Limits(0, 25, 0.3, 48, flat_to=0.05, sentinels=ERROR_WORDS),
    "leaf_wetness_pct": Limits(0, 100, NEVER, NEVER, sentinels=ERROR_WORDS),
    "battery_v": Limits(0, 60, 2, NEVER, sentinels=ERROR_WORDS),
    "battery_pct": Limits(0, 100, NEVER, NEVER),
    "rain_mm": Limits(0, 200, NEVER, NEVER, sentinels=ERROR_WORDS),
    "wind_m_s": Limits(0, 75, NEVER, 24, flat_to=0.5, sentinels=ERROR_WORDS),
    "radiation_w_m2": Limits(-10, 1600, NEVER, 6, flat_to=5, sentinels=ERROR_WORDS),
    "light_lux": Limits(0, 200_000, NEVER, 6, flat_to=5, sentinels=ERROR_WORDS),
    "pressure_hpa": Limits(500, 1100, 15, 24, sentinels=ERROR_WORDS),
    "dissolved_oxygen_mg_l": Limits(0, 30, 4, 24, flat_to=0.1, sentinels=ERROR_WORDS),
    "ph": Limits(0, 14, 1.5, 96, sentinels=ERROR_WORDS),
    "co2_ppm": Limits(150, 20_000, 600, 24, sentinels=(65535.0, -999.0)),
}

UNKNOWN = Limits(-1e9, 1e9, NEVER, NEVER, sentinels=ERROR_WORDS)
"""A quantity no table describes: only error words are judged."""


def limits_of(quantity: str) -> Limits:
    """The limits of a quantity; those of a depth (`soil_vwc_20cm`) are those of its stem."""
    if quantity in LIMITS:
        return LIMITS[quantity]
    stems = [q for q in LIMITS if quantity.startswith(f"{q}_")]
    return LIMITS[max(stems, key=len)] if stems else UNKNOWN
