"""Overrides of people: those the release reckons with, and those that wait in the inbox for the next night."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads.health import cutoff
from serving.schemas_writes import Override
from serving.shapes import TABLES
from warehouse.inbox import Message

STATES = ("waiting", "in_force", "withdrawing", "withdrawn", "expired")
SHOWN_DAYS = 90
"""How far back the inbox is looked through."""
LONGEST_DAYS = 366
COLUMNS = [name for name in TABLES["demand_override"] if name != "withdrawn_at"]


@dataclass(frozen=True)
class Written:
    """What the inbox holds, taken in or not."""

    overrides: Sequence[Message] = ()
    withdrawals: Sequence[Message] = ()


def overrides(
    release: Release, written: Written, *, product_id: str | None = None, state: str | None = None
) -> pl.DataFrame:
    """One row per override, newest first.

    Args:
        release: Its table demand_override, and its cutoff.
        written: Of the inbox; what the release holds already is passed over.
        product_id: Only of this product.
        state: Only in this state.

    Returns:
        The columns of demand_override, `withdrawn_by`, `withdrawn_reason`, and `state`: 'waiting' (not in the release yet: the
        next night takes it in), 'in_force' (the forecasts of the release reckon with it on its days), 'withdrawing' (in
        force, taken back: out from the next night), 'withdrawn', 'expired' (`expires_on` before the cutoff, or `ends_on`
        not after it).

    Raises:
        Problem: 422 for a state there is not.
    """
    if state is not None and state not in STATES:
        raise Problem(422, "unknown-value", f"state '{state[:40]}' is none", f"known: {', '.join(STATES)}")
    held = release.frame("demand_override")
    waiting = _waiting([m for m in written.overrides if m.message_id not in set(held["override_id"])])
    taken_back = {str(m.payload["override_id"]): m for m in reversed(written.withdrawals)}
    is_back = pl.col("override_id").is_in(list(taken_back))
    rows = pl.concat([held.with_columns(is_held=True), waiting.with_columns(is_held=False)])
    past = cutoff(release)
    is_past = (
        (pl.col("expires_on") < past) | (pl.col("ends_on") <= past) if past is not None else pl.lit(False)
    )
    found = (
        rows.with_columns(
            withdrawn_by=_told("withdrawn_by", {k: m.author for k, m in taken_back.items()}),
            withdrawn_reason=_told(
                "withdrawn_reason", {k: str(m.payload["reason"]) for k, m in taken_back.items()}
            ),
            state=pl.when(pl.col("withdrawn_at").is_not_null() | (is_back & ~pl.col("is_held")))
            .then(pl.lit("withdrawn"))
            .when(is_past)
            .then(pl.lit("expired"))
            .when(~pl.col("is_held"))
            .then(pl.lit("waiting"))
            .when(is_back)
            .then(pl.lit("withdrawing"))
            .otherwise(pl.lit("in_force")),
        )
        .select(*COLUMNS, "state")
        .sort("written_at", "override_id", descending=True)
    )
    for column, wanted in (("product_id", product_id), ("state", state)):
        found = found.filter(pl.col(column) == wanted) if wanted is not None else found
    return found


def check(release: Release, body: Override) -> None:
    """Whether an override can ever come into force.

    Raises:
        Problem: 422 where its days are past, it has expired, or it would stand for over a year.
    """
    past = cutoff(release)
    if past is None:
        return
    for name, day, why in (
        ("ends_on", body.ends_on, "all of its days are past"),
        ("expires_on", body.expires_on, "it would never be in force"),
    ):
        if day <= past:
            raise _refused(
                f"{name} {day} is not after {past}, the last known day: {why}", f"give a later {name}"
            )
    latest = past + timedelta(days=LONGEST_DAYS)
    if body.expires_on > latest:
        raise _refused(
            f"expires_on {body.expires_on} is after {latest}: an override stands for {LONGEST_DAYS} days at most",
            "let it expire earlier, and write it again when it still holds",
        )


def to_withdraw(rows: pl.DataFrame, override_id: str) -> None:
    """Whether an override can be taken back.

    Raises:
        Problem: 404 for an unknown id, 409 for one that is past or taken back already.
    """
    found = rows.filter(pl.col("override_id") == override_id)
    if found.is_empty():
        raise unknown("override", override_id, see="/v1/overrides")
    if (state := found["state"][0]) in {"withdrawing", "withdrawn", "expired"}:
        raise Problem(
            409,
            "conflict",
            f"override '{override_id[:120]}' is {state} already",
            "nothing is left to take back; see /v1/overrides",
        )


def _waiting(messages: Sequence[Message]) -> pl.DataFrame:
    schema = TABLES["demand_override"]
    rows: list[dict[str, Any]] = [
        {
            **{name: _value(name, m.payload) for name in schema if name in m.payload},
            "override_id": m.message_id,
            "author": m.author,
            "written_at": m.written_at,
        }
        for m in messages
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _value(name: str, payload: Mapping[str, Any]) -> object:
    value = payload[name]
    return date.fromisoformat(value) if name.endswith("_on") and value is not None else value


def _told(column: str, by_id: Mapping[str, str]) -> pl.Expr:
    said = pl.col("override_id").replace_strict(by_id, default=None, return_dtype=pl.String)
    return pl.coalesce(column, said) if by_id else pl.col(column)


def _refused(detail: str, way_out: str) -> Problem:
    return Problem(422, "invalid-parameter", detail, way_out)
