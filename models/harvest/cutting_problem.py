"""What a cutting plan is asked for and what comes back: frozen values, so `replace` makes a what-if."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

NEEDS: Mapping[str, tuple[str, ...]] = {
    "plots": ("plot_id", "place_id"),
    "ripe": ("plot_id", "crop_id", "ripe_on", "ripe_kg"),
    "grade_mix": ("plot_id", "crop_id", "grade", "share"),
    "crops": (
        "crop_id", "hold_days", "keep_days", "hours_per_kg", "price_yuan_per_kg", "salvage_yuan_per_kg",
        "wait_share_per_day", "rain_share", "needs_dry", "within_hours", "needs_cold",
    ),
    "orders": (
        "order_id", "crop_id", "grade", "region_id", "ship_on", "order_kg", "price_yuan_per_kg", "is_promised",
        "chance",
    ),
    "crews": ("crew_id", "place_id", "hours_per_day"),
    "cold_rooms": ("cold_room_id", "place_id", "capacity_kg", "truck_kg_per_day"),
    "transit": ("from_id", "to_id", "hours"),
    "weather": ("day", "rain_chance"),
    "stock": ("cold_room_id", "crop_id", "grade", "cut_on", "stock_kg"),
}  # fmt: skip


@dataclass(frozen=True)
class CutParams:
    """Rules of a cutting plan.

    `grades`: best first; a kilogram serves an order of its grade or of a worse one, never of a better. `field_to_cold_hours`:
    the longest way from a plot's place to a cold room, loading (`loading_hours`) included. `dispatch_hours`: from cutting to
    the truck's leaving on the same day. `promise_hours`: field to table, of crops that name no other limit. `visit_hours`:
    of a crew per plot and day, whatever it cuts, beside the way. `crew_reach_hours`: crews of places so near may help.
    `rain_hours_share`: of a crew's hours lost on a rainy day. `dry_chance`: least chance of no rain for crops that need it
    dry. `broken_share`: of the price, what a promised kilogram not served costs beside its revenue. `end_share`: of the
    price, what a kilogram alive after the last day, in field or store, is still worth. `store_wait_factor`: a day in the cold
    room against a day ripe in the field. `hour_yuan`: of a crew's hour. Values are assumed until a county sets its own.
    """

    days: int = 14
    grades: tuple[str, ...] = ("特级", "一级", "二级")
    field_to_cold_hours: float = 2.0
    loading_hours: float = 0.5
    dispatch_hours: float = 10.0
    promise_hours: float = 72.0
    visit_hours: float = 0.5
    crew_reach_hours: float = 0.75
    rain_hours_share: float = 0.5
    dry_chance: float = 0.7
    broken_share: float = 3.0
    end_share: float = 0.5
    store_wait_factor: float = 0.5
    hour_yuan: float = 10.0

    def __post_init__(self) -> None:
        if not 1 <= self.days <= 28:
            raise ValueError(f"days is {self.days}; plan 1 to 28 days")
        if not self.grades:
            raise ValueError("grades is empty; name at least one grade, best first")
        for name in ("rain_hours_share", "dry_chance", "end_share"):
            if not 0 <= (value := float(getattr(self, name))) <= 1:
                raise ValueError(f"{name} is {value}; give a share between 0 and 1")


@dataclass(frozen=True)
class CutProblem:
    """Everything a cutting plan needs.

    plots: plot_id, place_id. ripe: kg becoming ripe per plot, crop and day (`ripe_on` before `first_day`: stands already).
    grade_mix: share of a plot's kg per grade; a plot without rows bears the worst grade only. crops: `hold_days` ripe in the
    field before lost, `keep_days` in store, `hours_per_kg` to cut, `price_yuan_per_kg` (middle grade) and
    `salvage_yuan_per_kg`, `wait_share_per_day` of the price lost per day of waiting ripe (negative: gained), `rain_share` of
    standing ripe kg lost by a rainy day, `needs_dry` (not cut when rain is likely), `within_hours` field to table (null:
    CutParams.promise_hours; -1: no limit), `needs_cold` (takes room in the cold room). orders: `grade` null: any;
    `is_promised` rows must be served, the others are expected demand in tiers, of which `chance` says how likely somebody
    asks for the kg (promised: 1). crews: `place_id` null works everywhere. cold_rooms: `truck_kg_per_day` that may leave, null: no limit.
    transit: hours per leg, both ways. weather: chance of rain per day; a day that is missing counts as dry. stock: what lies
    in the cold rooms on the evening before `first_day`.
    """  # fmt: skip

    first_day: date
    plots: pl.DataFrame
    ripe: pl.DataFrame
    grade_mix: pl.DataFrame
    crops: pl.DataFrame
    orders: pl.DataFrame
    crews: pl.DataFrame
    cold_rooms: pl.DataFrame
    transit: pl.DataFrame
    weather: pl.DataFrame
    stock: pl.DataFrame

    def __post_init__(self) -> None:
        for name, wanted in NEEDS.items():
            frame: pl.DataFrame = getattr(self, name)
            if lacking := [c for c in wanted if c not in frame.columns]:
                raise ValueError(f"{name} lacks {', '.join(lacking)}; give {', '.join(wanted)}")
        for name, column in (("ripe", "ripe_kg"), ("orders", "order_kg"), ("stock", "stock_kg")):
            bad = getattr(self, name).filter(~(pl.col(column) >= 0) | pl.col(column).is_infinite())
            if bad.height:
                raise ValueError(
                    f"{name}: {column} is {bad[column][0]} in row {bad.row(0)}; give a number of 0 or more"
                )
        _known(self.ripe, self.plots, "plot_id", "ripe")
        for name in ("ripe", "orders", "stock"):
            _known(getattr(self, name), self.crops, "crop_id", name)
        _known(self.stock, self.cold_rooms, "cold_room_id", "stock")

    def last_day(self, days: int) -> date:
        """The last of so many days."""
        return self.first_day + timedelta(days=days - 1)


def _known(rows: pl.DataFrame, of: pl.DataFrame, key: str, name: str) -> None:
    lost = rows.filter(~pl.col(key).is_in(of[key].to_list()))
    if lost.height:
        raise ValueError(
            f"{name}: {key} '{lost[key][0]}' is not known; add it or drop its {lost.height} rows"
        )


@dataclass(frozen=True)
class CutPlan:
    """What to cut, and what cannot be kept.

    cuts: day, plot_id, crop_id, crew_id, cold_room_id, cut_kg, crew_hours (way and set-up included), oldest_on (ripe day of
    the oldest kg cut), rain_chance. serves: order_id, ship_on, crop_id, grade (cut), cold_room_id, cut_on, served_kg,
    hours_to_table (null: the region has no way). unserved: order_id, crop_id, grade, ship_on, is_promised, unserved_kg, cause
    (not_ripe, grade, route_too_long, crew_hours, cold_room, truck, rain, worth_less). uncut: plot_id, crop_id, lost_on,
    lost_kg, cause (crew_hours, cold_room, rain, too_far, no_buyer). surplus: cold_room_id, crop_id, grade, cut_on, day,
    surplus_kg (sold at salvage). crew_days: day, crew_id, used_hours, limit_hours. room_days: day, cold_room_id, stored_kg
    (at night), capacity_kg, shipped_kg. `value_yuan` and `bound_yuan`: of the plan and of any plan; `gap`: of them.
    """

    cuts: pl.DataFrame
    serves: pl.DataFrame
    unserved: pl.DataFrame
    uncut: pl.DataFrame
    surplus: pl.DataFrame
    crew_days: pl.DataFrame
    room_days: pl.DataFrame
    status: str
    value_yuan: float
    bound_yuan: float
    gap: float
    seconds: float
    cpu_seconds: float
