"""Demand that stock-outs hid: what was seen, plus what the hours out of stock would have sold.

Two parts. A closed form: the day's rate is gamma distributed about level × what the neighbours say of the day, and the
orders seen while in stock update it (gamma-Poisson). Where sales are known by hour, boosted trees then learn from
make-believe stock-outs how far the truth lies from it; half of these begin right after a sale, as nearly all real ones do: the
sale that emptied the shelf is part of what is seen and would else be taken for a sign of a busy day.
"""

from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.latent_hours import Bools, Floats, Ints, Singles, out_in_hour
from features.latent_level import ShelfDays, kg_per_order, local_level, neighbours
from models.forecasting.latent_clues import CLUES, Context, clues, usual_price
from models.forecasting.latent_masks import Hiding, draw_hiding, right_after_a_sale

LEAST_DAYS = 500
"""With fewer make-believe days nothing is learnt and the closed form stands alone."""
CHUNK = 200_000
CHAIN = ("channel", "family_channel", "product_channel")
"""Pools whose day shifts the closed form's level, the widest first."""


@dataclass(frozen=True)
class LatentParams:
    """Everything chosen about a fit; two equal ones on equal rows give equal models."""

    make_believe_days: int = 60_000
    after_sale_share: float = 0.4
    trees: int = 120
    leaves: int = 15
    learning_rate: float = 0.06
    tweedie_power: float = 1.2
    least_leaf_rows: int = 200
    shape: float = 8.0
    """Of the gamma distribution of a day's rate about its expectation; the size of a negative binomial."""


@dataclass(frozen=True)
class LatentModel:
    """What was learnt of hidden sales."""

    params: LatentParams
    booster: lgb.Booster | None
    """True ÷ closed-form hidden sales; None where sales are not known by hour."""

    def hidden_kg(
        self, state: Context, rows: Ints, *, hidden: Bools | None, hidden_share: Singles, threads: int = 1
    ) -> Floats:
        """Expected kg hidden on each of `rows`, ≥ 0.

        Args:
            state: As context, of all days.
            rows: Which.
            hidden: [row, hour] hours out of stock; None where only the share is known.
            hidden_share: Share of a usual day's sales in those hours, per row.
        """
        base = closed_form(state, rows, hidden_share, state.days.seen[rows], self.params.shape)
        if self.booster is None or hidden is None or state.hourly is None:
            return base
        ratio = np.empty(len(rows))
        for at in range(0, len(rows), CHUNK):
            part = slice(at, at + CHUNK)
            x, _ = clues(state, rows[part], hidden[part], base[part])
            ratio[part] = self.booster.predict(x, num_threads=threads)
        return np.asarray(base * ratio.clip(min=0))


def context(
    days: ShelfDays,
    *,
    profile: Singles,
    hourly: npt.NDArray[np.number] | None = None,
    hourly_unit: float = 1.0,
    price: Singles | None = None,
    promoted: Bools | None = None,
) -> Context:
    """Level, neighbours and unit of every row, from which hidden sales are told.

    Args:
        days: Rows.
        profile: As features.latent_hours.usual_day.
        hourly: [row, hour] sales while in stock, in units of `hourly_unit` kg; None: not known.
        hourly_unit: kg.
        price: Price as a share of the list price, or any other price; NaN: not known.
        promoted: Whether a promotion was on.
    """
    unit = kg_per_order(days)
    level, parts = local_level(days, unit)
    around = neighbours(days, level)
    usual = None if price is None else usual_price(price, days.series)
    return Context(days, profile, level, parts, around, unit, hourly, hourly_unit, price, promoted, usual)


def closed_form(state: Context, rows: Ints, hidden_share: Singles, seen: Singles, shape: float) -> Floats:
    """Expected hidden kg: level × neighbours × hidden share, updated by what was seen (gamma-Poisson), per row."""
    shift: Floats | float = 1.0
    for name in CHAIN:
        shift = state.neighbours.ratio(name, rows, around=shift)
    level = state.level[rows] * shift
    seen_usual = level * (1 - hidden_share) / state.unit[rows]
    update = (shape + seen / state.unit[rows]) / (shape + seen_usual)
    return np.asarray(level * hidden_share * update)


def fit(
    state: Context, out_mask: Ints, *, params: LatentParams | None = None, seed: int = 1, threads: int = 1
) -> LatentModel:
    """Learn from make-believe stock-outs on days that had none.

    Args:
        state: As context, of the days to learn from.
        out_mask: Bit mask of each row (≤ 0: no stock-out known by hour).
        params: What is chosen.
        seed: Of draws and trees.
        threads: For LightGBM.
    """
    params = params or LatentParams()
    model = LatentModel(params, None)
    if state.hourly is None:
        return model
    x, base, truth = _lessons(state, out_mask, params, seed)
    if len(base) < LEAST_DAYS:
        return model
    data = lgb.Dataset(x, truth / base, weight=base / base.mean(), feature_name=list(CLUES))
    booster = lgb.train(_settings(params, seed, threads), data, num_boost_round=params.trees)
    return replace(model, booster=booster)


def _lessons(
    state: Context, out_mask: Ints, params: LatentParams, seed: int
) -> tuple[npt.NDArray[np.float32], Floats, Floats]:
    """Clues, closed form and truth (kg) of make-believe stock-outs."""
    assert state.hourly is not None
    late = round(params.make_believe_days * params.after_sale_share)
    found = []
    for count, moved in ((params.make_believe_days - late, False), (late, True)):
        hiding = draw_hiding(state.days, out_mask, count, seed=seed + moved, replace=True)
        if moved:
            hiding = right_after_a_sale(hiding, state.hourly[hiding.rows] > 0)
        found.append(lesson(state, hiding, params.shape))
    x, base, truth = (np.concatenate(part) for part in zip(*found, strict=True))
    told = base > 0
    return x[told], base[told], truth[told]


def lesson(state: Context, hiding: Hiding, shape: float) -> tuple[npt.NDArray[np.float32], Floats, Floats]:
    """Clues, closed form and truth (kg) of days some hours of which are hidden."""
    assert state.hourly is not None
    kg = state.hourly[hiding.rows] * np.float32(state.hourly_unit)
    share = state.hidden_share(hiding.rows, hiding.hidden)
    base = closed_form(state, hiding.rows, share, (kg * ~hiding.hidden).sum(axis=1), shape)
    x, _ = clues(state, hiding.rows, hiding.hidden, base)
    return x, base, np.asarray((kg * hiding.hidden).sum(axis=1), dtype=np.float64)


def recover(
    model: LatentModel, state: Context, *, out_mask: Ints, hidden_share: Singles, threads: int = 1
) -> tuple[Singles, Bools]:
    """Demand (kg) of every row and whether it was recovered; where nothing was hidden, demand is what was seen."""
    rows = np.flatnonzero(hidden_share > 0)
    by_hour = out_mask[rows] > 0
    demand = state.days.seen.copy()
    for part, masks in ((rows[by_hour], True), (rows[~by_hour], False)):
        hidden = out_in_hour(out_mask[part]) if masks else None
        demand[part] += model.hidden_kg(
            state, part, hidden=hidden, hidden_share=hidden_share[part], threads=threads
        ).astype(np.float32)
    return demand, hidden_share > 0


def _settings(params: LatentParams, seed: int, threads: int) -> dict[str, object]:
    return {
        "objective": "tweedie",
        "tweedie_variance_power": params.tweedie_power,
        "learning_rate": params.learning_rate,
        "num_leaves": params.leaves,
        "min_data_in_leaf": params.least_leaf_rows,
        "feature_fraction": 0.6,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 127,
        "seed": seed,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
