import pytest

from pipelines.console import Bars
from pipelines.progress import listening, report


def test_reports_reach_the_listener_only_inside_its_block() -> None:
    heard: list[tuple[str, float, float, str]] = []
    with listening(lambda step, done, total, note: heard.append((step, done, total, note))):
        report("plan", 1, 2, "half")
    report("plan", 2, 2)
    assert heard == [("plan", 1, 2, "half")]


def test_a_long_note_leaves_the_names_of_steps_whole(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars("ingest", 1, 1, "10 files")
        bars("plan", 1, 1, "one more line than fits " * 12)
    printed = capsys.readouterr().out
    assert "✓ ingest    ━" in printed
    assert printed.count("one more line than fits") >= 10
