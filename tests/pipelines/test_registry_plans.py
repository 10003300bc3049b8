"""Every solve is a run in MLflow, once, with what is needed to make it again."""

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from models.planning.problem import Infeasible
from pipelines import plan_made
from pipelines.plan import NIGHTLY, plan_planting
from pipelines.plan_solved import Solved
from pipelines.plan_whatif import solve_whatifs
from pipelines.registry import _client
from pipelines.registry_plans import EXPERIMENT, record_solve
from tests.pipelines.conftest import Farm
from warehouse.inbox import Inbox, take_in_inbox

pytestmark = pytest.mark.slow

CUTOFF = date(2025, 12, 31)
NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_a_solve_is_one_run_with_status_bound_gap_time_seed_and_digest(farm: Farm, registered: Path) -> None:
    (farm.county.home / registered.name).write_bytes(registered.read_bytes())
    farm.fill()
    farm.forecast(60.0, 40.0)
    record = partial(record_solve, farm.county)
    for _ in range(2):
        plan_planting(farm.county, farm.wh, cutoff=CUTOFF, run_id="r", record=record)
    runs = _client(farm.county).search_runs(
        [_client(farm.county).get_experiment_by_name(EXPERIMENT).experiment_id]
    )
    assert len(runs) == 1
    [run] = runs
    row = farm.of("planting_plan").row(0, named=True)
    assert run.info.status == "FINISHED"
    assert (run.data.params["status"], run.data.params["seed"]) == (row["status"], str(row["seed"]))
    assert run.data.params["inputs_hash"] == row["inputs_hash"]
    assert run.data.params["stop.nodes"] == str(NIGHTLY.nodes)
    assert run.data.metrics["profit_yuan"] == pytest.approx(row["profit_yuan"])
    assert run.data.metrics["bound_yuan"] == pytest.approx(row["bound_yuan"])
    assert run.data.metrics["gap"] == pytest.approx(row["gap"])
    assert 0 < run.data.metrics["seconds"] < 600


def test_what_ifs_are_runs_of_their_own(farm: Farm) -> None:
    farm.fill()
    farm.forecast(60.0, 40.0)
    farm.plan()
    told: list[Solved] = []
    inbox = Inbox.open(farm.county.inbox_path)
    for name, json in (("warm", '[{"kind": "heat", "celsius": 1}]'), ("odd", '[{"kind": "tax"}]')):
        inbox.write("planting_whatif", {"name": name, "overrides_json": json}, "Wang Li")
    take_in_inbox(farm.wh, inbox, "r", NOW)
    asked = farm.wh.read("planting_whatif")
    farm.wh.upsert("planting_whatif", asked.with_columns(known_at=datetime(2025, 12, 31, tzinfo=UTC)))
    assert solve_whatifs(farm.county, farm.wh, cutoff=CUTOFF, run_id="r", record=told.append) == 2
    [solve] = told  # what is not understood is not solved
    assert solve.asked.what == asked.filter(name="warm")["whatif_id"][0]
    assert solve.asked.title == f"what-if {CUTOFF}: warm"
    assert solve.status in ("optimal", "feasible")
    assert solve.bound_yuan >= solve.profit_yuan > 0


def test_an_impossible_plan_is_a_run_that_says_why(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    def impossible(*_: object) -> None:
        raise Infeasible("N1", ["legumes on 10 mu more in the window ending 2027"])

    farm.fill()
    told: list[Solved] = []
    monkeypatch.setattr(plan_made, "solve", impossible)
    plan_planting(farm.county, farm.wh, cutoff=CUTOFF, run_id="r", record=told.append)
    assert [(s.status, "legumes on 10 mu" in s.detail) for s in told] == [("infeasible", True)]
