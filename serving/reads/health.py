"""How well the service is: what it serves, how old that is, what went wrong."""

from datetime import date, datetime
from typing import Any

from serving.published import Published, Release

STALE_HOURS = 36.0
"""A nightly release older than this means that a night was missed."""


def cutoff(release: Release) -> date | None:
    """The last local day whose sales the release knows."""
    text = release.manifest.get("cutoff")
    return date.fromisoformat(str(text)) if text else None


def health(published: Published, now: datetime) -> dict[str, Any]:
    """The body of /v1/health."""
    release, notes = published.current, []
    if published.trouble:
        notes.append(f"release '{published.trouble.release_id}' is not served: {published.trouble.detail}")
    if release is None:
        notes.append("no release is served; run `anxu nightly`")
    age = (now - release.written_at).total_seconds() / 3600 if release else None
    if age is not None and age > STALE_HOURS:
        notes.append(
            f"no new release for {age:.0f} h (limit {STALE_HOURS:.0f} h); look at `anxu doctor`, run `anxu nightly`"
        )
    return {
        "status": "no_release" if release is None else "degraded" if notes else "ok",
        "release_id": release.id if release else None,
        "cutoff": cutoff(release) if release else None,
        "loaded_at": release.loaded_at if release else None,
        "age_hours": round(age, 2) if age is not None else None,
        "notes": notes,
    }
