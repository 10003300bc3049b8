"""How well the service is: what it serves, how old that is, what went wrong."""

from datetime import date, datetime
from typing import Any

from serving.published import Published, Release
from warehouse.last_runs import LastRun, read_last_runs

STALE_HOURS = 36.0
"""A nightly release older than this means that a night was missed."""


def cutoff(release: Release) -> date | None:
    """The last local day whose sales the release knows."""
    text = release.manifest.get("cutoff")
    return date.fromisoformat(str(text)) if text else None


def failed_night(published: Published) -> LastRun | None:
    """The newest night when it failed and nothing was published since; it is in no release, so none can tell of it."""
    last = read_last_runs(published.releases_dir.parent).get("nightly")
    if last is None or last.status != "failed":
        return None
    release = published.current
    return last if release is None or release.written_at < last.started_at else None


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
    if failed := failed_night(published):
        notes.append(
            f"the night of {failed.cutoff} failed ({failed.detail[:300]}); the release before it stays; "
            "look at Runs, run `anxu nightly`"
        )
    return {
        "status": "no_release" if release is None else "degraded" if notes else "ok",
        "release_id": release.id if release else None,
        "cutoff": cutoff(release) if release else None,
        "loaded_at": release.loaded_at if release else None,
        "age_hours": round(age, 2) if age is not None else None,
        "notes": notes,
    }
