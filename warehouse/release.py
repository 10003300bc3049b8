"""Releases: what the service reads. Written whole beside the others, then named in the pointer file by rename."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

POINTER = "current"
MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"

OF_THE_RUN = frozenset(
    {
        "run_id",
        "model_version",
        "known_at",
        "started_at",
        "finished_at",
        "arrived_at",
        "rejected_at",
        "written_at",
    }
)
"""Columns that say when and by which run or model version a row came about; `content_sha256` leaves them out."""
LOGS = frozenset({"run", "run_step"})
"""Tables about runs themselves: published, but no part of `content_sha256`."""


class ReleaseError(RuntimeError):
    """A release cannot be written or used; the message names it and the way out."""


@dataclass(frozen=True)
class ModelFile:
    """One model to publish: its file name in the release, where it lies now, the version the registry gave it."""

    name: str
    path: Path
    version: str


def write_release(
    releases_dir: Path,
    *,
    run_id: str,
    cutoff: date,
    created_at: datetime,
    tables: Mapping[str, pl.DataFrame],
    model_files: Sequence[ModelFile] = (),
) -> Path:
    """Write a release and point to it, unless a release of a later cutoff is current; returns its folder.

    Killed at any point it leaves the pointer and every finished release whole; the next call clears what
    was left. Called again for the same run with the same content it returns the release that is there.

    Layout: ID/TABLE.parquet, ID/models/NAME, ID/manifest.json with run_id, cutoff, created_at, `files`
    (path → sha256), `tables` (rows, content sha256), `models` (file, version, sha256) and `content_sha256`
    over all tables without OF_THE_RUN columns and LOGS, so that two undisturbed runs compare equal.
    ID = cutoff and the run's name, with -2, -3 … where the same run wrote other content before.
    """
    releases_dir.mkdir(parents=True, exist_ok=True)
    _clear_unfinished(releases_dir)
    manifest: dict[str, Any] = {
        "run_id": run_id,
        "cutoff": cutoff.isoformat(),
        "created_at": created_at.isoformat(),
        "tables": {name: _content(frame) for name, frame in sorted(tables.items())},
    }
    manifest["content_sha256"] = _over_tables(manifest["tables"])
    release_id = _free_id(releases_dir, manifest)
    folder = releases_dir / release_id
    if not folder.exists():
        _write_folder(releases_dir, folder, {"release_id": release_id, **manifest}, tables, model_files)
    if not _is_later(releases_dir, cutoff):
        use(releases_dir, release_id)
    return folder


def current(releases_dir: Path) -> str | None:
    """Name of the release the service reads; None before the first."""
    try:
        return (releases_dir / POINTER).read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None


def use(releases_dir: Path, release_id: str) -> None:
    """Point to a release, by rename.

    Raises:
        ReleaseError: There is no such release.
    """
    if release_id not in list_releases(releases_dir):
        known = ", ".join(list_releases(releases_dir)[:5]) or "none"
        raise ReleaseError(f"release '{release_id}' is not in {releases_dir}; there is {known}")
    beside = releases_dir / f"{POINTER}.new"
    _write_durably(beside, release_id.encode())
    beside.replace(releases_dir / POINTER)
    _sync_folder(releases_dir)


def list_releases(releases_dir: Path) -> list[str]:
    """Names of the finished releases, the latest cutoff first, of one cutoff the last written first.

    A folder whose manifest cannot be read is no release: `broken_releases` names it.
    """
    whole = [folder for folder in _folders(releases_dir) if _age(folder)]
    return [folder.name for folder in sorted(whole, key=_age, reverse=True)]


def broken_releases(releases_dir: Path) -> list[str]:
    """Names of the folders whose manifest cannot be read; they may be removed."""
    return sorted(folder.name for folder in _folders(releases_dir) if not _age(folder))


def _folders(releases_dir: Path) -> list[Path]:
    return [p.parent for p in releases_dir.glob(f"*/{MANIFEST}") if not p.parent.name.startswith(".")]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release folder."""
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
    return manifest


