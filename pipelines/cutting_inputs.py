"""What a cutting plan is made of, read from the warehouse as known by a cutoff."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from models.harvest.cutting_asks import (
    ORDERS,
    expected_tiers,
    promised_days,
    rain_chances,
    stock_left,
)
from models.harvest.cutting_problem import CutParams, CutProblem
from models.harvest.cutting_routes import Ways
from models.harvest.cutting_usual import cutting_crops
from pipelines.grading_standards import known_standards, own_standard
from settings import Settings
from warehouse import Warehouse

USUAL_GRADES = ("特级", "一级", "二级", "三级")
"""Order of the grades of a crop that no standard in force names."""
OPEN_DAYS = 3
"""An order paid longer ago that nothing says is shipped was shipped, and its file is late."""
DISPATCH_DAYS = 2
"""An order leaves at the latest so many days after it was paid: platforms ask for dispatch within 48 hours."""
STORE_DAYS = 30
"""What was cut longer ago is not looked for in store."""
PREORDER = "preorder"
OPEN = "order"
"""What the ids of orders not shipped begin with."""


@dataclass(frozen=True)
class Cutting:
    """`names`: (crop, rank) → grade; `notes`: what could not be counted."""

    problem: CutProblem
    params: CutParams
    names: Mapping[tuple[str, str], str]
    notes: tuple[str, ...]


def cutting_inputs(
    settings: Settings, warehouse: Warehouse, ripe: pl.DataFrame, *, cutoff: date, known_by: datetime,
    ordered: pl.DataFrame | None = None,
) -> Cutting | None:  # fmt: skip
    """Read everything; None where no crew or no cold room is known, or nothing ripens.

    Args:
        ripe: plot_id, crop_id, ripe_on, ripe_kg, is_struck (by frost or heat: cut within a day, or lost).
        known_by: Facts known later do not count.
        ordered: Orders of the first day so far (columns of queries/open_orders.sql), taken off what is expected of it.
    """
    crews, rooms = warehouse.read("crew"), warehouse.read("cold_room").sort("cold_room_id")
    if crews.is_empty() or rooms.is_empty() or ripe.is_empty():
        return None
    params, first = CutParams(), cutoff + timedelta(days=1)
    crops = cutting_crops(
        warehouse.read("crop"), warehouse.read("practice_yield"), warehouse.read("cutting_rule")
    )
    plots, transit = warehouse.read("plot"), warehouse.read("transit")
    mix = _mix(warehouse, plots, ripe, cutoff)
    ranks = _ranks(settings, warehouse, mix, crops["crop_id"].to_list(), cutoff)
    orders = _orders(settings, warehouse, cutoff, known_by, params.days, ordered)
    most = max((int(r) for r in ranks.values()), default=1)
    stock = _stock(warehouse, rooms, orders, ranks, most, known_by, cutoff)
    params = CutParams(grades=tuple(str(n) for n in range(1, most + 1)))
    known = _in_haste(ripe.join(crops.select("crop_id", "hold_days"), on="crop_id"))
    left_out = ripe.join(crops, on="crop_id", how="anti")["crop_id"].unique().sort()
    return Cutting(
        CutProblem(
            first_day=first,
            plots=plots.select("plot_id", "place_id"),
            ripe=known,
            grade_mix=_ranked(mix.join(known, on=["plot_id", "crop_id"], how="semi"), ranks, most),
            crops=crops,
            orders=_priced(warehouse, _ranked(orders, ranks, None), orders, crops, cutoff),
            crews=crews.select("crew_id", "place_id", hours_per_day=pl.col("workers") * pl.col("hours_per_day")),
            cold_rooms=rooms.select("cold_room_id", "place_id", "capacity_kg", truck_kg_per_day=pl.lit(None, pl.Float64)),
            transit=transit,
            weather=_rain(settings, warehouse, first, params.days, known_by),
            stock=_fresh(stock, crops, params, first),
        ),
        params,
        {(c, rank): grade for (c, grade), rank in ranks.items()},
        tuple(f"{crop}: no practice names its price, it is not planned" for crop in left_out),
    )  # fmt: skip


def _in_haste(ripe: pl.DataFrame) -> pl.DataFrame:
    """plot_id, crop_id, ripe_on, ripe_kg; what is struck counts as ripe for so long that a day is left."""
    stood = pl.duration(days=(pl.col("hold_days") - 1).clip(lower_bound=0))
    ripe_on = pl.when("is_struck").then(pl.col("ripe_on") - stood).otherwise("ripe_on")
    return ripe.select("plot_id", "crop_id", ripe_on.alias("ripe_on"), "ripe_kg")


def _mix(warehouse: Warehouse, plots: pl.DataFrame, ripe: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """plot_id, crop_id, grade, share: of the plot's land class, else of all land."""
    rows = warehouse.sql(
        "select crop_id, land_class, grade, share from grade_mix where cutoff = $cutoff order by all",
        cutoff=cutoff,
    )
    wanted = (
        ripe.select("plot_id", "crop_id").unique().join(plots.select("plot_id", "land_class"), on="plot_id")
    )
    own = wanted.join(rows, on=["crop_id", "land_class"])
    rest = wanted.join(own, on=["plot_id", "crop_id"], how="anti")
    every = rest.join(rows.filter(pl.col("land_class") == "").drop("land_class"), on="crop_id")
    columns = ["plot_id", "crop_id", "grade", "share"]
    return pl.concat([own.select(columns), every.select(columns)]).sort(columns)


