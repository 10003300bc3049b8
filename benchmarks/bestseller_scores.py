"""Figures and limits of called launches: every ranking on the same rows, the base rate beside, intervals over products."""

from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.bestseller_data import Case
from features.order_rules import RuledOrders, duplicate_listings, huge_line_yuan
from models.evaluation import ranking
from models.forecasting.bestseller import BestsellerModel
from models.forecasting.bestseller_label import LabelSpec

Floats = npt.NDArray[np.float64]
OURS, BY_WORTH, REVENUE = "anxu", "anxu, by expected worth", "revenue so far"
REFERENCES = {
    REVENUE: "revenue_so_far_yuan",
    "orders so far": "orders_so_far",
    "buyers so far": "buyers_so_far",
    "last week": "last_week_yuan",
    "growth": "growth",
}
PRECISION_GAIN = {
    (False, 28, 0.2): -0.01,
    (False, 28, 0.1): 0.05,
    (False, 14, 0.1): 0.03,
    (True, 28, 0.2): 0.03,
    (True, 28, 0.1): 0.05,
}
"""(another year, decision day, top share) → average precision above the revenue ranking's; other questions: no worse."""
ACCURACY = {(False, 28, 0.2): 0.90, (True, 28, 0.2): 0.86}
PERFECT_SHARE = {(False, 28): 0.90, (True, 28): 0.88}
"""(another year, decision day) → share of the perfect list's worth; earlier decisions are reported."""
CALIBRATION, MANY = 0.03, 500


def rule_rows(segment: str, orders: RuledOrders) -> list[dict[str, object]]:
    """What each rule touched."""
    twins, cap = duplicate_listings(orders.entries), huge_line_yuan(orders.entries)
    sold = orders.entries.filter(pl.col("units") > 0)
    huge = sold.filter(pl.col("revenue_yuan") > cap)
    counts: dict[str, float] = {
        **orders.counts,
        "huge order lines (capped in one feature)": huge.height,
        "their share of revenue": float(huge["revenue_yuan"].sum()) / float(sold["revenue_yuan"].sum()),
        "products with the title of an earlier one": twins.height,
        "of these, with the same digits in the code": int(twins["is_near_code"].sum()),
    }
    return [_row(segment, name, "rule", value) for name, value in counts.items()]


def count_rows(case: Case, label: LabelSpec) -> list[dict[str, object]]:
    """How many were learnt from and called, and the label in words."""
    launches = case.train.filter("is_launch").height
    return [
        _row(_segment(label), "launches learnt from", "count", launches),
        _row(_segment(label), "other rows learnt from", "count", case.train.height - launches),
        _row(_segment(label), "launches called", "count", case.test.height),
        _row(_segment(label), "learnt before", "date", str(case.before)),
    ]


