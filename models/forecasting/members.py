"""The trees behind an expected day: one set learns its mean, another, if asked for, what is usual of such a day.

Sales scatter upwards, so a mean follows single large days. Trees that lose by absolute error do not; joined with the
mean's they miss less on days that are not special (measured: docs/methods-forecasting.md, "Real days").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from models.forecasting.matrix import dataset, predicted
from models.forecasting.params import DemandParams

MOST_RATIO = 30.0
"""A target is cut at so many times its level: one freak day shall not bend the trees."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Members:
    """Trees of one output, in kg ÷ level_kg."""

    mean: lgb.Booster
    usual: lgb.Booster | None = None
    """None: the mean alone."""
    usual_share: float = 0.0
    """How far `usual` counts, 0–1."""

    def ratio(self, x: npt.NDArray[np.float32], threads: int) -> Floats:
        """Expected kg ÷ level_kg per row of models.forecasting.matrix.matrix; the result does not depend on `threads`."""
        mean = predicted(self.mean, x, threads)
        if self.usual is None:
            return mean
        return (1 - self.usual_share) * mean + self.usual_share * predicted(self.usual, x, threads).clip(0)

    def to_files(self, name: str) -> dict[str, str]:
        """File name → LightGBM's own text: NAME.txt, and NAME_usual.txt where there are such trees."""
        usual = {f"{name}_usual.txt": self.usual.model_to_string()} if self.usual else {}
        return {f"{name}.txt": self.mean.model_to_string()} | usual

    @classmethod
    def from_files(cls, files: Mapping[str, str], name: str, usual_share: float) -> "Members | None":
        """From what to_files gave; None where the output has no trees of its own."""
        mean, usual = (files.get(f"{name}{part}.txt") for part in ("", "_usual"))
        if mean is None:
            return None
        return cls(lgb.Booster(model_str=mean), lgb.Booster(model_str=usual) if usual else None, usual_share)


def fit_members(
    x: npt.NDArray[np.float32],
    kg: Floats,
    level_kg: Floats,
    told: Floats,
    *,
    params: DemandParams,
    seed: int,
    threads: int,
) -> Members:
    """Learn kg ÷ level_kg.

    Args:
        x: As models.forecasting.matrix.matrix.
        kg: Target per row.
        level_kg: The unit each row's target is measured in, above 0.
        told: How far each row counts. Rows of the mean weigh that × level_kg^level_weight; those of the usual day × level_kg,
            so that a miss counts in kg.
        params: What is chosen.
        seed: Of row and feature sampling.
        threads: For LightGBM; the result does not depend on it.
    """
    ratio = (kg / level_kg).clip(max=MOST_RATIO)
    tweedie = {"objective": "tweedie", "tweedie_variance_power": params.tweedie_power}
    shared = _settings(params, seed, threads)
    data = dataset(x, ratio, told * level_kg**params.level_weight)
    mean = lgb.train(shared | tweedie, data, num_boost_round=params.trees)
    if params.usual_share == 0:
        return Members(mean)
    data.set_weight(told * level_kg / (told * level_kg).mean())
    usual = lgb.train(shared | {"objective": "l1"}, data, num_boost_round=params.trees)
    return Members(mean, usual, params.usual_share)


def _settings(params: DemandParams, seed: int, threads: int) -> dict[str, object]:
    return {
        "learning_rate": params.learning_rate,
        "num_leaves": params.leaves,
        "min_data_in_leaf": params.least_leaf_rows,
        "feature_fraction": params.feature_share,
        "bagging_fraction": params.row_share,
        "bagging_freq": 1,
        "cat_smooth": params.category_smoothing,
        "max_bin": 127,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
