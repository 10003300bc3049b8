"""Hand a polars frame to DuckDB under a name."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl


@contextmanager
def handed(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    """Let SQL see a frame as `name` inside the block.

    After an error the name stays, since DuckDB undoes nothing in a broken transaction; the next frame of
    that name takes its place.
    """
    connection.register(name, frame.to_arrow())
    yield
    connection.unregister(name)
