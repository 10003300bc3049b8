"""Feature rows as numbers for boosted trees."""

from collections.abc import Mapping, Sequence

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import polars as pl

from features.assemble import CATEGORIES, FEATURES

Categories = dict[str, tuple[str, ...]]
"""Names seen in training, in the order of their codes; other names count as unknown."""


def categories_of(rows: pl.DataFrame) -> Categories:
    """The names in rows of features.assemble.add_features."""
    return {name: tuple(rows[name].unique().sort()) for name in CATEGORIES}


def matrix(rows: pl.DataFrame, categories: Mapping[str, Sequence[str]]) -> npt.NDArray[np.float32]:
    """[rows, FEATURES]: categories as codes, unknown and missing values as NaN."""
    codes = [
        pl.col(name).replace_strict(
            list(known), list(range(len(known))), default=None, return_dtype=pl.Float32
        )
        for name, known in categories.items()
    ]
    numbers = pl.col(FEATURES[len(CATEGORIES) :]).cast(pl.Float32)
    return rows.select(*codes, numbers).to_numpy(order="c")


def dataset(
    x: npt.NDArray[np.float32], target: npt.NDArray[np.floating], weight: npt.NDArray[np.floating]
) -> lgb.Dataset:
    """For LightGBM; weights are brought to a mean of 1."""
    return lgb.Dataset(
        x,
        target,
        weight=weight / weight.mean(),
        feature_name=list(FEATURES),
        categorical_feature=list(CATEGORIES),
    )


def predicted(booster: lgb.Booster, x: npt.NDArray[np.float32], threads: int) -> npt.NDArray[np.float64]:
    """The booster's value per row; the result does not depend on `threads`."""
    return np.asarray(booster.predict(x, num_threads=threads), dtype=np.float64)
