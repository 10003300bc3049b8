"""Bestseller callers in MLflow: a run each with its files; found again by what they were made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pipelines.registry import _client, _experiment, _is_there, _log_run
from settings import Settings

EXPERIMENT = "bestseller"


@dataclass(frozen=True)
class StoredCaller:
    """A caller that a night trained."""

    cutoff: date
    files: dict[str, str]


def stored_caller(settings: Settings, *, recipe: str, cutoff: date) -> StoredCaller | None:
    """The newest caller of a recipe trained by `cutoff` whose files are there, or None."""
    if not _is_there(settings):
        return None
    client = _client(settings)
    experiment = _experiment(settings, client, EXPERIMENT)
    runs = client.search_runs(
        [experiment], f"tags.`anxu.recipe` = '{recipe}' and attributes.status = 'FINISHED'", max_results=1000
    )
    made = [(date.fromisoformat(r.data.tags["anxu.cutoff"]), r.info.run_id) for r in runs]
    for day, run_id in sorted((m for m in made if m[0] <= cutoff), reverse=True):
        folder = settings.artifacts_dir / run_id / "artifacts" / "model"
        if folder.exists():
            return StoredCaller(day, {p.name: p.read_text("utf-8") for p in sorted(folder.iterdir())})
    return None


def record_caller(
    settings: Settings,
    *,
    recipe: str,
    cutoff: date,
    title: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    files: Mapping[str, str],
    tables: Mapping[str, str],
) -> None:
    """Log one training; see registry.record for `params`, `metrics`, `files` and `tables`."""
    tags = {"anxu.key": f"{recipe} {cutoff}", "anxu.recipe": recipe, "anxu.cutoff": f"{cutoff}"}
    _log_run(
        settings,
        _client(settings),
        EXPERIMENT,
        tags,
        f"{title} {cutoff}",
        params,
        metrics,
        files,
        tables,
    )
