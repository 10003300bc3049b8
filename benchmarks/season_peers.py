"""The peers of the season forecast: statsforecast's members and their medians, with their own quantiles."""

import hashlib
import importlib.metadata
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta, SeasonalNaive

Array = npt.NDArray[np.float64]

DECILES = tuple(k / 10 for k in range(1, 10))
_INTERVALS = (20, 40, 60, 80)
NAIVE = "SeasonalNaive"
MEMBERS = {
    NAIVE: SeasonalNaive,
    "AutoETS": AutoETS,
    "AutoCES": AutoCES,
    "DynamicOptimizedTheta": DynamicOptimizedTheta,
}
CHUNK = 190
"""Series forecast between two writes to the cache."""


def peer_quantiles(
    known: Array, started: npt.NDArray[np.int64], *, season: int, horizon: int, cache: Path
) -> dict[str, Array]:
    """Forecast every series with every peer.

    Args:
        known: [series, period], no NaN.
        started: Per series the first period that is handed over.
        season: Periods a year; AutoETS takes seasons up to 24 and forecasts without one beyond.
        horizon: Periods ahead.
        cache: Folder in which finished chunks are kept, by data, settings and versions.

    Returns:
        Peer → [series, period ahead, decile], at least 0; 'median' is that of the four members, 'median of three' leaves seasonal naive
        out. What is not finite is replaced by seasonal naive's.
    """
    found = {}
    for name in MEMBERS:
        parts = [
            _chunk(name, known[i : i + CHUNK], started[i : i + CHUNK], season, horizon, cache)
            for i in range(0, len(known), CHUNK)
        ]
        found[name] = np.concatenate(parts)
    for name, values in found.items():
        found[name] = np.sort(np.where(np.isfinite(values), values, found[NAIVE]).clip(0), axis=2)
    members = np.stack(list(found.values()))
    return found | {"median": np.median(members, axis=0), "median of three": np.median(members[1:], axis=0)}


def _chunk(
    name: str, known: Array, started: npt.NDArray[np.int64], season: int, horizon: int, cache: Path
) -> Array:
    versions = [importlib.metadata.version(p) for p in ("statsforecast", "numpy")]
    told = repr((name, season, horizon, known.shape, DECILES, versions)).encode()
    key = hashlib.sha256(told + known.tobytes() + started.tobytes()).hexdigest()[:24]
    path = cache / "season" / f"{key}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npy")
        np.save(partial, _forecast(name, known, started, season, horizon))
        partial.replace(path)
    return np.asarray(np.load(path), dtype=np.float64)


def _forecast(name: str, known: Array, started: npt.NDArray[np.int64], season: int, horizon: int) -> Array:
    periods = [np.arange(first, known.shape[1]) for first in started]
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(known)), [p.size for p in periods]),
            "ds": np.concatenate(periods),
            "y": np.concatenate([row[p] for row, p in zip(known, periods, strict=True)]),
        }
    )
    forecaster = StatsForecast(
        models=[MEMBERS[name](season_length=season, alias="y")],
        freq=1,
        n_jobs=1,
        fallback_model=SeasonalNaive(season_length=season, alias="y"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = forecaster.forecast(df=frame, h=horizon, level=list(_INTERVALS))
    low = [f"y-lo-{level}" for level in reversed(_INTERVALS)]
    high = [f"y-hi-{level}" for level in _INTERVALS]
    values = made.sort_values(["unique_id", "ds"])[[*low, "y", *high]].to_numpy(np.float64)
    return np.asarray(values.reshape(len(known), horizon, len(DECILES)))
