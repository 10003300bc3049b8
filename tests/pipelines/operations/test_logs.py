"""Log lines as text or JSON, in files that do not grow without end."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.operations import logs


@pytest.fixture(autouse=True)
def loggers_as_before():
    names = ("anxu", "uvicorn", "httpx", "httpcore")
    kept = {n: (logging.getLogger(n).handlers, logging.getLogger(n).propagate) for n in names}
    outside = logs.RUN.set("")
    yield
    logs.RUN.reset(outside)
    for name, (handlers, propagate) in kept.items():
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = handlers, propagate


def test_a_json_line_carries_the_run_the_extras_and_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.write_logs("json")
    token = logs.RUN.set("20260504-ab")
    try:
        divmod(1, 0)
    except ZeroDivisionError:
        logging.getLogger("anxu.night").exception("step %s failed", "plan", extra={"step": "plan"})
    logs.RUN.reset(token)
    logging.getLogger("anxu.night").info("二月\n雪")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["run_id"], first["step"], first["level"]) == ("20260504-ab", "plan", "error")
    assert first["message"] == "step plan failed"
    assert "ZeroDivisionError" in first["traceback"]
    assert second["message"] == "二月\n雪"
    assert "run_id" not in second


def test_setting_the_form_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.write_logs("json")
    logs.write_logs("text")
    logging.getLogger("anxu.x").info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_log_file_rotates_and_keeps_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    monkeypatch.setattr(logs, "KEPT", 2)
    code = "for i in range(300): print('line', i)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    logs.pump(process, tmp_path / "part.log").join(timeout=10)
    assert process.wait(timeout=10) == 0
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == ["part.log", "part.log.1", "part.log.2"]
    assert all(p.stat().st_size <= 1000 for p in tmp_path.iterdir())
    assert (tmp_path / "part.log").read_text("utf-8").splitlines()[-1] == "line 299"
