"""CSV files of loggers and gateways, read by declared layout: packets with scaled numbers, and ports side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from features.sensor_clock import OFFSET_QUANTITY
from pipelines.sources.kinds import REJECTED_SCHEMA, Batch, Context, FileRefused, Peek
from pipelines.sources.logger_profile import LoggerProfile, logger_profiles
from pipelines.sources.readings import BATCH_LINES, READING_SCHEMA, TEXT_KEPT, reading_batch
from pipelines.sources.text import unpacked

HEADINGS = 3
HEAD_LINES = 60
NO_VALUE = ["", "***", "#N/A", "NAN", "NaN"]
"""What loggers write for a port without an answer."""


@dataclass(frozen=True)
class Loggers:
    """All layouts declared in profiles/loggers_*.toml."""

    kind: str = "readings"

    def score(self, peek: Peek) -> tuple[float, str]:
        """Packets: the share of head lines that are packets; ports: whether the three headings are there."""
        scores = {name: _fit(profile, peek.head) for name, profile in logger_profiles().items()}
        best = max(scores, key=lambda name: scores[name])
        return scores[best], best

    def parse(self, path: Path, profile: str, context: Context) -> Iterator[Batch]:
        """Readings in batches.

        Raises:
            FileRefused: A heading is missing, or a unit in it is not declared.
        """
        declared = logger_profiles()[profile]
        read = _packets if declared.layout == "packets" else _ports
        yield from read(path, declared, context)


def _fit(profile: LoggerProfile, head: bytes) -> float:
    lines = head.decode(profile.encoding, "replace").removeprefix("\ufeff").splitlines()[:HEAD_LINES]
    if profile.layout == "ports":
        titles = {line.split(",")[0].strip().strip('"') for line in lines[:HEADINGS]}
        return 0.95 if titles & {profile.time_heading, profile.device_time_heading} else 0.0
    data = [line for line in lines if line.strip() and not line.startswith(profile.comment)]
    if not data:
        return 0.0
    packets = split_packets(pl.DataFrame({"text": data}).with_row_index("line_number", 1), profile)
    share = packets.select(pl.col("time").is_not_null().mean()).item()
    return 0.95 if share >= 0.3 else 0.0


def _numbered_lines(path: Path, encoding: str) -> Iterator[pl.DataFrame]:
    """The file's lines with their numbers, decoded, in frames."""
    with unpacked(path) as stream:
        first = 1
        while lines := list(islice(stream, BATCH_LINES)):
            text = [line.decode(encoding, "replace").rstrip("\r\n") for line in lines]
            yield pl.DataFrame({"line_number": range(first, first + len(text)), "text": text})
            first += len(text)


def split_packets(lines: pl.DataFrame, profile: LoggerProfile) -> pl.DataFrame:
    """Each line's fields: numbers by column name, `status` as text, `time`; all null where it is no packet."""
    fields = pl.col("text").str.split(",").list.eval(pl.element().str.strip_chars())
    named = lines.with_columns(fields=fields).with_columns(
        pl.when(pl.col("fields").list.len() == len(profile.columns))
        .then(pl.col("fields").list.get(place, null_on_oob=True))
        .alias(name)
        for place, name in enumerate(profile.columns)
    )
    numbers = [name for name in profile.columns if name != profile.status]
    cast = named.with_columns(pl.col(numbers).cast(pl.Int64, strict=False))
    whole = pl.all_horizontal(pl.col(numbers).is_not_null())
    if profile.status:
        whole &= pl.col(profile.status).str.contains(profile.status_pattern)
    return cast.with_columns(pl.when(whole.fill_null(value=False)).then(pl.col(profile.columns))).drop(
        "fields"
    )


def _packets(path: Path, profile: LoggerProfile, context: Context) -> Iterator[Batch]:
    for lines in _numbered_lines(path, profile.encoding):
        stripped = pl.col("text").str.strip_chars()
        is_comment = stripped.str.starts_with(profile.comment)
        comments = lines.filter(is_comment)
        starts = comments.filter(pl.col("text").str.contains(profile.log_start, literal=True)).height
        blank = lines.filter(stripped == "").height
        packets = split_packets(lines.filter(~is_comment, stripped != ""), profile)
        unread = packets.filter(pl.col(profile.time).is_null())
        dropped = {"log_start": starts, "comment": comments.height - starts, "blank line": blank}
        yield reading_batch(
            _melted(packets.filter(pl.col(profile.time).is_not_null()), profile),
            _unreadable(unread, f"not {len(profile.columns)} fields ({', '.join(profile.columns)})"),
            {reason: n for reason, n in dropped.items() if n},
            context,
        )


def _melted(packets: pl.DataFrame, profile: LoggerProfile) -> pl.DataFrame:
    """One row per packet and measured column."""
    common = packets.select(
        sensor_id=pl.concat_str(pl.lit(profile.sensor_prefix), pl.col(profile.sensor)),
        measured_at=pl.from_epoch(pl.col(profile.time), "s")
        .dt.cast_time_unit("us")
        .dt.replace_time_zone("UTC"),
        status=pl.col(profile.status),
        line_number=pl.col("line_number").cast(pl.Int64),
    )
    parts = [
        common.with_columns(quantity=pl.lit(channel.quantity), value=packets[name] * channel.scale)
        for name, channel in profile.measures.items()
    ]
    return pl.concat(part.select(READING_SCHEMA.names()) for part in parts)


