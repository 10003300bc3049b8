"""Which 64-bit hashes a long stream has brought before: a filter in memory, the hashes themselves on disk."""

from collections.abc import Iterator
from itertools import pairwise
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

FIRST_CAPACITY = 1 << 20
BITS_PER_HASH = 8
PROBES = 4
"""With 8 bits a hash some 2 % of new hashes are looked up on disk for nothing."""


class Seen:
    """Hashes added so far, each with a mark; about two bytes of memory a hash, however many there are."""

    def __init__(self) -> None:
        self._filters = [_Filter(FIRST_CAPACITY)]
        self._file = TemporaryFile()  # noqa: SIM115 - lives as long as this object, and has no name on disk
        self._ends = [0]

    def before(self, hashes: Hashes) -> NDArray[np.int64]:
        """How often each of `hashes` was added before."""
        return self._looked_up(hashes, None)

    def before_with(self, hashes: Hashes, marks: Hashes) -> NDArray[np.int64]:
        """How often each of `hashes` was added before with the same mark."""
        return self._looked_up(hashes, marks)

    def add(self, hashes: Hashes, marks: Hashes | None = None) -> None:
        """Remember `hashes` with their marks (zeros by default)."""
        if not len(hashes):
            return
        if not self._filters[-1].has_room(len(hashes)):
            self._filters.append(_Filter(max(2 * self._filters[-1].capacity, len(hashes))))
        self._filters[-1].add(hashes)
        pairs = np.zeros(len(hashes), dtype=_PAIR)
        order = np.argsort(hashes)
        pairs["hash"] = hashes[order]
        if marks is not None:
            pairs["mark"] = marks[order]
        self._file.seek(0, 2)
        pairs.tofile(self._file)
        self._file.flush()
        self._ends.append(self._ends[-1] + len(hashes))

    def _looked_up(self, hashes: Hashes, marks: Hashes | None) -> NDArray[np.int64]:
        counts = np.zeros(len(hashes), dtype=np.int64)
        is_likely = np.zeros(len(hashes), dtype=bool)
        for one in self._filters:
            is_likely |= one.may_have(hashes)
        likely = np.flatnonzero(is_likely)
        if not len(likely) or not self._ends[-1]:
            return counts
        asked = hashes[likely]
        for run in self._runs():
            left, right = (np.searchsorted(run["hash"], asked, side=side) for side in ("left", "right"))
            for i in np.flatnonzero(right > left):
                found = run["mark"][left[i] : right[i]]
                counts[likely[i]] += len(found) if marks is None else int((found == marks[likely[i]]).sum())
        return counts

    def _runs(self) -> Iterator[NDArray[np.void]]:
        """The sorted runs, read one at a time: mapped, all of them would stay in memory."""
        self._file.seek(0)
        for start, end in pairwise(self._ends):
            yield np.fromfile(self._file, dtype=_PAIR, count=end - start)


_PAIR = np.dtype([("hash", np.uint64), ("mark", np.uint64)])


class _Filter:
    """A Bloom filter: never misses a hash it was given, seldom claims one it was not (Bloom 1970)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._room = capacity
        self._bits = np.zeros(1 << (capacity * BITS_PER_HASH // 8 - 1).bit_length(), dtype=np.uint8)

    def has_room(self, more: int) -> bool:
        return more <= self._room

    def add(self, hashes: Hashes) -> None:
        self._room -= len(hashes)
        for byte, bit in self._probes(hashes):
            np.bitwise_or.at(self._bits, byte, bit)

    def may_have(self, hashes: Hashes) -> NDArray[np.bool_]:
        has = np.ones(len(hashes), dtype=bool)
        for byte, bit in self._probes(hashes):
            has &= (self._bits[byte] & bit) != 0
        return has

    def _probes(self, hashes: Hashes) -> list[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """Byte and bit of each probe, by double hashing (Kirsch & Mitzenmacher 2006)."""
        mask = np.uint64(len(self._bits) * 8 - 1)
        step = (hashes >> np.uint64(32)) | np.uint64(1)
        spots = [(hashes + np.uint64(i) * step) & mask for i in range(PROBES)]
        return [
            ((s >> np.uint64(3)).astype(np.int64), np.left_shift(1, s & np.uint64(7)).astype(np.uint8))
            for s in spots
        ]
