"""Which line of an order a row is, the same wherever a block of the file ends."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class Seen:
    """How often each 64-bit hash was seen before: sorted runs, eight bytes a hash."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def before(self, hashes: Hashes) -> NDArray[np.int64]:
        """How often each of `hashes` was added before."""
        order = np.argsort(hashes)
        asked = hashes[order]
        counts = np.zeros(len(hashes), dtype=np.int64)
        for run in self._runs:
            left = np.searchsorted(run, asked)
            hits = np.flatnonzero(run[np.minimum(left, len(run) - 1)] == asked)
            counts[order[hits]] += np.searchsorted(run, asked[hits], side="right") - left[hits]
        return counts

    def add(self, hashes: Hashes) -> None:
        """Remember `hashes`; runs of like size are merged, so there are few of them."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")


class LineNumbers:
    """Numbers the lines of an order that name the same article and spec, through all blocks of a file."""

    def __init__(self) -> None:
        self._keys = Seen()
        self._wholes = Seen()

    def occurrences(self, lines: pl.DataFrame, key: list[str], order: list[str]) -> pl.Series:
        """1 for the first line with this key, 2 for the second …; within a block by `order`, not by place."""
        hashes = _hash(lines, key)
        numbers = self._keys.before(hashes) + 1
        self._keys.add(hashes)
        repeated = pl.Series(hashes).is_duplicated()
        if repeated.any():
            at = repeated.arg_true()
            few = lines.select(order)[at].with_columns(_key=pl.Series(hashes)[at])
            rank = few.select(pl.struct(order).rank("ordinal").over("_key")).to_series()
            numbers[at.to_numpy()] += rank.to_numpy().astype(np.int64) - 1
        return pl.Series("occurrence", numbers)

    def repetitions(self, lines: pl.DataFrame, key: list[str], whole: list[str]) -> pl.Series:
        """For each line: null when its key is new, 'same' when all of `whole` was seen with it, else 'differs'."""
        keys, wholes = _hash(lines, key), _hash(lines, whole)
        is_new = (self._keys.before(keys) == 0) & pl.Series(keys).is_first_distinct().to_numpy()
        is_same = (self._wholes.before(wholes) > 0) | ~pl.Series(wholes).is_first_distinct().to_numpy()
        self._keys.add(keys[is_new])
        self._wholes.add(wholes[is_new])
        table = pl.DataFrame({"is_new": is_new, "is_same": is_same})
        word = pl.when("is_same").then(pl.lit("same")).otherwise(pl.lit("differs"))
        return table.select(pl.when(~pl.col("is_new")).then(word)).to_series()


def _hash(lines: pl.DataFrame, columns: list[str]) -> Hashes:
    return lines.select(pl.struct(columns).hash(seed=0)).to_series().to_numpy()
