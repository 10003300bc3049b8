"""The override card of the demand page: what stands for a product, and what the form sends."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs

import polars as pl
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from serving.schemas_writes import Override, Withdrawal

SHOWN = 12
OVER = {"withdrawn", "expired", "withdrawing"}
Shaped = TypeVar("Shaped", bound=BaseModel)


def fields(sent: bytes) -> dict[str, str]:
    """Fields of a form as a browser sends it; of one given twice the last, empty ones left out.

    Raises:
        RequestValidationError: It is no text.
    """
    try:
        text = sent.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RequestValidationError(
            [{"loc": ("body",), "msg": "is no UTF-8 text", "input": "", "type": "value_error"}]
        ) from error
    return {name: values[-1] for name, values in parse_qs(text).items()}


def override_of(form: Mapping[str, str]) -> Override:
    """The override a form asks for: `change` in per cent, or a `factor`.

    Raises:
        RequestValidationError: A field is missing or does not hold; names it.
    """
    names = (
        "product_id",
        "channel_id",
        "region_id",
        "starts_on",
        "ends_on",
        "author",
        "reason",
        "expires_on",
    )
    body: dict[str, Any] = {name: form[name] for name in names if name in form}
    body.setdefault("expires_on", body.get("ends_on"))
    change = form.get("change", "")
    try:
        body["factor"] = 1 + float(change) / 100
    except ValueError:
        body["factor"] = change
    return valid(Override, body)


def withdrawal_of(form: Mapping[str, str]) -> Withdrawal:
    """The withdrawal a form asks for; raises as override_of."""
    return valid(Withdrawal, {name: form.get(name, "") for name in ("author", "reason")})


def card(rows: pl.DataFrame, days: tuple[date, date]) -> dict[str, Any]:
    """Values for override.html.

    Args:
        rows: As serving.reads.overrides.overrides, of one product.
        days: First and last forecast day.
    """
    shown = rows.head(SHOWN).to_dicts()
    return {
        "rows": [row | {"is_over": row["state"] in OVER} for row in shown],
        "first": days[0],
        "last": days[1] + timedelta(days=365),
    }


def valid(shape: type[Shaped], body: Mapping[str, Any]) -> Shaped:
    """A shape of what a form sent.

    Raises:
        RequestValidationError: A field is missing or does not hold; names it.
    """
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
