"""Daily demand per series, as quantiles: one pooled boosted-tree model of the mean, and ratios for the spread around it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl

from features.assemble import CATEGORIES, FEATURES, REVISION
from features.calendar import SERIES
from models.forecasting.baselines import fallback_kg
from models.forecasting.intervals import RatioTable, TooLittleHistoryError, fit_ratios

DEFAULT_LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class DemandParams:
    """Everything chosen about a fit; two equal ones on equal rows give equal models."""

    train_days: int = 500
    """Target days to learn from."""
    max_rows: int = 120_000
    trees: int = 150
    leaves: int = 15
    learning_rate: float = 0.05
    tweedie_power: float = 1.2
    level_weight: float = 0.5
    """Rows weigh level_kg to this power: 1 would follow the large series alone, 0 all alike."""
    least_leaf_rows: int = 100
    feature_share: float = 0.6
    row_share: float = 0.7
    held_out_days: int = 28
    """Last days kept from the mean while the spread is learnt from them."""


@dataclass(frozen=True)
class DemandModel:
    """A fitted forecaster."""

    booster: lgb.Booster
    """Expected demand ÷ level_kg."""
    categories: dict[str, tuple[str, ...]]
    """Names seen in training, in the order of their codes; other names count as unknown."""
    ratios: RatioTable
    params: DemandParams

    def mean_kg(self, rows: pl.DataFrame, *, threads: int = 1) -> npt.NDArray[np.float64]:
        """Expected kg per row of add_features; rows with a `fallback_reason` take the labelled baseline."""
        fitted = _ratio(self.booster, _matrix(rows, self.categories), threads) * rows["level_kg"].to_numpy()
        baseline = rows.select(fallback_kg()).to_series().cast(pl.Float64).to_numpy()
        return np.where(rows["fallback_reason"].is_null().to_numpy(), fitted, baseline)

    def predict(self, future: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
        """Forecast every row of a future frame.

        Returns:
            One row per row of `future` and level: SERIES, `forecast_date`, `level`, `demand_kg` (kg, ≥ 0, never
            falling with the level), `expected_kg` (the mean, the same at every level), `fallback_reason` (null: the model).
        """
        mean = self.mean_kg(future, threads=threads)
        kg = self.ratios.quantiles(mean, future)  # [rows, levels]
        keys = future.select(
            *SERIES, "fallback_reason", forecast_date="date", expected_kg=pl.Series(mean.clip(min=0))
        )
        return pl.concat(
            keys.select(
                *SERIES,
                "forecast_date",
                level=pl.lit(q),
                demand_kg=pl.Series(kg[:, i]),
                expected_kg="expected_kg",
                fallback_reason="fallback_reason",
            )
            for i, q in enumerate(self.ratios.levels)
        )

    def to_files(self) -> dict[str, str]:
        """File name → text: LightGBM's own format, and the rest as JSON."""
        rest = {
            "categories": self.categories,
            "features": list(FEATURES),
            "revision": REVISION,
            "ratios": self.ratios.to_json(),
            "params": asdict(self.params),
        }
        return {
            "model.txt": self.booster.model_to_string(),
            "model.json": json.dumps(rest, ensure_ascii=False),
        }

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
        return cls(
            lgb.Booster(model_str=files["model.txt"]),
            {name: tuple(values) for name, values in rest["categories"].items()},
            RatioTable.from_json(rest["ratios"]),
            DemandParams(**rest["params"]),
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
    """Fit the mean on one stretch of days and the spread on a later one.

    Args:
        train: As features.assemble.training_frame.
        held_out: As features.assemble.scored_frame: target days after those of `train`, rows with a fallback too.
        params: What is chosen.
        levels: Quantile levels, ascending.
        seed: Of row and feature sampling.
        threads: For LightGBM; the result does not depend on it.

    Returns:
        The mean is a Tweedie regression of sold_kg ÷ level_kg, rows weighing `weight` × level_kg^level_weight; the
        spread is intervals.fit_ratios of the held-out rows.

    Raises:
        TooLittleHistoryError: There is no row to train on or none held out.
    """
    mean = _fit_mean(train, params, seed, threads)
    return replace(mean, ratios=fit_ratios(mean.mean_kg(held_out, threads=threads), held_out, levels))


def fit_mean(
    train: pl.DataFrame, *, params: DemandParams, ratios: RatioTable, seed: int, threads: int
) -> DemandModel:
    """Fit the mean on all rows and take the spread as given; see `fit`."""
    return replace(_fit_mean(train, params, seed, threads), ratios=ratios)


def _fit_mean(train: pl.DataFrame, params: DemandParams, seed: int, threads: int) -> DemandModel:
    if train.is_empty():
        raise TooLittleHistoryError(
            "no row to train on: no series has 28 days of history and a sale within 28 days"
        )
    categories = {name: tuple(train[name].unique().sort()) for name in CATEGORIES}
    level = train["level_kg"].cast(pl.Float64).to_numpy()
    weight = train["weight"].to_numpy() * level**params.level_weight
    data = lgb.Dataset(
        _matrix(train, categories),
        train["sold_kg"].to_numpy() / level,
        weight=weight / weight.mean(),
        feature_name=list(FEATURES),
        categorical_feature=list(CATEGORIES),
    )
    booster = lgb.train(_settings(params, seed, threads), data, num_boost_round=params.trees)
    return DemandModel(booster, categories, RatioTable((), np.empty((0, 0, 0))), params)


def _settings(params: DemandParams, seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": "tweedie",
        "tweedie_variance_power": params.tweedie_power,
        "learning_rate": params.learning_rate,
        "num_leaves": params.leaves,
        "min_data_in_leaf": params.least_leaf_rows,
        "feature_fraction": params.feature_share,
        "bagging_fraction": params.row_share,
        "bagging_freq": 1,
        "cat_smooth": 50,
        "max_bin": 127,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _matrix(rows: pl.DataFrame, categories: Mapping[str, Sequence[str]]) -> npt.NDArray[np.float32]:
    codes = [
        pl.col(name).replace_strict(
            list(known), list(range(len(known))), default=None, return_dtype=pl.Float32
        )
        for name, known in categories.items()
    ]
    numbers = pl.col(FEATURES[len(CATEGORIES) :]).cast(pl.Float32)
    return rows.select(*codes, numbers).to_numpy(order="c")


def _ratio(booster: lgb.Booster, x: npt.NDArray[np.float32], threads: int) -> npt.NDArray[np.float64]:
    return np.asarray(booster.predict(x, num_threads=threads), dtype=np.float64)
