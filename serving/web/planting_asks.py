"""What the forms of the planting page send: a what-if on the plan, a commitment."""

from collections.abc import Mapping
from typing import Any

from serving.schemas_field import CommitmentEntry
from serving.schemas_imagined import PlantingWhatIfAsk
from serving.web.override import valid

ROWS: Mapping[str, Mapping[str, str]] = {
    "price": {"change": "factor"},
    "demand": {"change": "factor"},
    "weather": {"change": "factor"},
    "heat": {"celsius": "celsius"},
    "crop_fails": {"year": "year"},
    "adoption": {"quantity_kg": "quantity_kg", "due_from": "due_from", "due_to": "due_to"},
    "subsidy": {"yuan_per_mu": "yuan_per_mu"},
    "cold_room": {"days": "days"},
}
"""Kind of override → fields of its row in the form, as 'kind.field', and what they are in the question."""
COMMITMENT = (
    "commitment_id",
    "kind",
    "crop_id",
    "quantity_kg",
    "due_from",
    "due_to",
    "price_yuan_per_kg",
    "author",
)


def whatif_of(form: Mapping[str, str]) -> PlantingWhatIfAsk:
    """The question that a form asks: each row with a value in it is one override.

    Raises:
        RequestValidationError: A field is missing or does not hold; names it.
    """
    overrides = [override for kind in ROWS if (override := _override(kind, form)) is not None]
    body = {name: form[name] for name in ("name", "author", "reason") if name in form}
    return valid(PlantingWhatIfAsk, {**body, "overrides": overrides})


def commitment_of(form: Mapping[str, str]) -> CommitmentEntry:
    """The commitment that a form enters; raises as whatif_of."""
    return valid(CommitmentEntry, {name: form[name] for name in COMMITMENT if name in form})


def _override(kind: str, form: Mapping[str, str]) -> dict[str, Any] | None:
    """One row of the form as an override; None where nothing was filled in but the crop."""
    found: dict[str, Any] = {
        name: form[f"{kind}.{field}"] for field, name in ROWS[kind].items() if f"{kind}.{field}" in form
    }
    if not found:
        return None
    if "factor" in found:
        found["factor"] = _factor(found["factor"])
    crop = form.get(f"{kind}.crop_id")
    return {"kind": kind, **found, **({"crop_id": crop} if crop else {})}


def _factor(change: str) -> float | str:
    """A change in per cent as a factor; text that is no number stays, and the question's shape says so."""
    try:
        return 1 + float(change) / 100
    except ValueError:
        return change
