"""A solved cutting plan as rows: cuts by crew, kilograms by order, what is sold off, loads of crews and cold rooms."""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.cutting_lots import Setting
from models.harvest.cutting_programme import Programme

Floats = NDArray[np.float64]


def day_of(s: Setting, column: str) -> pl.Expr:
    """The calendar day of a column of day numbers."""
    return pl.lit(s.problem.first_day) + pl.duration(days=pl.col(column))


def _names(values: pl.Series, column: str) -> pl.Expr:
    """Row numbers of `column` as names, the series' order."""
    return pl.col(column).replace_strict(list(range(len(values))), values.to_list(), return_dtype=pl.String)


def cut_rows(s: Setting, programme: Programme, x: Floats) -> pl.DataFrame:
    """CutPlan.cuts: one row per day, plot, crop, crew and cold room; a visit's fixed hours go to its first cold room."""
    cuts = programme.of("cuts", x)
    visits = programme.of("visits", x, 0.5).select("visit", "fixed_hours")
    told = cuts.join(visits, on="visit", how="left", maintain_order="left").with_columns(
        fixed=pl.when(pl.int_range(pl.len()).over("visit") == 0).then(pl.col("fixed_hours").fill_null(0.0)).otherwise(0.0)
    )  # fmt: skip
    told = told.join(s.lots.table.select("lot", "crop_id"), on="lot", maintain_order="left")
    oldest = _oldest(s, programme, x)
    lot, day = told["lot"].to_numpy(), told["day"].to_numpy()
    return told.select(
        day=day_of(s, "day"), plot_id="plot_id", crop_id="crop_id",
        crew_id=_names(s.problem.crews["crew_id"], "crew"), cold_room_id=_names(s.problem.cold_rooms["cold_room_id"], "room"),
        cut_kg="kg", crew_hours=pl.col("kg") * pl.col("hours_per_kg") + pl.col("fixed"),
        oldest_on=pl.Series([s.problem.first_day + timedelta(days=int(d)) for d in oldest[lot, day]], dtype=pl.Date),
        rain_chance=pl.Series(s.rain[day]),
    ).sort("day", "plot_id", "crop_id", "crew_id", "cold_room_id")  # fmt: skip


def uncut_kg(s: Setting, programme: Programme, x: Floats) -> tuple[Floats, Floats]:
    """Kg [lot, day] that stand uncut at night, and that are lost by it for having stood too long, whatever the plan gave up.

    In kg as on the first morning (see Lots); the oldest is cut first.
    """
    cut = np.zeros_like(s.lots.ripe)
    rows = programme.of("cuts", x)
    lot, day = rows["lot"].to_numpy(), rows["day"].to_numpy()
    np.add.at(cut, (lot, day), rows["kg"].to_numpy() / s.lots.left[lot, day])
    cut = np.cumsum(cut, axis=1)
    lost = np.maximum.accumulate(np.maximum(s.lots.due - cut, 0.0), axis=1)
    return np.maximum(s.lots.ripe - cut - lost, 0.0), np.diff(lost, axis=1, prepend=0.0)


def _oldest(s: Setting, programme: Programme, x: Floats) -> NDArray[np.int64]:
    """Day number on which the oldest kg standing each morning became ripe [lot, day]; before the plan counts as 0."""
    standing, _ = uncut_kg(s, programme, x)
    gone = s.lots.ripe - standing  # by each night
    before = np.concatenate([np.zeros((len(gone), 1)), gone[:, :-1]], axis=1)
    found = [
        [int(np.searchsorted(r, g + 1e-6)) for g in gs] for r, gs in zip(s.lots.ripe, before, strict=True)
    ]
    result: NDArray[np.int64] = np.minimum(
        np.array(found, dtype=np.int64).reshape(gone.shape), s.params.days - 1
    )
    return result


