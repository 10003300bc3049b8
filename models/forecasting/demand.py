"""Daily demand per series as quantiles, in two outputs: what is wanted, and what sells on days on which stock lasts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl

from features.assemble import FEATURES, REVISION
from features.calendar import SERIES
from models.forecasting.intervals import TooLittleHistoryError
from models.forecasting.launches import SHORT, LaunchBlend, assumed_blend, fit_blend, stand_in
from models.forecasting.matrix import Categories, categories_of, matrix
from models.forecasting.members import Members, fit_members
from models.forecasting.params import DemandParams as DemandParams
from models.forecasting.spread import Spread, fit_spread

DEFAULT_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LEAST_WHOLE_ROWS = 500
"""With fewer rows of days on which stock lasted there is no model of such days."""
ROWS_AT_ONCE, MOST_SPREAD_ROWS = 200_000, 600_000
"""Rows turned into numbers at a time, as a county's would take gigabytes; rows that teach spreads, drawn evenly."""


@dataclass(frozen=True)
class Spreads:
    """The spread of both outputs."""

    demand: Spread
    in_stock: Spread | None
    """None: as `demand`, as no stock-out is on record."""
    launches: LaunchBlend = field(default_factory=assumed_blend)
    """What stands in for series with a short history."""
    plain: dict[str, str] = field(default_factory=dict)
    """Kind of rare sales → plain method that stands in for the model there (models.forecasting.intermittent)."""


