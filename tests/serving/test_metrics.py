"""What Prometheus reads: counted by route, never by path; the state of release, run and inbox; and what a failed night says."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import psutil
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from serving.app import create_app
from serving.metrics import Requests
from settings import Settings
from warehouse.inbox import Inbox
from warehouse.last_runs import FILE, KILLED, read_last_runs, write_last_run

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(client: TestClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for metric in text_string_to_metric_families(answer.text)
        for sample in metric.samples
    }


def at(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def night(home: Path, status: str, *, started: datetime, detail: str = "") -> None:
    finished = None if status == "running" else started + timedelta(minutes=5)
    write_last_run(
        home, flow="nightly", run_id="20260504-x", cutoff=date(2026, 5, 4), started_at=started,
        finished_at=finished, status=status, detail=detail,
    )  # fmt: skip


def test_requests_are_counted_by_route_and_status_also_when_answered_from_the_shelf(
    client: TestClient,
) -> None:
    before = scraped(client)
    for _ in range(3):
        assert client.get("/v1/forecasts/crab").status_code == 200
    assert client.get("/v1/forecasts/../../etc").status_code == 404
    assert client.get("/no/such/path").status_code == 404
    after = scraped(client)
    route = {"route": "/v1/forecasts/{product_id}"}
    key = ("anxu_requests_total", frozenset({**route, "method": "GET", "status": "200"}.items()))
    assert after[key] - before.get(key, 0) == 3
    assert at(after, "anxu_request_seconds_count", **route) >= 3
    assert at(after, "anxu_request_seconds_bucket", **route, le="+Inf") == at(
        after, "anxu_request_seconds_count", **route
    )
    assert at(after, "anxu_requests_total", route="unmatched", method="GET", status="404") >= 1
    assert not any("etc" in value or "such" in value for _, labels in after for _, value in labels)


def test_release_inbox_and_run_are_told(client: TestClient, shared: Settings) -> None:
    night(shared.home, "completed", started=datetime.now(UTC) - timedelta(hours=1))
    before = at(scraped(client), "anxu_inbox_depth")
    Inbox.open(shared.inbox_path).write("decision", {}, "Li")
    samples = scraped(client)
    assert at(samples, "anxu_inbox_depth") == before + 1
    assert at(samples, "anxu_release_served", release_id="2026-05-03-r1") == 1
    assert 0 <= at(samples, "anxu_release_age_seconds") < 600
    assert at(samples, "anxu_last_run", flow="nightly", state="completed") == 1
    assert at(samples, "anxu_last_run", flow="nightly", state="failed") == 0
    assert 3500 < at(samples, "anxu_last_run_age_seconds", flow="nightly") < 3700
    (shared.home / FILE).unlink()


def test_a_histogram_holds_every_request_in_the_right_bucket() -> None:
    requests = Requests()
    for seconds in (0.0005, 0.001, 0.3, 99.0):
        requests.note("/x", "GET", 200, seconds)
    family = list(requests.collect())[1]
    found = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert (found["0.001"], found["0.25"], found["0.5"], found["10.0"], found["+Inf"]) == (2, 2, 3, 3, 4)


def test_a_failed_night_leaves_the_release_and_page_and_health_say_so(
    settings: Settings, publish: Callable[..., Path], county: dict[str, pl.DataFrame]
) -> None:
    publish("r1", county)
    night(
        settings.home, "failed", started=datetime.now(UTC) + timedelta(seconds=2), detail="plan: no sun today"
    )
    with TestClient(create_app(settings, poll_seconds=0.05)) as client:
        told = client.get("/v1/health").json()
        assert (told["status"], told["release_id"]) == ("degraded", "2026-05-03-r1")
        assert "no sun today" in " ".join(told["notes"])
        assert "no sun today" in client.get("/", headers={"Accept": "text/html"}).text
        assert client.get("/v1/forecasts").status_code == 200
        night(settings.home, "completed", started=datetime.now(UTC) + timedelta(seconds=3))
        assert client.get("/v1/health").json()["status"] == "ok"


def test_a_night_that_was_killed_counts_as_failed(tmp_path: Path) -> None:
    night(tmp_path, "running", started=datetime.now(UTC))
    assert read_last_runs(tmp_path)["nightly"].status == "running"
    text = (tmp_path / FILE).read_text("utf-8")
    born = psutil.Process(os.getpid()).create_time()
    (tmp_path / FILE).write_text(text.replace(str(born), str(born - 50)), "utf-8")
    last = read_last_runs(tmp_path)["nightly"]
    assert (last.status, last.detail) == ("failed", KILLED)


def test_a_file_a_power_cut_emptied_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("", "utf-8")
    assert read_last_runs(tmp_path) == {}
    night(tmp_path, "completed", started=datetime.now(UTC))
    assert read_last_runs(tmp_path)["nightly"].status == "completed"
