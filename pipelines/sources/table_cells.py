"""Cells of a plain table in the types of its columns, and what each row's fault is."""

from collections.abc import Mapping, Sequence

import polars as pl

from pipelines.sources.cells import instants, whole, yuan
from pipelines.sources.kinds import Context
from pipelines.sources.profile import normal
from pipelines.sources.records import FAULT, LINE
from pipelines.sources.table_profile import Column, TableProfile

YES = ("是", "有", "true", "1", "y", "yes", "t", "√")
NO = ("否", "无", "false", "0", "n", "no", "f", "×")
FAULT_DETAILS = {
    "too_many_cells": "more cells than the header; quote cells that hold the delimiter",
    "unclosed_quote": "a quote is opened and not closed; close it and load the file again",
}


def converted(
    cells: pl.DataFrame, header: Sequence[str], profile: TableProfile, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows in the table's types with `line_number`, and per row `rule` and `detail` (null: no fault)."""
    matched = profile.matched(header)
    by_column = {column: (name, scale) for name, (column, scale) in matched.items()}
    out: dict[str, pl.Series] = {}
    rule = cells[FAULT]
    detail = rule.replace_strict(FAULT_DETAILS, default=None, return_dtype=pl.String)
    for column in profile.columns:
        if column.name not in by_column:
            continue
        name, scale = by_column[column.name]
        text = _translated(cells[name], profile.words.get(column.name, {}))
        value = in_type(text, column, scale, context.timezone)
        bad = text.is_not_null() & value.is_null() & rule.is_null()
        rule, detail = _told(rule, detail, bad, column, text)
        out[column.name] = value
    rows = pl.DataFrame({**out, LINE: cells[LINE]})
    return _filled(rows, profile, context), pl.DataFrame({"rule": rule, "detail": detail})


def _translated(text: pl.Series, words: Mapping[str, str]) -> pl.Series:
    """Declared words by their beginning; others stay."""
    if not words:
        return text
    choice = pl.col("text")
    for word, meaning in words.items():
        choice = pl.when(pl.col("text").str.starts_with(word)).then(pl.lit(meaning)).otherwise(choice)
    return text.to_frame("text").select(choice.alias("text"))["text"]


def _told(
    rule: pl.Series, detail: pl.Series, bad: pl.Series, column: Column, text: pl.Series
) -> tuple[pl.Series, pl.Series]:
    if not bad.any():
        return rule, detail
    told = pl.select(
        rule=pl.when(bad).then(pl.lit(f"{column.name}_type")).otherwise(rule),
        detail=pl.when(bad)
        .then(
            pl.format(
                "{} '{}' is no {}; correct the cell and load the file again",
                pl.lit(column.name),
                text,
                pl.lit(column.type.lower()),
            )
        )
        .otherwise(detail),
    )
    return told["rule"], told["detail"]


def in_type(text: pl.Series, column: Column, scale: float, timezone: str) -> pl.Series:
    """A column's cells in its type; null where there is none or the cell does not fit."""
    kind = column.type.upper()
    if kind == "BOOLEAN":
        low = text.str.to_lowercase()
        return pl.select(pl.when(low.is_in(YES)).then(True).when(low.is_in(NO)).then(False))[:, 0]
    if kind == "DATE":
        return days(text, timezone)
    if kind.startswith("TIMESTAMP"):
        return instants(_dashed(text), timezone)
    if "INT" in kind and scale == 1.0:
        return whole(text)
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL") or "INT" in kind:
        return _number(text, is_share=column.name.endswith("_share")) * scale
    return text


def _number(text: pl.Series, *, is_share: bool) -> pl.Series:
    """Numbers with thousands commas or money signs; `30%` is 0.3 in a share."""
    plain = yuan(text)
    if not is_share:
        return plain
    percent = text.str.extract(r"^\s*(-?\d+(?:\.\d+)?)\s*[%％]$").cast(pl.Float64, strict=False) / 100
    return plain.zip_with(plain.is_not_null(), percent)


def _dashed(text: pl.Series) -> pl.Series:
    """`2026年5月1日`, `2026/5/1`, `2026.5.1` and `20260501` with dashes and two digits."""
    dashed = (
        text.str.replace(r"^(\d{4})(\d{2})(\d{2})$", "${1}-${2}-${3}")
        .str.replace(r"^(\d{4})[年/.-](\d{1,2})[月/.-](\d{1,2})日?", "${1}-${2}-${3}")
        .str.replace(r"^(\d{4})-(\d)-", "${1}-0${2}-")
    )
    return dashed.str.replace(r"^(\d{4}-\d{2})-(\d)(\D|$)", "${1}-0${2}${3}")


def days(text: pl.Series, timezone: str) -> pl.Series:
    """Local days; a time of day is cut off."""
    return instants(_dashed(text), timezone).dt.convert_time_zone(timezone).dt.date()


def _filled(rows: pl.DataFrame, profile: TableProfile, context: Context) -> pl.DataFrame:
    """Columns the file lacks: another column's value, or the declared constant."""
    for column, other in profile.declared.instead.items():
        if other in rows.columns:
            own = pl.col(column) if column in rows.columns else pl.lit(None)
            rows = rows.with_columns(pl.coalesce(own, other).alias(column))
    for column, text in profile.declared.constant.items():
        value = context.shop if text == "$shop" else text
        if column not in rows.columns and value:
            rows = rows.with_columns(pl.lit(value).alias(column))
    return rows


def event_known_at(
    rows: pl.DataFrame, cells: pl.DataFrame, profile: TableProfile, context: Context
) -> pl.Series:
    """When each row became known: on arrival; in a history load an hour after the day of its event.

    A plan was known after the day it was decided, or `ahead_days` before its day, and never later than it arrived; a row
    without the event's date on arrival.
    """
    arrived = pl.Series("known_at", [context.arrived_at], dtype=pl.Datetime("us", "UTC"))
    arrived = arrived.new_from_index(0, rows.height)
    declared = profile.declared
    if not context.is_history or declared.event not in rows.columns:
        return arrived
    day = rows[declared.event]
    if day.dtype != pl.Date:
        day = day.dt.convert_time_zone(context.timezone).dt.date()
    day = day.dt.offset_by(f"-{declared.ahead_days}d")
    for name in declared.decided:
        if normal(name) in cells.columns:
            decided = days(cells[normal(name)], context.timezone)
            day = decided.zip_with(decided.is_not_null(), day)
    after = day.cast(pl.Datetime("us")).dt.offset_by("1d").dt.replace_time_zone(context.timezone)
    known = after.dt.offset_by(f"{declared.delay_hours}h").dt.convert_time_zone("UTC")
    is_past = (known <= arrived).fill_null(False)
    return known.zip_with(is_past, arrived).alias("known_at")
