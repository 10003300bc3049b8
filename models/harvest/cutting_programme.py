"""The mixed-integer programme of a cutting plan, as arrays for HiGHS.

Columns: kg cut per lot, day and way; yes/no of each crew's visit to a lot on a day; kg given up in the field per lot and
day (a kg that nobody will cut costs no waiting); kg standing ripe at night; kg from a batch to a bucket of orders; kg of a batch sold off per day; kg of a batch kept beyond the
last day. Oldest first in the field needs no ages: what stands at night is at most what is ripe and not yet due.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from models.harvest.cutting_lots import Setting
from models.planning.limits import INF, Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Programme:
    """See planning.highs.Programme. Blocks with their first columns: `cuts` (lot, day, way, crew, room, visit), `visits`
    (lot, day, crew), `losses` and `stands` (lot, day), `serves` (batch, bucket), `dumps` (batch, day), `ends` (batch)."""

    cost: Floats
    lower: Floats
    upper: Floats
    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    blocks: dict[str, tuple[int, pl.DataFrame]]

    @property
    def keys(self) -> slice:
        """Where the yes/no columns are."""
        first, table = self.blocks["visits"]
        return slice(first, first + table.height)

    def of(self, name: str, x: Floats, least: float = 1e-6) -> pl.DataFrame:
        """The rows of a block with their `kg` in a point, those up to `least` left out."""
        first, table = self.blocks[name]
        return table.with_columns(kg=pl.Series(x[first : first + table.height])).filter(pl.col("kg") > least)


def formulate(s: Setting) -> Programme:
    """Write the programme; its value is money, of a promised kg its price and the price of breaking the promise."""
    blocks: dict[str, tuple[int, pl.DataFrame]] = {}
    at = 0
    cuts, visits = _cut_columns(s)
    for name, table in (("cuts", cuts), ("visits", visits), ("losses", _stand_columns(s)), ("stands", _stand_columns(s)),
                        ("serves", _serve_columns(s)), *_store_columns(s)):  # fmt: skip
        blocks[name] = (at, table)
        at += table.height
    rows = Rows()
    _field_rows(s, rows, blocks)
    _crew_rows(s, rows, blocks)
    _batch_rows(s, rows, blocks)
    _market_rows(s, rows, blocks)
    upper = np.full(at, INF)
    first, table = blocks["visits"]
    upper[first : first + table.height] = 1.0
    first, table = blocks["stands"]
    upper[first : first + table.height] = np.maximum(s.lots.ripe - s.lots.due, 0.0).ravel()
    return Programme(
        _values(s, blocks, at), np.zeros(at), upper, rows.matrix(at),
        np.concatenate(rows.low), np.concatenate(rows.high), blocks,
    )  # fmt: skip


def _cut_columns(s: Setting) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Where something may stand ripe, on days that suit the crop; at most what stands and a crew's day can cut."""
    lots, days = s.lots, s.params.days
    before = np.concatenate([np.zeros((len(lots.due), 1)), lots.due[:, :-1]], axis=1)
    stands = (lots.ripe - before) * lots.left[:, :days]
    dry = s.crops["needs_dry"].to_numpy()[lots.table["crop"].to_numpy()]
    stands[dry[:, None] & (1 - s.rain < s.params.dry_chance)[None, :]] = 0.0
    lot, day = np.nonzero(stands > 1e-6)
    open_days = pl.DataFrame({"lot": lot, "day": day, "stands_kg": stands[lot, day]})
    per_kg = s.crops["hours_per_kg"].to_numpy()[lots.table["crop"].to_numpy()]
    ways = s.ways.with_columns(way=pl.int_range(pl.len()))
    cuts = open_days.join(ways, on="lot", maintain_order="left_right").with_columns(
        hours_per_kg=pl.col("lot").replace_strict(
            list(range(len(per_kg))), per_kg.tolist(), return_dtype=pl.Float64
        )
    )
    visits = cuts.group_by("lot", "day", "crew", maintain_order=True).agg(
        pl.col("stands_kg", "hours_per_kg", "way_hours").first()
    )
    limit = s.limit_hours[visits["crew"].to_numpy(), visits["day"].to_numpy()]
    visits = visits.with_columns(
        visit=pl.int_range(pl.len()),
        fixed_hours=s.params.visit_hours + 2 * pl.col("way_hours"),
        limit=pl.Series(limit),
    ).with_columns(
        most_kg=pl.min_horizontal(
            "stands_kg", (pl.col("limit") - pl.col("fixed_hours")).clip(0) / pl.col("hours_per_kg")
        )
    )
    cuts = cuts.join(
        visits.select("lot", "day", "crew", "visit"), on=["lot", "day", "crew"], maintain_order="left"
    )
    return cuts, visits


