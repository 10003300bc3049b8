"""Files handed in by people, put whole and durably into the watched folder; a night recognises and takes them in, once."""

import hashlib
import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from serving.problems import Problem

TYPES = frozenset({".csv", ".tsv", ".txt", ".dat", ".xlsx", ".json", ".jsonl", ".ndjson", ".gz"})
TAKEN, REFUSED, REASON = "taken", "refused", ".reason.txt"
MOST_NAME = 120
SHOWN = 200
_SHOP = re.compile(r"[\w\-]{1,60}")
_HEADS = {".xlsx": (b"PK\x03\x04",), ".gz": (b"\x1f\x8b",)}
"""How files of a type begin; the others are text."""


@dataclass(frozen=True)
class Handed:
    """A file in the inbox folder."""

    path: Path
    file_id: str
    size_bytes: int
    is_new: bool


def checked_name(name: str) -> str:
    """A plain file name of a known type.

    Raises:
        Problem: 422 for a name with a path, control characters or too long; 415 for a type nobody can take in.
    """
    if (
        not name
        or name != Path(name).name
        or "\\" in name
        or not name.isprintable()
        or name.startswith((".", "~"))
    ):
        raise Problem(
            422,
            "invalid-parameter",
            f"'{name[:60]}' is no plain file name",
            "send the name without its folder",
        )
    if len(name.encode()) > MOST_NAME:
        raise Problem(
            422,
            "invalid-parameter",
            f"the name has {len(name.encode())} bytes, the limit is {MOST_NAME}",
            "shorten it",
        )
    if Path(name).suffix.lower() not in TYPES:
        raise Problem(
            415,
            "unknown-file",
            f"'{name}' is of no type that is taken in",
            f"send one of {', '.join(sorted(TYPES))}",
        )
    return name


def checked_shop(shop: str) -> str:
    """A shop as a folder's name; '' is none.

    Raises:
        Problem: 422 for anything but letters, digits, _ and -, or for a name the folder has another use for.
    """
    if shop and (not _SHOP.fullmatch(shop) or shop in (TAKEN, REFUSED) or shop.replace("-", "").isdigit()):
        raise Problem(
            422,
            "invalid-parameter",
            f"'{shop[:60]}' is no shop",
            "use letters, digits, _ and -, not a date or 'taken'",
        )
    return shop


async def hand_in(inbox: Path, name: str, shop: str, chunks: AsyncIterator[bytes], most_bytes: int) -> Handed:
    """Write a body beside its place, and move it there when it is whole and on disk.

    Raises:
        Problem: 413 above `most_bytes`, 422 when it is empty, 415 when its bytes are not of its type; 503 when the disk
            refuses. Then nothing is left.
    """
    folder = inbox / "uploads" / f"{datetime.now(UTC):%Y-%m-%d}" / shop
    part = folder / f".{uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file_id, size = await _written(part, name, chunks, most_bytes)
        same = _waiting_with(inbox, file_id, size)
        if same:
            return Handed(same, file_id, size, is_new=False)
        target = _free(folder / name)
        part.replace(target)
        _sync(folder)
        return Handed(target, file_id, size, is_new=True)
    except OSError as error:
        raise Problem(
            503,
            "inbox-unavailable",
            f"nothing was kept: the inbox folder cannot be written ({error.strerror})",
            "check disk and permissions (`anxu doctor`), then send it again",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def listed(inbox: Path) -> list[dict[str, Any]]:
    """Files that wait in the inbox folder and files that were refused with the reason, newest first."""
    found = list[dict[str, Any]]()
    for path in inbox.rglob("*") if inbox.is_dir() else ():
        inside = path.relative_to(inbox)
        is_ours = (
            inside.parts[0] != TAKEN
            and not path.name.startswith(".")
            and not path.name.endswith((REASON, ".part"))
        )
        if is_ours and path.is_file():
            found.append(_told(path, inside.parts))
    return sorted(found, key=lambda row: (row["arrived_at"], row["name"]), reverse=True)[:SHOWN]


def _told(path: Path, parts: tuple[str, ...]) -> dict[str, Any]:
    stat, is_refused = path.stat(), parts[0] == REFUSED
    reason = path.with_name(path.name + REASON)
    folder = parts[-2] if len(parts) > 1 + is_refused else ""
    return {
        "name": path.name,
        "shop": folder if folder and folder != "uploads" and not folder.replace("-", "").isdigit() else None,
        "size_bytes": stat.st_size,
        "arrived_at": datetime.fromtimestamp(stat.st_mtime, UTC),
        "state": "refused" if is_refused else "waiting",
        "reason": reason.read_text("utf-8", "replace")[:2000] if is_refused and reason.is_file() else None,
    }


async def _written(part: Path, name: str, chunks: AsyncIterator[bytes], most_bytes: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with part.open("wb") as stream:
        async for chunk in chunks:
            if size == 0 and chunk:
                _check_head(name, chunk)
            size += len(chunk)
            if size > most_bytes:
                raise Problem(
                    413,
                    "too-large",
                    f"'{name}' has over {most_bytes} bytes (setting max_upload_mb)",
                    "split it",
                )
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    if size == 0:
        raise Problem(422, "invalid-parameter", f"'{name}' is empty", "export it again")
    return digest.hexdigest(), size


def _check_head(name: str, head: bytes) -> None:
    starts = _HEADS.get(Path(name).suffix.lower())
    if starts and not head.startswith(starts):
        raise Problem(
            415,
            "unknown-file",
            f"'{name}' does not begin like such a file",
            "save it again, or name it as it is",
        )
    if not starts and b"\0" in head[:4096]:
        raise Problem(
            415,
            "unknown-file",
            f"'{name}' is no text (UTF-8 or GB18030)",
            "save it as 'CSV UTF-8' or as xlsx",
        )


def _waiting_with(inbox: Path, file_id: str, size: int) -> Path | None:
    """A whole waiting upload of the same bytes, or None."""
    for path in (inbox / "uploads").rglob("*"):
        if path.is_file() and not path.name.endswith(".part") and path.stat().st_size == size:
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() == file_id:
                    return path
    return None


def _free(target: Path) -> Path:
    """The target, or the same name with a number where that is taken; made empty, so that no other request takes it."""
    number, free = 1, target
    while True:
        try:
            free.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            free = target.with_name(f"{target.stem}-{number}{target.suffix}")
        else:
            return free


def _sync(folder: Path) -> None:
    """Make the new name survive a power cut, where folders can be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
