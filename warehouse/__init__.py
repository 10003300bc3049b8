"""The warehouse: the only code that opens DuckDB. Facts go in as versions, reads see what was known by a cutoff."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from warehouse import migrate, queries, versions
from warehouse.contracts import quoted
from warehouse.frames import Frame, tell
from warehouse.schema import Table, WarehouseError, read_tables, reason
from warehouse.versions import Taken

__all__ = ["Taken", "Warehouse", "WarehouseBusyError", "WarehouseError"]


class WarehouseBusyError(WarehouseError):
    """Another process has the warehouse open; one writes at a time."""


class Warehouse:
    """One open warehouse file. Use as a context manager; one process has it open at a time."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, zone: str) -> None:
        self.path = path
        self.zone = zone
        self._connection = connection
        self._tables: dict[str, Table] = read_tables(connection)
        self._in_transaction = False

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        zone: str = "Asia/Shanghai",
        threads: int | None = None,
        memory_mb: int = 640,
    ) -> Self:
        """Open or make a warehouse file and bring it to this code's schema.

        Args:
            path: The file; missing folders are made.
            zone: Time zone of local days.
            threads: At most so many; the machine's cores by default.
            memory_mb: DuckDB's share of memory (MB); beyond it DuckDB works on disk.

        Raises:
            WarehouseBusyError: Another process has it open.
            WarehouseError: It is newer than this code, or no Anxu warehouse.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(path, memory_mb)
        try:
            if threads is not None:
                connection.execute(f"set threads = {int(threads)}")
            connection.execute("set TimeZone = 'UTC'")
            migrate.bring_up(connection, path)
            return cls(path, connection, zone)
        except BaseException:
            connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; an open transaction is rolled back."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: commit at the end, roll back on an error. Inside another one it joins that one."""
        if self._in_transaction:
            yield
            return
        self._connection.execute("begin")
        self._in_transaction = True
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        else:
            self._connection.execute("commit")
        finally:
            self._in_transaction = False

    def tables(self) -> list[str]:
        """Names of the tables, sorted."""
        return list(self._tables)

    def columns(self, table: str) -> dict[str, str]:
        """Column → DuckDB type, in the order of the schema."""
        return {column.name: column.type for column in self._table(table).columns}

    def natural_key(self, table: str) -> tuple[str, ...]:
        """What identifies a fact: the key without `known_at`; empty where the schema gives none."""
        return self._table(table).natural_key

    def read(self, table: str, *, known_by: datetime | None = None) -> pl.DataFrame:
        """One row per natural key: its newest version known by then, or the newest of all.

        Order lines: the highest `status_rank` first, then the newest. Tables without a key give every row
        known by then. Descriptions (product, plot, listing, …) have one version, shown as it is now.
        All columns of the table; instants as Datetime('us', 'UTC'); order of rows is not defined.

        Raises:
            WarehouseError: No such table, or `known_by` for a table that keeps no `known_at`.
        """
        return queries.read(self._connection, self._table(table), known_by)

    def take_in(self, batch_table: str, rows: pl.DataFrame, file_id: str) -> Taken:
        """Check a delivery against the table's rules and merge it; loaded twice it changes nothing.

        Args:
            batch_table: A table with `known_at`.
            rows: Columns of the table (types may be wider or text) and `line_number`. A missing column
                counts as empty, an empty one with a default takes it; `file_id` is filled in.
            file_id: The delivery, for tables that keep it.

        Returns:
            Lines taken, unchanged, and the refused ones with rule, detail and text; they add up to the lines.

        Raises:
            WarehouseError: No such table, or columns that it does not have.
        """
        with self.transaction():
            return versions.take_in(self._connection, self._table(batch_table), rows, file_id)

    def append(self, table: str, rows: pl.DataFrame) -> int:
        """Add rows as they are; a row that breaks a rule of the schema refuses all. Returns their number."""
        return self._insert(self._table(table), rows, "")

    def replace(self, table: str, rows: pl.DataFrame, *, cutoff: date) -> int:
        """Swap one cutoff's rows in one transaction, so twice equals once; returns the new number.

        `rows` may leave `cutoff` out; one that differs is refused.
        """
        self._table(table)
        if "cutoff" in rows.columns and (other := set(rows["cutoff"].unique()) - {cutoff}):
            raise WarehouseError(
                f"table {table}: rows of cutoff {', '.join(map(str, other))} came for {cutoff}; write them on their own"
            )
        with self.transaction():
            self._tell(table, f"delete from {table} where cutoff = $cutoff", {"cutoff": cutoff})
            return self.append(table, rows.with_columns(cutoff=pl.lit(cutoff, pl.Date)))

    def upsert(self, table: str, rows: pl.DataFrame) -> int:
        """Insert rows, or overwrite the columns they have where the primary key is there already."""
        found = self._table(table)
        if not found.primary_key:
            raise WarehouseError(f"table {table} has no primary key to overwrite by; use replace or append")
        others = [quoted(c) for c in rows.columns if c not in found.primary_key]
        update = f"update set {', '.join(f'{c} = excluded.{c}' for c in others)}" if others else "nothing"
        return self._insert(found, rows, f" on conflict do {update}")

    def delete_before(self, table: str, column: str, limit: date | datetime) -> int:
        """Delete the rows of a table whose day or instant in `column` is before `limit`; returns their number."""
        if column not in self.columns(table):
            raise WarehouseError(f"table {table} has no column {column}")
        text = f"delete from {table} where {quoted(column)} < $limit"
        return self._tell(table, text, {"limit": limit})

    def copy_to(self, path: Path) -> None:
        """Write everything committed so far to another file, which is a warehouse of its own."""
        self._connection.execute("checkpoint")
        shutil.copyfile(self.path, path)

    def sold_by_day(self, *, known_by: datetime) -> pl.DataFrame:
        """What was sold, one row per product, channel, region and local day of payment.

        Columns: product_id, channel_id, region_id ('unknown' where the order names none), sale_date,
        sold_kg (kg), revenue_yuan, orders. Order lines count with the newest listing valid on their day,
        unless refunded before shipping; daily reports fill in where a channel's day has no order lines of
        the product. Days without sales are absent unless reported as 0. Sorted by the four keys.
        """
        return self.query("sold_by_day", known_by=known_by)

    def unmapped_sales(self, *, known_by: datetime) -> pl.DataFrame:
        """Sold order lines without a listing or channel, by article, most money first.

        Columns: platform, shop, seller_sku, title, lines, goods_yuan, missing ('listing' or 'channel').
        """
        return self.query("unmapped_sales", known_by=known_by)

    def unmapped_share(self, *, known_by: datetime) -> float:
        """Share (0–1) of the money of sold order lines that no listing maps; 0 without order lines."""
        return float(self.query("unmapped_share", known_by=known_by).item())

    def query(self, name: str, **params: object) -> pl.DataFrame:
        """Run queries/NAME.sql; `$zone` is the warehouse's own, `{TABLE}` a table as known by `$known_by`."""
        return self.sql(queries.named(name), **params)

    def sql(self, text: str, **params: object) -> pl.DataFrame:
        """Run one read with `$name` parameters; an empty result keeps its columns."""
        for name in [n for n in self._tables if f"{{{n}}}" in text]:
            text = text.replace(
                f"{{{name}}}", f"({queries.select_known(self._tables[name], with_cutoff=True)})"
            )
        if "$zone" in text:
            params.setdefault("zone", self.zone)
        return queries.run(self._connection, text, params)

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise WarehouseError(f"there is no table '{name}'; there are {', '.join(self._tables)}")
        return self._tables[name]

    def _insert(self, table: Table, rows: pl.DataFrame, conflict: str) -> int:
        if other := [c for c in rows.columns if c not in table.names]:
            raise WarehouseError(f"table {table.name} has no column {', '.join(other)}")
        if not rows.height:
            return 0
        names = ", ".join(quoted(c) for c in rows.columns)
        text = f"insert into {table.name} ({names}) select {names} from incoming{conflict}"
        self._tell(table.name, text, {}, rows.to_arrow())
        return rows.height

    def _tell(self, table: str, text: str, params: dict[str, object], incoming: Frame = None) -> int:
        """Run one statement that writes; returns the number of rows it touched."""
        try:
            return tell(self._connection, text, params, incoming=incoming)
        except duckdb.Error as error:
            raise WarehouseError(f"table {table} refuses the rows: {reason(error)}") from error


def _connect(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), config={"memory_limit": f"{memory_mb}MB"})
    except duckdb.IOException as error:
        if "lock" not in str(error):
            raise WarehouseError(f"warehouse {path} cannot be opened: {reason(error)}") from error
        raise WarehouseBusyError(
            f"warehouse {path} is open in another process; wait until its run ends, or stop it, and try again"
        ) from error
