"""What-ifs on the plan: questions that wait, and those that a night answered, both plans side by side."""

from collections.abc import Sequence

import polars as pl

from serving.problems import Problem, unknown
from serving.published import Release
from serving.reads.health import cutoff
from serving.reads.planting import plan
from serving.schemas_imagined import Adoption, CropFails, PlantingWhatIfAsk
from serving.shapes import TABLES
from warehouse.inbox import Message

STATES = ("waiting", "solved", "infeasible", "refused")
SHOWN_DAYS = 30
"""How far back the inbox is looked through."""
MOST_WAITING = 20
"""Each costs the night as much as a plan."""
MEASURES = [
    "profit_yuan",
    "expected_yuan",
    "cvar_yuan",
    "service_share",
    "promise_share",
    "waste_kg",
    "unserved_kg",
    "labour_hours",
    "moved_mu",
    "moved_lines",
]
ASKED = ["whatif_id", "name", "author", "reason", "written_at", "overrides_json"]


def whatifs(release: Release, written: Sequence[Message], *, state: str | None = None) -> pl.DataFrame:
    """One row per question, newest first.

    Args:
        release: Its tables planting_whatif and the answers.
        written: Messages of kind 'planting_whatif' in the inbox; what the release holds already is passed over.
        state: Only in this state.

    Returns:
        ASKED, `state` (waiting until a night answered), `detail`, `cutoff`, `base` and `whatif` (struct of MEASURES; null:
        no answer, or no plan, for which `detail` gives the cause), `crops` (list of struct).

    Raises:
        Problem: 422 for a state there is not.
    """
    if state is not None and state not in STATES:
        raise Problem(422, "unknown-value", f"state '{state[:40]}' is none", f"known: {', '.join(STATES)}")
    held = release.frame("planting_whatif").select(ASKED)
    asked = pl.concat([held, _waiting(written, held)])
    found = (
        asked.join(_side(release, "base").drop("status", "detail", "cutoff"), on="whatif_id", how="left")
        .join(_side(release, "whatif"), on="whatif_id", how="left")
        .join(_crops(release), on="whatif_id", how="left")
        .with_columns(
            state=pl.col("status").fill_null("waiting"), detail=pl.col("detail").fill_null(_why(release))
        )
        .select(*ASKED, "state", "detail", "cutoff", "base", "whatif", "crops")
        .sort("written_at", "whatif_id", descending=True)
    )
    return found.filter(pl.col("state") == state) if state is not None else found


def check(release: Release, body: PlantingWhatIfAsk, waiting: int) -> None:
    """Whether a question can be answered.

    Raises:
        Problem: 404 for a crop not known; 422 for a year that the plan does not cover, or an adoption that is past; 409 when
            too many questions wait already.
    """
    crops = set(release.frame("crop")["crop_id"])
    made, past = plan(release), cutoff(release)
    for override in body.overrides:
        crop = getattr(override, "crop_id", None)
        if crop is not None and crop not in crops:
            raise unknown("crop", crop, see="/v1/crops")
        if isinstance(override, CropFails) and made is not None:
            years = range(made["first_year"], made["last_year"] + 1)
            if override.year not in years:
                raise _refused(
                    f"the plan covers {years[0]}–{years[-1]}, not {override.year}", "name one of its years"
                )
        if isinstance(override, Adoption) and past is not None and override.due_to <= past:
            raise _refused(
                f"due_to {override.due_to} is not after {past}, the last known day", "give a later due_to"
            )
    if waiting >= MOST_WAITING:
        raise Problem(
            409,
            "conflict",
            f"{waiting} questions wait for the night already, {MOST_WAITING} are the most",
            "ask again when the night has answered them",
        )


def _side(release: Release, side: str) -> pl.DataFrame:
    """whatif_id, status, detail, cutoff, and the side's measures as a struct (null: no plan)."""
    rows = release.frame("planting_whatif_answer").filter(pl.col("side") == side)
    solved = pl.when(pl.col("status") == "solved").then(pl.struct(MEASURES))
    return rows.select("whatif_id", "status", "detail", "cutoff", solved.alias(side))


def _crops(release: Release) -> pl.DataFrame:
    names = release.frame("crop").select(
        "crop_id", crop_name_zh=pl.col("name_zh"), crop_name_en=pl.col("name_en")
    )
    rows = release.frame("planting_whatif_crop").join(names, on="crop_id", how="left").sort("crop_id")
    told = pl.struct("crop_id", "crop_name_zh", "crop_name_en", "base_mu", "whatif_mu")
    return rows.group_by("whatif_id").agg(crops=told)


def _why(release: Release) -> str:
    """Why a question waits."""
    if plan(release) is None:
        return "there is no plan to ask about yet; the first night that makes one answers"
    return "the next night answers"


def _waiting(written: Sequence[Message], held: pl.DataFrame) -> pl.DataFrame:
    known = set(held["whatif_id"])
    rows = [
        {
            "whatif_id": m.message_id,
            "name": m.payload.get("name"),
            "author": m.author,
            "reason": m.payload.get("reason"),
            "written_at": m.written_at,
            "overrides_json": m.payload.get("overrides_json"),
        }
        for m in written
        if m.message_id not in known
    ]
    schema = {name: TABLES["planting_whatif"][name] for name in ASKED}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _refused(detail: str, way_out: str) -> Problem:
    return Problem(422, "invalid-parameter", detail, way_out)
