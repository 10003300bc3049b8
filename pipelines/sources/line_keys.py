"""Which line of an order a row is, the same wherever a block of the file ends."""

import numpy as np
import polars as pl

from pipelines.sources.seen import Hashes, Seen


class LineNumbers:
    """Numbers the lines of an order that name the same article and spec, through all blocks of a file."""

    def __init__(self) -> None:
        self._seen = Seen()

    def occurrences(self, lines: pl.DataFrame, key: list[str]) -> pl.Series:
        """1 for the file's first line with this key, 2 for the second …"""
        hashes = _hash(lines, key)
        earlier = pl.Series("earlier", self._seen.before(hashes))
        self._seen.add(hashes)
        table = pl.DataFrame({"hash": hashes, "earlier": earlier})
        return table.select(pl.col("earlier") + pl.int_range(1, pl.len() + 1).over("hash")).to_series()

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
