"""What a training of the bestseller caller leaves in MLflow: how it calls launches decided after those it learnt from."""

import json
from dataclasses import replace

import numpy as np
import polars as pl

from models.evaluation.ranking import (
    accuracy_at,
    area_under_roc,
    average_precision,
    brier,
    calibration_error,
    calibration_table,
    precision_at,
    precision_recall,
    value_curve,
    worth_share,
)
from models.forecasting.bestseller import BestsellerModel, TooFewLaunchesError, fit_calls
from pipelines.evidence import as_table

KEPT_SHARE = 0.75
"""The model judged learns from launches decided in the first part of the time; the rest is called."""
MISSES = 20
FOLDS = 2


def evidence(
    train: pl.DataFrame, model: BestsellerModel, *, seed: int, threads: int
) -> tuple[dict[str, str], dict[str, float]]:
    """Tables by path, and metrics, of calls on later launches by a model of the same settings that saw none of them.

    Learnt from are rows whose window ended before the first judged decision. Where that leaves too little, the tables
    hold importance alone. Metrics stand beside those of revenue so far (`revenue/…`).
    """
    importance = model.importance(train, threads=threads)
    tables = {"calls/importance": importance}
    metrics: dict[str, float] = {}
    if (tested := _later(train, model, seed=seed, threads=threads)) is not None:
        more, metrics = _judged(*tested, model)
        tables |= more
    texts = {f"{name}.json": as_table(frame) for name, frame in tables.items() if frame.height}
    return texts | {"calls/label.json.txt": json.dumps(model.label.to_json(), ensure_ascii=False)}, metrics


def _later(
    train: pl.DataFrame, model: BestsellerModel, *, seed: int, threads: int
) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """Judged launches and their calls; None when too few remain to learn from."""
    launches = train.filter("is_launch").sort("decision_on", maintain_order=True)
    first = launches["decision_on"][int(KEPT_SHARE * (launches.height - 1))]
    label = model.label
    ended = pl.col("start_on") + pl.duration(days=label.to_day) <= first
    judged = train.filter("is_launch", pl.col("decision_on") >= first)
    try:
        earlier = fit_calls(
            train.filter(ended), label=label, features=model.features, params=replace(model.params, folds=FOLDS), seed=seed, threads=threads
        )  # fmt: skip
    except TooFewLaunchesError:
        return None
    return judged, earlier.predict(judged, threads=threads)


def _judged(
    rows: pl.DataFrame, calls: pl.DataFrame, model: BestsellerModel
) -> tuple[dict[str, pl.DataFrame], dict[str, float]]:
    label = model.label
    best, worth = label.mark(rows), rows[label.worth].to_numpy().astype(float)
    chance, so_far = calls["probability"].to_numpy(), rows[str(label.so_far)].to_numpy().astype(float)
    k = max(1, int(best.sum()))
    precision, recall = precision_recall(best, chance)
    metrics = {
        "products": float(best.size),
        "bestsellers": float(best.sum()),
        "judged_base_rate": float(best.mean()),
        "never_accuracy": 1 - float(best.mean()),
        "brier": brier(best, chance),
        "calibration_error": calibration_error(best, chance),
    }
    for name, score in (("", chance), ("revenue/", so_far)):
        metrics |= {
            f"{name}average_precision": average_precision(best, score),
            f"{name}auc": area_under_roc(best, score),
            f"{name}accuracy_at_k": accuracy_at(best, score, k),
            f"{name}precision_at_k": precision_at(best, score, k),
            f"{name}worth_share": worth_share(worth, score, k),
        }
    base = float(best.mean())
    named = np.arange(1, best.size + 1)
    curves = pl.DataFrame(
        {
            "named": named,
            "precision": precision,
            "recall": recall,
            "lift": precision / base if base > 0 else np.zeros(best.size),
            "value_share": value_curve(worth, chance),
            "value_share_revenue": value_curve(worth, so_far),
        }
    )
    misses = rows.select("product_id", "decision_on", label.worth, str(label.so_far)).with_columns(
        probability=pl.Series(chance), is_best=pl.Series(best), miss=pl.Series(np.abs(best - chance))
    )
    tables = {
        "calls/curves": curves,
        "calls/calibration": pl.DataFrame(calibration_table(best, chance)),
        "calls/worst_misses": misses.sort("miss", descending=True, maintain_order=True).head(MISSES),
    }
    return tables, {name: value for name, value in metrics.items() if np.isfinite(value)}
