"""How a running step tells the outside how far it is, without knowing who listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """Whoever wants to hear: a progress bar, a log, a test."""

    def __call__(self, step: str, done: float, total: float, note: str) -> None:
        """Take one report: `done` of `total` (any unit; 0 of 1 is the start, 1 of 1 the end)."""
        ...


def silent(step: str, done: float, total: float, note: str) -> None:
    """Hear nothing."""


_listener: ContextVar[Listener] = ContextVar("listener", default=silent)


def report(step: str, done: float, total: float, note: str = "") -> None:
    """Tell the current listener."""
    _listener.get()(step, done, total, note)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` hear everything reported inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
