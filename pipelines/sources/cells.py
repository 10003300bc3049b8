"""From a cell as exported to a value: text without wrapping, money, whole numbers, instants."""

from collections.abc import Callable, Sequence

import polars as pl

BLANKS = ("", "-", "--", "—", "/", "null", "NULL", "0001-01-01 00:00:00")
"""What the platforms write for "no value"."""
EDGES = " \t\r\n\u3000\ufeff\u00a0"

_TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d",
)
_MONEY_NOISE = r"[¥￥,，元\s]"
_EXCEL_DAY_ZERO = pl.lit("1899-12-30").str.to_datetime("%Y-%m-%d", time_unit="us")


def clean_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every text column without blanks, tabs, `="…"` wrapping and one leading apostrophe; no value is null."""
    texts = pl.col(pl.String).str.strip_chars(EDGES)
    cleaned = frame.lazy().with_columns(texts).collect()
    wrapped = [
        name
        for name, marked in cleaned.select(
            (pl.col(pl.String).str.starts_with("=") | pl.col(pl.String).str.starts_with("'")).any()
        )
        .row(0, named=True)
        .items()
        if marked
    ]
    unwrapped = (
        pl.col(wrapped).str.replace(r'^="?(.*?)"?$', "${1}").str.strip_prefix("'").str.strip_chars(EDGES)
    )
    return (
        cleaned.lazy()
        .with_columns([unwrapped] if wrapped else [])
        .with_columns(pl.when(~pl.col(pl.String).is_in(BLANKS)).then(pl.col(pl.String)))
        .collect()
    )


def first_filled(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    """The first of these columns that has a value, row by row; all null where none is named."""
    if not names:
        return pl.Series(dtype=pl.String).extend_constant(None, frame.height)
    return frame.select(pl.coalesce(names)).to_series()


def yuan(text: pl.Series, *, notes: bool = False) -> pl.Series:
    """Money in yuan as Float64; null where there is none or the cell is not money.

    Understands `¥1,299.90`, `12.5元` and `(12.30)` for a negative amount. With `notes`, text after a leading
    number is cut off: `499.00（…）` is 499.
    """

    def by_hand(cells: pl.Series) -> pl.Series:
        if notes:
            cells = cells.str.extract(r"^([¥￥]?\s*-?[\d,，]+(?:\.\d+)?)\D*.*$").fill_null(cells)
        cells = cells.str.replace(r"^[(（](.+)[)）]$", "-${1}").str.replace_all(_MONEY_NOISE, "")
        return cells.str.extract(r"^(-?\d+(?:\.\d+)?)$").cast(pl.Float64, strict=False)

    fast = text.cast(pl.Float64, strict=False)
    return _mended(text, fast.set(~fast.is_finite(), None), by_hand)


def whole(text: pl.Series) -> pl.Series:
    """Whole numbers as Int64; null where the cell is not one. `2.0` and `1,200` are, `1.5` is not."""

    def by_hand(cells: pl.Series) -> pl.Series:
        digits = cells.str.replace_all(r"[,，\s]", "").str.extract(r"^(-?\d+)(?:\.0+)?$")
        return digits.cast(pl.Int64, strict=False)

    return _mended(text, text.cast(pl.Int64, strict=False), by_hand)


def instants(text: pl.Series, zone: str) -> pl.Series:
    """Instants (UTC); a time without offset is local to `zone`. Null where there is none or it is not a time.

    Reads dates with `-`, `/` or 年月日, with or without seconds, with an offset, and Excel's serial days.
    """
    local = _mended(text, _local(text, "%Y-%m-%d %H:%M:%S"), _local_by_hand)
    as_utc = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return _mended(text, as_utc.dt.convert_time_zone("UTC"), _with_offset)


def _local_by_hand(cells: pl.Series) -> pl.Series:
    options = [_local(cells, form) for form in _TIME_FORMATS]
    serial = cells.str.extract(r"^(\d{5}(?:\.\d+)?)$").cast(pl.Float64, strict=False)
    days = pl.DataFrame({"serial": serial}).select(
        (_EXCEL_DAY_ZERO + pl.duration(microseconds=(pl.col("serial") * 86_400_000_000).round())).dt.round(
            "1s"
        )
    )
    table = pl.DataFrame({str(i): s for i, s in enumerate([*options, days.to_series()])})
    return table.select(pl.coalesce(pl.all())).to_series()


def _local(cells: pl.Series, form: str) -> pl.Series:
    return cells.str.to_datetime(form, strict=False, time_unit="us")


def _with_offset(cells: pl.Series) -> pl.Series:
    tidy = (
        cells.str.replace("T", " ")
        .str.replace(r"\s*(Z|UTC)$", " +0000")
        .str.replace(r"(\d)([+-]\d\d:?\d\d)$", "${1} ${2}")
    )
    return tidy.str.to_datetime("%Y-%m-%d %H:%M:%S %z", strict=False, time_unit="us", time_zone="UTC")


def _mended(text: pl.Series, fast: pl.Series, by_hand: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """`fast`, with the cells it could not read tried again by the slower reader."""
    unread = text.is_not_null() & fast.is_null()
    if not unread.any():
        return fast
    return fast.scatter(unread.arg_true(), by_hand(text.filter(unread)).cast(fast.dtype))
