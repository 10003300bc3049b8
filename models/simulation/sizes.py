"""How large a county is, and the one day it ends on."""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

ENDS_ON = date(2026, 8, 31)
"""Last day whose sales are known: grapes in season, Mid-Autumn, the crab opening and 99 sales within 28 days."""
BEYOND_DAYS = 60
"""Truth and plans reach this far beyond the end (d)."""


@dataclass(frozen=True)
class Size:
    """How much of everything; `name` is what `anxu sample --size` takes."""

    name: str
    products: int
    channels: tuple[str, ...]
    regions: int
    days: int
    towns: int
    villages: int
    plots_per_village: int
    area_factor: float  # on the mean plot areas
    mean_packs: float  # mean demand per leaf series and day on sale
    sensors: int
    sensor_days: int
    long_sensors: int  # of them with a year of hours
    plain_sales: bool  # daily sales instead of order lines
    daily_files: int  # so many last days come as one delivery a day (d)
    weather_from_start: (
        bool  # observed weather only from the first day with sales, not from the first planting
    )

    @property
    def starts_on(self) -> date:
        """First day with sales."""
        return ENDS_ON - timedelta(days=self.days - 1)

    @property
    def total_days(self) -> int:
        """Days simulated, those beyond the end included."""
        return self.days + BEYOND_DAYS


_SHOPS = ("taobao", "douyin", "pinduoduo", "shopify")
SIZES = {
    size.name: size
    for size in (
        Size("tiny", 8, _SHOPS[:2], 2, 400, 1, 2, 6, 0.6, 1.15, 6, 60, 0, False, 3, True),
        Size("demo", 40, _SHOPS, 8, 1096, 3, 12, 20, 1.0, 0.5, 60, 60, 4, False, 7, False),
        Size(
            "county", 100, (*_SHOPS, "taobao-b"), 40, 1096, 17, 248, 200, 1.0, 6.0, 400, 30, 0, True, 2, False
        ),
    )
}


def size_of(name: str) -> Size:
    """The size of that name.

    Raises:
        ValueError: No such size; the message lists them.
    """
    if name not in SIZES:
        raise ValueError(f"no size '{name}'; take one of {', '.join(SIZES)}")
    return SIZES[name]


def stream(seed: int, *names: object) -> np.random.Generator:
    """An independent random stream per purpose, so one part's draws never shift another's."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
