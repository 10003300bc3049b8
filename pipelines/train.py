"""Train the demand model when it is due, hold it against seasonal naive and the champion, and register it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from features.assemble import FEATURES, REVISION
from features.panel import Panel, build_panel
from models.evaluation.backtest import OURS, Backtest, backtest, backtest_origins
from models.evaluation.comparison import Verdict, paired_difference, verdict
from models.forecasting.choice import Choice, unchosen
from models.forecasting.demand import DemandModel, DemandParams, spreads_of
from models.forecasting.intermittent import choose_plain
from models.forecasting.intervals import TooLittleHistoryError
from models.forecasting.learning import relearn
from pipelines import registry
from pipelines.demand_inputs import demand_tables
from pipelines.evidence import evidence
from pipelines.progress import report
from pipelines.recipe import pick
from pipelines.reconcile import learn_reconciliation
from pipelines.registry import Version
from pipelines.registry_moves import is_held
from pipelines.standing import backtest_nodes, put_node_scores
from settings import Settings
from warehouse import Warehouse


@dataclass(frozen=True)
class TrainResult:
    """What training came to."""

    summary: str
    trained: bool
    version: str | None
    """The version that was trained or found; None when there is nothing to forecast with."""
    promoted: bool
    metrics: dict[str, float] = field(default_factory=dict)
    """Backtest over all series on days with stock: `wape`, `wql`, `bias`, `coverage_80`, and seasonal naive's as `naive_…`."""


def train_if_due(
    settings: Settings, warehouse: Warehouse, *, cutoff: date, run_id: str, params: DemandParams | None = None
) -> TrainResult:
    """Train, backtest, compare and register, unless a model of the last `train_every_days` is there that this code can run.

    Args:
        settings: Paths, horizon, levels, origins, seed, threads.
        warehouse: Read as known at the cutoff.
        cutoff: Last known day.
        run_id: Logged with the run.
        params: The recipe; None: chosen among the champion's and its neighbours (pipelines.recipe).

    With too little history nothing is trained, `summary` says why, and forecasts are labelled baselines.
    """
    known = registry.versions(settings, cutoff=cutoff)
    for left in (v for v in known if not v.settled):
        registry.settle(settings, left)
    if known and not _is_due(settings, known[-1], cutoff):
        return _not_due(settings, known[-1], cutoff)
    tables = demand_tables(settings, warehouse, cutoff=cutoff)
    if tables.sales.is_empty():
        return TrainResult(
            "not trained: no sales are known; load orders or daily sales first", False, None, False
        )
    report("train", 1, 5, "features")
    panel = build_panel(tables, cutoff=cutoff, horizon_days=settings.horizon_days)
    del tables  # a county's are large, and the panel holds what training needs
    origins = backtest_origins(cutoff, count=settings.backtest_origins, horizon_days=settings.horizon_days)
    needed = (cutoff - origins[0]).days + 2 * (params or DemandParams()).held_out_days + 28
    if (have := (cutoff - panel.records_begin).days + 1) < needed:
        said = f"not trained: {have} days of sales, {needed} are needed; labelled baselines stand in"
        return TrainResult(said, False, None, False)
    try:
        choice = unchosen(params) if params else pick(settings, panel, judged_from=origins[0])
        return _train(settings, warehouse, panel, choice, cutoff, run_id)
    except TooLittleHistoryError as reason:
        return TrainResult(f"not trained: {reason}; labelled baselines stand in", False, None, False)


def recipe_of(params: DemandParams) -> str:
    """What is chosen, hashed: parameters, features and their revision."""
    return _hash([asdict(params), FEATURES, REVISION])


def _is_due(settings: Settings, newest: Version, cutoff: date) -> bool:
    """After so many days, and at once when no champion is left that this code can run (features changed with an upgrade)."""
    if (cutoff - newest.cutoff).days >= settings.train_every_days:
        return True
    named = registry.champion(settings, cutoff=cutoff)
    return named is not None and not DemandModel.fits(named.files())


def _not_due(settings: Settings, newest: Version, cutoff: date) -> TrainResult:
    champion = registry.champion(settings, cutoff=cutoff)
    said = f"not due: {newest.name} is of {newest.cutoff}; champion {champion.name if champion else 'none'}"
    return TrainResult(
        said, False, champion.name if champion else None, False, registry.metrics(settings, newest)
    )


