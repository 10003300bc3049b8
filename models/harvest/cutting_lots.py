"""What a cutting plan works on, as arrays: lots that ripen, orders in buckets, batches in the cold rooms, dry hours."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.harvest.cutting_problem import CutParams, CutProblem
from models.harvest.cutting_routes import Ways, cutting_ways, table_hours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEVER = -1.0
"""Of `within_hours`: no limit."""


@dataclass(frozen=True)
class Lots:
    """Plantings that ripen, one row per plot and crop in `table` (plot_id, crop_id, crop: row of the crops).

    `ripe` [lot, day]: kg ripe so far, those lost before the first day left out, in kg as on the first morning: a kg cut on
    day d counts 1 ÷ `left` [lot, day], the share that rain is expected to leave until that morning. `due` [lot, day]: of
    these, what must be cut or lost by that night. `share` [lot, grade]. `stale_kg` [lot]: lost before the first day.
    """

    table: pl.DataFrame
    ripe: Floats
    due: Floats
    left: Floats
    share: Floats
    stale_kg: Floats


@dataclass(frozen=True)
class Setting:
    """A problem in arrays. `crops`, `crews`, `rooms`: the problem's rows in order. `rain` [day]: chance. `limit_hours`
    [crew, day]: with the hours rain is expected to take. `ways`: see cutting_routes.cutting_ways, with `lot`. `buckets`:
    orders alike for the plan: crop, grade (number; the worst where any), ship (day number), is_promised, chance, price,
    bucket_kg; `most` [bucket, room]: days a kg may wait in that cold room, negative: no way. `orders`: with `bucket`.
    `batches`: room, crop, grade, cut (day number; negative: stock), last (last day it may leave), batch_kg (of stock)."""

    problem: CutProblem
    params: CutParams
    crops: pl.DataFrame
    lots: Lots
    rain: Floats
    limit_hours: Floats
    ways: pl.DataFrame
    orders: pl.DataFrame
    buckets: pl.DataFrame
    most: Ints
    batches: pl.DataFrame
    hours: Floats

    def day(self, number: int) -> date:
        """The calendar day of a day number."""
        return self.problem.first_day + timedelta(days=number)


def arrange(problem: CutProblem, params: CutParams) -> Setting:
    """Write the problem as arrays."""
    crops = problem.crops.with_row_index("crop").with_columns(pl.col("crop").cast(pl.Int64))
    days = [problem.first_day + timedelta(days=d) for d in range(params.days)]
    chance = dict(problem.weather.select("day", "rain_chance").drop_nulls().iter_rows())
    rain = np.array([float(chance.get(d, 0.0)) for d in days])
    lots = _lots(problem, params, crops, rain)
    ways = Ways(problem.transit)
    usable = lots.table.select("lot", "plot_id").join(
        cutting_ways(problem, params, ways), on="plot_id", maintain_order="left_right"
    )
    hours = problem.crews["hours_per_day"].to_numpy().astype(float)
    orders, buckets, most, to_table = _buckets(problem, params, crops, ways)
    return Setting(
        problem, params, crops, lots, rain,
        hours[:, None] * (1 - params.rain_hours_share * rain)[None, :],
        usable, orders, buckets, most, _batches(problem, params, crops, usable, lots), to_table,
    )  # fmt: skip


def _lots(problem: CutProblem, params: CutParams, crops: pl.DataFrame, rain: Floats) -> Lots:
    day = (pl.col("ripe_on") - pl.lit(problem.first_day)).dt.total_days()
    rows = (
        problem.ripe.filter(pl.col("ripe_kg") > 0)
        .with_columns(day=day)
        .filter(pl.col("day") < params.days)
        .join(crops.select("crop_id", "crop", "hold_days", "rain_share"), on="crop_id", maintain_order="left")
    )
    table = rows.select("plot_id", "crop_id", "crop", "hold_days", "rain_share").unique(maintain_order=True)
    table = table.sort("plot_id", "crop_id").with_columns(lot=pl.int_range(pl.len()))
    rows = rows.join(table.select("plot_id", "crop_id", "lot"), on=["plot_id", "crop_id"])
    n, days = table.height, params.days
    lost = table["rain_share"].to_numpy()[:, None] * rain[None, :]
    left = np.cumprod(
        np.concatenate([np.ones((n, 1)), 1 - lost], axis=1), axis=1
    )  # [lot, morning], one more than days
    lot, at, kg = (rows[c].to_numpy() for c in ("lot", "day", "ripe_kg"))
    last = at + rows["hold_days"].to_numpy()
    ripe, due, stale = np.zeros((n, days)), np.zeros((n, days)), np.zeros(n)
    alive = last >= 0
    worth = kg / left[lot, np.clip(at, 0, None)]
    np.add.at(stale, lot[~alive], kg[~alive])
    np.add.at(ripe, (lot[alive], np.clip(at[alive], 0, None)), worth[alive])
    ends = alive & (last < days)
    np.add.at(due, (lot[ends], last[ends]), worth[ends])
    return Lots(
        table, np.cumsum(ripe, axis=1), np.cumsum(due, axis=1), left, _shares(problem, params, table), stale
    )


def _shares(problem: CutProblem, params: CutParams, table: pl.DataFrame) -> Floats:
    """Share of each grade [lot, grade]; lots without a mix bear the worst."""
    mix = problem.grade_mix.filter(pl.col("grade").is_in(params.grades))
    rows = mix.join(table.select("plot_id", "crop_id", "lot"), on=["plot_id", "crop_id"])
    found = np.zeros((table.height, len(params.grades)))
    grade = np.array([params.grades.index(g) for g in rows["grade"]], dtype=np.int64)
    np.add.at(found, (rows["lot"].to_numpy(), grade), rows["share"].to_numpy().astype(float))
    total = found.sum(axis=1, keepdims=True)
    found[total[:, 0] <= 0, -1] = 1.0
    result: Floats = found / np.where(total > 0, total, 1.0)
    return result


def _buckets(
    problem: CutProblem, params: CutParams, crops: pl.DataFrame, ways: Ways
) -> tuple[pl.DataFrame, pl.DataFrame, Ints, Floats]:
    """Orders within the days, their buckets, the days each may wait [bucket, room], hours to the table [room, order]."""
    worst = len(params.grades) - 1
    orders = (
        problem.orders.with_columns(ship=(pl.col("ship_on") - pl.lit(problem.first_day)).dt.total_days())
        .filter(pl.col("ship").is_between(0, params.days - 1), pl.col("order_kg") > 0)
        .join(crops.select("crop_id", "crop", "keep_days", "within_hours"), on="crop_id", maintain_order="left")
        .with_columns(
            rank=pl.col("grade").replace_strict({g: i for i, g in enumerate(params.grades)}, default=worst, return_dtype=pl.Int64)
        )
    )  # fmt: skip
    regions = orders["region_id"].unique(maintain_order=True).to_list()
    to_region = table_hours(problem, params, ways, regions)
    place = {r: i for i, r in enumerate(regions)}
    hours = (
        to_region[:, [place[r] for r in orders["region_id"]]] if regions else np.zeros((len(to_region), 0))
    )
    within = orders["within_hours"].fill_null(params.promise_hours).to_numpy().astype(float)
    keep = orders["keep_days"].to_numpy()
    room_days = np.floor((within[None, :] - hours) / 24 + 1e-9)
    free = (within == NEVER)[None, :] & np.isfinite(hours)
    most = np.where(
        free, keep[None, :], np.minimum(np.where(np.isfinite(room_days), room_days, -1), keep[None, :])
    )
    most = np.maximum(most, -1).astype(np.int64).T  # [order, room]
    keyed = orders.with_columns(
        reach=pl.Series([",".join(map(str, m)) for m in most.tolist()], dtype=pl.String),
        row=pl.int_range(pl.len()),
    )
    key = ["crop", "rank", "ship", "is_promised", "chance", "price_yuan_per_kg", "reach"]
    buckets = keyed.group_by(key, maintain_order=True).agg(
        bucket_kg=pl.col("order_kg").sum(), row=pl.col("row").first()
    )
    buckets = buckets.with_columns(bucket=pl.int_range(pl.len()))
    orders = keyed.join(buckets.select(*key, "bucket"), on=key, maintain_order="left")
    return orders, buckets, most[buckets["row"].to_numpy()], hours


def _batches(
    problem: CutProblem, params: CutParams, crops: pl.DataFrame, ways: pl.DataFrame, lots: Lots
) -> pl.DataFrame:
    """Every cold room, crop, grade and cutting day that plots can fill, and the stock that still keeps."""
    grades = pl.DataFrame({"grade": np.arange(len(params.grades), dtype=np.int64)})
    new = (
        ways.join(lots.table.select("lot", "crop"), on="lot").select("room", "crop").unique().sort("room", "crop")
        .join(grades, how="cross")
        .join(pl.DataFrame({"cut": np.arange(params.days, dtype=np.int64)}), how="cross")
        .with_columns(batch_kg=pl.lit(0.0))
    )  # fmt: skip
    rooms = {x: i for i, x in enumerate(problem.cold_rooms["cold_room_id"])}
    worst = len(params.grades) - 1
    old = problem.stock.filter(pl.col("stock_kg") > 0).join(crops.select("crop_id", "crop"), on="crop_id")
    old = old.select(
        room=pl.col("cold_room_id").replace_strict(rooms, return_dtype=pl.Int64),
        crop="crop",
        grade=pl.col("grade").replace_strict(
            {g: i for i, g in enumerate(params.grades)}, default=worst, return_dtype=pl.Int64
        ),
        cut=pl.min_horizontal((pl.col("cut_on") - pl.lit(problem.first_day)).dt.total_days(), -1),
        batch_kg="stock_kg",
    ).group_by("room", "crop", "grade", "cut", maintain_order=True).agg(pl.col("batch_kg").sum())  # fmt: skip
    both = pl.concat([new.select(old.columns), old]).join(
        crops.select("crop", "keep_days"), on="crop", maintain_order="left"
    )
    return both.with_columns(
        last=pl.max_horizontal(pl.col("cut") + pl.col("keep_days"), 0), batch=pl.int_range(pl.len())
    )
