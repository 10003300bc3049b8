"""What is sent, what waits, what is never sent twice."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.check import NothingToForecast
from pipelines.county import init_county
from pipelines.messages import Passed, is_quiet, pass_on, sending
from pipelines.messages.hosts import NotSent, pinned
from pipelines.night import run_night
from pipelines.nightly import tell
from settings import Robot, Settings
from warehouse.last_runs import write_last_run
from warehouse.outbox import Outbox, OutboxError

NOON = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
County = Callable[..., Settings]


def told(settings: Settings, after: timedelta = timedelta(0)) -> Passed:
    return pass_on(settings, clock=lambda: NOON + after, sleep=lambda _: None)


def fail_night(home: Path, run_id: str = "r1") -> None:
    write_last_run(
        home, flow="nightly", run_id=run_id, cutoff=date(2026, 5, 3), started_at=NOON, finished_at=NOON,
        status="failed", detail="forecast: no rows",
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu", "webhook"])
def test_a_digest_goes_out_signed_once_worst_first(
    kind: str, county: County, stand_in: Any, noted: Outbox
) -> None:
    settings = county(kind)
    assert told(settings) == Passed(noted=0, sent=1, waiting=0, failed=0)
    assert told(settings, timedelta(hours=1)).sent == 0
    assert stand_in.refused == []
    (only,) = stand_in.got
    text = str(only["body"])
    assert text.index("缺货") < text.index("渠道甲")
    assert "<at" not in text


def test_no_robot_no_message_and_no_file(tmp_path: Path) -> None:
    fail_night(tmp_path)
    assert pass_on(Settings(home=tmp_path)) == Passed()
    assert not (tmp_path / "messages.sqlite").exists()


def test_a_failed_night_is_told_at_once_even_in_quiet_hours_the_digest_waits(
    county: County, stand_in: Any, noted: Outbox, tmp_path: Path
) -> None:
    settings = county(quiet_from=time(11), quiet_until=time(13))
    fail_night(tmp_path)
    assert told(settings).sent == 1
    assert "forecast: no rows" in str(stand_in.got[0]["body"])
    assert told(settings, timedelta(hours=2)).sent == 1
    assert len(stand_in.got[1]["body"]["lines"]) == 2


def test_quiet_hours_may_pass_midnight() -> None:
    robot = Robot(kind="wecom", quiet_from=time(22), quiet_until=time(7))
    hours = [h for h in range(24) if is_quiet(robot, datetime(2026, 5, 4, h, tzinfo=UTC))]
    assert hours == [0, 1, 2, 3, 4, 5, 6, 22, 23]


def test_what_passes_by_itself_is_tried_again_at_once(county: County, stand_in: Any, noted: Outbox) -> None:
    stand_in.next = [(500, {}), (503, {})]
    assert told(county()).sent == 1
    assert len(stand_in.got) == 3
    assert len({g["headers"]["Idempotency-Key"] for g in stand_in.got}) == 1


def test_a_receiver_that_stays_down_is_asked_later_and_later_then_given_up(
    county: County, stand_in: Any, noted: Outbox
) -> None:
    settings = county()
    stand_in.next = [(500, {})] * 100
    after, results = timedelta(0), []
    while not results or results[-1].waiting:
        results.append(told(settings, after))
        (parcel,) = noted.parcels()
        after = max(parcel.next_try_at - NOON, after)
        assert told(settings, after - timedelta(seconds=1)).sent == 0
    assert len(results) == len(sending.WAITS) + 1
    assert (parcel.state, parcel.error) == ("failed", "HTTP 500")
    stand_in.next = []
    assert noted.try_again(NOON + after) == 1
    assert told(settings, after).sent == 1


def test_a_throttled_robot_is_left_alone_for_ten_minutes(
    county: County, stand_in: Any, noted: Outbox
) -> None:
    settings = county("dingtalk")
    stand_in.next = [(200, {"errcode": 130101, "errmsg": "send too fast"})]
    assert told(settings).waiting == 1
    assert len(stand_in.got) == 1
    assert told(settings, timedelta(minutes=9)) == Passed()
    assert told(settings, timedelta(minutes=10)).sent == 1


def test_retry_after_is_heeded(county: County, stand_in: Any, noted: Outbox) -> None:
    stand_in.next = [(503, {}, ("Retry-After", "1800"))]
    assert told(county()).waiting == 1
    assert noted.parcels()[0].next_try_at == NOON + timedelta(minutes=30)


def test_a_wrong_signature_is_not_tried_again(county: County, stand_in: Any, noted: Outbox) -> None:
    settings = county("dingtalk")
    stand_in.next = [(200, {"errcode": 310000, "errmsg": "sign not match"})]
    assert told(settings).failed == 1
    assert told(settings, timedelta(days=1)) == Passed()
    assert len(stand_in.got) == 1


def test_no_answer_may_have_arrived_so_it_is_sent_again_and_says_so(
    county: County, stand_in: Any, noted: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TIMEOUT", httpx.Timeout(0.2))
    stand_in.next = ["hang", "hang", "hang"]
    settings = county("wecom")
    assert told(settings).waiting == 1
    assert noted.parcels()[0].unsure
    assert told(settings, timedelta(minutes=1)).sent == 1
    assert "可能已发送过" in str(stand_in.got[-1]["body"])


def test_a_kill_between_two_steps_loses_nothing_and_repeats_no_success(
    county: County, stand_in: Any, noted: Outbox
) -> None:
    settings = county()
    noted.pack("duty", NOON, only_urgent=False)
    noted.begin(noted.parcels()[0].parcel_id)  # killed here
    assert told(settings).sent == 1
    assert stand_in.got[0]["body"]["title"].endswith("（可能已发送过）")
    assert told(settings, timedelta(days=1)) == Passed()


def test_only_one_process_sends(county: County, stand_in: Any, noted: Outbox) -> None:
    with noted.sender() as alone:
        assert alone
        assert told(county()) == Passed()
    assert stand_in.got == []


def test_a_matter_that_goes_on_is_told_again_after_a_week(county: County, noted: Outbox) -> None:
    same = noted.notices()[0].said
    assert noted.note([same], NOON) == 0
    again = type(same)(**{**same.__dict__, "cutoff": same.cutoff + timedelta(days=7)})
    assert noted.note([again], NOON) == 1


def test_what_somebody_has_seen_is_not_sent(county: County, stand_in: Any, noted: Outbox) -> None:
    first, second = noted.notices()
    assert noted.see(first.notice_id[:10], "Wang Li", NOON) == 1
    assert noted.see(first.notice_id, "Li Na", NOON) == 0
    assert {n.seen_by for n in noted.notices()} == {"Wang Li", None}
    with pytest.raises(OutboxError, match="names 0"):
        noted.see("zz", "Wang Li", NOON)
    assert told(county()).sent == 1
    assert stand_in.got[0]["body"]["lines"] == [second.said.text_zh.replace("<", "‹").replace(">", "›")]


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu", "webhook"])
def test_no_secret_is_ever_written_down(
    kind: str, county: County, stand_in: Any, noted: Outbox, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sending, "TIMEOUT", httpx.Timeout(0.2))
    echo = f"bad {' '.join(stand_in.secrets)}"
    stand_in.next = ["hang", (500, {}), (200, {"errcode": -1, "errmsg": echo, "code": -1, "msg": echo})]
    with caplog.at_level(logging.INFO):
        told(county(kind))
        told(county(kind, url="http://127.0.0.1:1"), timedelta(days=1))
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("messages.*")).decode("utf-8", "replace")
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("anxu"))
    assert not [secret for secret in stand_in.secrets if secret in kept + logged]


def test_a_secret_in_the_settings_file_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="token"):
        Robot(kind="wecom", token="693a91f6-7xxx")


def test_a_secret_file_open_to_others_is_refused(county: County, noted: Outbox, tmp_path: Path) -> None:
    settings = county()
    (tmp_path / "duty.secret").chmod(0o644)
    assert told(settings).failed == 1
    assert "chmod 600" in noted.parcels()[0].error


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.8/", "https://[::1]/", "https://169.254.169.254/latest",
     "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/", "https://2130706433/"],
)  # fmt: skip
def test_no_robot_reaches_into_this_machine_or_its_network_unless_allowed(url: str) -> None:
    with pytest.raises(NotSent, match="not public"):
        pinned(url, allow_private=False)
    assert pinned(url, allow_private=True).address


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/x", "file:///etc/passwd", "https://a:b@93.184.216.34/", "https:///x"]
)
def test_only_https_without_a_password_in_it(url: str) -> None:
    with pytest.raises(NotSent):
        pinned(url, allow_private=False)


def test_a_night_that_fails_is_told_with_its_step(county: County, stand_in: Any, tmp_path: Path) -> None:
    init_county(tmp_path)
    settings = county()
    with pytest.raises(NothingToForecast):
        run_night(settings, cutoff=date(2026, 5, 3), now=NOON)
    tell(settings, None)
    (only,) = stand_in.got
    assert "check: no sale is known" in only["body"]["lines"][0]
