"""What the forecasts of `anxu bench demand` were worth: three views, segments, and the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmarks.demand_names import DECILE, DECILES, DEMAND, MEDIAN, OURS, STATISTICS, STRONG
from models.evaluation.metrics import coverage, pinball, quantile_column

Row = dict[str, object]
POINTS = (OURS, DEMAND, "tweedie", "mae", STRONG, "mean_7", "naive_7")
IN_STOCK, WANTED, ALL = "in stock", "demand", "all days"
SEGMENTS = ("volume", "promotion", "history", "category")
LEAST_POINTS = 500


@dataclass(frozen=True)
class Limits:
    """What must show."""

    best_peer: float = 0.93
    strong_peer: float = 0.95
    demand_peer: float = 0.92
    demand_bias: float = 0.5
    quantile_peer: float = 0.92
    origin_coverage: tuple[float, float] = (0.77, 0.83)
    segment_coverage: tuple[float, float] = (0.74, 0.86)
    bias: float = 0.02
    category_bias: float = 0.65
    history_bias: float = 0.025
    cpu: float = 3.0
    peak_gb: float = 6.0


def views(scored: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The three views: rows with `y` as what is scored, and forecasts brought to it.

    Args:
        scored: Rows of what_came with `origin` and the methods' columns.
    """
    methods = [m for m in POINTS if m in scored.columns]
    return {
        IN_STOCK: scored.filter("is_whole"),
        WANTED: scored.with_columns(pl.col(methods) * pl.col("share")),
        ALL: scored,
    }


def wape(method: str) -> pl.Expr:
    """Σ|forecast − y| ÷ Σ y."""
    return (pl.col(method) - pl.col("y")).abs().sum() / pl.col("y").sum()


def bias(method: str) -> pl.Expr:
    """Σ(forecast − y) ÷ Σ y."""
    return (pl.col(method) - pl.col("y")).sum() / pl.col("y").sum()


def wql(method: str) -> pl.Expr:
    """2 Σ pinball ÷ Σ y, averaged over the deciles."""
    losses = [pinball(pl.col("y"), pl.col(quantile_column(method, q)), q).sum() for q in DECILES]
    return 2 * pl.sum_horizontal(losses) / len(DECILES) / pl.col("y").sum()


def inside(method: str) -> pl.Expr:
    """Share of rows between the outer deciles."""
    low, high = (pl.col(quantile_column(method, q)) for q in (DECILES[0], DECILES[-1]))
    return coverage(pl.col("y"), low, high)


def weighted_bias(rows: pl.DataFrame, method: str, segment: str) -> float:
    """Sales-weighted mean over the segment's classes of |bias|."""
    per = rows.group_by(segment).agg(off=(pl.col(method) - pl.col("y")).sum().abs(), y=pl.col("y").sum())
    return float(per.select(pl.col("off").sum() / pl.col("y").sum()).item())


def figures(scored: pl.DataFrame) -> list[Row]:
    """All figures: by view over all and by origin, and in stock by segment (categories only as a weighted bias)."""
    rows = list[Row]()
    for view, frame in views(scored).items():
        methods = [m for m in POINTS if m in frame.columns]
        exprs = {(m, n): e(m) for m in methods for n, e in (("wape", wape), ("bias", bias))}
        rows += _figures(frame, view, exprs)
        rows += _by(frame, "origin", view, exprs)
    lasting = scored.filter("is_whole")
    own: dict[tuple[str, str], pl.Expr] = {
        (OURS, "wql"): wql(OURS),
        (OURS, "coverage_80"): inside(OURS),
        (f"{OURS}_0.5", "wape"): wape(quantile_column(OURS, 0.5)),
    }
    rows += _figures(lasting, IN_STOCK, own) + _by(lasting, "origin", IN_STOCK, own)
    for segment in SEGMENTS[:-1]:
        points = {
            (m, n): e(m) for m in (OURS, "tweedie", STRONG) for n, e in (("wape", wape), ("bias", bias))
        }
        rows += _by(lasting, segment, IN_STOCK, points | own)
    rows += [
        _row(f"{IN_STOCK}: by {segment}", "weighted_abs_bias", m, weighted_bias(lasting, m, segment))
        for segment in ("category", "history")
        for m in (OURS, "tweedie", STRONG)
    ]
    return rows + _partial(lasting)


def _partial(lasting: pl.DataFrame) -> list[Row]:
    """Peers that are run on fewer rows, beside ours on the same ones."""
    deciles = lasting.drop_nulls(quantile_column(DECILE, DECILES[0]))
    rows = _figures(
        deciles, f"{IN_STOCK}, origins of the decile peer", {(m, "wql"): wql(m) for m in (OURS, DECILE)}
    )
    some = lasting.drop_nulls(MEDIAN)
    named = (OURS, "tweedie", *STATISTICS, MEDIAN)
    pair = {(m, n): e(m) for m in named for n, e in (("wape", wape), ("bias", bias))}
    return rows + _figures(some, f"{IN_STOCK}, series of the statistical peers", pair)