def _unreadable(lines: pl.DataFrame, detail: str) -> pl.DataFrame:
    return lines.select(
        pl.col("line_number").cast(pl.Int64),
        rule=pl.lit("unreadable"),
        detail=pl.lit(detail),
        row_text=pl.struct(text=pl.col("text").str.slice(0, TEXT_KEPT)).struct.json_encode(),
    ).cast(REJECTED_SCHEMA)


def _ports(path: Path, profile: LoggerProfile, context: Context) -> Iterator[Batch]:
    headings: list[list[str]] | None = None
    for lines in _numbered_lines(path, profile.encoding):
        if headings is None:
            headings = [_cells(text.removeprefix("\ufeff")) for text in lines["text"][:HEADINGS].to_list()]
            lines = lines[HEADINGS:]
        yield _port_batch(path, lines, headings, profile, context)


def _cells(text: str) -> list[str]:
    return [cell.strip().strip('"') for cell in text.split(",")]


def _port_batch(
    path: Path, lines: pl.DataFrame, headings: list[list[str]], profile: LoggerProfile, context: Context
) -> Batch:
    columns = port_columns(path, headings, profile)
    titles = headings[-1]
    time_place = next(
        titles.index(t) for t in (profile.device_time_heading, profile.time_heading) if t in titles
    )
    width = len(titles)
    cells = pl.col("text").str.split(",").list.eval(pl.element().str.strip_chars('" '))
    split = lines.filter(pl.col("text").str.strip_chars() != "").with_columns(cells=cells)
    numbers = {f"c{place}": pl.col("cells").list.get(place, null_on_oob=True) for place, _, _, _ in columns}
    time = _local(pl.col("cells").list.get(time_place, null_on_oob=True), profile, context)
    wide = split.with_columns(time=time, **numbers)
    if profile.device_time_heading in titles:
        true = pl.col("cells").list.get(titles.index(profile.time_heading), null_on_oob=True)
        wide = wide.with_columns(true=_local(true, profile, context))
    readable = [
        pl.col(c).cast(pl.Float64, strict=False).is_not_null() | pl.col(c).is_in(NO_VALUE) for c in numbers
    ]
    whole = pl.col("time").is_not_null() & (pl.col("cells").list.len() == width) & pl.all_horizontal(readable)
    good, bad = wide.filter(whole), wide.filter(~whole)
    rows = [
        _port_rows(good, f"c{place}", sensor, quantity, scale) for place, sensor, quantity, scale in columns
    ]
    if "true" in wide.columns:
        rows.append(_clock_rows(good, headings))
    blank = lines.height - split.height
    dropped = {"blank line": blank} if blank else {}
    return reading_batch(
        pl.concat(rows), _unreadable(bad, f"not a time and {width - 1} values"), dropped, context
    )


def port_columns(
    path: Path, headings: list[list[str]], profile: LoggerProfile
) -> list[tuple[int, str, str, float]]:
    """What each column holds: place, sensor id (LOGGER/PORT), quantity, scale.

    Raises:
        FileRefused: Fewer than three headings, or a unit that the layout does not declare.
    """
    if len(headings) < HEADINGS or len(headings[0]) != len(headings[2]):
        raise FileRefused(
            "no_heading", f"'{path.name}' has not the three heading lines of its layout; export it again"
        )
    first = next(i for i, title in enumerate(headings[0]) if title.lower().startswith("port"))
    logger, found = headings[0][first - 1], []
    for place in range(first, len(headings[0])):
        channel = profile.measures.get(headings[2][place].lower())
        if channel is None:
            raise FileRefused(
                "unknown_unit",
                f"'{path.name}' column {place + 1}: '{headings[2][place]}' is not declared; add it to the layout's measures",
            )
        port = headings[0][place].lower().removeprefix("port").strip()
        found.append((place, f"{logger}/{port}", channel.quantity, channel.scale))
    return found


def _local(text: pl.Expr, profile: LoggerProfile, context: Context) -> pl.Expr:
    """The first format that fits; local to the context's zone (the earlier hour where the clock goes back)."""
    options = [text.str.to_datetime(f, strict=False, time_unit="us") for f in profile.time_formats]
    local = pl.coalesce(options).dt.replace_time_zone(
        context.timezone, ambiguous="earliest", non_existent="null"
    )
    return local.dt.convert_time_zone("UTC")


def _port_rows(wide: pl.DataFrame, column: str, sensor: str, quantity: str, scale: float) -> pl.DataFrame:
    return wide.select(
        sensor_id=pl.lit(sensor),
        quantity=pl.lit(quantity),
        measured_at="time",
        value=pl.col(column).cast(pl.Float64, strict=False).fill_nan(None) * scale,
        status=pl.lit(None, pl.String),
        line_number=pl.col("line_number").cast(pl.Int64),
    )


def _clock_rows(wide: pl.DataFrame, headings: list[list[str]]) -> pl.DataFrame:
    """References for the clock: true time minus the device's."""
    logger = next(title for title in headings[0][1:] if title and not title.lower().startswith("port"))
    offset = (pl.col("true") - pl.col("time")).dt.total_milliseconds() / 1000
    return wide.filter(pl.col("true").is_not_null()).select(
        sensor_id=pl.lit(logger),
        quantity=pl.lit(OFFSET_QUANTITY),
        measured_at="time",
        value=offset,
        status=pl.lit(None, pl.String),
        line_number=pl.col("line_number").cast(pl.Int64),
    )