def _train(
    settings: Settings, warehouse: Warehouse, panel: Panel, choice: Choice, cutoff: date, run_id: str
) -> TrainResult:
    """The version is registered last: it is what says that a training is done, so a killed one is done again."""
    params = choice.params
    recipe = recipe_of(params)
    report("train", 2, 5, "backtest")
    tested = _backtest(settings, panel, params)
    report("train", 3, 5, "compare")
    said = _judge(settings, panel, tested, recipe, cutoff)
    put_node_scores(warehouse, backtest_nodes(tested), cutoff=cutoff, source="backtest", run_id=run_id)
    learn_reconciliation(settings, warehouse, tested, cutoff=cutoff, run_id=run_id)
    report("train", 4, 5, "fit on all days")
    version = registry.record(
        settings,
        key=_hash([f"{cutoff}", recipe, settings.seed, settings.horizon_days, settings.levels]),
        recipe=recipe,
        cutoff=cutoff,
        promote=said.promote,
        reason=said.reason,
        params={**asdict(params), **_context(settings, panel, tested, recipe, run_id)},
        metrics=_metrics(tested),
        files=_final(settings, panel, params, tested).to_files(),
        tables=evidence(settings, warehouse, tested, cutoff=cutoff)
        | {"backtest/recipes.csv": choice.table.write_csv()},
    )
    registry.settle(settings, version)
    head = tested.headline()
    summary = f"{version.name} {'promoted' if said.promote else 'kept as challenger'}: {said.reason}"
    return TrainResult(summary, True, version.name, said.promote, head)


def _backtest(settings: Settings, panel: Panel, params: DemandParams) -> Backtest:
    return backtest(
        panel,
        params=params,
        origins=backtest_origins(
            panel.cutoff, count=settings.backtest_origins, horizon_days=settings.horizon_days
        ),
        horizon_days=settings.horizon_days,
        levels=settings.levels,
        seed=settings.seed,
        threads=settings.threads,
    )


def _judge(settings: Settings, panel: Panel, tested: Backtest, recipe: str, cutoff: date) -> Verdict:
    """Hold the backtest against seasonal naive's and, for another recipe, against the champion recipe's on the same days."""
    champion = registry.load_champion(settings, cutoff=cutoff)
    same_recipe = champion is not None and champion[0].recipe == recipe
    difference = None
    if champion is not None and not same_recipe:
        other = _backtest(settings, panel, champion[1].params)
        difference = paired_difference(
            tested.scored, other.scored, method=OURS, levels=settings.levels, seed=settings.seed
        )
    head = tested.headline()
    return verdict(
        wql=head["wql"],
        naive_wql=head["naive_wql"],
        has_champion=champion is not None,
        same_recipe=same_recipe,
        difference=difference,
        is_held=is_held(settings, recipe),
    )


def _final(settings: Settings, panel: Panel, params: DemandParams, tested: Backtest) -> DemandModel:
    """The mean from all days; the spread from what the backtest missed by."""
    spreads = spreads_of(
        tested.model, tested.scored, levels=settings.levels, seed=settings.seed, threads=settings.threads
    )
    return relearn(
        panel,
        last=panel.cutoff,
        params=params,
        spreads=replace(spreads, plain=choose_plain(panel, tested.scored)),
        horizon_days=settings.horizon_days,
        seed=settings.seed,
        threads=settings.threads,
    )


def _context(
    settings: Settings, panel: Panel, tested: Backtest, recipe: str, run_id: str
) -> dict[str, object]:
    return {
        "cutoff": panel.cutoff,
        "known_by": settings.known_by(panel.cutoff).isoformat(),
        "records_begin": panel.records_begin,
        "series": panel.series.height,
        "series_days": panel.days.height,
        "sold_kg": round(float(panel.days["sold_kg"].sum()), 3),
        "feature_hash": _hash([FEATURES, REVISION]),
        "recipe": recipe,
        "seed": settings.seed,
        "horizon_days": settings.horizon_days,
        "origins": ", ".join(map(str, tested.origins)),
        "run_id": run_id,
    }


def _metrics(tested: Backtest) -> dict[str, float]:
    """The headline by its own names, and each segment's as metric/segment/method."""
    rows = tested.table().iter_rows(named=True)
    return tested.headline() | {f"{r['metric']}/{r['segment']}/{r['method']}": r["value"] for r in rows}


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
