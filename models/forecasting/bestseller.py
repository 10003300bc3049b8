"""Bestsellers called early: one model for products just launched and for listings that have sold nothing yet."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from models.forecasting.bestseller_chances import Chances, learn_chances
from models.forecasting.bestseller_label import LabelSpec
from models.forecasting.bestseller_members import CallParams, Floats, Members, fit_members
from models.forecasting.bestseller_words import THEMES, theme_of, wording

LEVELS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
LEAST_LAUNCHES = 20
REASONS = 3
NO_DAY = date(1970, 1, 1)
_RANK = pl.struct("probability", "score").rank("ordinal", descending=True).over("category").cast(pl.Int64)


class TooFewLaunchesError(ValueError):
    """There are not enough matured launches to learn from; the reference ranking must stand in, labelled as such."""


def worth_column(level: float) -> str:
    """Name of a quantile's column, e.g. 'worth_0.5'."""
    return f"worth_{level:g}"


@dataclass(frozen=True)
class BestsellerModel:
    """A fitted caller."""

    label: LabelSpec
    features: tuple[str, ...]
    params: CallParams
    members: Members
    chances: Chances

    def score(self, rows: pl.DataFrame, *, threads: int = 1) -> Floats:
        """[rows] the expected log of 1 + yuan, up to its level."""
        return self.members.score(_matrix(rows, self.features), _so_far(rows, self.label), threads=threads)

    def predict(self, rows: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
        """Call each product.

        Args:
            rows: `product_id`, `decision_on` (may be missing for listings), the label's `so_far` and category, the features;
                null features count as not known.
            threads: LightGBM's.

        Returns:
            One row per row, same order: `product_id`, `decision_on`, `category`, `score`, `probability` (of being among
            the label's top share of those decided around the same time, the row's own day and earlier), `rank` (1 is
            best, within the category of these rows), `expected_yuan`, and worth_column(level) (yuan) for LEVELS.
        """
        score, day = self.score(rows, threads=threads), _days(rows)
        chance = np.empty(rows.height)
        category = self.label.categories(rows)
        names = category.to_numpy()
        for name in np.unique(names):
            at = names == name
            chance[at] = self.chances.chance(score[at], day[at], top_share=self.label.top_share)
        worth = self.chances.quantiles(score, LEVELS)
        return pl.DataFrame(
            {
                "product_id": rows["product_id"],
                "decision_on": _decided(rows),
                "category": category,
                "score": score,
                "probability": chance,
                "expected_yuan": self.chances.expected(score),
                **{worth_column(q): worth[:, i] for i, q in enumerate(LEVELS)},
            }
        ).with_columns(rank=_RANK)

    def reasons(self, rows: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
        """The three strongest reasons of each call.

        Returns:
            Three rows per row (fewer when fewer themes have features): `product_id`, `decision_on`, `place` (1 is strongest),
            `theme`, `effect` (on the log of the expected yuan against the mean of what was learnt from), `text_zh`, `text_en`.
        """
        effects, own = self.members.effects(
            _matrix(rows, self.features), _so_far(rows, self.label), threads=threads
        )
        themes = sorted({theme_of(f) for f in self.features} | ({"sales"} if self.label.so_far else set()))
        total = np.zeros((rows.height, len(themes)))
        for i, feature in enumerate(self.features):
            total[:, themes.index(theme_of(feature))] += effects[:, i]
        if "sales" in themes:
            total[:, themes.index("sales")] += own
        total *= self.chances.rise
        places = np.argsort(-np.abs(total), axis=1, kind="stable")[:, :REASONS]
        products, days = rows["product_id"].to_list(), _decided(rows).to_list()
        found = [
            (
                products[r],
                days[r],
                place + 1,
                themes[t],
                float(total[r, t]),
                *wording(themes[t], total[r, t] > 0),
            )
            for r in range(rows.height)
            for place, t in enumerate(places[r])
        ]
        columns: dict[str, pl.DataType | type[pl.DataType]] = {
            "product_id": rows.schema["product_id"], "decision_on": pl.Date, "place": pl.Int64, "theme": pl.String,
            "effect": pl.Float64, "text_zh": pl.String, "text_en": pl.String,
        }  # fmt: skip
        return pl.DataFrame(found, schema=columns, orient="row")

    def importance(self, rows: pl.DataFrame, *, threads: int = 1) -> pl.DataFrame:
        """Mean size of each feature's effect on the score over rows: `feature`, `theme`, `importance`, largest first."""
        effects, _ = self.members.effects(
            _matrix(rows, self.features), _so_far(rows, self.label), threads=threads
        )
        sizes = pl.DataFrame({"feature": self.features, "importance": np.abs(effects).mean(axis=0)})
        theme = pl.Series("theme", [theme_of(f) for f in self.features])
        return sizes.with_columns(theme).sort("importance", descending=True)

    def to_files(self) -> dict[str, str]:
        """File name → text: LightGBM's own format, and the rest as JSON."""
        rest = {
            "label": self.label.to_json(), "features": list(self.features), "params": asdict(self.params),
            "chances": self.chances.to_json(),
        }  # fmt: skip
        return self.members.to_files() | {"calls.json": json.dumps(rest, ensure_ascii=False)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "BestsellerModel":
        """From what to_files gave."""
        rest = json.loads(files["calls.json"])
        stored = rest["params"]
        assumed = tuple((str(f), float(v)) for f, v in stored["assumed"])
        params = CallParams(**(stored | {"core": tuple(stored["core"]), "assumed": assumed}))
        return cls(
            LabelSpec.from_json(rest["label"]), tuple(rest["features"]), params, Members.from_files(files),
            Chances.from_json(rest["chances"]),
        )  # fmt: skip


def fit_calls(
    train: pl.DataFrame,
    *,
    label: LabelSpec,
    features: Sequence[str],
    params: CallParams | None = None,
    seed: int,
    threads: int,
) -> BestsellerModel:
    """Learn to call bestsellers.

    The members learn the log of 1 + worth on all rows; chances and spread are learnt on the launches, each block of
    decision days scored by members that saw neither its launches nor older windows of the same products.

    Args:
        train: As for predict, with the label's `worth` (≥ 0), and where given `weight` and `is_launch` (else 1 and true).
        label: What counts as a bestseller; labels are marked among the launches of `train`.
        features: Columns to learn from.
        params: Settings.
        seed: Of the trees, and of the folds where there are no decision days.
        threads: LightGBM's.

    Raises:
        TooFewLaunchesError: Under 20 launches, or none of them earned anything.
    """
    params = params or CallParams()
    is_launch = (
        train["is_launch"].to_numpy() if "is_launch" in train.columns else np.ones(train.height, np.bool_)
    )
    worth = train[label.worth].to_numpy().astype(float).clip(min=0)
    if is_launch.sum() < LEAST_LAUNCHES or not (worth[is_launch] > 0).any():
        raise TooFewLaunchesError(
            f"{int(is_launch.sum())} matured launches: at least {LEAST_LAUNCHES} with some sales are needed to learn from"
        )
    weight = train["weight"].to_numpy().astype(float) if "weight" in train.columns else np.ones(train.height)
    x, y, so_far = _matrix(train, features), np.log1p(worth), _so_far(train, label)

    def members(rows: npt.NDArray[np.bool_]) -> Members:
        own = None if so_far is None else so_far[rows]
        return fit_members(
            x[rows], y[rows], weight[rows], own, features=features, params=params, seed=seed, threads=threads
        )

    held_out = np.full(train.height, np.nan)
    products = train["product_id"].to_numpy()
    for block in _blocks(train, is_launch, params.folds, seed):
        asked = np.isin(products, products[block])
        fitted = members(~block & ~asked)
        own = None if so_far is None else so_far[block]
        held_out[block] = fitted.score(x[block], own, threads=threads)
    launches = train.filter(is_launch)
    chances = learn_chances(
        held_out[is_launch], _days(launches), y[is_launch], label.mark(launches), top_share=label.top_share
    )
    return BestsellerModel(label, tuple(features), params, members(np.ones(train.height, np.bool_)), chances)


def _blocks(
    train: pl.DataFrame, is_launch: npt.NDArray[np.bool_], folds: int, seed: int
) -> list[npt.NDArray[np.bool_]]:
    """Launches in blocks of decision days of about equal size; drawn where there are no days."""
    at = np.flatnonzero(is_launch)
    day = _days(train)[at]
    if np.ptp(day) == 0:
        day = np.random.default_rng(seed).permutation(at.size).astype(float)
    edges = np.unique(np.quantile(day, np.arange(1, folds) / folds, method="higher"))
    which = np.searchsorted(edges, day, side="right")
    blocks = []
    for block in np.unique(which):
        rows = np.zeros(train.height, dtype=np.bool_)
        rows[at[which == block]] = True
        blocks.append(rows)
    return blocks if len(blocks) > 1 else [_half(at, train.height, i) for i in (0, 1)]


def _half(at: npt.NDArray[np.int64], height: int, which: int) -> npt.NDArray[np.bool_]:
    rows = np.zeros(height, dtype=np.bool_)
    rows[at[which::2]] = True
    return rows


def _matrix(rows: pl.DataFrame, features: Sequence[str]) -> Floats:
    if missing := [f for f in features if f not in rows.columns]:
        raise ValueError(f"features {missing} are not in the rows; make them as for training")
    numbers = rows.select(pl.col(list(features)).cast(pl.Float64))
    return np.asarray(numbers.fill_null(np.nan).to_numpy(order="c"), dtype=np.float64)


def _so_far(rows: pl.DataFrame, label: LabelSpec) -> Floats | None:
    return None if label.so_far is None else rows[label.so_far].fill_null(0.0).to_numpy().astype(float)


def _decided(rows: pl.DataFrame) -> pl.Series:
    if "decision_on" in rows.columns:
        return rows["decision_on"]
    return pl.Series("decision_on", [None] * rows.height, dtype=pl.Date)


def _days(rows: pl.DataFrame) -> Floats:
    days = (_decided(rows).fill_null(NO_DAY) - NO_DAY).dt.total_days()
    return np.asarray(days.to_numpy(), dtype=np.float64)


__all__ = [
    "LEVELS",
    "THEMES",
    "BestsellerModel",
    "CallParams",
    "LabelSpec",
    "TooFewLaunchesError",
    "fit_calls",
    "worth_column",
]