def musts(
    scored: pl.DataFrame, cpu_s: Mapping[str, float], peak_gb: float, limits: Limits, *, whole: bool = True
) -> list[Row]:
    """The limits, each with what was found.

    Cost is held to its limits on the whole folder only: of a sample, what is read and set up once outweighs the work.
    """
    lasting, wanted = (views(scored)[v] for v in (IN_STOCK, WANTED))
    of = lasting.select(**{m: wape(m) for m in (OURS, "tweedie", "mae", STRONG)}).row(0, named=True)
    want = wanted.select(ours=wape(DEMAND), peer=wape("tweedie"), b=bias(DEMAND), pb=bias("tweedie")).row(
        0, named=True
    )
    three = lasting.drop_nulls(quantile_column(DECILE, DECILES[0]))
    loss = three.select(ours=wql(OURS), peer=wql(DECILE)).row(0, named=True)
    category = [weighted_bias(lasting, m, "category") for m in (OURS, "tweedie")]
    best = min(of["tweedie"], of["mae"])
    return [
        _most("in stock: WAPE ÷ that of the better of Tweedie and MAE", of[OURS] / best, limits.best_peer),
        _most("in stock: WAPE ÷ the strong peer's", of[OURS] / of[STRONG], limits.strong_peer),
        _most("demand: WAPE ÷ the Tweedie peer's", want["ours"] / want["peer"], limits.demand_peer),
        _most("demand: |bias| ÷ the Tweedie peer's", abs(want["b"] / want["pb"]), limits.demand_bias),
        _most("in stock: WQL ÷ the per-decile peer's", loss["ours"] / loss["peer"], limits.quantile_peer),
        *_coverages(lasting, limits),
        _most("in stock: |bias| over all origins", abs(lasting.select(bias(OURS)).item()), limits.bias),
        _most(
            "in stock: |bias| by third category ÷ Tweedie's", category[0] / category[1], limits.category_bias
        ),
        _most(
            "in stock: |bias| by stock-out history",
            weighted_bias(lasting, OURS, "history"),
            limits.history_bias,
        ),
        *(_cost(cpu_s, peak_gb, limits) if whole else []),
    ]


def _cost(cpu_s: Mapping[str, float], peak_gb: float, limits: Limits) -> list[Row]:
    return [
        _most("CPU time ÷ the Tweedie peer's", cpu_s[OURS] / cpu_s["tweedie"], limits.cpu),
        _most("peak memory, GB", peak_gb, limits.peak_gb),
    ]


def _coverages(lasting: pl.DataFrame, limits: Limits) -> list[Row]:
    """Coverage at each origin, and the lowest and highest of segments with enough points."""
    low, high = limits.origin_coverage
    found = [
        _between(f"in stock: coverage of 10–90 % at {day}", value, low, high)
        for day, value in lasting.group_by("origin").agg(inside(OURS)).sort("origin").iter_rows()
    ]
    parts = [
        lasting.group_by(pl.format("{} {}", pl.lit(s), s).alias("segment")).agg(pl.len(), value=inside(OURS))
        for s in SEGMENTS
    ]
    large = pl.concat(parts).filter(pl.col("len") >= LEAST_POINTS).sort("value", "segment")
    low, high = limits.segment_coverage
    return found + [
        _between(f"in stock: {word} coverage of {large.height} segments ({row[0]})", row[2], low, high)
        for word, row in (("lowest", large.row(0)), ("highest", large.row(-1)))
    ]


def _by(frame: pl.DataFrame, by: str, view: str, exprs: Mapping[tuple[str, str], pl.Expr]) -> list[Row]:
    return [
        row
        for (name,), part in sorted(frame.partition_by(by, as_dict=True).items(), key=lambda kv: str(kv[0]))
        for row in _figures(part, f"{view}: {by} {name}", exprs)
    ]


def _figures(frame: pl.DataFrame, segment: str, exprs: Mapping[tuple[str, str], pl.Expr]) -> list[Row]:
    values = frame.select(e.alias(str(i)) for i, e in enumerate(exprs.values())).row(0)
    return [
        _row(segment, metric, method, value) for (method, metric), value in zip(exprs, values, strict=True)
    ]


def _row(segment: str, metric: str, method: str, value: float) -> Row:
    return {"segment": segment, "metric": metric, "method": method, "value": value}


def _most(what: str, value: float, limit: float) -> Row:
    return {"what": what, "value": value, "limit": limit, "holds": value <= limit}


def _between(what: str, value: float, low: float, high: float) -> Row:
    return {"what": what, "value": value, "limit": f"{low} to {high}", "holds": low <= value <= high}


__all__: Sequence[str] = ("Limits", "figures", "musts", "views")
