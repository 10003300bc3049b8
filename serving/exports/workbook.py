"""A sheet that comes back: bytes of an xlsx or CSV → rows of text with their numbers, or a refusal."""

import io
import zipfile
import zlib

import fastexcel
import polars as pl

from serving.problems import Problem

MOST_BYTES = 8 * 1024 * 1024
MOST_UNPACKED = 128 * 1024 * 1024
HEADER_WITHIN = 10
"""The header may stand below so many title rows."""
_PIECE = 1 << 20
_NAME_LENGTHS_AT = 26
"""Where a part's local header says how long its name and extra field are; its data follow them."""
Row = tuple[int, dict[str, str]]
"""Number of the row in the file (1 is the first), and header → text of its filled cells."""


def rows_of(body: bytes, key: str) -> list[Row]:
    """The rows below the header that holds `key`; blank rows are left out, cells are trimmed.

    Raises:
        Problem: 422 when it is no xlsx or CSV, is damaged or has no such header; 413 when it unpacks to too much.
    """
    grid = _sheet(body, key) if body.startswith(b"PK") else _csv(body)
    for at, cells in enumerate(grid[:HEADER_WITHIN]):
        if key in cells:
            return [
                (number, row)
                for number, line in enumerate(grid[at + 1 :], start=at + 2)
                if (row := {name: cell for name, cell in zip(cells, line, strict=False) if name and cell})
            ]
    raise _unreadable(
        f"no header '{key}' in its first {HEADER_WITHIN} rows", "fill in the sheet as downloaded"
    )


def _sheet(body: bytes, key: str) -> list[list[str]]:
    """Cells of the first sheet whose head holds the key, else of the first."""
    _check_size(body)
    try:
        book = fastexcel.read_excel(body)
        grids = [
            _trimmed(book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string").to_polars())
            for name in book.sheet_names
        ]
    except fastexcel.FastExcelError as error:
        raise _unreadable(f"the workbook cannot be read ({error})", "save it as xlsx again") from error
    return next(
        (g for g in grids if any(key in cells for cells in g[:HEADER_WITHIN])), grids[0] if grids else []
    )


def _csv(body: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _unreadable(
            "it is neither xlsx nor text in UTF-8 or GB18030", "save it as xlsx, or as 'CSV UTF-8'"
        )
    try:
        frame = pl.read_csv(
            io.StringIO(text), has_header=False, infer_schema=False, truncate_ragged_lines=True
        )
    except pl.exceptions.PolarsError as error:
        raise _unreadable(f"the CSV cannot be read ({error})", "save it as 'CSV UTF-8' again") from error
    return _trimmed(frame)


def _trimmed(frame: pl.DataFrame) -> list[list[str]]:
    """Cells without blanks and without the apostrophe that guards a formula."""
    texts = frame.select(pl.all().cast(pl.String).fill_null("").str.strip_chars().str.strip_prefix("'"))
    return [list(row) for row in texts.iter_rows()]


def _check_size(body: bytes) -> None:
    """Refuse a workbook that unpacks to more than MOST_UNPACKED, counted by unpacking: sizes written in a zip may lie."""
    left = MOST_UNPACKED
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for part in archive.infolist():
                if part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise _unreadable(
                        "it is encrypted or packed in another way", "remove the password, save as xlsx"
                    )
                left -= (
                    part.file_size
                    if part.compress_type == zipfile.ZIP_STORED
                    else _unpacked(body, part, left)
                )
                if left < 0:
                    raise Problem(
                        413, "too-large", f"the workbook unpacks to over {MOST_UNPACKED} bytes", "send less"
                    )
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _unreadable(f"it is a damaged xlsx ({error})", "save it as xlsx again") from error


def _unpacked(body: bytes, part: zipfile.ZipInfo, most: int) -> int:
    """Bytes a part unpacks to; stops counting above `most`."""
    at = part.header_offset + _NAME_LENGTHS_AT
    names = int.from_bytes(body[at : at + 2], "little") + int.from_bytes(body[at + 2 : at + 4], "little")
    packed, size = body[at + 4 + names : at + 4 + names + part.compress_size], 0
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while packed and not inflate.eof and size <= most:
        size += len(inflate.decompress(packed, _PIECE))
        packed = inflate.unconsumed_tail
    return size


def _unreadable(detail: str, way_out: str) -> Problem:
    return Problem(422, "unreadable-sheet", f"the sheet was not taken: {detail}", way_out)
