"""The task sheet that is printed: one A4 sheet a village, with a QR code that opens the same tasks on a phone."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote

import segno
from markupsafe import Markup

from serving.web.say import Say


def task_sheet(
    say: Say, rows: list[dict[str, Any]], places: Mapping[str, Mapping[str, str]], base_url: str
) -> list[dict[str, Any]]:
    """One entry per village, by id: its name, its tasks in the reader's words, the address of its page and that as a QR code.

    Args:
        rows: As serving.reads.tasks.tasks.
        places: Place → name per language.
        base_url: Address of the service, with its last slash.
    """
    ordered = sorted(rows, key=lambda r: (r["village_id"] or "", r["from"], r["plot_id"]))
    return [
        _village(say, key, list(group), places, base_url)
        for key, group in groupby(ordered, key=lambda r: r["village_id"])
    ]


def _village(
    say: Say,
    village: str | None,
    rows: list[dict[str, Any]],
    places: Mapping[str, Mapping[str, str]],
    base_url: str,
) -> dict[str, Any]:
    address = f"{base_url}my" + (f"?village={quote(village)}" if village else "")
    return {
        "name": places[village][say.language]
        if village and village in places
        else (village or say.t("site.none")),
        "address": address,
        "qr": Markup(segno.make(address, error="m").svg_inline(scale=3, border=2)),
        "rows": [
            {
                "plot": row["plot_id"],
                "task": row["task"],
                "crop": (row["crop_name_zh"] if say.language == "zh" else row["crop_name_en"])
                or row["crop_id"],
                "area": say.area(row["area_mu"]),
                "days": f"{say.day(row['from'])} – {say.day(row['to'])}",
                "is_late": row["is_late"],
            }
            for row in rows
        ],
    }
