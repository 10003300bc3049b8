"""The members whose mean is a call's score, all on the log of 1 + yuan: two linear models, trees on what one leaves, and sales so far."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CallParams:
    """Everything chosen about a fit."""

    core: tuple[str, ...] = (
        "log_revenue", "log_orders", "log_buyers", "log_last_week", "trend", "log_capped", "active_share", "silent_share",
        "top_order_share", "log_price", "log_order_share",
    )  # fmt: skip
    """Features of the linear model the trees start from; those that are not there are left out, none there: all features."""
    penalty: float = 30.0
    """Ridge penalty on standardised features."""
    trees: int = 250
    """0: no trees, the linear model alone."""
    leaves: int = 15
    least_leaf_rows: int = 50
    learning_rate: float = 0.03
    feature_share: float = 0.4
    row_share: float = 0.7
    seeds: int = 2
    """Boosters averaged."""
    folds: int = 5
    """Blocks of time held out in turn, from which chances and spread are learnt."""
    assumed: tuple[tuple[str, float], ...] = (("shop_lift_last_year", 0.5),)
    """Feature → what it adds to the score per unit where training never knew it (records under a year); else it is learnt."""


@dataclass(frozen=True)
class Linear:
    """A ridge regression on standardised features; null counts as the mean."""

    mean: Floats
    scale: Floats
    weight: Floats
    """[features]; 0 for features it does not use."""
    level: float

    def effects(self, x: Floats) -> Floats:
        """[rows, features] what each feature adds to the level."""
        return np.nan_to_num((x - self.mean) / self.scale) * self.weight

    def predict(self, x: Floats) -> Floats:
        """[rows]"""
        return np.asarray(self.effects(x).sum(axis=1) + self.level, dtype=np.float64)


def fit_linear(x: Floats, y: Floats, weight: Floats, *, used: Sequence[int], penalty: float) -> Linear:
    """Fit on the features numbered in `used`; a feature that never varies weighs 0."""
    known = np.isfinite(x) * weight[:, None]
    total = np.maximum(known.sum(axis=0), 1e-12)
    filled = np.nan_to_num(x)
    mean = (filled * known).sum(axis=0) / total
    spread = np.sqrt((known * (filled - mean) ** 2).sum(axis=0) / total)
    scale = np.where(spread > 1e-9, spread, np.inf)
    z = np.nan_to_num((x - mean) / scale)[:, list(used)]
    ridge = Ridge(penalty).fit(z, y, sample_weight=weight)
    found = np.zeros(x.shape[1])
    found[list(used)] = ridge.coef_
    return Linear(mean, scale, found, float(ridge.intercept_))


@dataclass(frozen=True)
class Members:
    """Fitted members."""

    whole: Linear
    core: Linear
    boosters: tuple[lgb.Booster, ...]
    """Trees on what `core` leaves unexplained; may be empty."""
    so_far_level: float | None
    """Added to the log of 1 + yuan so far; None: sales so far are no member."""
    assumed: Floats
    """[features] added to the score per unit; 0 for all that training knew."""

    def score(self, x: Floats, so_far: Floats | None, *, threads: int) -> Floats:
        """[rows] mean of the members: expected log of 1 + yuan, not yet set to the right level."""
        votes = [self.whole.predict(x), self.core.predict(x) + self._trees(x, threads)]
        if self.so_far_level is not None and so_far is not None:
            votes.append(np.log1p(so_far.clip(min=0)) + self.so_far_level)
        return np.asarray(np.mean(votes, axis=0) + np.nan_to_num(x) @ self.assumed, dtype=np.float64)

    def effects(self, x: Floats, so_far: Floats | None, *, threads: int) -> tuple[Floats, Floats]:
        """[rows, features] what each feature adds to the score, and [rows] what sales so far add on their own."""
        trees = np.zeros_like(x)
        for booster in self.boosters:
            trees += np.asarray(booster.predict(x, pred_contrib=True, num_threads=threads))[:, :-1] / len(
                self.boosters
            )
        has_own = self.so_far_level is not None and so_far is not None
        n = 3 if has_own else 2
        own = np.zeros(x.shape[0])
        if so_far is not None and has_own:
            logged = np.log1p(so_far.clip(min=0))
            own = (logged + (self.so_far_level or 0.0) - self.whole.level) / n
        learnt = (self.whole.effects(x) + self.core.effects(x) + trees) / n
        return learnt + np.nan_to_num(x) * self.assumed, own

    def _trees(self, x: Floats, threads: int) -> Floats:
        if not self.boosters:
            return np.zeros(x.shape[0])
        votes = [booster.predict(x, num_threads=threads) for booster in self.boosters]
        return np.asarray(np.mean(votes, axis=0), dtype=np.float64)

    def to_files(self) -> dict[str, str]:
        """File name → text."""
        plain = {
            "whole": _plain(self.whole), "core": _plain(self.core), "so_far_level": self.so_far_level,
            "assumed": self.assumed.tolist(),
        }  # fmt: skip
        trees = {f"trees_{i}.txt": b.model_to_string() for i, b in enumerate(self.boosters)}
        return {"members.json": json.dumps(plain), **trees}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "Members":
        """From what to_files gave."""
        plain = json.loads(files["members.json"])
        count = sum(name.startswith("trees_") for name in files)
        boosters = tuple(lgb.Booster(model_str=files[f"trees_{i}.txt"]) for i in range(count))
        linear, core = _linear(plain["whole"]), _linear(plain["core"])
        return cls(linear, core, boosters, plain["so_far_level"], np.array(plain["assumed"]))


def fit_members(
    x: Floats, y: Floats, weight: Floats, so_far: Floats | None, *, features: Sequence[str], params: CallParams,
    seed: int, threads: int,
) -> Members:  # fmt: skip
    """Fit the members to y, the log of 1 + yuan earned.

    Args:
        x: [rows, features], NaN where not known.
        y: [rows]
        weight: [rows]
        so_far: [rows] yuan earned until the decision, or None.
        features: Names of the columns of x.
        params: Settings.
        seed: Of the trees.
        threads: LightGBM's.
    """
    everything = list(range(x.shape[1]))
    named = [i for i in everything if features[i] in params.core] or everything
    whole = fit_linear(x, y, weight, used=everything, penalty=params.penalty)
    core = fit_linear(x, y, weight, used=named, penalty=params.penalty)
    left = y - core.predict(x)
    boosters = [
        lgb.train(_settings(params, seed + i, threads), lgb.Dataset(x, left, weight=weight), params.trees)
        for i in range(params.seeds if params.trees else 0)
    ]
    level = None if so_far is None else float(np.average(y - np.log1p(so_far.clip(min=0)), weights=weight))
    per_unit = dict(params.assumed)
    never = np.asarray(~np.isfinite(x).any(axis=0), dtype=np.bool_)
    assumed = np.array([per_unit.get(f, 0.0) * n for f, n in zip(features, never, strict=True)])
    return Members(whole, core, tuple(boosters), level, assumed)


def _settings(params: CallParams, seed: int, threads: int) -> dict[str, Any]:
    return {
        "objective": "regression", "learning_rate": params.learning_rate, "num_leaves": params.leaves,
        "min_data_in_leaf": params.least_leaf_rows, "feature_fraction": params.feature_share,
        "bagging_fraction": params.row_share, "bagging_freq": 1, "lambda_l2": 10.0, "max_bin": 63, "seed": seed,
        "num_threads": threads, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip


def _plain(linear: Linear) -> dict[str, Any]:
    scale = [float(s) if np.isfinite(s) else None for s in linear.scale]
    return {
        "mean": linear.mean.tolist(),
        "scale": scale,
        "weight": linear.weight.tolist(),
        "level": linear.level,
    }


def _linear(plain: Mapping[str, Any]) -> Linear:
    scale = np.array([np.inf if s is None else s for s in plain["scale"]])
    return Linear(np.array(plain["mean"]), scale, np.array(plain["weight"]), float(plain["level"]))