def launch_figures(
    case: Case, model: BestsellerModel, *, is_another_year: bool, seed: int, threads: int
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows and limits of one question."""
    label, test = model.label, case.test
    calls = model.predict(test, threads=threads)
    is_best, worth = label.mark(test), test[label.worth].to_numpy().astype(float)
    chance = calls["probability"].to_numpy()
    scores = {OURS: chance} | {n: test[c].to_numpy().astype(float) for n, c in REFERENCES.items()}
    segment, k = _segment(label), int(is_best.sum())
    rows = _never(segment, is_best)
    for method, score in scores.items():
        rows += _method(segment, method, score, is_best, worth, k, seed)
    rows += _among_all(segment, case, label, scores)
    expected = calls["score"].to_numpy()
    error, band = ranking.calibration_error(is_best, chance), ranking.calibrated_band(chance, seed=seed)
    rows += [
        _row(segment, "average precision", BY_WORTH, ranking.average_precision(is_best, expected)),
        _row(segment, "Brier", OURS, ranking.brier(is_best, chance)),
        _row(segment, "calibration error", OURS, error),
        _row(segment, "calibration error in ten bins", OURS, ranking.calibration_error(is_best, chance, 10)),
        _row(
            segment,
            "the same, 95 % of calibrated models are below",
            "band",
            ranking.calibrated_band(chance, seed=seed, bins=10),
        ),
        _row(segment, "calibration error, 95 % of calibrated models are below", "band", band),
        _row(segment, "mean chance", OURS, float(chance.mean())),
    ]
    key = (is_another_year, label.decision_day, label.top_share)
    return rows, _musts(key, scores, is_best, worth, k, chance.size, error, band)


def _segment(label: LabelSpec) -> str:
    return f"day {label.decision_day}, top {label.top_share:.0%}"


def _never(segment: str, is_best: ranking.Flags) -> list[dict[str, object]]:
    base = float(is_best.mean())
    return [
        _row(segment, "base rate", "all", base),
        _row(segment, "average precision", "never", base),
        _row(segment, "accuracy at k", "never", 1 - base),
        _row(segment, "Brier", "never", base * (1 - base)),
    ]


def _method(
    segment: str, method: str, score: Floats, is_best: ranking.Flags, worth: Floats, k: int, seed: int
) -> list[dict[str, object]]:
    def at(figure: str, rows: npt.NDArray[np.int64]) -> float:
        best, order, money = is_best[rows], score[rows], worth[rows]
        if figure == "average precision":
            return ranking.average_precision(best, order)
        if figure == "precision@k":
            return ranking.precision_at(best, order, k)
        if figure == "accuracy at k":
            return ranking.accuracy_at(best, order, k)
        return ranking.worth_share(money, order, k)

    names = ("average precision", "precision@k", "accuracy at k", "share of the perfect list's worth")
    found = ranking.bootstrap({n: partial(at, n) for n in names}, is_best.size, seed=seed)
    rows = [
        _row(segment, name, method, f"{i.value:.3f} ({i.low:.3f}–{i.high:.3f})") for name, i in found.items()
    ]
    return [
        *rows,
        _row(segment, "lift of precision@k", method, found["precision@k"].value / float(is_best.mean())),
    ]


def _among_all(
    segment: str, case: Case, label: LabelSpec, scores: dict[str, Floats]
) -> list[dict[str, object]]:
    """The same rankings when the label is marked among all launches, learnt ones included, and then looked at on the test."""
    keys = ["product_id", "start_on"]
    if case.every.join(case.test, on=keys, how="semi").is_empty():
        return []
    marked = case.every.with_columns(pl.Series("best", label.mark(case.every)))
    best = case.test.join(marked.select(*keys, "best"), on=keys, how="left", maintain_order="left")[
        "best"
    ].to_numpy()
    where = segment + ", marked among all launches"
    rows = [_row(where, "base rate", "all", float(best.mean()))]
    for method in (OURS, REVENUE):
        rows.append(_row(where, "average precision", method, ranking.average_precision(best, scores[method])))
        rows.append(
            _row(where, "accuracy at k", method, ranking.accuracy_at(best, scores[method], int(best.sum())))
        )
    return rows


def _musts(
    key: tuple[bool, int, float], scores: dict[str, Floats], is_best: ranking.Flags, worth: Floats, k: int,
    products: int, error: float, band: float,
) -> list[dict[str, object]]:  # fmt: skip
    where = f"day {key[1]}, top {key[2]:.0%}" + (", another year" if key[0] else "")
    ours, theirs = (ranking.average_precision(is_best, scores[m]) for m in (OURS, REVENUE))
    money, plain = (ranking.worth_share(worth, scores[m], k) for m in (OURS, REVENUE))
    gain = PRECISION_GAIN.get(key, 0.0)
    found = [
        (
            f"{where}: average precision, revenue's {theirs:.3f} {gain:+.2f}",
            ours,
            theirs + gain,
            ours >= theirs + gain,
        ),
        (f"{where}: worth of the list, revenue's", money, plain, money >= plain),
    ]
    if (least := PERFECT_SHARE.get(key[:2])) is not None:
        found.append((f"{where}: worth of the list ÷ perfect", money, least, money >= least))
    if key in ACCURACY:
        right = ranking.accuracy_at(is_best, scores[OURS], k)
        base = f"never {1 - float(is_best.mean()):.3f}"
        found.append((f"{where}: accuracy at k ({base})", right, ACCURACY[key], right >= ACCURACY[key]))
    limit = CALIBRATION if products >= MANY else band
    found.append((f"{where}: calibration error, {products} products", error, limit, error <= limit))
    return [{"what": w, "value": v, "limit": m, "holds": bool(h)} for w, v, m, h in found]


def _row(segment: str, metric: str, method: str, value: object) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": value}
