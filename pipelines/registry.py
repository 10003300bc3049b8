"""MLflow: runs, versions of the demand model, and the aliases `champion` and `challenger`. Nobody else imports mlflow.

A version is written in an order that survives a kill at any point: run and files, then the version with its verdict,
then the aliases, then the mark that it is settled. The next call finishes what was left.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from models.forecasting.demand import DemandModel
from settings import Settings
from warehouse.release import ModelFile

MODEL = "demand"
CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
MODEL_FILES = ("model.txt", "model.json")


class RegistryError(RuntimeError):
    """A model cannot be found or moved; the message says which and the way out."""


@dataclass(frozen=True)
class Version:
    """One registered model."""

    number: int
    key: str
    """What it was made of: cutoff, features, parameters, seed; the same key is never trained twice."""
    recipe: str
    """Parameters and features alone: what is compared when one model is to replace another."""
    cutoff: date
    promote: bool
    """The verdict when it was made."""
    reason: str
    settled: bool
    run_id: str
    folder: Path
    held: bool = False
    """Whether people rolled it back: nothing of its recipe is promoted by a night until one is promoted by hand."""

    @property
    def name(self) -> str:
        """As forecasts carry it, e.g. 'demand-3'."""
        return f"{MODEL}-{self.number}"

    def files(self) -> dict[str, str]:
        """The model's files by name, those of MODEL_FILES and more; raises RegistryError when one of these is gone."""
        if gone := [name for name in MODEL_FILES if not (self.folder / name).exists()]:
            raise RegistryError(
                f"{self.name}: {', '.join(gone)} is missing in {self.folder}; restore a backup or train anew"
            )
        return {path.name: path.read_text("utf-8") for path in sorted(self.folder.iterdir())}


def versions(settings: Settings, *, cutoff: date) -> list[Version]:
    """Versions made of what was known by `cutoff`, newest cutoff last."""
    if not _is_there(settings):
        return []
    found = [_version(settings, v) for v in _client(settings).search_model_versions(f"name='{MODEL}'")]
    return sorted((v for v in found if v.cutoff <= cutoff), key=lambda v: (v.cutoff, v.number))


def champion(settings: Settings, *, cutoff: date) -> Version | None:
    """The model to forecast with: the one the alias names, or for a back-fill the last one promoted by then."""
    known = versions(settings, cutoff=cutoff)
    named = _alias(settings, CHAMPION)
    if any(v.number == named for v in known):
        return next(v for v in known if v.number == named)
    promoted = [v for v in known if v.promote and v.settled and not v.held]
    return promoted[-1] if promoted else None


def record(
    settings: Settings,
    *,
    key: str,
    recipe: str,
    cutoff: date,
    promote: bool,
    reason: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    files: Mapping[str, str],
    tables: Mapping[str, str],
) -> Version:
    """Log one training run and register its model; with a key that is there already, return that version.

    Args:
        key: See Version.
        recipe: See Version.
        cutoff: Last day the model has seen.
        promote: The verdict.
        reason: Why, in words.
        params: Logged as parameters.
        metrics: Logged as metrics; names may hold any letters, digits and : / . - _.
        files: The model's files.
        tables: Further texts by path: figures, and tables; MLflow shows those that end in .json (columns, data) as tables.
    """
    client = _client(settings)
    if there := [v for v in versions(settings, cutoff=cutoff) if v.key == key]:
        return there[-1]
    run = _log_run(
        settings, client, MODEL, {"anxu.key": key}, f"{MODEL} {cutoff}", params, metrics, files, tables
    )
    return _register(settings, client, run, _tags(key, recipe, cutoff, promote, reason))


def _log_run(
    settings: Settings, client: MlflowClient, name: str, tags: Mapping[str, str], title: str, params: Mapping[str, object],
    metrics: Mapping[str, float], files: Mapping[str, str], tables: Mapping[str, str],
) -> str:  # fmt: skip
    """Log one finished run of the experiment `name`; runs of the same `anxu.key` that a kill left open are closed."""
    experiment = _experiment(settings, client, name)
    for left in client.search_runs(
        [experiment], f"tags.`anxu.key` = '{tags['anxu.key']}' and attributes.status = 'RUNNING'"
    ):
        client.set_terminated(left.info.run_id, status="KILLED")
    run = str(client.create_run(experiment, tags=dict(tags), run_name=title).info.run_id)
    client.log_batch(
        run,
        metrics=[Metric(re.sub(r"[^\w:/. -]", "_", name), value, 0, 0) for name, value in metrics.items()],
        params=[Param(name, str(value)) for name, value in params.items()],
    )
    for path, text in {**{f"model/{n}": t for n, t in files.items()}, **tables}.items():
        client.log_text(run, text, path)
    shown = [{"path": path, "type": "table"} for path in tables if path.endswith(".json")]
    client.set_tag(run, "mlflow.loggedArtifacts", json.dumps(shown))
    client.set_terminated(run)
    return run


