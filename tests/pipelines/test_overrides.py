"""What people override and take back, from the inbox to the night that reckons with it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.forecast import apply_overrides
from pipelines.overrides import published_overrides, standing_overrides
from settings import Settings
from warehouse import Warehouse
from warehouse.inbox import Inbox, take_in_inbox

TODAY = datetime.now(UTC).date()
"""Messages are stamped by the clock, so the days of this test follow it."""


@pytest.fixture
def wh(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse.open(tmp_path / "warehouse.duckdb") as warehouse:
        yield warehouse


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox.open(tmp_path / "inbox.sqlite")


def override(inbox: Inbox, factor: float, expires_in: int = 30) -> str:
    payload = {
        "product_id": "p0",
        "starts_on": f"{TODAY + timedelta(days=1)}",
        "ends_on": f"{TODAY + timedelta(days=1)}",
        "factor": factor,
        "reason": "ads",
        "expires_on": f"{TODAY + timedelta(days=expires_in)}",
    }
    return inbox.write("demand_override", payload, "Wang")


def tomorrow() -> pl.DataFrame:
    row = {
        "product_id": "p0",
        "channel_id": "s",
        "region_id": "r",
        "forecast_date": TODAY + timedelta(days=1),
    }
    kg = {"level": 0.5, "demand_kg": 10.0, "expected_kg": 10.0, "model_version": "demand-1"}
    return pl.DataFrame([row | kg])


def test_an_override_taken_back_gives_way_to_the_one_beneath(wh: Warehouse, inbox: Inbox) -> None:
    override(inbox, 2.0)
    last = override(inbox, 5.0)
    settings = Settings()

    def night(cutoff: date = TODAY) -> float:
        take_in_inbox(wh, inbox, "r", datetime.now(UTC))
        standing = standing_overrides(settings, wh, cutoff=cutoff)
        return float(apply_overrides(tomorrow(), standing, cutoff=cutoff)["demand_kg"][0])

    assert night() == 50.0
    inbox.write("override_withdrawal", {"override_id": last, "reason": "called off"}, "Li")
    assert night() == 20.0
    assert wh.read("rejected_row").is_empty()
    shown = published_overrides(settings, wh, cutoff=TODAY)
    assert shown.select("factor", "withdrawn_by").rows() == [(2.0, None), (5.0, "Li")]


def test_a_release_lets_go_of_what_expired_long_ago(wh: Warehouse, inbox: Inbox) -> None:
    override(inbox, 2.0, expires_in=3)
    take_in_inbox(wh, inbox, "r", datetime.now(UTC))
    assert published_overrides(Settings(), wh, cutoff=TODAY + timedelta(days=90)).height == 1
    assert published_overrides(Settings(), wh, cutoff=TODAY + timedelta(days=94)).is_empty()
