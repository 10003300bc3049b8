"""Sorted frames whose keys know their stretch of rows, so that reading one series is a slice, not a filter."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Indexed:
    """A frame sorted by its keys, with the stretch of rows of every key prefix."""

    frame: pl.DataFrame
    spans: Mapping[tuple[Hashable, ...], tuple[int, int]]

    @classmethod
    def of(cls, frame: pl.DataFrame, keys: Sequence[str], then: Sequence[str] = ()) -> "Indexed":
        """Sort by `keys` and `then` where they are not yet; index every prefix of `keys`."""
        order = [*keys, *then]
        ordered = frame if in_order(frame, order) else frame.sort(order)
        spans: dict[tuple[Hashable, ...], tuple[int, int]] = {(): (0, ordered.height)}
        starts = ordered.select(keys).with_row_index("row").filter(_changes(keys))
        for length in range(len(keys), 0, -1):
            starts = starts.filter(_changes(keys[:length]))
            ends = starts["row"].shift(-1, fill_value=ordered.height)
            for *key, first, end in zip(
                *(starts[k] for k in keys[:length]), starts["row"], ends, strict=True
            ):
                spans[tuple(key)] = (first, end - first)
        return cls(ordered.rechunk(), spans)

    def rows(self, *key: Hashable) -> pl.DataFrame:
        """The rows of a key or key prefix, no copy; none when it is not there."""
        first, n = self.spans.get(key, (0, 0))
        return self.frame.slice(first, n)

    def __contains__(self, key: tuple[Hashable, ...]) -> bool:
        return key in self.spans


def in_order(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether the rows ascend by these columns (nulls: no), ten times cheaper than sorting them."""
    ascending = pl.lit(True)
    for name in reversed(columns):
        here, before = pl.col(name), pl.col(name).shift(1)
        ascending = (before < here) | ((before == here) & ascending)
    return bool(frame.select(ascending.slice(1).fill_null(False).all()).item())


def side_by_side(long: pl.DataFrame, index: Sequence[str], level: str, value: str) -> pl.DataFrame:
    """Rows of one value per level → one row per `index` with a column per level, ascending.

    Published frames hold every level of a row in order, which needs a look and no grouping; others are pivoted.
    """
    levels = long[level].unique().sort()
    names = [str(number) for number in levels]
    if not long.height or not _regular(long, index, level, levels):
        named = long.with_columns(pl.col(level).cast(pl.String))
        return named.pivot(on=level, on_columns=names, index=list(index), values=value)
    wide = long.select(index).gather_every(len(levels))
    grid = long[value].to_numpy().reshape(-1, len(levels))  # [rows, levels]
    return wide.with_columns(pl.Series(name, grid[:, i]) for i, name in enumerate(names))


def _regular(long: pl.DataFrame, index: Sequence[str], level: str, levels: pl.Series) -> bool:
    n = len(levels)
    if long.height % n or long[level].null_count():
        return False
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in index)
    first_of_row = pl.int_range(pl.len()) % n == 0
    if not long.select((same | first_of_row).all()).item():
        return False
    tiled = long[level].to_numpy().reshape(-1, n)
    return bool((tiled == levels.to_numpy()).all())


def _changes(keys: Sequence[str]) -> pl.Expr:
    """Whether a row's keys differ from the row's before; true for the first row."""
    return pl.any_horizontal(pl.col(k).ne_missing(pl.col(k).shift(1)) for k in keys) | (
        pl.int_range(pl.len()) == 0
    )
