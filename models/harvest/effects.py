"""What a crop, a village and a plot add to a log ratio, each shrunk towards none by how much is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDS = 40
LEAST_VARIANCE = 1e-6
PRIOR_ROWS = 4.0
"""Rows that a prior spread counts as, beside what a crop's own residuals say."""


@dataclass(frozen=True)
class Effects:
    """Fitted effects.

    `tables`: key column → frame with that column, `effect` and `variance` (posterior). `between`: key column → variance
    of its effects; what was never seen has effect 0 and that variance. `noise`: frame of the first key column with
    `noise_variance`; `usual_noise` for the rest. `rows`: what it was learnt from.
    """

    tables: dict[str, pl.DataFrame]
    between: dict[str, float]
    noise: pl.DataFrame
    usual_noise: float
    rows: int

    def predict(self, keys: pl.DataFrame) -> pl.DataFrame:
        """One row per row of `keys` in their order: log_mean and log_sd (of a single new season)."""
        table = keys.select(*self.tables).with_columns(log_mean=pl.lit(0.0), variance=pl.lit(0.0))
        for column, effects in self.tables.items():
            table = table.join(
                effects.rename({"effect": "_effect", "variance": "_variance"}), on=column, how="left", maintain_order="left"
            ).with_columns(
                log_mean=pl.col("log_mean") + pl.col("_effect").fill_null(0.0),
                variance=pl.col("variance") + pl.col("_variance").fill_null(self.between[column]),
            ).drop("_effect", "_variance")  # fmt: skip
        first = next(iter(self.tables))
        return table.join(self.noise, on=first, how="left", maintain_order="left").select(
            "log_mean",
            log_sd=(pl.col("variance") + pl.col("noise_variance").fill_null(self.usual_noise)).sqrt(),
        )


def fit_effects(
    rows: pl.DataFrame,
    *,
    keys: Sequence[str],
    prior_sd: float,
    between_sd: Sequence[float],
    prior_rows: float = PRIOR_ROWS,
) -> Effects:
    """Fit y = Σ effect of each key + noise.

    Args:
        rows: `y` (finite) and the key columns; the first key also has its own noise.
        keys: From coarse to fine, such as crop_id, place_id, plot_id.
        prior_sd: Noise before anything is known; it weighs as much as `prior_rows` rows of each first key.
        between_sd: Spread of each key's effects to start from; with few rows it stays.

    Returns:
        Effects; with no rows those of the priors.

    Source: mixed-model equations (Henderson 1975) by Gauss–Seidel, variances by EM with the posterior's diagonal.
    """
    y = rows["y"].to_numpy().astype(np.float64)
    codes = [_codes(rows[k]) for k in keys]
    between = [sd**2 for sd in between_sd]
    priors = list(between)
    values = [np.zeros(len(names)) for _, names in codes]
    spread = [np.full(len(names), v) for (_, names), v in zip(codes, between, strict=True)]
    noise = np.full(len(codes[0][1]), prior_sd**2)
    for _ in range(ROUNDS if len(y) else 0):
        weight = 1 / noise[codes[0][0]]
        for k, (code, names) in enumerate(codes):
            rest = y - sum(values[j][codes[j][0]] for j in range(len(codes)) if j != k)
            precision = np.bincount(code, weight, len(names)) + 1 / between[k]
            values[k] = np.bincount(code, weight * rest, len(names)) / precision
            spread[k] = 1 / precision
            found = float(np.sum(values[k] ** 2 + spread[k]))
            between[k] = max((found + prior_rows * priors[k]) / (len(names) + prior_rows), LEAST_VARIANCE)
        noise = _noise(y, codes, values, spread, prior_sd**2, prior_rows)
    tables = {
        key: pl.DataFrame({key: names, "effect": v, "variance": s}, schema_overrides={key: pl.String})
        for key, (_, names), v, s in zip(keys, codes, values, spread, strict=True)
    }
    per_first = pl.DataFrame(
        {keys[0]: codes[0][1], "noise_variance": noise}, schema_overrides={keys[0]: pl.String}
    )
    usual = float(np.mean(noise)) if len(noise) else prior_sd**2
    return Effects(tables, dict(zip(keys, between, strict=True)), per_first, usual, len(y))


def _noise(
    y: Floats,
    codes: list[tuple[NDArray[np.int64], list[str]]],
    values: list[Floats],
    spread: list[Floats],
    prior: float,
    prior_rows: float,
) -> Floats:
    """Noise variance of each first key: residuals and what their fitted effects hide, beside the prior."""
    code, names = codes[0]
    fitted = sum(v[c] for v, (c, _) in zip(values, codes, strict=True))
    hidden = sum(s[c] for s, (c, _) in zip(spread, codes, strict=True))
    total = np.bincount(code, (y - fitted) ** 2 + hidden, len(names))
    count = np.bincount(code, minlength=len(names))
    result: Floats = np.maximum((total + prior_rows * prior) / (count + prior_rows), LEAST_VARIANCE)
    return result


def _codes(column: pl.Series) -> tuple[NDArray[np.int64], list[str]]:
    names = column.unique().sort().to_list()
    place = {name: i for i, name in enumerate(names)}
    return np.array([place[x] for x in column], dtype=np.int64), names
