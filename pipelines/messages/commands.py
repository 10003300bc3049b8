"""`anxu messages …`: what was told to whom, a test message, and who has seen it."""

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from pipelines.console import console
from pipelines.options import HOME, Home, county
from warehouse.outbox import Outbox, OutboxError

messages_app = typer.Typer(help="Messages to robots: list, send, test, acknowledge.", no_args_is_help=True)


@messages_app.command("list")
def list_messages(home: Home = HOME, last: Annotated[int, typer.Option(help="how many")] = 30) -> None:
    """Show what was noted and who has seen it, and what did not arrive and why."""
    settings = county(home)
    outbox = Outbox.open(settings.home)
    if not settings.robots:
        console.print("no robot is named in anxu.toml: see docs/operating.md, Messages")
    for notice in outbox.notices(last):
        seen = f"seen by {notice.seen_by}" if notice.seen_by else "not seen"
        urgent = "! " if notice.said.urgent else "  "
        console.print(
            f"{urgent}{notice.notice_id[:8]} {notice.said.cutoff} {notice.said.kind} ({seen}): {notice.said.text_en}",
            markup=False,
        )
    for parcel in outbox.parcels(last):
        about = f" after {parcel.attempts} tries: {parcel.error}" if parcel.error else ""
        console.print(f"  → {parcel.robot} {parcel.state}{about}", markup=False)


@messages_app.command("send")
def send_messages(
    home: Home = HOME, again: Annotated[bool, typer.Option(help="also what was given up")] = False
) -> None:
    """Send what waits and is due, and tell of failed runs; for a timer where none runs the schedule."""
    from pipelines.messages import pass_on

    settings = county(home)
    if again:
        Outbox.open(settings.home).try_again(datetime.now(UTC))
    passed = pass_on(settings)
    console.print(f"{passed.sent} sent, {passed.waiting} wait, {passed.failed} given up")
    raise typer.Exit(1 if passed.failed else 0)


@messages_app.command("test")
def try_robots(
    home: Home = HOME, robot: Annotated[str | None, typer.Option(help="only this one")] = None
) -> None:
    """Send each robot one line, and say what it answered."""
    from pipelines.messages.robots import TITLE, Text
    from pipelines.messages.sending import send

    settings = county(home)
    chosen = {n: r for n, r in settings.robots.items() if robot in (None, n)}
    if not chosen:
        named = ", ".join(settings.robots) or "none"
        raise typer.BadParameter(f"no such robot; anxu.toml names: {named}")
    text = Text(f"{TITLE}：测试 test", ["这是一条测试消息。 This is a test message."], settings.public_url)
    worst = 0
    for name, one in chosen.items():
        outcome = send(
            one, settings.home, text, parcel_id=uuid4().hex, clock=lambda: datetime.now(UTC), sleep=time.sleep
        )
        console.print(f"{name}: {outcome.verdict} {outcome.detail}".rstrip(), markup=False)
        worst |= outcome.verdict != "sent"
    raise typer.Exit(worst)


@messages_app.command("acknowledge")
def acknowledge(
    notice: Annotated[str, typer.Argument(help="first letters of its id, or 'all'")],
    by: Annotated[str, typer.Option(help="who has seen it")],
    home: Home = HOME,
) -> None:
    """Note who has seen a notice; it is in no later message."""
    try:
        seen = Outbox.open(county(home).home).see(notice, by, datetime.now(UTC))
    except OutboxError as error:
        raise typer.BadParameter(str(error)) from error
    console.print(f"{seen} noted as seen by {by}", markup=False)
