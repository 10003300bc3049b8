"""A small SQLite file that several processes write to and that survives a kill."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def durable(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, on disk when the block ends without an error, else rolled back; waits 10 s for another writer."""
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        with connection:
            yield connection
    finally:
        connection.close()
