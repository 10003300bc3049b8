"""Log files of the county folder, rotated, one a part; lines as text or as JSON with the run's id."""

import json
import logging
import subprocess
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

MAX_BYTES = 5_000_000
KEPT = 5
PLAIN = "%(asctime)s %(levelname)s %(name)s %(message)s"
RUN: ContextVar[str] = ContextVar("anxu_run", default="")
"""Id of the run whose steps this context works on; '' outside of one."""
_OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """One JSON object a line: at (UTC), level, logger, message, run_id, what was given as `extra`, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if run_id := RUN.get():
            line["run_id"] = run_id
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def write_logs(form: Literal["text", "json"]) -> None:
    """Let the loggers of Anxu and of its web server write to stderr in this form; called again it takes the place of the first.

    Loggers of the HTTP client stay at warnings: at lower levels they write addresses, and a robot's address holds its secret.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(PLAIN))
    for name, level in (("anxu", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def rotating(path: Path) -> RotatingFileHandler:
    """A handler that writes bare lines to a file and keeps KEPT older files of MAX_BYTES each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def pump(process: subprocess.Popen[bytes], path: Path) -> threading.Thread:
    """Write what a process prints to a rotated log file, from a thread that ends with the process."""

    def copy() -> None:
        handler = rotating(path)
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                text = line.decode("utf-8", "replace").rstrip("\n")
                handler.emit(logging.makeLogRecord({"msg": text, "levelno": logging.INFO}))
        handler.close()

    thread = threading.Thread(target=copy, name=f"log-{path.stem}", daemon=True)
    thread.start()
    return thread
