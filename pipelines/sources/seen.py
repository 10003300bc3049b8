"""Which 64-bit hashes a long stream has brought before: a filter in memory, the hashes themselves on disk."""

import os
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

FIRST_CAPACITY = 1 << 20
BITS_PER_HASH = 12
PROBES = 5
"""With 12 bits a hash some 0.5 % of new hashes are looked up on disk for nothing."""


class Seen:
    """Hashes added so far, each with a mark; one and a half bytes of memory a hash, however many there are."""

    def __init__(self) -> None:
        self._filters = [_Filter(FIRST_CAPACITY)]
        self._file = TemporaryFile()  # noqa: SIM115 - lives as long as this object, and has no name on disk
        self._runs: list[int] = []
        """Length of each run in the file: its hashes sorted, then their marks."""

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
        order = np.argsort(hashes)
        self._file.seek(0, os.SEEK_END)
        hashes[order].tofile(self._file)
        (np.zeros_like(hashes) if marks is None else marks[order]).tofile(self._file)
        self._file.flush()
        self._runs.append(len(hashes))

    def _looked_up(self, hashes: Hashes, marks: Hashes | None) -> NDArray[np.int64]:
        counts = np.zeros(len(hashes), dtype=np.int64)
        is_likely = np.zeros(len(hashes), dtype=bool)
        for one in self._filters:
            is_likely |= one.may_have(hashes)
        likely = np.flatnonzero(is_likely)
        start = 0
        for length in self._runs if len(likely) else ():
            found, at = self._found(start, length, hashes[likely])
            if marks is not None and len(found):
                said = self._read(start + length, length)
                is_same = said[at] == marks[likely[found]]
                found = found[is_same]
            np.add.at(counts, likely[found], 1)
            start += 2 * length
        return counts

    def _found(self, start: int, length: int, asked: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of `asked` are in a run, once for each time they are, and where in the run."""
        run = self._read(start, length)
        left = np.searchsorted(run, asked)
        hits = np.flatnonzero(run[np.minimum(left, length - 1)] == asked)
        several = np.searchsorted(run, asked[hits], side="right") - left[hits]
        found = np.repeat(hits, several)
        steps = np.arange(len(found)) - np.repeat(np.cumsum(several) - several, several)
        return found, np.repeat(left[hits], several) + steps

    def _read(self, start: int, length: int) -> Hashes:
        """Numbers of the file, read for the moment: mapped, all of them would stay in memory."""
        self._file.seek(start * 8)
        return np.fromfile(self._file, dtype=np.uint64, count=length)


class _Filter:
    """A Bloom filter: never misses a hash it was given, seldom claims one it was not (Bloom 1970)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._room = capacity
        self._bits = np.zeros(capacity * BITS_PER_HASH // 8 + 1, dtype=np.uint8)

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
        size = np.uint64(len(self._bits) * 8)
        step = (hashes >> np.uint64(32)) | np.uint64(1)
        spots = [(hashes + np.uint64(i) * step) % size for i in range(PROBES)]
        return [
            ((s >> np.uint64(3)).astype(np.int64), np.left_shift(1, s & np.uint64(7)).astype(np.uint8))
            for s in spots
        ]
