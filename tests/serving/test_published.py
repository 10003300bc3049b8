"""Releases are swapped whole, in time, and never for a broken one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import httpx
import polars as pl
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from serving.app import PortTaken, bound, create_app
from serving.indexed import Indexed, side_by_side
from serving.published import Published
from settings import Settings

DAY = "2026-05-03-"
"""Releases are named after cutoff and run."""
County = dict[str, pl.DataFrame]
Publish = Callable[..., Path]


WITHIN_S = 30.0
"""Six times what is promised: other work on the machine must not fail a test."""


def wait_for(check: Callable[[], bool], seconds: float = WITHIN_S) -> float:
    """Seconds until `check` holds; fails after `seconds`."""
    start = monotonic()
    while not check():
        assert monotonic() - start < seconds, f"not within {seconds} s"
        sleep(0.02)
    return monotonic() - start


def test_before_the_first_release_reads_say_what_to_run(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        answer = client.get("/v1/forecasts")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:anxu:problem:no-release")
        assert "anxu nightly" in answer.json()["way_out"]
        health = client.get("/v1/health")
        assert (health.status_code, health.json()["status"]) == (200, "no_release")


def test_a_new_release_is_served_soon(settings: Settings, publish: Publish, county: County) -> None:
    with TestClient(create_app(settings)) as client:
        publish("a", county)
        wait_for(lambda: client.get("/v1/health").json()["release_id"] == DAY + "a")
        county["demand_forecast"] = county["demand_forecast"].with_columns(demand_kg=pl.lit(5.0))
        publish("b", county)
        wait_for(lambda: client.get("/v1/releases/current").json()["release_id"] == DAY + "b")
        answer = client.get("/v1/forecasts/crab", params={"limit": 1})
        assert answer.json()["items"][0]["demand_kg"] == {"0.1": 5.0, "0.5": 5.0, "0.9": 5.0}


def test_no_read_fails_or_mixes_releases_across_switches(
    settings: Settings, publish: Publish, county: County, point: Callable[[str], None]
) -> None:
    publish("b", {**county, "demand_forecast": county["demand_forecast"].with_columns(demand_kg=pl.lit(7.0))})
    publish("a", {**county, "demand_forecast": county["demand_forecast"].with_columns(demand_kg=pl.lit(5.0))})
    seen = set()
    with TestClient(create_app(settings, poll_seconds=0.01)) as client:
        for turn in range(10):
            point(wanted := DAY + "ab"[turn % 2])
            last, body = monotonic() + WITHIN_S, {"release_id": ""}
            while body["release_id"] != wanted:
                assert monotonic() < last, f"{wanted} is not served within {WITHIN_S} s"
                body = client.get("/v1/forecasts/crab").json()
                values = {v for row in body["items"] for v in row["demand_kg"].values()}
                assert values == {{DAY + "a": 5.0, DAY + "b": 7.0}[body["release_id"]]}
                seen.add(body["release_id"])
    assert seen == {DAY + "a", DAY + "b"}


def _remove(folder: Path) -> None:
    (folder / "plot.parquet").unlink()


def _change(folder: Path) -> None:
    pl.DataFrame({"plot_id": ["other"]}).write_parquet(folder / "plot.parquet")


def _empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("", "utf-8")


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (_remove, "plot.parquet"),
        (_change, "plot.parquet was changed"),
        (_empty_manifest, "manifest.json"),
        (_no_manifest, "manifest.json is missing"),
    ],
)
def test_a_broken_release_leaves_the_old_one_served_and_is_named(
    settings: Settings,
    publish: Publish,
    county: County,
    point: Callable[[str], None],
    harm: Callable[[Path], None],
    named: str,
) -> None:
    broken = publish("broken", county)
    publish("good", county)
    harm(broken)
    with TestClient(create_app(settings, poll_seconds=0.02)) as client:
        point(DAY + "broken")
        wait_for(lambda: client.get("/v1/health").json()["status"] == "degraded")
        health = client.get("/v1/health").json()
        assert health["release_id"] == DAY + "good"
        assert f"'{DAY}broken'" in health["notes"][0]
        assert named in health["notes"][0]
        assert client.get("/v1/forecasts/crab").status_code == 200
        point(DAY + "good")
        wait_for(lambda: client.get("/v1/health").json()["status"] == "ok")


def test_a_wrongly_typed_table_is_refused_not_served(
    settings: Settings, publish: Publish, county: County
) -> None:
    publish("typed", {**county, "plot": county["plot"].with_columns(area_mu=pl.lit("eight"))})
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/plots").status_code == 503
        assert "plot.parquet" in client.get("/v1/plots").json()["detail"]


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", ".hidden", "gone"])
def test_a_pointer_to_no_release_keeps_what_is_served(
    settings: Settings, publish: Publish, county: County, point: Callable[[str], None], name: str
) -> None:
    publish("good", county)
    published = Published(settings.releases_dir)
    published.look()
    point(name)
    published.look()
    assert published.current is not None
    assert published.current.id == DAY + "good"
    assert published.trouble is not None
    assert "anxu release" in published.trouble.detail


def test_a_removed_pointer_keeps_what_is_served(settings: Settings, publish: Publish, county: County) -> None:
    publish("good", county)
    published = Published(settings.releases_dir)
    published.look()
    (settings.releases_dir / "current").unlink()
    published.look()
    assert published.current is not None
    assert "is gone" in (published.trouble.detail if published.trouble else "")


@pytest.mark.parametrize(
    "path",
    ["forecasts", "seasons", "sales", "recommendations/planting", "products", "plots", "runs", "scores"],
)
def test_a_release_without_any_table_is_served_empty(bare: TestClient, path: str) -> None:
    assert bare.get(f"/v1/{path}").json()["items"] == []
    assert bare.get("/v1/plans/planting").json()["plan"] is None


def test_an_old_release_is_called_degraded(settings: Settings, publish: Publish, county: County) -> None:
    written = (datetime.now(UTC) - timedelta(hours=50, minutes=1)).timestamp()
    os.utime(publish("old", county) / "manifest.json", (written, written))
    with TestClient(create_app(settings)) as client:
        health = client.get("/v1/health").json()
    assert health["status"] == "degraded"
    assert "50 h" in health["notes"][0]


def test_a_cursor_of_an_earlier_release_is_gone(settings: Settings, publish: Publish, county: County) -> None:
    publish("a", county)
    with TestClient(create_app(settings, poll_seconds=0.02)) as client:
        cursor = client.get("/v1/forecasts", params={"limit": 5}).json()["next_cursor"]
        publish("b", county)
        wait_for(lambda: client.get("/v1/health").json()["release_id"] == DAY + "b")
        answer = client.get("/v1/forecasts", params={"limit": 5, "cursor": cursor})
        assert (answer.status_code, answer.json()["release_id"]) == (410, DAY + "b")


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with bound("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*ANXU_PORT"):
            bound("127.0.0.1", port)


def test_the_service_starts_answers_and_ends_on_ctrl_c(
    settings: Settings, publish: Publish, county: County
) -> None:
    publish("r1", county)
    with bound("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    code = "from serving.app import serve; from settings import Settings; serve(Settings()); print('ended')"
    environment = {**os.environ, "ANXU_HOME": str(settings.home), "ANXU_PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_for(lambda: _answers(port), seconds=60)
        process.send_signal(signal.SIGINT)
        said, complained = process.communicate(timeout=30)
    assert (process.returncode, said.strip(), complained) == (0, "ended", "")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/v1/health").json()["status"] == "ok"
    except httpx.ConnectError:
        return False


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 9)), max_size=40)


@examples(deadline=None)
@given(rows=ROWS, first=st.sampled_from("abcd"), second=st.sampled_from("xyz"))
def test_a_slice_by_key_is_what_a_filter_would_give(
    rows: list[tuple[str, str, int]], first: str, second: str
) -> None:
    frame = pl.DataFrame(rows, schema={"k": pl.String, "l": pl.String, "n": pl.Int64}, orient="row")
    table = Indexed.of(frame, ["k", "l"], ["n"])
    ordered = frame.sort("k", "l", "n")
    assert_frame_equal(table.rows(first), ordered.filter(pl.col("k") == first))
    assert_frame_equal(table.rows(first, second), ordered.filter(pl.col("k") == first, pl.col("l") == second))
    assert_frame_equal(table.rows(), ordered)


LONG = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([0.1, 0.5, 0.9]), st.floats(0, 99)),
    max_size=12,
    unique_by=lambda row: row[:2],
)


@examples(deadline=None)
@given(rows=LONG, in_order=st.booleans())
def test_levels_stand_side_by_side_whatever_their_order_or_gaps(
    rows: list[tuple[str, float, float]], in_order: bool
) -> None:
    long = pl.DataFrame(
        sorted(rows) if in_order else rows,
        schema={"k": pl.String, "level": pl.Float64, "kg": pl.Float64},
        orient="row",
    )
    wide = side_by_side(long, ["k"], "level", "kg")
    back = {
        (row["k"], float(level)): kg
        for row in wide.iter_rows(named=True)
        for level, kg in row.items()
        if level != "k" and kg is not None
    }
    assert back == {(k, level): kg for k, level, kg in rows}
    assert wide["k"].n_unique() == wide.height
