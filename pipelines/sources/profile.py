"""Declared layouts of order files: which header plays which role, which word means which status."""

import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

PROFILES = Path(__file__).parent / "profiles"
ENOUGH = 0.7
"""A header scoring less is not taken for the layout."""

Token = Literal[
    "unpaid", "cancelled", "closed", "refunded", "none", "open", "paid", "part_shipped", "shipped", "received",
    "part_refunded", "refunded_before_ship", "refunded_after_ship",
]  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """One layout of an order file, as declared in profiles/orders_*.toml (docs/formats-orders.md explains each key)."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    platform: str
    title: str
    layout: Literal["lines", "taobao_orders", "taobao_items"]
    required: tuple[str, ...]
    """Roles without which nothing can be read; `a|b` asks for one of two."""
    columns: Mapping[str, tuple[str, ...]]
    """Role → header names, the first that has a value counts."""
    status_words: Mapping[str, Token]
    personal: tuple[str, ...] = ()
    """Roles that are read for a hash or a province only and are never kept."""
    known: tuple[str, ...] = ()
    """Further header names of the layout, for recognition only."""
    encodings: tuple[str, ...] = ("utf-8-sig", "gb18030")
    after_sale_words: Mapping[str, Token] = field(default_factory=dict)
    shipping_words: Mapping[str, Token] = field(default_factory=dict)
    one_line_per_order: bool = False
    """The same order, article and spec a second time is a repetition, not a second line."""
    joined_by: str = ""
    """What joins several items in one row; '' when the layout never does."""
    fill_down: tuple[str, ...] = ()
    """Roles that stand only on an order's first row."""
    money_notes: bool = False
    delay_hour: int = 1
    """Hour of the next morning by which the platform's day file is usually there (history loads)."""
    refund_delay_days: int = 3
    """Days from payment to refund where the file has no refund time (history loads)."""

    def names(self, *, kept: bool = False) -> set[str]:
        """Normalised header names of all roles; with `kept` only those that are not personal."""
        roles = [r for r in self.columns if not (kept and r in self.personal)]
        return {normal(name) for role in roles for name in self.columns[role]}

    def missing(self, header: Sequence[str]) -> list[str]:
        """The required roles, by their first header name, that a normalised header lacks."""
        have = set(header)
        lacking = []
        for choice in self.required:
            options = [name for role in choice.split("|") for name in self.columns[role]]
            if not any(normal(name) in have for name in options):
                lacking.append(options[0])
        return lacking

    def score(self, header: Sequence[str]) -> float:
        """How well a normalised header fits (0–1); under 0.5 when a required column is missing."""
        have = {name for name in header if name}
        layout = self.names() | {normal(name) for name in self.known}
        known = len(have & layout) / max(1, min(len(have), len(layout)))
        found = 1 - len(self.missing(header)) / len(self.required)
        return 0.6 + 0.4 * known if found == 1 else 0.5 * found * known


@lru_cache(maxsize=8192)
def normal(name: str) -> str:
    """A header name or status word for comparing: full-width brackets folded, blanks at the ends and BOM off, case folded."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("\ufeff", "").split()).casefold()


@cache
def profiles() -> dict[str, Profile]:
    """The declared order layouts by name."""
    read = TypeAdapter(Profile)
    found = [read.validate_python(tomllib.loads(path.read_text("utf-8"))) for path in _files()]
    return {profile.name: profile for profile in found}


def _files() -> list[Path]:
    return sorted(PROFILES.glob("orders_*.toml"))