@dataclass(frozen=True)
class DemandModel:
    """A fitted forecaster."""

    demand: Members
    """Expected demand ÷ level_kg."""
    in_stock: Members | None
    """Expected sales of a day on which stock lasts ÷ level_kg; None: as demand."""
    categories: Categories
    spreads: Spreads | None
    """None while only the means are fitted."""
    params: DemandParams

    @property
    def booster(self) -> lgb.Booster:
        """The trees of mean demand."""
        return self.demand.mean

    def alone_kg(
        self, rows: pl.DataFrame, *, threads: int = 1, in_stock: bool = False
    ) -> npt.NDArray[np.float64]:
        """Expected kg per row of add_features as the trees say it, whatever the row's `fallback_reason`."""
        parts = [self._part_kg(part, threads, in_stock) for part in rows.iter_slices(ROWS_AT_ONCE)]
        return np.concatenate([np.empty(0), *parts])

    def _part_kg(self, rows: pl.DataFrame, threads: int, in_stock: bool) -> npt.NDArray[np.float64]:
        kg = self.demand.ratio(x := matrix(rows, self.categories), threads)
        if in_stock and self.in_stock is not None:
            kg = np.where(rows["has_stock_record"].to_numpy(), self.in_stock.ratio(x, threads), kg)
        return np.asarray(kg * rows["level_kg"].cast(pl.Float64).to_numpy())

    def mean_kg(
        self,
        rows: pl.DataFrame,
        *,
        threads: int = 1,
        in_stock: bool = False,
        launches: LaunchBlend | None = None,
    ) -> npt.NDArray[np.float64]:
        """Expected kg per row; rows with a `fallback_reason` take what stands in (launches.stand_in).

        Args:
            rows: As features.assemble.future_frame.
            threads: For LightGBM.
            in_stock: Of a day on which stock lasts, instead of demand.
            launches: How newcomers are blended, if not as the model learnt it.
        """
        alone = self.alone_kg(rows, threads=threads, in_stock=in_stock)
        learnt = self.spreads.launches if self.spreads else assumed_blend()
        baseline = stand_in(rows, alone, launches or learnt)
        return np.where(rows["fallback_reason"].is_null().to_numpy(), alone, baseline).clip(min=0)

    def quantiles(
        self,
        mean_kg: npt.NDArray[np.float64],
        rows: pl.DataFrame,
        *,
        threads: int = 1,
        in_stock: bool = False,
    ) -> npt.NDArray[np.float64]:
        """Kg as [rows, levels] around means of `mean_kg`: never negative, never crossing."""
        spreads = self._fitted()
        kg = spreads.demand.quantiles(mean_kg, rows, threads=threads)
        if in_stock and spreads.in_stock is not None:
            record = rows["has_stock_record"].to_numpy()
            kg[record] = spreads.in_stock.quantiles(mean_kg[record], rows.filter(record), threads=threads)
        return kg

    def predict(self, future: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
        """Forecast every row of a future frame.

        Returns:
            One row per row of `future` and level: SERIES, `forecast_date`, `level`, `demand_kg` (kg wanted, ≥ 0, never
            falling with the level), `expected_kg` (its mean, the same at every level), `in_stock_kg` and
            `in_stock_expected_kg` (the same of what sells on a day on which stock lasts), `has_stock_record` (false: no
            stock-out record stands behind the row, and both outputs are equal), `fallback_reason` (null: the model).
        """
        mean, lasting = (self.mean_kg(future, threads=threads, in_stock=stock) for stock in (False, True))
        kg = self.quantiles(mean, future, threads=threads)  # [rows, levels]
        lasting_kg = self.quantiles(lasting, future, threads=threads, in_stock=True)
        keys = future.select(
            *SERIES,
            "fallback_reason",
            "has_stock_record",
            forecast_date="date",
            expected_kg=pl.Series(mean),
            in_stock_expected_kg=pl.Series(lasting),
        )
        return pl.concat(
            keys.select(
                *SERIES,
                "forecast_date",
                level=pl.lit(q),
                demand_kg=pl.Series(kg[:, i]),
                expected_kg="expected_kg",
                in_stock_kg=pl.Series(lasting_kg[:, i]),
                in_stock_expected_kg="in_stock_expected_kg",
                has_stock_record="has_stock_record",
                fallback_reason="fallback_reason",
            )
            for i, q in enumerate(self._fitted().demand.levels)
        )

    def _fitted(self) -> Spreads:
        if self.spreads is None:
            raise ValueError("this model has means only; give it spreads (with_spreads, learn) first")
        return self.spreads

    def to_files(self) -> dict[str, str]:
        """File name → text: LightGBM's own format, and the rest as JSON."""
        spreads = self._fitted()
        rest = {
            "categories": self.categories,
            "features": list(FEATURES),
            "revision": REVISION,
            "spread": spreads.demand.to_json(),
            "in_stock_spread": spreads.in_stock.to_json() if spreads.in_stock else None,
            "launches": spreads.launches.to_json(),
            "plain": spreads.plain,
            "params": asdict(self.params),
        }
        in_stock = self.in_stock.to_files("in_stock") if self.in_stock else {}
        text = {"model.json": json.dumps(rest, ensure_ascii=False)}
        return self.demand.to_files("model") | text | in_stock

    @staticmethod
    def fits(files: Mapping[str, str]) -> bool:
        """Whether a stored model was fitted on the features this code builds."""
        rest = json.loads(files["model.json"])
        return (tuple(rest["features"]), rest["revision"]) == (FEATURES, REVISION)

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "DemandModel":
        """From what to_files gave.

        Raises:
            ValueError: The model was fitted on other features than this version builds.
        """
        rest = json.loads(files["model.json"])
        if not cls.fits(files):
            other = ", ".join(sorted(set(rest["features"]) ^ set(FEATURES))[:5]) or "another revision"
            raise ValueError(f"the stored model knows other features ({other}); train anew")
        lasting, params = rest["in_stock_spread"], DemandParams(**rest["params"])
        demand, in_stock = (Members.from_files(files, n, params.usual_share) for n in ("model", "in_stock"))
        if demand is None:
            raise ValueError("the stored model has no file model.txt; train anew")
        return cls(
            demand,
            in_stock,
            {name: tuple(values) for name, values in rest["categories"].items()},
            Spreads(
                Spread.from_json(rest["spread"]),
                Spread.from_json(lasting) if lasting else None,
                LaunchBlend.from_json(rest["launches"]),
                rest["plain"],
            ),
            params,
        )


def fit(
    train: pl.DataFrame,
    held_out: pl.DataFrame,
    *,
    params: DemandParams,
    levels: Sequence[float] = DEFAULT_LEVELS,
    seed: int,
    threads: int,
) -> DemandModel:
    """Fit the means on one stretch of days and the spreads on a later one.

    Args:
        train: As features.assemble.training_frame.
        held_out: As features.assemble.scored_frame: target days after those of `train`, rows with a fallback too.
        params: What is chosen.
        levels: Quantile levels, ascending.
        seed: Of row and feature sampling.
        threads: For LightGBM; the result does not depend on it.

    Returns:
        The means as fit_mean, the spreads as spreads_of.

    Raises:
        TooLittleHistoryError: There is no row to train on or none held out.
    """
    mean = fit_mean(train, params=params, spreads=None, seed=seed, threads=threads)
    return replace(mean, spreads=spreads_of(mean, held_out, levels=levels, seed=seed, threads=threads))


def fit_mean(
    train: pl.DataFrame, *, params: DemandParams, spreads: Spreads | None, seed: int, threads: int
) -> DemandModel:
    """Fit the means on all rows and take the spreads as given.

    Both are regressions of kg ÷ level_kg (members.fit_members): one of `demand_kg` on all days, one of `sold_kg` on
    those on which stock lasted (`is_whole`), which is left out where stock always did.

    Raises:
        TooLittleHistoryError: There is no row to train on.
    """
    if train.is_empty():
        raise TooLittleHistoryError(
            "no row to train on: no series has 28 days of history and a sale within 28 days"
        )
    categories = categories_of(train)
    x = matrix(train, categories)
    whole = train["is_whole"].to_numpy()
    recovered = (train["demand_kg"] > train["sold_kg"]).to_numpy()
    told = train["weight"].to_numpy() * np.where(recovered, params.recovered_weight, 1.0)
    level = train["level_kg"].cast(pl.Float64).to_numpy()

    def trained(name: str, rows: npt.NDArray[np.bool_]) -> Members:
        kg = train[name].to_numpy()[rows]
        return fit_members(x[rows], kg, level[rows], told[rows], params=params, seed=seed, threads=threads)

    both = not whole.all() and whole.sum() >= LEAST_WHOLE_ROWS
    in_stock = trained("sold_kg", whole) if both else None
    return DemandModel(trained("demand_kg", np.ones_like(whole)), in_stock, categories, spreads, params)


def spreads_of(
    model: DemandModel, held_out: pl.DataFrame, *, levels: Sequence[float], seed: int, threads: int
) -> Spreads:
    """Learn both spreads, and how newcomers are blended, from days the means had not seen; held_out as for `fit`.

    Raises:
        TooLittleHistoryError: No row of the model is there to learn from.
    """
    if held_out.height > MOST_SPREAD_ROWS:
        held_out = held_out.sample(MOST_SPREAD_ROWS, seed=seed)
    wanted = held_out.with_columns(sold_kg="demand_kg")
    short = wanted.filter(pl.col("fallback_reason") == SHORT)
    alone = pl.Series(model.alone_kg(short, threads=threads), dtype=pl.Float64)
    blend = fit_blend(short.with_columns(model_kg=alone))
    mean = model.mean_kg(wanted, threads=threads, launches=blend)
    demand = fit_spread(mean, wanted, levels, seed=seed, threads=threads)
    whole = held_out.filter("is_whole")
    if model.in_stock is None or whole["fallback_reason"].null_count() < LEAST_WHOLE_ROWS:
        return Spreads(demand, None, blend)
    lasting = model.mean_kg(whole, threads=threads, in_stock=True, launches=blend)
    in_stock = fit_spread(lasting, whole, levels, seed=seed, threads=threads)
    return Spreads(demand, in_stock, blend)
