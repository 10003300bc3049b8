"""What people write: durable, taken in once and only once, and refused with a reason."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse import Warehouse
from warehouse.inbox import Inbox, InboxError, take_in_inbox

NOW = datetime(2026, 5, 2, 2, tzinfo=UTC)
DECISION = {"recommendation_id": "p1/2027/1/rice", "answer": "change", "area_mu": 3.5, "reason": "steep"}
OVERRIDE = {
    "product_id": "rice", "starts_on": "2026-05-03", "ends_on": "2026-05-05", "factor": 1.5, "reason": "fair",
    "expires_on": "2026-06-01",
}  # fmt: skip


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox.open(tmp_path / "county" / "inbox.sqlite")


def kept(wh: Warehouse, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return wh.read(table).select(columns).rows()


def test_messages_go_to_their_tables_with_author_and_time_of_writing(wh: Warehouse, inbox: Inbox) -> None:
    decision = inbox.write("decision", DECISION, "Li")
    override = inbox.write("demand_override", OVERRIDE, "Wang")
    written = {m.message_id: m.written_at for m in inbox.pending()}
    assert take_in_inbox(wh, inbox, "r1", NOW) == 2
    assert kept(wh, "decision", "decision_id", "answer", "area_mu", "author", "known_at") == [
        (decision, "change", 3.5, "Li", written[decision])
    ]
    assert kept(wh, "demand_override", "override_id", "factor", "channel_id", "written_at") == [
        (override, 1.5, None, written[override])
    ]
    assert inbox.pending() == []
    assert take_in_inbox(wh, inbox, "r2", NOW) == 0


def test_a_run_killed_between_warehouse_and_inbox_takes_nothing_in_twice(
    wh: Warehouse, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.write("decision", DECISION, "Li")

    def dies(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Inbox, "mark_taken", dies)
        with pytest.raises(KeyboardInterrupt):
            take_in_inbox(wh, inbox, "r1", NOW)
    assert len(inbox.pending()) == 1
    assert take_in_inbox(wh, inbox, "r2", NOW) == 0
    assert wh.read("decision").height == 1
    assert inbox.pending() == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"answer": "maybe"}, "answer_check"),
        ({"answer": None}, "answer_missing"),
        ({"area_mu": "much"}, "area_mu_type"),
        ({"colour": "red"}, "field_unknown"),
    ],
)
def test_a_message_that_breaks_a_rule_is_kept_as_refused_and_the_others_go_in(
    change: dict[str, Any], rule: str, wh: Warehouse, inbox: Inbox
) -> None:
    bad = inbox.write("decision", {**DECISION, **change}, "Li")
    inbox.write("decision", DECISION, "Li")
    assert take_in_inbox(wh, inbox, "r1", NOW) == 1
    assert kept(wh, "rejected_row", "file_id", "rule", "table_name") == [(f"inbox:{bad}", rule, "decision")]
    assert wh.read("decision").height == 1
    assert inbox.pending() == []


def test_a_decision_is_not_seen_by_a_cutoff_before_it_was_written(wh: Warehouse, inbox: Inbox) -> None:
    inbox.write("decision", DECISION, "Li")
    (message,) = inbox.pending()
    take_in_inbox(wh, inbox, "r1", NOW)
    assert wh.read("decision", known_by=message.written_at.replace(year=2000)).is_empty()
    assert wh.read("decision", known_by=message.written_at).height == 1


def test_a_message_of_unknown_kind_without_author_or_no_json_is_refused_at_once(inbox: Inbox) -> None:
    with pytest.raises(InboxError, match="kind 'note' is not one of demand_override, decision"):
        inbox.write("note", {}, "Li")
    with pytest.raises(InboxError, match="a decision has no author; say who decides"):
        inbox.write("decision", DECISION, " ")
    with pytest.raises(InboxError, match="no JSON object"):
        inbox.write("decision", {"area_mu": float("nan")}, "Li")
    assert inbox.pending() == []


def test_a_message_written_while_a_flow_takes_in_waits_for_the_next(wh: Warehouse, inbox: Inbox) -> None:
    inbox.write("decision", DECISION, "Li")
    seen = inbox.pending()
    late = Inbox.open(inbox.path).write("decision", DECISION, "Wang")
    inbox.mark_taken([m.message_id for m in seen], "r1")
    assert [m.message_id for m in inbox.pending()] == [late]