def _ranks(
    settings: Settings, warehouse: Warehouse, mix: pl.DataFrame, crops: Sequence[str], cutoff: date
) -> dict[tuple[str, str], str]:
    """(crop, grade) → rank, '1' the best: by the standard in force where it knows all grades in use, else by usual names."""
    standards = known_standards(settings, warehouse, cutoff=cutoff)
    in_use: dict[str, set[str]] = {}
    sold = warehouse.sql(
        "select distinct pc.crop_id, p.grade from product p join product_crop pc using (product_id) where p.grade is not null"
    )
    for crop, grade in [*mix.select("crop_id", "grade").iter_rows(), *sold.iter_rows()]:
        in_use.setdefault(crop, set()).add(grade)
    found: dict[tuple[str, str], str] = {}
    for crop in crops:
        own = own_standard(standards, crop)
        for grades in (own.standard.grades if own else (), USUAL_GRADES):
            if (used := in_use.get(crop, set())) and used <= set(grades):
                found |= {(crop, g): str(n) for n, g in enumerate(grades, start=1)}
                break
    return found


def _ranked(rows: pl.DataFrame, ranks: Mapping[tuple[str, str], str], worst: int | None) -> pl.DataFrame:
    """`grade` as its rank; without one: `worst`, or null."""
    table = pl.DataFrame(
        [(c, g, r) for (c, g), r in ranks.items()],
        schema={"crop_id": pl.String, "grade": pl.String, "rank": pl.String}, orient="row",
    )  # fmt: skip
    joined = rows.join(table, on=["crop_id", "grade"], how="left", maintain_order="left")
    if worst is not None:
        joined = joined.with_columns(pl.col("rank").fill_null(str(worst)))
    return joined.with_columns(grade="rank").drop("rank")


def _orders(
    settings: Settings, warehouse: Warehouse, cutoff: date, known_by: datetime, days: int,
    ordered: pl.DataFrame | None,
) -> pl.DataFrame:  # fmt: skip
    """ORDERS: orders not shipped, promises, and tiers of what is expected beside them."""
    first = cutoff + timedelta(days=1)
    waiting = warehouse.query("open_orders", known_by=known_by, since=known_by - timedelta(days=OPEN_DAYS))
    waiting = waiting.filter(pl.col("paid_on") <= cutoff)
    if ordered is not None:
        waiting = pl.concat([waiting, ordered])
    promised = promised_days(warehouse.read("commitment", known_by=known_by), first, days)
    levels = warehouse.query("expected_by_grade", cutoff=cutoff, until=first + timedelta(days=days - 1))
    taken = [promised.filter(pl.col("kind") == PREORDER).select("crop_id", "ship_on", taken_kg="order_kg")]
    if ordered is not None:
        taken.append(ordered.select("crop_id", ship_on=pl.lit(first), taken_kg="order_kg"))
    off = pl.concat(taken).group_by("crop_id", "ship_on").agg(pl.sum("taken_kg"))
    leaves = pl.max_horizontal(pl.lit(first), pl.col("paid_on") + pl.duration(days=DISPATCH_DAYS))
    open_rows = waiting.filter(pl.col("order_kg") > 0).with_columns(ship_on=leaves).select(
        pl.concat_str(
            pl.lit(OPEN), "crop_id", pl.col("grade").fill_null(""), pl.col("region_id").fill_null(""),
            pl.col("paid_on").cast(pl.String), separator="/",
        ).alias("order_id"),
        "crop_id", "grade", "region_id", "ship_on", "order_kg",
        pl.lit(value=True).alias("is_promised"), pl.lit(1.0).alias("chance"),
    )  # fmt: skip
    parts = [open_rows, promised.drop("kind"), expected_tiers(levels, off)]
    return pl.concat([p.select(list(ORDERS)).cast(ORDERS) for p in parts])  # type: ignore[arg-type]


