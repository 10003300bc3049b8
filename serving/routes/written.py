"""What people wrote lately, as the inbox holds it: it changes between releases."""

import logging
import sqlite3
from datetime import UTC, datetime, timedelta

from fastapi import Request

from serving.problems import Problem
from settings import Settings
from warehouse.inbox import Inbox, Message

log = logging.getLogger("anxu.serving")


def written(request: Request, kind: str, days: int) -> list[Message]:
    """Messages of a kind written in the last `days`, oldest first; none where nothing was ever written.

    Raises:
        Problem: 503 when the inbox cannot be read.
    """
    settings: Settings = request.app.state.settings
    if not settings.inbox_path.exists():
        return []
    since = datetime.now(UTC) - timedelta(days=days)
    try:
        return Inbox.open(settings.inbox_path).written(kind, since)
    except (OSError, sqlite3.Error) as error:
        log.exception("the inbox cannot be read")
        raise Problem(
            503,
            "inbox-unavailable",
            f"{settings.inbox_path.name} cannot be read ({error})",
            "check disk and permissions (`anxu doctor`), then ask again",
        ) from error
