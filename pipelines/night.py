"""One night, step by step: plain functions over the warehouse, so a schedule, a rerun and a back-fill are one path.

Every step may be killed and run again: it replaces what it wrote for its cutoff, or takes in only what is new.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import monotonic
from uuid import uuid4

import polars as pl

from pipelines.bestseller_score import score_calls
from pipelines.bestsellers import select_products
from pipelines.check import CutoffAhead, check_inputs
from pipelines.clean import clean_readings
from pipelines.demand_inputs import forecast_series
from pipelines.forecast import forecast_demand, forecast_season
from pipelines.grading import grade_goods
from pipelines.handed_in import hand_over
from pipelines.harvest import foresee_harvest
from pipelines.ingest import watch_once
from pipelines.monitors import watch_forecasts
from pipelines.operations.logs import RUN
from pipelines.plan import plan_planting
from pipelines.plan_whatif import solve_whatifs
from pipelines.progress import report
from pipelines.publish import publish
from pipelines.reconcile import agree_horizons
from pipelines.registry_plans import record_solve
from pipelines.scenarios import draw_scenarios
from pipelines.score import score_matured
from pipelines.score_season import keep_season, score_season
from pipelines.train import train_if_due
from settings import Settings
from warehouse import Warehouse
from warehouse.inbox import Inbox, take_in_inbox
from warehouse.last_runs import write_last_run
from warehouse.upkeep import retention

log = logging.getLogger("anxu.night")


@dataclass(frozen=True)
class Night:
    """What every step of one run is given."""

    settings: Settings
    cutoff: date
    now: datetime
    """When files found tonight count as arrived (aware)."""
    run_id: str
    started_at: datetime
    """By the clock; `now` may be another day's in a replay."""

    @classmethod
    def of(cls, settings: Settings, cutoff: date | None, now: datetime | None) -> "Night":
        """Fill in the defaults: now is the clock's, the cutoff is the last whole local day before it."""
        clock = datetime.now(UTC)
        now = (now or clock).astimezone(UTC)
        cutoff = cutoff or (now.astimezone(settings.zone) - timedelta(days=1)).date()
        if cutoff >= clock.astimezone(settings.zone).date():
            raise CutoffAhead(
                f"cutoff {cutoff} is no whole day yet: its sales are not all known; take a day before "
                f"{clock.astimezone(settings.zone):%Y-%m-%d}"
            )
        return cls(settings, cutoff, now, f"{cutoff:%Y%m%d}-{uuid4().hex[:8]}", datetime.now(UTC))


def ingest(night: Night, warehouse: Warehouse) -> str:
    """Take in the watched folder and what people wrote since the last night."""
    loaded = watch_once(night.settings, warehouse, now=night.now)
    inbox = Inbox.open(night.settings.inbox_path)
    messages = take_in_inbox(warehouse, inbox, run_id=night.run_id, now=night.now)
    hand_over(warehouse, zone=night.settings.timezone)
    refused = [file.name for file in loaded.files if file.state == "refused"]
    told = f", {len(refused)} refused: {', '.join(refused[:3])} (see inbox/refused)" if refused else ""
    return f"{len(loaded.files)} files, {messages} messages{told}"


def check(night: Night, warehouse: Warehouse) -> str:
    """Look at what is known before anything is reckoned from it."""
    return check_inputs(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)


def features(night: Night, warehouse: Warehouse) -> str:
    """Clean the sensors' readings; sales features are built inside train and forecast by one function."""
    cleaned = clean_readings(warehouse, known_by=night.settings.known_by(night.cutoff))
    return f"{cleaned.readings} readings, {cleaned.flagged} flagged"


def train(night: Night, warehouse: Warehouse) -> str:
    """Train and compare if the champion is due."""
    return train_if_due(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id).summary


def forecast(night: Night, warehouse: Warehouse) -> str:
    """Forecast days and seasons."""
    only = forecast_series(night.settings, warehouse, cutoff=night.cutoff)
    days = forecast_demand(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id, only=only)
    report("forecast", 1, 2)
    weeks = forecast_season(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)
    nodes = agree_horizons(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)
    paths = draw_scenarios(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)
    return f"{days} daily rows, {weeks} weekly rows, {nodes} of nodes above, paths of {paths} crop-weeks"


def grade(night: Night, warehouse: Warehouse) -> str:
    """Say what customers pay for a grade, where to cut, what each lot is and where it should go."""
    return grade_goods(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)


def select(night: Night, warehouse: Warehouse) -> str:
    """Call bestsellers and say what to take on, keep or drop."""
    return select_products(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id)


def plan(night: Night, warehouse: Warehouse) -> str:
    """Plan what to plant, and answer what-ifs on it."""
    settings, cutoff, run_id = night.settings, night.cutoff, night.run_id
    record = partial(record_solve, settings)
    summary = plan_planting(settings, warehouse, cutoff=cutoff, run_id=run_id, record=record).summary
    answered = solve_whatifs(settings, warehouse, cutoff=cutoff, run_id=run_id, record=record)
    return f"{summary}; {answered} what-ifs answered" if answered else summary