def settle(settings: Settings, version: Version) -> None:
    """Move the aliases as the version's verdict says; twice equals once.

    A promoted version becomes `champion`, the one before it `previous`; any other becomes `challenger`. A version older
    than the champion (a back-fill) moves nothing, and one that was rolled back never does.
    """
    client, number = _client(settings), str(version.number)
    if version.held:
        return
    named = _alias(settings, CHAMPION)
    newest = max(
        (v.number for v in versions(settings, cutoff=date.max) if v.cutoff > version.cutoff), default=None
    )
    if newest is None and version.promote:
        if named is not None and named != version.number:
            client.set_registered_model_alias(MODEL, PREVIOUS, str(named))
        client.set_registered_model_alias(MODEL, CHAMPION, number)
    elif newest is None:
        client.set_registered_model_alias(MODEL, CHALLENGER, number)
    client.set_model_version_tag(MODEL, number, "anxu.settled", "true")


def metrics(settings: Settings, version: Version) -> dict[str, float]:
    """What was logged of a version over all series: wape, wql, bias, coverage_80, and seasonal naive's as naive_…."""
    logged = _client(settings).get_run(version.run_id).data.metrics
    return {name: value for name, value in logged.items() if "/" not in name}


def load_champion(settings: Settings, *, cutoff: date) -> tuple[Version, DemandModel] | None:
    """The champion and its model; None while there is none, or when it knows features this code no longer builds."""
    version = champion(settings, cutoff=cutoff)
    if version is None or not DemandModel.fits(files := version.files()):
        return None
    return version, DemandModel.from_files(files)


def champion_files(settings: Settings, *, cutoff: date) -> tuple[ModelFile, ...]:
    """What a release carries of the model: its files, model.txt as demand.txt and other.txt as demand-other.txt; or nothing
    while there is no champion."""
    version = champion(settings, cutoff=cutoff)
    if version is None:
        return ()
    names = {name: f"{MODEL}-{name}" for name in version.files()}
    names |= {name: f"{MODEL}{Path(name).suffix}" for name in MODEL_FILES}
    return tuple(ModelFile(names[name], version.folder / name, version.name) for name in names)


def champion_error(settings: Settings, *, cutoff: date = date.max) -> pl.DataFrame:
    """The champion's backtest over all series: `metric` (wape, wql, bias, coverage_80), `anxu`, `seasonal_naive`; else empty."""
    rows = []
    if (version := champion(settings, cutoff=cutoff)) is not None:
        logged = metrics(settings, version)
        names = ("wape", "wql", "bias", "coverage_80")
        rows = [(name, logged[name], logged[f"naive_{name}"]) for name in names if name in logged]
    schema = {"metric": pl.String, "anxu": pl.Float64, "seasonal_naive": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _tags(key: str, recipe: str, cutoff: date, promote: bool, reason: str) -> dict[str, str]:
    said = {
        "key": key,
        "recipe": recipe,
        "cutoff": f"{cutoff}",
        "promote": str(promote).lower(),
        "reason": reason,
    }
    return {f"anxu.{name}": value for name, value in said.items()}


def _register(settings: Settings, client: MlflowClient, run: str, tags: dict[str, str]) -> Version:
    try:
        client.get_registered_model(MODEL)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(MODEL)
    source = f"{client.get_run(run).info.artifact_uri}/model"
    return _version(settings, client.create_model_version(MODEL, source=source, run_id=run, tags=tags))


def _version(settings: Settings, stored: ModelVersion) -> Version:
    tags = stored.tags
    return Version(
        number=int(stored.version),
        key=tags["anxu.key"],
        recipe=tags["anxu.recipe"],
        cutoff=date.fromisoformat(tags["anxu.cutoff"]),
        promote=tags["anxu.promote"] == "true",
        reason=tags["anxu.reason"],
        settled=tags.get("anxu.settled") == "true",
        run_id=stored.run_id,
        folder=settings.artifacts_dir / stored.run_id / "artifacts" / "model",
        held=tags.get("anxu.held") == "true",
    )


def _is_there(settings: Settings) -> bool:
    """Whether anything was ever registered; asking MLflow would make its tables."""
    return Path(settings.tracking_uri.removeprefix("sqlite:///")).exists()


def _alias(settings: Settings, alias: str) -> int | None:
    if not _is_there(settings):
        return None
    try:
        return int(_client(settings).get_model_version_by_alias(MODEL, alias).version)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _client(settings: Settings) -> MlflowClient:
    settings.home.mkdir(parents=True, exist_ok=True)
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)


def _experiment(settings: Settings, client: MlflowClient, name: str) -> str:
    """The experiment whose artefacts lie in this county's folder; one left from before a move is put aside by name."""
    place = settings.artifacts_dir.resolve().as_uri()
    found = client.get_experiment_by_name(name)
    if found is not None and found.artifact_location != place:
        client.rename_experiment(found.experiment_id, f"{name} of {found.artifact_location}")
        found = None
    return str(found.experiment_id if found else client.create_experiment(name, artifact_location=place))