def _stand_columns(s: Setting) -> pl.DataFrame:
    """Every lot and night, lot by lot; kg as on the first morning."""
    n, days = s.lots.ripe.shape
    return pl.DataFrame({"lot": np.repeat(np.arange(n), days), "day": np.tile(np.arange(days), n)})


def _serve_columns(s: Setting) -> pl.DataFrame:
    """Batch to bucket: same crop, grade as good or better, not before it is cut, no longer in store than the way allows."""
    batch = s.batches.select("batch", "room", "crop", "cut", "last", own="grade")
    buckets = s.buckets.select("bucket", "crop", "rank", "ship", "is_promised", "chance", "price_yuan_per_kg")
    pairs = batch.join(buckets, on="crop", maintain_order="left_right").filter(
        pl.col("own") <= pl.col("rank"), pl.col("cut") <= pl.col("ship"), pl.col("ship") <= pl.col("last")
    )
    most = (
        s.most[pairs["bucket"].to_numpy(), pairs["room"].to_numpy()]
        if pairs.height
        else np.zeros(0, dtype=np.int64)
    )
    return pairs.filter(pl.col("ship") - pl.col("cut") <= pl.Series(most))


def _store_columns(s: Setting) -> list[tuple[str, pl.DataFrame]]:
    """Sold off when it comes in (later brings no more and takes room), or kept beyond the plan while an order's way still
    allows it."""
    longest = np.full(
        (s.crops.height, s.most.shape[1]), -1, dtype=np.int64
    )  # days in store after which nobody takes it
    np.maximum.at(longest, s.buckets["crop"].to_numpy(), s.most)
    sells = s.batches["cut"].to_numpy() + longest[s.batches["crop"].to_numpy(), s.batches["room"].to_numpy()]
    alive = (s.batches["last"] >= s.params.days) & pl.Series(sells >= s.params.days)
    ends = s.batches.filter(alive).select("batch", "room", "crop", "grade", "cut")
    dumps = s.batches.select(
        "batch", "room", "crop", "grade", "cut", day=pl.max_horizontal("cut", pl.lit(0, pl.Int64))
    )
    return [("dumps", dumps), ("ends", ends)]


def _values(s: Setting, blocks: dict[str, tuple[int, pl.DataFrame]], n: int) -> Floats:
    """Yuan per unit of each column."""
    value = np.zeros(n)
    prices = s.crops.select(
        "crop", "price_yuan_per_kg", "salvage_yuan_per_kg", "wait_share_per_day"
    ).to_numpy()
    price, salvage, wait = prices[:, 1], prices[:, 2], prices[:, 3]
    lots, p = s.lots, s.params
    crop_of = lots.table["crop"].to_numpy()
    first, table = blocks["stands"]
    nights = -price[crop_of][:, None] * wait[crop_of][:, None] * lots.left[:, 1:]
    nights[:, -1] += p.end_share * price[crop_of] * lots.left[:, -1]
    value[first : first + table.height] = nights.ravel()
    first, table = blocks["cuts"]
    value[first : first + table.height] = -p.hour_yuan * table["hours_per_kg"].to_numpy()
    first, table = blocks["visits"]
    value[first : first + table.height] = -p.hour_yuan * table["fixed_hours"].to_numpy()
    first, table = blocks["serves"]
    crop, asked = table["crop"].to_numpy(), table["price_yuan_per_kg"].to_numpy()
    age = np.maximum(wait[crop], 0) * p.store_wait_factor * (table["ship"] - table["cut"]).to_numpy()
    chance = table["chance"].to_numpy()
    earned = chance * asked * (1 - np.minimum(age, 1)) + (1 - chance) * salvage[crop]
    value[first : first + table.height] = earned + np.where(
        table["is_promised"].to_numpy(), p.broken_share * asked, 0
    )
    first, table = blocks["dumps"]
    value[first : first + table.height] = salvage[table["crop"].to_numpy()]
    first, table = blocks["ends"]
    value[first : first + table.height] = p.end_share * price[table["crop"].to_numpy()]
    return value


