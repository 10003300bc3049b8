"""Send one parcel: a few tries at once for what passes by itself, then a verdict to keep."""

import logging
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential_jitter

from pipelines.messages.hosts import NotSent, pinned
from pipelines.messages.robots import VENDORS, Address, Call, Text, Verdict, call, verdict
from settings import Robot

TRIES = 3
"""Tries of one sending; between sendings the outbox waits longer and longer."""
WAITS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240, 480))
THROTTLED_FOR = timedelta(minutes=10)
LONGEST = timedelta(hours=12)
TIMEOUT = httpx.Timeout(10, connect=5)
log = logging.getLogger("anxu.messages")


@dataclass(frozen=True)
class Outcome:
    """What became of one sending. `unsure`: a try ended without an answer, so the message may have arrived."""

    verdict: Verdict
    detail: str
    unsure: bool = False
    wait: timedelta | None = None
    """What the receiver asked to wait."""


def address_of(robot: Robot, home: Path) -> tuple[Address, list[str]]:
    """Where a robot listens, and the secrets in it that must never be written down.

    Raises:
        NotSent: A secret is missing or its file open to others.
    """
    token, secret = (_secret(reference, home) for reference in (robot.token, robot.secret))
    if robot.kind != "webhook" and not token:
        raise NotSent(f'a robot of kind {robot.kind} needs a token = "env:NAME" or "file:PATH"')
    url = robot.url or VENDORS.get(robot.kind, "")
    if not url:
        raise NotSent("a webhook needs its url")
    return Address(robot.kind, url.rstrip("/"), token, secret), [s for s in (token, secret) if s]


def send(
    robot: Robot,
    home: Path,
    text: Text,
    *,
    parcel_id: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Outcome:
    """Send a text, trying again at once what a moment may mend; never raises for what the network does."""
    try:
        address, secrets = address_of(robot, home)
    except NotSent as error:
        return Outcome("refused", str(error))
    unsure = False

    def once() -> Outcome:
        nonlocal unsure
        outcome = _post(client, robot, call(address, text, parcel_id=parcel_id, now=clock()))
        unsure = unsure or outcome.unsure
        return outcome

    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(initial=0.5, max=5),
        retry=retry_if_result(lambda outcome: outcome.verdict == "later" and outcome.wait is None),
        sleep=sleep,
    )
    with httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client:
        try:
            last: Outcome = retrying(once)
        except RetryError as error:
            last = error.last_attempt.result()
    return Outcome(last.verdict, redacted(last.detail, secrets), unsure, last.wait)


def pause(attempts: int, outcome: Outcome) -> timedelta | None:
    """How long to wait before the next sending, or None when it is given up."""
    if outcome.verdict == "refused" or attempts > len(WAITS):
        return None
    planned = WAITS[min(attempts, len(WAITS)) - 1] if attempts else WAITS[0]
    if outcome.verdict == "throttled":
        planned = max(planned, THROTTLED_FOR)
    return min(max(planned, outcome.wait or planned), LONGEST)


def redacted(text: str, secrets: list[str]) -> str:
    """The text without the secrets."""
    for secret in secrets:
        text = text.replace(secret, "…")
    return text[:300]


def _post(client: httpx.Client, robot: Robot, request: Call) -> Outcome:
    try:
        place = pinned(request.url, allow_private=robot.allow_private)
    except NotSent as error:
        return Outcome("refused", str(error))
    except OSError as error:
        return Outcome("later", str(error))
    url = httpx.URL(request.url)
    there = url.copy_with(host=place.address)
    headers = {**request.headers, "Host": url.netloc.decode("ascii")}
    try:
        answer = client.post(
            there, content=request.body, headers=headers, extensions={"sni_hostname": place.host}
        )
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Outcome("later", f"host '{place.host}': no connection ({type(error).__name__})")
    except httpx.HTTPError as error:
        return Outcome("later", f"host '{place.host}': no answer ({type(error).__name__})", unsure=True)
    found, detail = verdict(robot.kind, answer.status_code, answer.content[:65536])
    return Outcome(found, detail, wait=_retry_after(answer))


def _retry_after(answer: httpx.Response) -> timedelta | None:
    asked = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(asked)) if asked.isdigit() and len(asked) < 7 else None


def _secret(reference: str | None, home: Path) -> str:
    """What a reference stands for; '' for none.

    Raises:
        NotSent: It is not there, empty, or a file that others may read.
    """
    if reference is None:
        return ""
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
        where = f"the environment has no {name}"
    else:
        path = home / name
        try:
            mode = path.stat().st_mode
            value = path.read_text("utf-8").strip()
        except OSError as error:
            raise NotSent(f"the secret file '{name}' cannot be read: {error.strerror}") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise NotSent(f"the secret file '{name}' is open to others: chmod 600 it")
        where = f"the secret file '{name}' is empty"
    if not value:
        raise NotSent(f"{where}: put the secret there")
    return value
