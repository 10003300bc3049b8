"""Every release in the county folder."""

import json
from pathlib import Path
from typing import Any

from serving.published import Release


def releases(folder: Path, served: Release | None) -> list[dict[str, Any]]:
    """One row per release with a manifest, newest cutoff first: release_id, cutoff, run_id, created_at, is_current (served).

    A manifest that cannot be read gives a row of nulls: the release is there, and `anxu doctor` says what is wrong with it.
    """
    rows = list[dict[str, Any]]()
    for path in folder.glob("*/manifest.json"):
        if path.parent.name.startswith("."):
            continue
        try:
            manifest = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            manifest = {}
        told = {name: manifest.get(name) for name in ("cutoff", "run_id", "created_at")}
        name = path.parent.name
        rows.append({"release_id": name, **told, "is_current": served is not None and served.id == name})
    return sorted(
        rows, key=lambda row: (row["cutoff"] or "", row["created_at"] or "", row["release_id"]), reverse=True
    )
