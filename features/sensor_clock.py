"""Clocks that were wrong: found from the order of delivery, the arrival, and what people or files declare.

Works on messages: one row per device, file and line, because all quantities of a message share one clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)
"""Clocks that lost power start at 1970, 1980 or 2000; no farm log reaches back here."""
FUTURE = timedelta(days=1)
"""How far after its arrival a reading may say it was taken (zones, slow clocks)."""
LONG_JUMP = timedelta(days=366)
"""A forward jump of the clock inside one file longer than this is a clock being set, not a pause."""
STALE = timedelta(days=400)
"""A live file whose newest reading is older than this on arrival was not written by a right clock."""
OUTSIDE_SPAN = timedelta(days=31)
"""Whole months declared in a file's name are trusted to this margin."""
OFFSET_QUANTITY = "clock_offset_s"
"""Readings of this quantity are references: true time minus the device's clock, in seconds."""

MESSAGE = ["device", "file_order", "line_number"]


@dataclass(frozen=True)
class _Stretch:
    """Consecutive messages of one file between which the clock did not jump."""

    first: int
    """Row of its first message in the device's delivery order."""
    last: int
    start: datetime
    end: datetime
    doubt: str | None
    """Why its times cannot be: arrival (before EARLIEST, or after the file came), span (not in the file's months)."""

    @property
    def messages(self) -> int:
        return self.last - self.first + 1


