"""Which yes/no columns to free next: neighbourhoods drawn where a plan loses most against the bound.

At the prices of the relaxed programme the distance from its value to a plan's is the sum of what each column and each row
loses (complementary slackness), so a loss has a place: a plot, or the demand of a crop in a season. Neighbourhoods begin at
places drawn by loss. Which kind is drawn next goes by what each kind brought so far; sizes follow what closes within the nodes.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from models.planning.formulation import Programme
from models.planning.limits import Floats

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]
KINDS = ("plots", "losing plots", "years", "demand")
SMALLEST, LARGEST = 100, 1200


def column_losses(programme: Programme, prices: Floats, x: Floats) -> tuple[Floats, Floats]:
    """What each column and each row of `x` loses against the relaxed value at its row prices (never below 0)."""
    worth = programme.cost - programme.matrix.T @ prices
    rows = programme.matrix @ x
    up = np.where(np.isfinite(programme.upper), programme.upper - x, 0.0)
    over = np.where(np.isfinite(programme.row_upper), programme.row_upper - rows, 0.0)
    under = np.where(np.isfinite(programme.row_lower), rows - programme.row_lower, 0.0)
    by_column = np.maximum(worth, 0.0) * up + np.maximum(-worth, 0.0) * (x - programme.lower)
    by_row = np.maximum(prices, 0.0) * over + np.maximum(-prices, 0.0) * under
    return np.maximum(by_column, 0.0), np.maximum(by_row, 0.0)


@dataclass
class Neighbourhoods:
    """Draws neighbourhoods of a programme; `prices` are the row prices of its relaxation, `key_years` the keys' years."""

    programme: Programme
    key_years: Numbers
    prices: Floats
    draw: np.random.Generator
    size: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 300.0))
    merit: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 1.0))

    @cached_property
    def plots(self) -> Numbers:
        """The plots that have yes/no columns."""
        return np.unique(self.programme.key_plot)

    def next(self, x: Floats) -> tuple[str, Flags]:
        """A kind and the keys to free around `x`."""
        kinds = [k for k in KINDS if k != "years" or self.key_years.min() < self.key_years.max()]
        weight = np.array([0.1 + self.merit[k] for k in kinds])
        kind = kinds[int(self.draw.choice(len(kinds), p=weight / weight.sum()))]
        by_plot, by_demand = self._losses(x)
        if kind == "demand" and by_demand.sum() > 0:
            return kind, self._around_demand(by_demand)
        if kind == "losing plots":
            return kind, self._of_plots(
                self._by_loss(by_plot), np.ones_like(self.key_years, dtype=bool), kind
            )
        span = np.ones_like(self.key_years, dtype=bool)
        if kind == "years":
            year = int(self.draw.integers(self.key_years.min(), self.key_years.max()))
            span = (self.key_years >= year) & (self.key_years <= year + 1)
        return kind, self._of_plots(self.draw.permutation(self.plots), span, kind)

    def learn(self, kind: str, *, gained: bool, closed: bool) -> None:
        """Take note of what a neighbourhood brought, and whether it was solved to its end."""
        self.merit[kind] = 0.85 * self.merit[kind] + 0.15 * gained
        size = self.size[kind] * (1.2 if closed else 0.75)
        self.size[kind] = float(np.clip(size, SMALLEST, LARGEST))

    def _losses(self, x: Floats) -> tuple[Floats, Floats]:
        """Yuan lost per plot number and per demand row."""
        p = self.programme
        by_column, by_row = column_losses(p, self.prices, x)
        plot: Floats = np.bincount(
            p.line_plot, by_column[: p.first_key], minlength=int(self._row_plot.max(initial=0)) + 1
        ).astype(np.float64)
        plot = plot + np.bincount(p.key_plot, by_column[p.keys], minlength=plot.size)
        plot = plot + np.bincount(
            self._row_plot[self._row_plot >= 0], by_row[self._row_plot >= 0], minlength=plot.size
        )
        row = by_row[self._demand_rows]
        return plot, np.asarray(row, dtype=np.float64)

    @cached_property
    def _row_plot(self) -> Numbers:
        """The plot number of each row, −1 for rows that belong to none."""
        numbers: dict[str, int] = {}
        inside = self.programme.matrix.tocoo()
        column_plot = np.full(self.programme.cost.size, -1)
        column_plot[: self.programme.first_key] = self.programme.line_plot
        column_plot[self.programme.keys] = self.programme.key_plot
        names = self.programme.rows["plot_id"].to_list()
        for row, column in zip(inside.row, inside.col, strict=True):
            if names[row] is not None and column_plot[column] >= 0:
                numbers.setdefault(names[row], int(column_plot[column]))
        return np.array([numbers.get(n, -1) if n is not None else -1 for n in names], dtype=np.int64)

    @cached_property
    def _demand_rows(self) -> Numbers:
        return np.flatnonzero((self.programme.rows["kind"] == "demand").to_numpy()).astype(np.int64)

    def _by_loss(self, by_plot: Floats) -> Numbers:
        """Plots in a random order in which those that lose more tend to come first (Efraimidis & Spirakis 2006)."""
        weight = by_plot[self.plots] + by_plot[self.plots].mean() * 0.1 + 1e-9
        order: Numbers = self.plots[np.argsort(-(np.log(weight) + self.draw.gumbel(size=self.plots.size)))]
        return order

    def _around_demand(self, by_demand: Floats) -> Flags:
        """Plots that may bear a crop whose demand loses, in the years around it; other plots after them."""
        row = int(self.draw.choice(by_demand.size, p=by_demand / by_demand.sum()))
        year = int(self.programme.demand["year"][row])
        sales = self.programme.sales.filter(self.programme.sales["row"] == row)["sale"]
        lines = self.programme.outputs.filter(self.programme.outputs["sale"].is_in(sales.implode()))["line"]
        bearing = np.isin(self.plots, self.programme.line_plot[lines.to_numpy()])
        order = self.draw.permutation(self.plots.size)
        order = order[np.argsort(~bearing[order], kind="stable")]
        wide = int(self.draw.integers(1, 3))
        span = np.abs(self.key_years - year) <= wide
        return self._of_plots(self.plots[order], span, "demand")

    def _of_plots(self, order: Numbers, span: Flags, kind: str) -> Flags:
        """Keys inside the span of the first plots of the order, as many as the kind's size allows (one plot at least)."""
        counts = np.bincount(self.programme.key_plot[span], minlength=int(order.max()) + 1)
        taken = order[np.cumsum(counts[order]) <= max(self.size[kind], counts[order[0]])]
        return span & np.isin(self.programme.key_plot, taken)
