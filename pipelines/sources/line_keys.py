"""Which line of an order a row is, the same wherever a block of the file ends."""

import numpy as np
import polars as pl

from pipelines.sources.seen import Hashes, Seen


class LineNumbers:
    """Numbers the lines of an order that name the same article and spec, through all blocks of a file."""

    def __init__(self) -> None:
        self._seen = Seen()

    def occurrences(self, lines: pl.DataFrame, key: list[str], order: list[str]) -> pl.Series:
        """1 for the first line with this key, 2 for the second …; within a block by `order`, not by place."""
        hashes = _hash(lines, key)
        numbers = self._seen.before(hashes) + 1
        self._seen.add(hashes)
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
        is_new = (self._seen.before(keys) == 0) & pl.Series(keys).is_first_distinct().to_numpy()
        self._seen.add(keys[is_new], wholes[is_new])
        is_same = np.zeros(len(keys), dtype=bool)
        is_same[~is_new] = self._seen.before_with(keys[~is_new], wholes[~is_new]) > 0
        table = pl.DataFrame({"is_new": is_new, "is_same": is_same})
        word = pl.when("is_same").then(pl.lit("same")).otherwise(pl.lit("differs"))
        return table.select(pl.when(~pl.col("is_new")).then(word)).to_series()


def _hash(lines: pl.DataFrame, columns: list[str]) -> Hashes:
    return lines.select(pl.struct(columns).hash(seed=0)).to_series().to_numpy()