def clock_verdicts(messages: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """Judge the clock of every message.

    Args:
        messages: One row per (device, file_order, line_number): `measured_at` (the device's clock), `arrived_at`,
            `is_history`, `installed_on` (date or null), `span_from`, `span_to` (dates declared for the whole file,
            or null). `file_order` follows arrival.
        references: `device`, `measured_at`, `offset_s`: true time minus the device's clock.

    Returns:
        The keys with `clock_shift_s` (seconds to add; null: right or not correctable) and `clock_fault` (null: the
        clock is believed; else how the fault was found: reference, order, arrival, installed, span).
    """
    by_reference = _from_references(messages, references)
    rest = by_reference.filter(pl.col("clock_fault").is_null()).sort(MESSAGE)
    parts = [by_reference.filter(pl.col("clock_fault").is_not_null())]
    for _, device in rest.group_by("device", maintain_order=True):
        for _, delivered in device.group_by("file_order", maintain_order=True):
            parts.append(_judge_file(delivered))
    return pl.concat(parts).select(*MESSAGE, "clock_shift_s", "clock_fault") if parts else by_reference


def _from_references(messages: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """Messages inside a span that references cover get the references' median offset."""
    known = references.group_by("device").agg(
        first_at=pl.col("measured_at").min() - timedelta(days=1),
        last_at=pl.col("measured_at").max() + timedelta(days=1),
        offset_s=pl.col("offset_s").median(),
    )
    covered = pl.col("measured_at").is_between("first_at", "last_at") & (pl.col("offset_s").abs() > 1)
    return (
        messages.join(known, on="device", how="left")
        .with_columns(
            clock_shift_s=pl.when(covered).then("offset_s").cast(pl.Float64),
            clock_fault=pl.when(covered).then(pl.lit("reference")),
        )
        .drop("first_at", "last_at", "offset_s")
    )


def _judge_file(delivered: pl.DataFrame) -> pl.DataFrame:
    """Judge one device's messages of one file, in the order of its lines."""
    whole = _whole_file_fault(delivered)
    if whole is not None:
        fault, shift_s = whole
        return delivered.with_columns(clock_shift_s=pl.lit(shift_s, pl.Float64), clock_fault=pl.lit(fault))
    usual = usual_interval(delivered)
    stretches = _stretches(delivered, usual)
    believed = _believed(stretches)
    shifts: list[float | None] = [None] * delivered.height
    faults: list[str | None] = [None] * delivered.height
    for at, stretch in enumerate(stretches):
        if at in believed:
            continue
        shift = _shift_between(stretches, believed, at, usual)
        for row in range(stretch.first, stretch.last + 1):
            shifts[row] = shift
            faults[row] = stretch.doubt or "order"
    return delivered.with_columns(
        clock_shift_s=pl.Series(shifts, dtype=pl.Float64), clock_fault=pl.Series(faults, dtype=pl.String)
    )


def _whole_file_fault(delivered: pl.DataFrame) -> tuple[str, float | None] | None:
    """A fault of the clock through the whole file: how it was found, and the shift in seconds if it is known."""
    row = delivered.select(
        pl.first("installed_on", "span_from", "is_history", "arrived_at"),
        first=pl.col("measured_at").min(),
        last=pl.col("measured_at").max(),
    ).row(0, named=True)
    first, last, installed = row["first"], row["last"], row["installed_on"]
    if installed is not None and (installed - last.date()).days > LONG_JUMP.days // 2:
        return "installed", 86400.0 * (installed - first.date()).days
    if not row["is_history"] and row["arrived_at"] - last > STALE and row["span_from"] is None:
        return "arrival", None
    return None


def usual_interval(delivered: pl.DataFrame) -> timedelta:
    """The median positive step between consecutive messages; one hour when there is none."""
    steps = delivered["measured_at"].diff().drop_nulls()
    middle = steps.filter(steps > timedelta(0)).median()
    return middle if isinstance(middle, timedelta) else timedelta(hours=1)


def _stretches(delivered: pl.DataFrame, usual: timedelta) -> list[_Stretch]:
    """Cut the file where the clock jumps back over its own records, or far ahead.

    A step back that lands on times already delivered is a repeated record, not a clock: it does not cut.
    """
    back = max(timedelta(minutes=10), 1.5 * usual)
    time, step = pl.col("measured_at"), pl.col("measured_at").diff()
    repeated = time.is_duplicated()
    cut = (
        ((step < -back) & ~repeated)
        | (step > LONG_JUMP)
        | pl.col("doubt").ne_missing(pl.col("doubt").shift(1))
    )
    return [
        _Stretch(row["first"], row["last"], row["start"], row["end"], row["doubt"])
        for row in delivered.with_row_index("row")
        .with_columns(doubt=_doubt())
        .with_columns(stretch=cut.fill_null(value=False).cast(pl.Int32).cum_sum())
        .group_by("stretch", maintain_order=True)
        .agg(
            first=pl.col("row").min().cast(pl.Int64),
            last=pl.col("row").max().cast(pl.Int64),
            start=time.min(),
            end=time.max(),
            doubt=pl.col("doubt").first(),
        )
        .iter_rows(named=True)
    ]


def _doubt() -> pl.Expr:
    """Why a time cannot be right, whatever its neighbours say; null: it can."""
    time, day = pl.col("measured_at"), pl.col("measured_at").dt.date()
    outside = (day < pl.col("span_from") - OUTSIDE_SPAN) | (day > pl.col("span_to") + OUTSIDE_SPAN)
    impossible = (time < EARLIEST) | (time > pl.col("arrived_at") + FUTURE)
    return pl.when(impossible).then(pl.lit("arrival")).when(outside).then(pl.lit("span"))


def _believed(stretches: list[_Stretch]) -> set[int]:
    """The heaviest chain of plausible stretches whose times follow one another: longest increasing subsequence.

    Across a jump of more than LONG_JUMP the heavier side alone is believed.
    """
    best: list[tuple[int, int]] = []  # messages up to and with this stretch, the one before it
    for at, stretch in enumerate(stretches):
        before = [
            (best[i][0], i)
            for i in range(at)
            if stretches[i].doubt is None and timedelta(0) <= stretch.start - stretches[i].end <= LONG_JUMP
        ]
        most, previous = max(before, default=(0, -1))
        best.append((most + stretch.messages if stretch.doubt is None else 0, previous))
    chain: set[int] = set()
    at = max(range(len(best)), key=lambda i: best[i][0])
    while at >= 0 and stretches[at].doubt is None:
        chain.add(at)
        at = best[at][1]
    return chain


def _shift_between(stretches: list[_Stretch], believed: set[int], at: int, usual: timedelta) -> float | None:
    """Seconds to add so that the stretch fills the hole between its believed neighbours; null if it does not fit."""
    before = max((i for i in believed if i < at), default=None)
    after = min((i for i in believed if i > at), default=None)
    if before is None or after is None:
        return None
    if any(i not in believed for i in range(before + 1, after) if i != at):
        return None
    length = stretches[at].end - stretches[at].start
    hole = stretches[after].start - stretches[before].end - 2 * usual
    if abs(hole - length) > 3 * usual:
        return None
    shift = stretches[before].end + usual - stretches[at].start + (hole - length) / 2
    return round(shift / timedelta(seconds=1))
