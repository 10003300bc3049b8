"""Frames that SQL reads by name, without a trace in the catalogue.

DuckDB keeps what is registered or put into a temporary table until the transaction ends, so a delivery of any
size would gather in memory; a frame found by its variable's name is let go with the variable.
"""

from typing import Any, TypeAlias

import duckdb
import polars as pl
import pyarrow as pa

Frame: TypeAlias = pa.Table | None


def ask(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    params: dict[str, Any] | None = None,
    *,
    delivered: Frame = None,
    staged: Frame = None,
    several: Frame = None,
    known: Frame = None,
    repeated: Frame = None,
    judged: Frame = None,
    refused: Frame = None,
) -> pa.Table:
    """Rows of one read; the arguments are the frames that its SQL names."""
    return connection.sql(text, params=params or {}).to_arrow_table()


def tell(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    params: dict[str, Any] | None = None,
    *,
    staged: Frame = None,
    judged: Frame = None,
    incoming: Frame = None,
) -> int:
    """Rows touched by one write; the arguments are the frames that its SQL names."""
    return int(connection.execute(text, params or {}).fetchall()[0][0])


def as_polars(table: pa.Table) -> pl.DataFrame:
    """The same rows as a polars frame."""
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