def _priced(
    warehouse: Warehouse, ranked: pl.DataFrame, orders: pl.DataFrame, crops: pl.DataFrame, cutoff: date
) -> pl.DataFrame:
    """Orders of known crops with price_yuan_per_kg: the crop's, times the ratio of the grade asked."""
    ratio = warehouse.sql(
        "select crop_id, grade as asked, price_ratio from grade_price where cutoff = $cutoff", cutoff=cutoff
    )
    return (
        ranked.with_columns(asked=orders["grade"])
        .join(crops.select("crop_id", "price_yuan_per_kg"), on="crop_id", maintain_order="left")
        .join(ratio, on=["crop_id", "asked"], how="left", maintain_order="left")
        .with_columns(pl.col("price_yuan_per_kg") * pl.col("price_ratio").fill_null(1.0))
        .drop("asked", "price_ratio")
    )


def _stock(
    warehouse: Warehouse, rooms: pl.DataFrame, orders: pl.DataFrame, ranks: Mapping[tuple[str, str], str], worst: int,
    known_by: datetime, cutoff: date,
) -> pl.DataFrame:  # fmt: skip
    """Cuts of the days for which a crop keeps less what was sold in them, for orders that wait; in the cold room nearest their plot."""
    days = pl.min_horizontal("keeps_days", pl.lit(STORE_DAYS))
    keeps = warehouse.read("crop").select("crop_id", since=pl.lit(cutoff) - pl.duration(days=days))
    local = pl.col("harvested_at").dt.convert_time_zone(warehouse.zone).dt.date()
    cut = (
        warehouse.read("harvest_event", known_by=known_by)
        .select("plot_id", "crop_id", "grade", cut_on=local, kg="harvested_kg")
        .join(keeps, on="crop_id")
        .filter(pl.col("cut_on") > pl.col("since"), pl.col("cut_on") <= cutoff)
        .join(_nearest_room(warehouse, rooms), on="plot_id")
    )
    sold = (
        warehouse.query("sold_crop", known_by=known_by, since=known_by - timedelta(days=STORE_DAYS + 1))
        .join(keeps, on="crop_id")
        .filter(pl.col("sale_date") > pl.col("since"), pl.col("sale_date") <= cutoff)
        .group_by("crop_id")
        .agg(pl.col("kg").sum())
    )
    waiting = orders.filter(pl.col("order_id").str.starts_with(f"{OPEN}/")).group_by("crop_id").agg(
        kg=pl.col("order_kg").sum()
    )  # fmt: skip
    return stock_left(_ranked(cut, ranks, worst), sold, waiting)


def _fresh(stock: pl.DataFrame, crops: pl.DataFrame, params: CutParams, first: date) -> pl.DataFrame:
    """Stock of known crops that could still be at somebody's table in time if it left on the first day."""
    within = pl.col("within_hours").fill_null(params.promise_hours)
    age = (pl.lit(first) - pl.col("cut_on")).dt.total_days() * 24.0 + params.dispatch_hours
    rows = stock.join(crops.select("crop_id", "within_hours"), on="crop_id")
    return rows.filter((within < 0) | (age <= within)).select(stock.columns)


def _nearest_room(warehouse: Warehouse, rooms: pl.DataFrame) -> pl.DataFrame:
    """plot_id, cold_room_id; a plot without a place or a way: the first cold room."""
    plots = warehouse.read("plot").select("plot_id", "place_id").sort("plot_id")
    places = sorted({p for p in plots["place_id"] if p is not None})
    hours = Ways(warehouse.read("transit")).hours([*places], rooms["place_id"].to_list())
    near = {p: rooms["cold_room_id"][int(h.argmin())] for p, h in zip(places, hours, strict=True)}
    found = [near.get(p, rooms["cold_room_id"][0]) for p in plots["place_id"]]
    return plots.select("plot_id", cold_room_id=pl.Series(found, dtype=pl.String))


def _rain(
    settings: Settings, warehouse: Warehouse, first: date, days: int, known_by: datetime
) -> pl.DataFrame:
    """day, rain_chance."""
    told = warehouse.sql(
        "select station_id, valid_at, arg_max(rain_mm, issued_at) as rain_mm from weather_forecast "
        "where known_at <= $known_by and issued_at <= $known_by group by all",
        known_by=known_by,
    ).rename({"valid_at": "at"})
    seen = warehouse.read("weather_observed", known_by=known_by).select(
        "station_id", "rain_mm", at="observed_at"
    )
    daily = [
        rows.group_by("station_id", day=pl.col("at").dt.convert_time_zone(settings.timezone).dt.date())
        .agg(pl.col("rain_mm").sum(), known=pl.col("rain_mm").count())
        .filter(pl.col("known") > 0)
        .group_by("day")
        .agg(pl.col("rain_mm").mean())
        for rows in (told, seen)
    ]
    return rain_chances(daily[0], daily[1], first, days)
