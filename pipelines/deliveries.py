"""From paths to deliveries: what each file is, which belong together, and what must go in before what."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pipelines.load_report import FileReport
from pipelines.sources.kinds import FileRefused, Source
from pipelines.sources.orders import PAIR
from pipelines.sources.recognise import look, recognise, sources
from settings import Settings

DEFAULT_SHOP = "default"
NAME_MARK = "__"
"""`SHOP__name.csv` says the shop in the file's name."""
FIRST = (
    "place", "region", "channel", "crop", "product", "product_crop", "listing", "weather_station", "plot", "practice",
    "practice_yield", "crew", "cold_room", "transit", "sensor", "recipe", "grade_standard", "lot",
)  # fmt: skip
"""Kinds that others refer to, in the order in which they go in; facts come after them."""
NOT_DELIVERED = (".part", ".tmp", ".reason.txt")


@dataclass(frozen=True)
class Found:
    """One file to take in."""

    path: Path
    root: Path
    """The folder that was named, or the file's own."""
    file_id: str = ""
    """sha256 of its bytes, hex."""
    size_bytes: int = 0
    changed_ns: int = 0

    def hashed(self) -> "Found":
        """With its hash, and its size and time as they were before hashing."""
        stat = self.path.stat()
        with self.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return replace(self, file_id=digest, size_bytes=stat.st_size, changed_ns=stat.st_mtime_ns)

    def check_unchanged(self) -> None:
        """Refuse the file when it was written to since it was hashed."""
        stat = self.path.stat()
        if (stat.st_size, stat.st_mtime_ns) != (self.size_bytes, self.changed_ns):
            raise FileRefused(
                "file_changed",
                f"'{self.path.name}' was changed while it was read: load it when it is complete",
            )

    @property
    def shop(self) -> str:
        """The shop the file's name (`SHOP__…`) or folder says; 'default' when neither does (a date is no shop)."""
        if NAME_MARK in self.path.name and (prefix := self.path.name.split(NAME_MARK)[0]):
            return prefix
        folder = self.path.parent
        is_day = folder.name.replace("-", "").isdigit()
        return DEFAULT_SHOP if folder == self.root or is_day else folder.name


@dataclass(frozen=True)
class Delivery:
    """Files that go in together: one, or both reports of a Taobao shop."""

    source: Source
    profiles: tuple[str, ...]
    """The profile of each file."""
    files: tuple[Found, ...]
    shop: str

    @property
    def kind(self) -> str:
        """What the source calls its files."""
        return self.source.kind

    @property
    def is_pair(self) -> bool:
        """Whether the files are Taobao's reports, which go in together."""
        return self.profiles[0] in PAIR

    @property
    def lacks_half(self) -> bool:
        """Whether it is Taobao's reports and one of the two is missing."""
        return self.is_pair and set(self.profiles) != set(PAIR)


def files_below(paths: Sequence[Path]) -> list[Found]:
    """The named files and all files below named folders, without hidden, unfinished and reason files; sorted."""
    found = list[Found]()
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            found += [Found(p, path) for p in inside if _is_delivered(p.relative_to(path))]
        else:
            found.append(Found(path, path.parent))
    return found


def deliveries(
    found: Sequence[Found],
    settings: Settings,
    shop: str | None,
    taken_before: Callable[[str], datetime | None],
) -> tuple[list[Delivery], list[tuple[Found, FileReport]]]:
    """What can be taken in, in its order, and what cannot: missing, too large, taken before, not recognised."""
    among, singles = sources(), list[Delivery]()
    problems, seen = list[tuple[Found, FileReport]](), dict[str, Found]()
    for one in found:
        file = one
        try:
            file = _measured(one, settings)
            if before := taken_before(file.file_id):
                problems.append(
                    (file, FileReport.known(file, f"taken in before, on {before:%Y-%m-%d %H:%M}"))
                )
            elif file.file_id in seen:
                same = seen[file.file_id].path.name
                problems.append((file, FileReport.known(file, f"the same bytes as '{same}'")))
            else:
                seen[file.file_id] = file
                what = recognise(look(file.path, settings.max_unpacked_mb << 20), among)
                singles.append(Delivery(what.source, (what.profile,), (file,), shop or file.shop))
        except FileRefused as refusal:
            problems.append((file, FileReport.refusal(file, None, refusal)))
    return sorted(_paired(singles), key=_rank), problems


def _measured(file: Found, settings: Settings) -> Found:
    if not file.path.is_file():
        raise FileRefused("file_missing", f"there is no file '{file.path}': check the path")
    size, limit = file.path.stat().st_size, settings.max_file_mb << 20
    if size > limit:
        raise FileRefused(
            "file_too_large",
            f"'{file.path.name}' has {size >> 20} MB; the limit is {settings.max_file_mb} MB (setting max_file_mb): "
            "export by month",
        )
    return file.hashed()


def _paired(singles: Sequence[Delivery]) -> Iterator[Delivery]:
    """Deliveries with all Taobao reports of a shop joined into one."""
    pairs: dict[str, list[Delivery]] = {}
    for one in singles:
        if one.is_pair:
            pairs.setdefault(one.shop, []).append(one)
        else:
            yield one
    for shop, halves in pairs.items():
        names = tuple(half.profiles[0] for half in halves)
        yield Delivery(halves[0].source, names, tuple(half.files[0] for half in halves), shop)


def _rank(delivery: Delivery) -> tuple[int, str, str]:
    first = FIRST.index(delivery.kind) if delivery.kind in FIRST else len(FIRST)
    return first, delivery.kind, str(delivery.files[0].path)


def _is_delivered(inside: Path) -> bool:
    return not any(part.startswith(".") for part in inside.parts) and not inside.name.endswith(NOT_DELIVERED)
