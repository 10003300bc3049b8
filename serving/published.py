"""The current release in memory, swapped whole when the pointer moves. The warehouse is never opened."""

import logging
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

import polars as pl

from serving.loading import ReleaseBroken, read_release

POINTER = "current"
RETRY_SECONDS = 10.0
log = logging.getLogger("anxu.serving")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Release:
    """One published release, read-only. `frame` never fails for a table the service knows: absent is empty."""

    id: str
    manifest: Mapping[str, Any]
    written_at: datetime
    """When its manifest was written, by the clock of the machine that wrote it; a replayed night's own dates differ."""
    frames: dict[str, pl.DataFrame]
    loaded_at: datetime
    rows: Mapping[str, int]
    """Table → its rows, also of those whose frame was let go."""
    folder: Path
    """Where its files lie, for what is read only when asked for."""
    _made: dict[Hashable, object] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def frame(self, table: str) -> pl.DataFrame:
        """The rows of a table, columns as in serving.shapes."""
        return self.frames[table]

    def made(self, build: Callable[["Release"], Made]) -> Made:
        """What `build` makes of this release, made once and kept as long as the release is served."""
        if build not in self._made:
            with self._lock:
                if build not in self._made:
                    self._made[build] = build(self)
        return cast(Made, self._made[build])


@dataclass(frozen=True)
class Trouble:
    """Why the release the pointer names is not the one served."""

    release_id: str
    detail: str
    since: datetime


def load(
    folder: Path, warm: Sequence[Callable[[Release], object]] = (), spent: Sequence[str] = ()
) -> Release:
    """Read and check a release folder and make what `warm` makes, so that no request waits for it.

    Tables in `spent` are needed by `warm` alone: their frames are let go afterwards and read as empty.

    Raises:
        ReleaseBroken: A file is missing, was changed or cannot be read; the message names it.
    """
    manifest, frames = read_release(folder)
    rows = {table: frame.height for table, frame in frames.items()}
    release = Release(folder.name, manifest, _written_at(folder), frames, datetime.now(UTC), rows, folder)
    for build in warm:
        release.made(build)
    for table in spent:
        frames[table] = frames[table].clear()
    return release


class Published:
    """Watches the pointer file; `current` is always a whole release or None."""

    def __init__(
        self,
        releases_dir: Path,
        *,
        warm: Sequence[Callable[[Release], object]] = (),
        spent: Sequence[str] = (),
        poll_seconds: float = 0.5,
    ) -> None:
        self.releases_dir = releases_dir
        self.current: Release | None = None
        self.trouble: Trouble | None = None
        self._warm, self._spent = warm, spent
        self._poll_seconds = poll_seconds
        self._served: tuple[str, datetime] | None = None
        self._tried = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Compare pointer and served release once; load and swap when they differ, else keep what is served."""
        name = self._pointed()
        if name is None:
            return
        mark = (name, _written_at(self.releases_dir / name))
        if mark == self._served:
            self.trouble = None
            return
        if self.trouble and self.trouble.release_id == name and monotonic() - self._tried < RETRY_SECONDS:
            return
        self._tried = monotonic()
        try:
            self.current = load(self.releases_dir / name, self._warm, self._spent)
        except ReleaseBroken as error:
            self._blame(name, str(error))
        except Exception as error:
            log.exception("release %s cannot be prepared", name)
            self._blame(name, f"{type(error).__name__}: {error}")
        else:
            self._served, self.trouble = mark, None

    def start(self) -> None:
        """Look once now, then again every poll in a background thread until `stop`."""
        self.look()
        self._stop.clear()
        self._thread = threading.Thread(target=self._watch, name="anxu-releases", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=30)

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            self.look()

    def _pointed(self) -> str | None:
        try:
            name = (self.releases_dir / POINTER).read_text("utf-8").strip()
        except FileNotFoundError:
            if self.current:
                self._blame("", f"the pointer file '{POINTER}' is gone; run `anxu release use ID`")
            return None
        except (OSError, ValueError) as error:
            self._blame("", f"the pointer file '{POINTER}' cannot be read: {error}")
            return None
        if not name or name != Path(name).name or name.startswith("."):
            self._blame(
                name[:80], f"the pointer names {name[:80]!r}, which is no release; run `anxu release use ID`"
            )
            return None
        return name

    def _blame(self, release_id: str, detail: str) -> None:
        if not self.trouble or (self.trouble.release_id, self.trouble.detail) != (release_id, detail):
            log.warning("release %s is not served: %s", release_id, detail)
            self.trouble = Trouble(release_id, detail, datetime.now(UTC))


def _written_at(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp((folder / "manifest.json").stat().st_mtime, UTC)
    except OSError:
        return datetime.min.replace(tzinfo=UTC)