def prune(releases_dir: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` releases, the newest of each of as many cutoffs, and the current one.

    Releases of the hours of one day so push out no earlier night's. Returns the removed names.
    """
    names = list_releases(releases_dir)
    newest = {read_manifest(releases_dir / name)["cutoff"]: name for name in reversed(names)}
    kept = {*names[:keep], *list(reversed(newest.values()))[:keep], current(releases_dir)}
    gone = [name for name in names if name not in kept]
    for name in gone:
        doomed = releases_dir / f"{_UNFINISHED}{name}"
        (releases_dir / name).rename(doomed)
        shutil.rmtree(doomed)
    return gone


def _age(folder: Path) -> tuple[str, ...]:
    """Cutoff, time of writing and name; empty where the manifest cannot be read."""
    try:
        manifest = read_manifest(folder)
        return str(manifest["cutoff"]), str(manifest["created_at"]), folder.name
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError):
        return ()


def _clear_unfinished(releases_dir: Path) -> None:
    for left in releases_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(left)
    (releases_dir / f"{POINTER}.new").unlink(missing_ok=True)


def _free_id(releases_dir: Path, manifest: Mapping[str, Any]) -> str:
    """The run's name, or its first -2, -3 … that is free or holds the same content."""
    run = str(manifest["run_id"])
    cutoff = date.fromisoformat(manifest["cutoff"])
    base = f"{cutoff}-{run.removeprefix(f'{cutoff:%Y%m%d}-')[:12]}"
    number = 1
    while True:
        name = base if number == 1 else f"{base}-{number}"
        folder = releases_dir / name
        if not folder.exists():
            return name
        there = read_manifest(folder)
        if (there["run_id"], there["content_sha256"]) == (run, manifest["content_sha256"]):
            return name
        number += 1


def _is_later(releases_dir: Path, cutoff: date) -> bool:
    """Whether the current release knows more days: a back-fill never takes its place."""
    now = current(releases_dir) or ""
    if now not in list_releases(releases_dir):
        return False
    return date.fromisoformat(read_manifest(releases_dir / now)["cutoff"]) > cutoff


def _write_folder(
    releases_dir: Path,
    folder: Path,
    manifest: dict[str, Any],
    tables: Mapping[str, pl.DataFrame],
    model_files: Sequence[ModelFile],
) -> None:
    beside = releases_dir / f"{_UNFINISHED}{folder.name}"
    (beside / "models").mkdir(parents=True)
    for name, frame in tables.items():
        frame.write_parquet(beside / f"{name}.parquet")
    models = {}
    for model in model_files:
        target = beside / "models" / model.name
        shutil.copyfile(model.path, target)
        models[model.name] = {
            "file": f"models/{target.name}",
            "version": model.version,
            "sha256": _sha256(target),
        }
    written = sorted(p for p in beside.rglob("*") if p.is_file())
    for path in written:
        _sync_file(path)
    files = {str(p.relative_to(beside)): _sha256(p) for p in written}
    text = json.dumps({**manifest, "models": models, "files": files}, ensure_ascii=False, indent=1)
    _write_durably(beside / MANIFEST, text.encode())
    _sync_folder(beside / "models")
    _sync_folder(beside)
    beside.rename(folder)
    _sync_folder(releases_dir)


def _content(frame: pl.DataFrame) -> dict[str, Any]:
    """Rows of a table and a hash of what they say, whatever their order."""
    said = frame.select(sorted(c for c in frame.columns if c not in OF_THE_RUN))
    ordered = said.sort(said.columns) if said.width else said
    digest = hashlib.sha256(",".join(said.columns).encode())
    lists = [name for name, kind in said.schema.items() if isinstance(kind, pl.List)]
    for part in ordered.iter_slices(1_000 if lists else 100_000):
        flat = part.with_columns(pl.col(lists).list.len())
        long = [part.select(pl.col(name).explode()) for name in lists]
        for shown in (flat, *long):
            digest.update(shown.write_csv(include_header=False, null_value="\\N").encode())
    return {"rows": frame.height, "sha256": digest.hexdigest()}


def _over_tables(tables: Mapping[str, Mapping[str, Any]]) -> str:
    parts = [f"{name}:{about['sha256']}" for name, about in sorted(tables.items()) if name not in LOGS]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