def serve_rows(s: Setting, programme: Programme, x: Floats) -> pl.DataFrame:
    """CutPlan.serves: a bucket's kg go to its orders one after the other, the oldest batch first."""
    served = programme.of("serves", x).sort("bucket", "cut", "own", "room")
    orders = s.orders.sort("bucket", "order_id")
    upto = orders.select("order_id", "region_id", "row", "bucket", stop=pl.col("order_kg").cum_sum().over("bucket"),
                         order_kg="order_kg")  # fmt: skip
    given = served.with_columns(stop=pl.col("kg").cum_sum().over("bucket"))
    pairs = given.join(upto, on="bucket", suffix="_order", maintain_order="left_right").with_columns(
        served_kg=pl.min_horizontal("stop", "stop_order")
        - pl.max_horizontal(pl.col("stop") - pl.col("kg"), pl.col("stop_order") - pl.col("order_kg"))
    ).filter(pl.col("served_kg") > 1e-6)  # fmt: skip
    hours = s.hours[pairs["room"].to_numpy(), pairs["row"].to_numpy()] if pairs.height else np.zeros(0)
    return pairs.select(
        "order_id", ship_on=day_of(s, "ship"), crop_id=_names(s.crops["crop_id"], "crop"),
        grade=_names(pl.Series(s.params.grades), "own"), cold_room_id=_names(s.problem.cold_rooms["cold_room_id"], "room"),
        cut_on=day_of(s, "cut"), served_kg="served_kg",
        hours_to_table=pl.Series(hours) + (pl.col("ship") - pl.col("cut")) * 24.0,
    ).sort("ship_on", "order_id", "cut_on", "cold_room_id", "grade")  # fmt: skip


def surplus_rows(s: Setting, programme: Programme, x: Floats) -> pl.DataFrame:
    """CutPlan.surplus."""
    return programme.of("dumps", x).select(
        cold_room_id=_names(s.problem.cold_rooms["cold_room_id"], "room"), crop_id=_names(s.crops["crop_id"], "crop"),
        grade=_names(pl.Series(s.params.grades), "grade"), cut_on=day_of(s, "cut"), day=day_of(s, "day"), surplus_kg="kg",
    ).sort("day", "cold_room_id", "crop_id", "grade", "cut_on")  # fmt: skip


def load_rows(s: Setting, programme: Programme, x: Floats) -> tuple[pl.DataFrame, pl.DataFrame]:
    """CutPlan.crew_days and CutPlan.room_days, all days."""
    days = s.params.days
    used = np.zeros_like(s.limit_hours)
    for name, column in (("cuts", "hours_per_kg"), ("visits", "fixed_hours")):
        rows = programme.of(name, x)
        np.add.at(
            used, (rows["crew"].to_numpy(), rows["day"].to_numpy()), (rows["kg"] * rows[column]).to_numpy()
        )
    stored = np.zeros((s.problem.cold_rooms.height, days))
    shipped = np.zeros_like(stored)
    cold = s.crops["needs_cold"].to_numpy()
    for name, until in (("serves", "ship"), ("dumps", "day"), ("ends", None)):
        rows = programme.of(name, x)
        for room, crop, cut, end, kg in rows.select(
            "room", "crop", "cut", pl.col(until) if until else pl.lit(days), "kg"
        ).iter_rows():
            if cold[crop]:
                stored[room, max(cut, 0) : end] += kg
            if name == "serves":
                shipped[room, end] += kg
    crew = _grid(s, s.problem.crews["crew_id"], "crew_id", used_hours=used, limit_hours=s.limit_hours)
    capacity = np.repeat(s.problem.cold_rooms["capacity_kg"].to_numpy().astype(float)[:, None], days, axis=1)
    rooms = _grid(s, s.problem.cold_rooms["cold_room_id"], "cold_room_id", stored_kg=stored, capacity_kg=capacity,
                  shipped_kg=shipped)  # fmt: skip
    return crew, rooms


def _grid(s: Setting, names: pl.Series, key: str, **columns: Floats) -> pl.DataFrame:
    days = [s.day(d) for d in range(s.params.days)]
    base = pl.DataFrame({key: names}).join(pl.DataFrame({"day": days}), how="cross")
    return base.select("day", key).with_columns(**{k: pl.Series(v.ravel()) for k, v in columns.items()})
