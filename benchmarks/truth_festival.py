"""The days about Spring Festival, forecast with and without the calendar."""

from datetime import date, timedelta

import polars as pl

from benchmarks.truth_county import DAY, County
from features.assemble import CALENDAR, NUMBERS, future_frame, training_frame
from features.calendar import SERIES
from features.festivals import lunar_day
from features.panel import Panel, build_panel
from models.forecasting.demand import DemandModel, DemandParams, fit_mean
from models.simulation.sizes import ENDS_ON
from models.simulation.truth import HORIZON_DAYS

FESTIVAL_LIMIT = 0.4
WINDOW_DAYS = 15
LAGS, LAGS_AND_PLANS, TRUE_MEAN = "lags only", "lags and plans", "true mean"
OURS = "anxu"
FESTIVAL_COLUMNS = (
    *(name for name in CALENDAR if name != "weekday"),
    *(name for name in NUMBERS if name.startswith("lunar_ratio")),
)
"""What the calendar tells; the weekday is left to both."""
PLANS = tuple(
    name
    for name in NUMBERS
    if name.startswith(("price", "discount", "campaign", "presale", "after_campaign", "live_", "promot"))
)
LEVELS_OF_SCORE: dict[str, tuple[str, ...]] = {
    "series": SERIES,
    "product and channel": ("product_id", "channel_id"),
    "family and channel": ("family", "channel_id"),
    "family": ("family",),
    "county": (),
}
JUDGED = "family"


def festival_scores(
    found: County, params: DemandParams, *, seed: int, threads: int
) -> tuple[list[dict[str, object]], str, float]:
    """Forecast the days about the newest past Spring Festival from five origins before it.

    Returns:
        Rows of WAPE per level at which days are added up, the segment that is held to the limit, and its ratio of ours to lags
        only. Judged are kg of a family per day, as single series are so thin that even the true mean misses most of what they
        sell. Forecasts are means; the truth is what customers wanted, on days on sale.
    """
    festival = newest_festival()
    first, last = (festival + timedelta(days=d) for d in (-WINDOW_DAYS, WINDOW_DAYS))
    origins = [first + timedelta(days=7 * week - 1) for week in range(-3, 2)]
    panel = build_panel(found.tables(origins[-1]), cutoff=origins[-1], horizon_days=HORIZON_DAYS)
    asked = pl.concat(_asked(panel, origin, first, last) for origin in origins)
    guesses = _guesses(panel, asked, origins[0], params, seed=seed, threads=threads)
    wanted = found.wanted(first, last).rename({"mean_kg": TRUE_MEAN})
    days = asked.select(*DAY, "family", "origin").with_columns(**guesses).join(wanted, on=DAY, how="inner")
    segment = f"±{WINDOW_DAYS} days of {festival}: "
    wape = {level: _wape(days, by, (*guesses, TRUE_MEAN)) for level, by in LEVELS_OF_SCORE.items()}
    scores = [
        _row(segment + level, "wape", m, value) for level, of in wape.items() for m, value in of.items()
    ]
    bias = [_row(segment + "county", "bias", m, _bias(days, m)) for m in guesses]
    return [*scores, *bias], segment + JUDGED, wape[JUDGED][OURS] / wape[JUDGED][LAGS]


def _row(segment: str, metric: str, method: str, value: float) -> dict[str, object]:
    return {"segment": segment, "metric": metric, "method": method, "value": round(value, 4)}


def newest_festival() -> date:
    """The last Spring Festival whose days about it are on record."""
    last = lunar_day(ENDS_ON.year, 1, 1)
    return last if last + timedelta(days=WINDOW_DAYS) <= ENDS_ON else lunar_day(ENDS_ON.year - 1, 1, 1)


def _guesses(
    panel: Panel, asked: pl.DataFrame, last: date, params: DemandParams, *, seed: int, threads: int
) -> dict[str, pl.Series]:
    """Means of `asked` by models fitted on days until `last`: ours, and two that see neither FESTIVAL_COLUMNS nor the festival
    index, one of them no plans either."""
    rows = training_frame(
        panel,
        last=last,
        days=params.train_days,
        horizon_days=HORIZON_DAYS,
        max_rows=params.max_rows,
        seed=seed,
    )
    blind = {OURS: (), LAGS_AND_PLANS: FESTIVAL_COLUMNS, LAGS: (*FESTIVAL_COLUMNS, *PLANS)}
    return {
        method: _means(rows, asked, unseen, params, seed=seed, threads=threads)
        for method, unseen in blind.items()
    }


def _asked(panel: Panel, origin: date, first: date, last: date) -> pl.DataFrame:
    frame = future_frame(panel, origin=origin, horizon_days=HORIZON_DAYS)
    return frame.filter(pl.col("date").is_between(first, last))


def _means(
    rows: pl.DataFrame,
    asked: pl.DataFrame,
    blind: tuple[str, ...],
    params: DemandParams,
    *,
    seed: int,
    threads: int,
) -> pl.Series:
    """Expected kg of `asked` by a model that does not see the columns `blind`, nor, without the calendar, the festival index."""
    taught, told = (_without(frame, blind) for frame in (rows, asked))
    model: DemandModel = fit_mean(taught, params=params, spreads=None, seed=seed, threads=threads)
    return pl.Series(model.mean_kg(told, threads=threads))


def _without(frame: pl.DataFrame, blind: tuple[str, ...]) -> pl.DataFrame:
    if not blind:
        return frame
    return frame.with_columns(
        pl.col("level_kg") / pl.col("festival_index").fill_null(1.0),
        *(pl.lit(None, frame.schema[name]).alias(name) for name in blind),
    )


def _wape(days: pl.DataFrame, by: tuple[str, ...], methods: tuple[str, ...]) -> dict[str, float]:
    total = days.group_by(*by, "origin", "date").agg(pl.col(*methods, "true_kg").sum())
    true = float(total["true_kg"].sum())
    return {m: float((total[m] - total["true_kg"]).abs().sum()) / true for m in methods}


def _bias(days: pl.DataFrame, method: str) -> float:
    return float(days[method].sum()) / float(days["true_kg"].sum()) - 1
