"""Workbooks: looked over before anything parses them, then read as text, sheet by sheet."""

import os
import struct
import zipfile
import zlib
from pathlib import Path

import fastexcel
import polars as pl

from pipelines.sources.kinds import FileRefused

ZIP_MAGIC = b"PK\x03\x04"
CFB_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_RATIO = 250
"""A part that unpacks to more than so many times its size is a bomb (sheets reach some 30)."""
RATIO_FROM_BYTES = 8 * 1024 * 1024
MOST_PARTS = 2_000
_PIECE = 1 << 20
_NAME_LENGTHS_AT = 26
"""Where a part's local header says how long its name and extra field are; its data follow them."""


def is_workbook(head: bytes) -> bool:
    """Whether a file begins like a workbook: a zip, or the container of old and of encrypted ones."""
    return head.startswith((ZIP_MAGIC, CFB_MAGIC))


def check_workbook(path: Path, most_bytes: int) -> None:
    """Let only an unencrypted xlsx of bearable size pass; nothing of it is parsed.

    Raises:
        FileRefused: Password-protected, old .xls, no workbook, damaged, or unpacking to more than `most_bytes` (counted
            by unpacking, since the sizes written in a zip may lie).
    """
    with path.open("rb") as stream:
        if stream.read(8) == CFB_MAGIC:
            raise _old_or_locked(path)
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise FileRefused(
                    "not_a_workbook", f"'{path.name}' is a zip but no xlsx: unzip it and load its files"
                )
            _check_sizes(path, parts, most_bytes)
            unpacked = 0
            for part in parts:
                unpacked += _unpacked_size(path, part, most_bytes - unpacked)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, NotImplementedError) as error:
        raise FileRefused(
            "damaged_workbook", f"'{path.name}' is a damaged xlsx ({error}): copy or export it again"
        ) from error


def sheet_names(path: Path) -> list[str]:
    """The sheets of a checked workbook, in order."""
    try:
        return list(fastexcel.read_excel(path).sheet_names)
    except fastexcel.FastExcelError as error:
        raise _damaged(path, "the workbook", error) from error


def read_sheet(path: Path, sheet: str, rows: int | None = None) -> pl.DataFrame:
    """One sheet as text cells, columns column_1 …, from its first row on; blank rows are kept.

    Numbers are written without a needless `.0`, dates as `YYYY-MM-DD HH:MM:SS`.
    """
    try:
        reader = fastexcel.read_excel(path)
        loaded = reader.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=rows, dtypes="string")
        frame = loaded.to_polars()
    except fastexcel.FastExcelError as error:
        raise _damaged(path, f"its sheet '{sheet}'", error) from error
    return frame.rename(dict(zip(frame.columns, _column_names(frame.width), strict=True))).cast(pl.String)


def number_columns(path: Path, sheet: str, below_row: int) -> list[str]:
    """The columns (column_1 …) that hold numbers, not text, in the rows below `below_row` (1 is the first)."""
    try:
        reader = fastexcel.read_excel(path)
        columns = reader.load_sheet(sheet, header_row=None, skip_rows=below_row).available_columns()
    except fastexcel.FastExcelError as error:
        raise _damaged(path, f"its sheet '{sheet}'", error) from error
    names = _column_names(len(columns))
    return [name for name, c in zip(names, columns, strict=True) if c.dtype in ("int", "float")]


def _column_names(width: int) -> list[str]:
    return [f"column_{i}" for i in range(1, width + 1)]


def _damaged(path: Path, part: str, error: Exception) -> FileRefused:
    return FileRefused(
        "damaged_workbook", f"'{path.name}': {part} cannot be read ({error}); save it as xlsx again"
    )


def _old_or_locked(path: Path) -> FileRefused:
    with path.open("rb") as stream:
        start = stream.read(4 * 1024 * 1024)
    if "EncryptedPackage".encode("utf-16-le") in start or path.suffix.lower() == ".xlsx":
        return FileRefused(
            "password_protected",
            f"'{path.name}' is protected by a password: open it, remove the password, save it and load it again",
        )
    return FileRefused("old_workbook", f"'{path.name}' is an old .xls: save it as .xlsx or 'CSV UTF-8'")


def _check_sizes(path: Path, parts: list[zipfile.ZipInfo], most_bytes: int) -> None:
    if any(part.flag_bits & 1 for part in parts):
        raise FileRefused(
            "password_protected", f"'{path.name}' is an encrypted zip: unpack it and load its files"
        )
    total = sum(part.file_size for part in parts)
    if total > most_bytes or len(parts) > MOST_PARTS:
        raise _bomb(path, f"{total:,} bytes in {len(parts):,} parts", most_bytes)
    for part in parts:
        if part.file_size > RATIO_FROM_BYTES and part.file_size > MOST_RATIO * max(1, part.compress_size):
            raise _bomb(
                path, f"{part.file_size:,} bytes out of {part.compress_size:,} ({part.filename})", most_bytes
            )


def _unpacked_size(path: Path, part: zipfile.ZipInfo, most_bytes: int) -> int:
    """Bytes the part really unpacks to, whatever the zip's directory says; stops at the limit."""
    if part.compress_type == zipfile.ZIP_STORED:
        return part.file_size
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise NotImplementedError(f"compression {part.compress_type} in {part.filename}")
    size = 0
    with path.open("rb") as stream:
        stream.seek(part.header_offset + _NAME_LENGTHS_AT)
        stream.seek(sum(struct.unpack("<HH", stream.read(4))), os.SEEK_CUR)
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while not inflate.eof and (packed := inflate.unconsumed_tail or stream.read(_PIECE)):
            size += len(inflate.decompress(packed, _PIECE))
            if size > most_bytes:
                raise _bomb(path, f"over {most_bytes:,} bytes ({part.filename})", most_bytes)
    return size


def _bomb(path: Path, found: str, most_bytes: int) -> FileRefused:
    return FileRefused(
        "unpacks_too_large",
        f"'{path.name}' unpacks to {found}; the limit is {most_bytes >> 20} MB (setting max_unpacked_mb) and "
        f"{MOST_RATIO} times its size: save it as CSV, or split it",
    )
