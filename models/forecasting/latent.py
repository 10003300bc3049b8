"""Demand that stock-outs hid, where sales are known by hour: the closed form, put right by trees.

features.latent_level.Usual.hidden_kg gives what the hours out of stock would usually have sold. Boosted trees learn from
make-believe stock-outs how far the truth lies from it. Part of these begin right after a sale, as nearly all real ones do: the
sale that emptied the shelf is part of what is seen, and must not be taken for a sign of a busy day.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.latent_hours import Bools, Floats, Ints, Singles, out_in_hour
from features.latent_level import ShelfDays, usual_days
from models.forecasting.latent_clues import CLUES, Context, clues, usual_price
from models.forecasting.latent_masks import Hiding, draw_hiding, right_after_a_sale

LEAST_DAYS = 500
"""With fewer make-believe days nothing is learnt and the closed form stands alone."""
MOST_TIMES = 3
"""A whole day is made believe so often on average at most."""
CHUNK = 200_000


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


@dataclass(frozen=True)
class LatentModel:
    """What was learnt of hidden sales."""

    booster: lgb.Booster | None
    """True ÷ closed-form hidden sales; None where there was too little to learn from."""

    def hidden_kg(
        self, state: Context, rows: Ints, *, hidden: Bools, hidden_share: Singles, threads: int = 1
    ) -> Floats:
        """Expected kg hidden on each of `rows`, ≥ 0.

        Args:
            state: As context, of all days.
            rows: Which.
            hidden: [row, hour] hours out of stock.
            hidden_share: Share of a usual day's sales in those hours, per row.
            threads: For LightGBM.
        """
        base = state.day.hidden_kg(rows, hidden_share)
        if self.booster is None:
            return base
        ratio = np.empty(len(rows))
        for at in range(0, len(rows), CHUNK):
            part = slice(at, at + CHUNK)
            x = clues(state, rows[part], hidden[part], base[part])
            ratio[part] = self.booster.predict(x, num_threads=threads)
        return np.asarray(base * ratio.clip(min=0))


def context(
    days: ShelfDays,
    *,
    profile: Singles,
    hourly: npt.NDArray[np.number],
    hourly_unit: float,
    price: Singles | None = None,
    promoted: Bools | None = None,
) -> Context:
    """What hidden sales are told from.

    Args:
        days: Rows.
        profile: As features.latent_hours.usual_day.
        hourly: [row, hour] sales while in stock, in units of `hourly_unit` kg.
        hourly_unit: kg.
        price: Any measure of price, such as the share of the list price; NaN: not known. None: nothing is known.
        promoted: Whether a promotion was on. None: nothing is known.
    """
    unknown = np.full(len(days.day), np.nan, np.float32)
    price = unknown if price is None else price
    return Context(
        usual_days(days, in_detail=True),
        profile,
        hourly,
        hourly_unit,
        price,
        unknown if promoted is None else promoted.astype(np.float32),
        usual_price(price, days.series),
    )


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
    drawn = min(params.make_believe_days, MOST_TIMES * int(state.day.days.complete.sum()))
    late = round(drawn * params.after_sale_share)
    lessons = []
    for count, moved in ((drawn - late, False), (late, True)):
        hiding = draw_hiding(state.day.days, out_mask, count, seed=seed + moved, replace=True)
        if moved:
            hiding = right_after_a_sale(hiding, state.hourly[hiding.rows] > 0)
        lessons.append(_lesson(state, hiding))
    x, base, truth = (np.concatenate(part) for part in zip(*lessons, strict=True))
    told = base > 0
    if told.sum() < LEAST_DAYS:
        return LatentModel(None)
    x, base, truth = x[told], base[told], truth[told]
    data = lgb.Dataset(x, truth / base, weight=base / base.mean(), feature_name=list(CLUES))
    return LatentModel(lgb.train(_settings(params, seed, threads), data, num_boost_round=params.trees))


def _lesson(state: Context, hiding: Hiding) -> tuple[npt.NDArray[np.float32], Floats, Floats]:
    """Clues, closed form and truth (kg) of days some hours of which are hidden."""
    kg = state.hourly[hiding.rows] * np.float32(state.hourly_unit)
    share, seen = state.hidden_share(hiding.rows, hiding.hidden), (kg * ~hiding.hidden).sum(axis=1)
    base = state.day.hidden_kg(hiding.rows, share, seen=seen)
    x = clues(state, hiding.rows, hiding.hidden, base)
    return x, base, np.asarray((kg * hiding.hidden).sum(axis=1), dtype=np.float64)


def recover(
    model: LatentModel, state: Context, *, out_mask: Ints, hidden_share: Singles, threads: int = 1
) -> Singles:
    """Demand (kg) of every row: what was seen and, where part of the day was out of stock, what that hid."""
    rows, demand = np.flatnonzero(hidden_share > 0), state.day.days.seen.copy()
    by_hour = out_mask[rows] > 0
    counted = rows[~by_hour]
    demand[counted] += state.day.hidden_kg(counted, hidden_share[counted])
    rows = rows[by_hour]
    hidden = out_in_hour(out_mask[rows])
    demand[rows] += model.hidden_kg(
        state, rows, hidden=hidden, hidden_share=hidden_share[rows], threads=threads
    )
    return demand


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
