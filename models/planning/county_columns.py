"""Columns and rows of a linear programme, gathered block by block as arrays and put together once."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass
class Builder:
    """A programme being put together; blocks keep the place of their first column or row by name."""

    costs: list[Floats] = field(default_factory=list)
    lowers: list[Floats] = field(default_factory=list)
    uppers: list[Floats] = field(default_factory=list)
    row_lowers: list[Floats] = field(default_factory=list)
    row_uppers: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    columns: dict[str, range] = field(default_factory=dict)
    rows: dict[str, range] = field(default_factory=dict)
    width: int = 0
    height: int = 0

    def add_columns(
        self, name: str, cost: Floats, lower: Floats | float = 0.0, upper: Floats | float = np.inf
    ) -> Ints:
        """Add a block of columns; returns their places."""
        n = cost.size
        self.costs.append(cost)
        self.lowers.append(np.broadcast_to(np.asarray(lower, float), (n,)))
        self.uppers.append(np.broadcast_to(np.asarray(upper, float), (n,)))
        self.columns[name] = range(self.width, self.width + n)
        self.width += n
        return np.arange(self.width - n, self.width)

    def add_rows(self, name: str, count: int, lower: Floats | float, upper: Floats | float) -> Ints:
        """Add a block of rows; returns their places."""
        self.row_lowers.append(np.broadcast_to(np.asarray(lower, float), (count,)))
        self.row_uppers.append(np.broadcast_to(np.asarray(upper, float), (count,)))
        self.rows[name] = range(self.height, self.height + count)
        self.height += count
        return np.arange(self.height - count, self.height)

    def put(self, row: Ints, column: Ints, value: Floats | float) -> None:
        """Add entries; equal places add up."""
        self.entries.append((row, column, np.broadcast_to(np.asarray(value, float), row.shape)))

    def matrix(self) -> sparse.csr_matrix:
        """All entries as [rows, columns]."""
        row = np.concatenate([e[0] for e in self.entries])
        column = np.concatenate([e[1] for e in self.entries])
        value = np.concatenate([e[2] for e in self.entries])
        return sparse.csr_matrix((value, (row, column)), shape=(self.height, self.width))

    def vectors(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Cost, lower, upper, row lower and row upper."""
        parts = (self.costs, self.lowers, self.uppers, self.row_lowers, self.row_uppers)
        cost, lower, upper, row_lower, row_upper = (np.concatenate(p) if p else np.zeros(0) for p in parts)
        return cost, lower, upper, row_lower, row_upper