def harvest(night: Night, warehouse: Warehouse) -> str:
    """Say how the fields stand, when and how much they will bear, and what to cut."""
    return foresee_harvest(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id, now=night.now)


def score(night: Night, warehouse: Warehouse) -> str:
    """Score forecasts whose days and weeks have passed, and say what got worse."""
    settings, cutoff, run_id = night.settings, night.cutoff, night.run_id
    rows = score_matured(settings, warehouse, cutoff=cutoff, run_id=run_id)
    keep_season(settings, warehouse, cutoff=cutoff, run_id=run_id)
    weeks = score_season(settings, warehouse, cutoff=cutoff, run_id=run_id)
    called = score_calls(settings, warehouse, cutoff=cutoff, run_id=run_id)
    alerts = watch_forecasts(settings, warehouse, cutoff=cutoff, run_id=run_id)
    return f"{rows} scores of days, {weeks} of weeks, {called} calls of bestsellers, {alerts} alerts"


def release(night: Night, warehouse: Warehouse) -> str:
    """Forget what is past its keeping time, then write and point to the new release."""
    retention(warehouse, night.settings, today=night.cutoff)
    finish(night, warehouse, "completed", "")
    return publish(night.settings, warehouse, cutoff=night.cutoff, run_id=night.run_id, now=night.now)


STEPS: dict[str, Callable[[Night, Warehouse], str]] = {
    "ingest": ingest,
    "check": check,
    "features": features,
    "train": train,
    "forecast": forecast,
    "grade": grade,
    "select": select,
    "plan": plan,
    "harvest": harvest,
    "score": score,
    "publish": release,
}
"""The steps in their order. Scoring comes before publishing so that a release carries its own scores."""


def run_step(night: Night, step: str) -> str:
    """Run one step and record it; returns its one-line detail, raises what the step raises."""
    report(step, 0, 1)
    RUN.set(night.run_id)
    begun = monotonic()
    with Warehouse.open(night.settings.warehouse_path, zone=night.settings.timezone) as warehouse:
        _record(warehouse, night, step, "running", "")
        try:
            detail = STEPS[step](night, warehouse)
        except Exception as error:
            log.error("step %s failed: %s", step, error, extra={"step": step}, exc_info=True)
            _record(warehouse, night, step, "failed", f"{type(error).__name__}: {error}")
            finish(night, warehouse, "failed", f"{step}: {error}")
            raise
        _record(warehouse, night, step, "completed", detail)
    log.info("step %s: %s", step, detail, extra={"step": step, "seconds": round(monotonic() - begun, 2)})
    report(step, 1, 1, detail)
    return detail


def begin(night: Night) -> None:
    """Record that the run started; runs that never ended were killed and are marked so."""
    night.settings.home.mkdir(parents=True, exist_ok=True)
    with Warehouse.open(night.settings.warehouse_path, zone=night.settings.timezone) as warehouse:
        stale = warehouse.read("run").filter(pl.col("status") == "running")
        if stale.height:
            warehouse.upsert(
                "run",
                stale.with_columns(status=pl.lit("failed"), detail=pl.lit("ended without finishing: killed")),
            )
        warehouse.upsert("run", _run_row(night, "running", "", None))
    _note(night, "running", "", None)


def finish(night: Night, warehouse: Warehouse, status: str, detail: str) -> None:
    """Record how the run ended."""
    finished = datetime.now(UTC)
    warehouse.upsert("run", _run_row(night, status, detail, finished))
    _note(night, status, detail, finished)


def run_night(settings: Settings, *, cutoff: date | None = None, now: datetime | None = None) -> Night:
    """Run every step in this process, without an orchestrator."""
    night = Night.of(settings, cutoff, now)
    begin(night)
    for step in STEPS:
        run_step(night, step)
    return night


def _note(night: Night, status: str, detail: str, finished: datetime | None) -> None:
    """Tell how the run stands to those who must not open the warehouse."""
    write_last_run(
        night.settings.home,
        flow="nightly",
        run_id=night.run_id,
        cutoff=night.cutoff,
        started_at=night.started_at,
        finished_at=finished,
        status=status,
        detail=detail,
    )


def _run_row(night: Night, status: str, detail: str, finished: datetime | None) -> pl.DataFrame:
    row = {
        "run_id": night.run_id,
        "flow": "nightly",
        "cutoff": night.cutoff,
        "started_at": night.started_at,
        "finished_at": finished,
        "status": status,
        "detail": detail,
    }
    return pl.DataFrame([row], schema_overrides={"finished_at": pl.Datetime("us", "UTC")})


def _record(warehouse: Warehouse, night: Night, step: str, status: str, detail: str) -> None:
    clock = datetime.now(UTC)
    known = warehouse.sql(
        "select started_at from run_step where run_id = $run_id and step = $step",
        run_id=night.run_id,
        step=step,
    )
    row = {
        "run_id": night.run_id,
        "step": step,
        "started_at": known["started_at"][0] if known.height else clock,
        "finished_at": None if status == "running" else clock,
        "status": status,
        "detail": detail,
    }
    frame = pl.DataFrame([row], schema_overrides={"finished_at": pl.Datetime("us", "UTC")})
    warehouse.upsert("run_step", frame)
