"""A release folder → manifest and frames, every file checked against its hash first."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from serving.shapes import TABLES, conform

MANIFEST = "manifest.json"


class ReleaseBroken(Exception):  # noqa: N818
    """A release cannot be served; the message names the file, what is wrong and the way out."""


def read_release(folder: Path) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
    """Read what the service needs of a release; absent tables come back empty.

    Raises:
        ReleaseBroken: The folder, the manifest or a listed file is missing, or a file differs from its hash.
    """
    manifest = _manifest(folder)
    for name, digest in _hashes(manifest).items():
        _check(folder / name, digest)
    return manifest, {table: _table(folder, table) for table in TABLES}


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ReleaseBroken(
            f"release '{folder.name}' is not there; run `anxu release list` and use one of it"
        )
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise ReleaseBroken(f"{MANIFEST} is missing; publish again with `anxu nightly`") from error
    except (OSError, ValueError) as error:
        raise ReleaseBroken(
            f"{MANIFEST} cannot be read ({error}); publish again with `anxu nightly`"
        ) from error
    if not isinstance(manifest, dict):
        raise ReleaseBroken(f"{MANIFEST} holds no object; publish again with `anxu nightly`")
    return manifest


def _hashes(manifest: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(digest) for name, digest in manifest.get("files", {}).items()}


def _check(path: Path, digest: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReleaseBroken(
            f"{path.name} cannot be read ({error.strerror}); publish again with `anxu nightly`"
        ) from error
    if found != digest:
        raise ReleaseBroken(
            f"{path.name} was changed after publishing (sha256 {found[:12]}… instead of {digest[:12]}…); "
            "publish again with `anxu nightly`"
        )


def _table(folder: Path, table: str) -> pl.DataFrame:
    path = folder / f"{table}.parquet"
    if not path.exists():
        return conform(table, None)
    wanted = list(TABLES[table])
    try:
        there = pl.read_parquet_schema(path)
        return conform(table, pl.read_parquet(path, columns=[c for c in wanted if c in there]))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ReleaseBroken(
            f"{path.name} cannot be read ({error}); publish again with `anxu nightly`"
        ) from error
