"""The caller of launches: trained when it is due, kept in MLflow with its evidence, else read back."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from features.launch_asks import asked, learning_asks, older_windows, outcomes
from features.launches_early import FEATURES, FeatureBasis, early_features, learn_basis
from models.forecasting.bestseller import (
    LEAST_LAUNCHES,
    BestsellerModel,
    CallParams,
    TooFewLaunchesError,
    fit_calls,
)
from models.forecasting.bestseller_label import LabelSpec
from pipelines.bestseller_evidence import evidence
from pipelines.bestseller_inputs import ENTRY, SelectFacts, SelectParams
from pipelines.registry_calls import record_caller, stored_caller
from settings import Settings

SMALL = CallParams(trees=100, seeds=1)
"""Settings where windows of older products teach: they are few and alike."""
REVISION = 1
"""Goes up when what a caller is made of changes otherwise than in its parameters or features."""


@dataclass(frozen=True)
class Caller:
    """A model with what its calls need."""

    model: BestsellerModel
    basis: FeatureBasis
    categories: frozenset[str]
    """Families ranked on their own; the others together."""
    base_rate: float
    """Share of bestsellers among what was learnt from."""
    fallback_reason: str | None
    """None: learnt from launches; 'few_launches:N': windows of older products stand in for them."""
    version: str

    def features_of(self, facts: SelectFacts, asks: pl.DataFrame) -> pl.DataFrame:
        """Rows for the model: the asks (`product_id`, `start_on`, `decision_on`) with features and `category`."""
        rows = early_features(facts.entries.select(ENTRY), asks, self.basis)
        return with_category(rows, facts, self.categories)

    def to_files(self) -> dict[str, str]:
        """File name → text."""
        rest = {
            "basis": self.basis.to_json(), "categories": sorted(self.categories), "base_rate": self.base_rate,
            "fallback_reason": self.fallback_reason, "version": self.version,
        }  # fmt: skip
        return self.model.to_files() | {"caller.json": json.dumps(rest, ensure_ascii=False)}

    @classmethod
    def from_files(cls, files: dict[str, str]) -> "Caller":
        """From what to_files gave."""
        rest = json.loads(files["caller.json"])
        return cls(
            BestsellerModel.from_files(files), FeatureBasis.from_json(rest["basis"]), frozenset(rest["categories"]),
            rest["base_rate"], rest["fallback_reason"], rest["version"],
        )  # fmt: skip


def caller_for(
    settings: Settings, facts: SelectFacts, *, decision_day: int, cutoff: date, params: SelectParams, run_id: str
) -> Caller | str:  # fmt: skip
    """The caller of launches of that many days: one of the last `train_every_days`, else trained from what is known.

    Returns:
        The caller, or in words why there is none: too little has matured to learn from.
    """
    label = params.label(decision_day)
    recipe = recipe_of(settings, label, params)
    kept = stored_caller(settings, recipe=recipe, cutoff=cutoff)
    if kept is not None and (cutoff - kept.cutoff).days < settings.train_every_days:
        return Caller.from_files(kept.files)
    train, basis, categories, few = learning_rows(settings, facts, label, cutoff=cutoff, params=params)
    try:
        model = fit_calls(
            train,
            label=label,
            features=FEATURES,
            params=SMALL if few else CallParams(),
            seed=settings.seed,
            threads=settings.threads,
        )
    except TooFewLaunchesError as reason:
        return str(reason)
    best = label.mark(train.filter("is_launch"))
    version = f"bestseller-day{decision_day}-{cutoff:%Y%m%d}"
    caller = Caller(model, basis, categories, float(best.mean()), few, version)
    tables, metrics = evidence(train, model, seed=settings.seed, threads=settings.threads)
    record_caller(
        settings,
        recipe=recipe,
        cutoff=cutoff,
        title=version,
        params={
            **{f"label.{k}": v for k, v in label.to_json().items()},
            **params.to_json(),
            "rows": train.height,
            "launches": int(train["is_launch"].sum()),
            "fallback_reason": few,
            "categories": ", ".join(sorted(categories)),
            "records_begin": facts.records_begin,
            "seed": settings.seed,
            "run_id": run_id,
        },
        metrics={**metrics, "base_rate": caller.base_rate},
        files=caller.to_files(),
        tables=tables,
    )
    return Caller.from_files(caller.to_files())  # as later nights read it, to the last bit


def recipe_of(settings: Settings, label: LabelSpec, params: SelectParams) -> str:
    """Label, parameters, features and seed, hashed: callers of one recipe may stand in for each other."""
    made_of = [label.to_json(), params.to_json(), FEATURES, REVISION, settings.seed]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def learning_rows(
    settings: Settings, facts: SelectFacts, label: LabelSpec, *, cutoff: date, params: SelectParams
) -> tuple[pl.DataFrame, FeatureBasis, frozenset[str], str | None]:
    """What a caller learns from: rows as fit_calls wants them, the features' basis, families ranked apart, the fallback.

    With fewer than LEAST_LAUNCHES matured launches, windows of products long on sale count as launches.
    """
    entries, before = facts.entries.select(ENTRY), cutoff + timedelta(days=1)
    day, to_day = label.decision_day, label.to_day
    older = older_windows(
        entries, before=before, day=day, to_day=to_day, most=params.older_rows, seed=settings.seed
    )
    asks = learning_asks(
        facts.launches,
        older,
        before=before,
        sure_from=facts.records_begin,
        day=day,
        to_day=to_day,
        older_weight=params.older_weight,
    )
    matured, few = int(asks["is_launch"].sum()), None
    if matured < LEAST_LAUNCHES:
        few = f"few_launches:{matured}"
        asks = asks.with_columns(is_launch=pl.lit(value=True))
    basis = learn_basis(entries, before=before, seed=settings.seed)
    rows = outcomes(
        entries, early_features(entries, asks, basis), from_day=label.from_day, to_day=label.to_day
    )
    family = rows.filter("is_launch").join(facts.families, on="product_id")["family"].value_counts()
    apart = frozenset(family.filter(pl.col("count") >= params.least_category_rows)["family"])
    rows = with_category(rows, facts, apart)
    if (
        few is not None
    ):  # each window is a product of its own, or holding a product out would leave nothing to learn from
        rows = rows.with_columns(product_id=pl.format("{}@{}", "product_id", "start_on"))
    return rows, basis, apart, few


def with_category(rows: pl.DataFrame, facts: SelectFacts, apart: frozenset[str]) -> pl.DataFrame:
    """Add `category`: the family where it is ranked apart, else null."""
    family = pl.when(pl.col("family").is_in(sorted(apart))).then(pl.col("family"))
    named = rows.join(facts.families, on="product_id", how="left", maintain_order="left")
    return named.with_columns(category=family).drop("family", "name")


def launch_asks(facts: SelectFacts, *, cutoff: date, params: SelectParams) -> dict[int, pl.DataFrame]:
    """Decision day → launches to call: each by the latest day it has reached, until its window has passed."""
    age = (pl.lit(cutoff + timedelta(days=1)) - pl.col("start_on")).dt.total_days()
    found: dict[int, pl.DataFrame] = {}
    above = params.to_day
    for day in sorted(params.decision_days, reverse=True):
        rows = asked(facts.launches.filter((age >= day) & (age < above)), day=day)
        found, above = found | ({day: rows} if rows.height else {}), day
    return found