def _field_rows(s: Setting, rows: Rows, blocks: dict[str, tuple[int, pl.DataFrame]]) -> None:
    """What stands at night is what stood, what ripened, less what is cut and lost."""
    days = s.params.days
    ripened = np.diff(s.lots.ripe, axis=1, prepend=0.0).ravel()
    at, stands = blocks["stands"]
    first = rows.add("field", stands, ripened, ripened)
    column = pl.int_range(stands.height, eager=True)
    rows.put(column, column, 1.0, row_from=first, column_from=at)
    later = column.filter(stands["day"] > 0)
    rows.put(later, later - 1, -1.0, row_from=first, column_from=at)
    for name in ("cuts", "losses"):
        at, table = blocks[name]
        lot, day = table["lot"].to_numpy(), table["day"].to_numpy()
        kg = 1 / s.lots.left[lot, day] if name == "cuts" else np.ones(len(lot))
        rows.put(pl.Series(lot * days + day), pl.int_range(table.height, eager=True), pl.Series(kg),
                 row_from=first, column_from=at)  # fmt: skip


def _crew_rows(s: Setting, rows: Rows, blocks: dict[str, tuple[int, pl.DataFrame]]) -> None:
    at_cut, cuts = blocks["cuts"]
    at_visit, visits = blocks["visits"]
    days = s.params.days
    first = rows.add(
        "crew", pl.DataFrame({"row": np.arange(s.limit_hours.size)}), -INF, s.limit_hours.ravel()
    )
    rows.put(cuts["crew"] * days + cuts["day"], pl.int_range(cuts.height, eager=True), cuts["hours_per_kg"],
             row_from=first, column_from=at_cut)  # fmt: skip
    rows.put(visits["crew"] * days + visits["day"], visits["visit"], visits["fixed_hours"], row_from=first,
             column_from=at_visit)  # fmt: skip
    first = rows.add("visit", visits, -INF, 0.0)
    rows.put(cuts["visit"], pl.int_range(cuts.height, eager=True), 1.0, row_from=first, column_from=at_cut)
    rows.put(visits["visit"], visits["visit"], -visits["most_kg"], row_from=first, column_from=at_visit)


def _batch_rows(s: Setting, rows: Rows, blocks: dict[str, tuple[int, pl.DataFrame]]) -> None:
    """What leaves a batch or stays is what came in; what lies in a cold room at night fits."""
    stock = s.batches["batch_kg"].to_numpy()
    first = rows.add("batch", s.batches, stock, stock)
    for name in ("serves", "dumps", "ends"):
        at, table = blocks[name]
        rows.put(table["batch"], pl.int_range(table.height, eager=True), 1.0, row_from=first, column_from=at)
    at, cuts = blocks["cuts"]
    crop = s.lots.table["crop"].to_numpy()[cuts["lot"].to_numpy()]
    numbered = cuts.select("lot", "room", cut="day", crop=pl.Series(crop)).with_row_index("column")
    for g in range(len(s.params.grades)):
        share = s.lots.share[cuts["lot"].to_numpy(), g]
        part = numbered.with_columns(share=pl.Series(share), grade=pl.lit(g, pl.Int64)).filter(
            pl.col("share") > 0
        )
        part = part.join(
            s.batches.select("batch", "room", "crop", "grade", "cut"), on=["room", "crop", "grade", "cut"]
        )
        rows.put(part["batch"], part["column"], -part["share"], row_from=first, column_from=at)
    days = s.params.days
    limits = np.repeat(s.problem.cold_rooms["capacity_kg"].to_numpy().astype(float), days)
    first = rows.add("cold", pl.DataFrame({"row": np.arange(limits.size)}), -INF, limits)
    cold = s.crops["needs_cold"].to_numpy()
    for name, until in (("serves", "ship"), ("dumps", "day"), ("ends", None)):
        at, table = blocks[name]
        column = (
            np.flatnonzero(cold[table["crop"].to_numpy()]) if table.height else np.zeros(0, dtype=np.int64)
        )
        room, cut = table["room"].to_numpy()[column], table["cut"].to_numpy()[column]
        ends = table[until].to_numpy()[column] if until else np.full(len(column), days)
        for d in range(days):
            on = (cut <= d) & (ends > d)
            rows.put(
                pl.Series(room[on] * days + d), pl.Series(column[on]), 1.0, row_from=first, column_from=at
            )


def _market_rows(s: Setting, rows: Rows, blocks: dict[str, tuple[int, pl.DataFrame]]) -> None:
    at, serves = blocks["serves"]
    column = pl.int_range(serves.height, eager=True)
    first = rows.add("bucket", s.buckets, -INF, s.buckets["bucket_kg"].to_numpy())
    rows.put(serves["bucket"], column, 1.0, row_from=first, column_from=at)
    days = s.params.days
    limits = np.repeat(s.problem.cold_rooms["truck_kg_per_day"].fill_null(INF).to_numpy().astype(float), days)
    first = rows.add("truck", pl.DataFrame({"row": np.arange(limits.size)}), -INF, limits)
    rows.put(serves["room"] * days + serves["ship"], column, 1.0, row_from=first, column_from=at)
