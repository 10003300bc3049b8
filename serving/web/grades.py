"""What the grades page shows: one crop's cuts with their curve, prices and reasons; all crops' answers; lots; standards."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from serving.problems import unknown
from serving.published import Release
from serving.reads import grading as reads
from serving.web.grade_chart import grade_chart
from serving.web.say import Say
from serving.web.texts import catalogue
from warehouse.inbox import Message

MOST_LOTS = 200
CHIPS = {"proposed": "info", "in_force": "good", "approved": "good", "refused": "bad", "none": "dim"}


def grades(release: Release, say: Say, crop: str, written: Sequence[Message]) -> dict[str, Any]:
    """Values for grades.html; `crop` '' is the first; `written`: answers in the inbox, taken in or not.

    Raises:
        Problem: 404 for a crop that has no answer here.
    """
    rows = release.made(reads.recommendations).to_dicts()
    names = _names(release, say)
    waiting = {str(m.payload.get("recommendation_id")): m for m in written}
    for row in rows:
        row["name"] = names.get(row["crop_id"], row["crop_id"])
        row["chip"] = CHIPS.get(row["status"], "dim")
        row["waits"] = waiting.get(row["recommendation_id"]) if row["status"] == "proposed" else None
        row["text"] = row["text_zh"] if say.language == "zh" else row["text_en"]
    known = [row["crop_id"] for row in rows]
    if crop and crop not in known:
        raise unknown("crop", crop, known, "/grades")
    shown = next((r for r in rows if not crop or r["crop_id"] == crop), None)
    lots = release.made(reads.lots)
    mine = lots if shown is None or not crop else lots.filter(pl.col("crop_id") == crop)
    return {
        "rows": rows,
        "shown": shown and _shown(release, say, shown),
        "chosen": crop,
        "lots": [_lot(r, names) for r in mine.head(MOST_LOTS).iter_rows(named=True)],
        "lots_total": mine.height,
        "standards": _standards(release, say, names),
    }


def printed(release: Release, say: Say, recommendation_id: str) -> dict[str, Any]:
    """Values for grades_print.html; raises Problem 404 for an id there is not."""
    row = dict(reads.one(release, recommendation_id))
    row["name"] = _names(release, say).get(str(row["crop_id"]), row["crop_id"])
    row["text"] = row["text_zh"] if say.language == "zh" else row["text_en"]
    return {"shown": _shown(release, say, row)}


def attribute_name(say: Say, attribute: str) -> str:
    """What people call a measured attribute; an unknown one as it is."""
    key = f"grades.by_{attribute}"
    return say.t(key) if key in catalogue() else attribute


def _names(release: Release, say: Say) -> dict[str, str]:
    name = "name_zh" if say.language == "zh" else "name_en"
    return dict(release.frame("crop").select("crop_id", name).iter_rows())


def _shown(release: Release, say: Say, row: dict[str, Any]) -> dict[str, Any]:
    cuts = [{**c, **_limits(c)} for c in row["cuts"] or []]
    curve = release.frame("grade_curve").filter(pl.col("recommendation_id") == row["recommendation_id"])
    is_upper = any(c["sign"] == "≤" for c in cuts)
    chart = grade_chart(
        curve,
        [(c["grade"], c["limit"]) for c in cuts if c["limit"] is not None],
        [(c["grade"], c["now"]) for c in cuts if c["now"] is not None and c["now"] != c["limit"]],
        share_text=say.t(
            "grades.bar_upper" if is_upper else "grades.bar",
            attribute=attribute_name(say, row["attribute"]),
            value="{value}",
            share="{share}",
        ),
        is_upper=is_upper,
    )
    more = None if row["present_yuan"] is None else row["net_yuan"] - row["present_yuan"]
    return {
        **row, "cuts": cuts, "chart": chart, "attribute_name": attribute_name(say, row["attribute"]), "more": more,
        "more_share": more / row["present_yuan"] if more is not None and row["present_yuan"] else None,
    }  # fmt: skip


def _limits(cut: dict[str, Any]) -> dict[str, Any]:
    """A cut's limit and today's, with the sign they are written with."""
    is_upper = cut["max_value"] is not None or cut["present_max"] is not None
    side = "max" if is_upper else "min"
    return {"limit": cut[f"{side}_value"], "now": cut[f"present_{side}"], "sign": "≤" if is_upper else "≥"}


def _lot(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    shares = row["shares"] or []
    return {
        **row,
        "name": names.get(row["crop_id"], row["crop_id"]),
        "shares": [s for s in shares if s["grade"] and s["share"] >= 0.02],
        "flows": (row["flows"] or [])[:3],
    }


def _standards(release: Release, say: Say, names: dict[str, str]) -> list[dict[str, Any]]:
    """One entry per standard and crop: its classes with their limits in words."""
    rows = reads.standards(release).with_columns(
        limit=pl.concat_str(
            pl.when(pl.col("min_value").is_not_null()).then(pl.format("≥ {}", pl.col("min_value").round(4))),
            pl.when(pl.col("max_value").is_not_null()).then(pl.format("≤ {}", pl.col("max_value").round(4))),
            separator=" ", ignore_nulls=True,
        )
    )  # fmt: skip
    keys = [
        "crop_id",
        "standard",
        "version",
        "origin",
        "is_in_force",
        "valid_from",
        "source",
        "is_verified",
        "fault",
    ]
    found = []
    for key, part in rows.group_by(keys, maintain_order=True):
        entry: dict[str, Any] = dict(zip(keys, key, strict=True))
        limits = part.select("grade", "attribute", "limit").iter_rows()
        entry["limits"] = [(g, attribute_name(say, a), x or "–") for g, a, x in limits]
        entry["name"] = names.get(entry["crop_id"], entry["crop_id"])
        found.append(entry)
    return found
