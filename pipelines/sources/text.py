"""Bytes of a text file: unpacked, cut into blocks at line ends, decoded strictly and never by guesswork."""

import codecs
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from pipelines.sources.kinds import FileRefused

HEAD_BYTES = 64 * 1024
BLOCK_BYTES = 8 * 1024 * 1024
REACH_BYTES = 1024 * 1024
"""A record is not looked for over more than this; a quote open for longer is a stray one."""
MOST_UNPACKED_BYTES = 64 * 1024**3
"""A gzip that unpacks to more is refused."""
GZIP_MAGIC = b"\x1f\x8b"
ENCODINGS = ("utf-8-sig", "gb18030")
"""Tried strictly, in this order."""
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_head(path: Path) -> bytes:
    """The first 64 KiB, unpacked when gzipped.

    Raises:
        FileRefused: The file is empty, UTF-16, or its gzip is cut off or damaged within the head.
    """
    with unpacked(path) as stream:
        head = stream.read(HEAD_BYTES)
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise FileRefused("empty_file", f"'{path.name}' is empty: export it again")
    if head.startswith(UTF16_MARKS):
        raise FileRefused(
            "wrong_encoding", f"'{path.name}' is UTF-16: save it as 'CSV UTF-8' and load it again"
        )
    return head


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, through gzip when it starts as one; gzip faults become refusals."""
    with path.open("rb") as raw:
        packed = raw.read(2) == GZIP_MAGIC
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if packed else nullcontext(raw) as stream:
            yield cast(IO[bytes], stream)
    except EOFError as error:
        raise FileRefused(
            "truncated_gzip",
            f"'{path.name}' ends in the middle of its gzip data: nothing was taken; copy the file again",
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileRefused(
            "damaged_gzip", f"'{path.name}' is damaged gzip ({error}): nothing was taken; copy it again"
        ) from error


def encoding_of(path: Path, head: bytes, encodings: Sequence[str]) -> str:
    """The first of `encodings` in which the head is valid; a head of plain ASCII is decided by the whole file.

    Raises:
        FileRefused: None fits; the message has the position of the first bad byte in each.
    """
    if head.isascii() and len(head) >= HEAD_BYTES:
        return _encoding_of_all(path, encodings)
    faults = {}
    for encoding in encodings:
        if (fault := first_fault(head, encoding, is_end=len(head) < HEAD_BYTES)) is None:
            return encoding
        faults[encoding] = fault
    raise _wrong_encoding(path, faults)


def blocks(path: Path, encoding: str, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file as UTF-8 bytes in pieces of about `block_bytes`, each beginning and ending with a line.

    A piece ends where no quoted field is open, judged by counting quotes; where a stray quote makes that
    impossible, it ends at the last line end.

    Raises:
        FileRefused: A byte is not valid in `encoding` (with its position), the gzip is faulty, or a line is longer
            than four pieces.
    """
    offset, rest = 0, b""
    with unpacked(path) as stream:
        while True:
            fresh = stream.read(block_bytes)
            data = rest + fresh
            _check_size(path, offset, len(rest), max(4 * block_bytes, 4 * REACH_BYTES))
            cut = len(data) if not fresh else _line_end(data)
            if cut:
                yield decoded(path, data[:cut], encoding, offset)
            offset, rest = offset + cut, data[cut:]
            if not fresh:
                return


def decoded(path: Path, data: bytes, encoding: str, offset: int) -> bytes:
    """`data` as UTF-8 bytes without BOM; `offset` is where it stands in the (unpacked) file."""
    try:
        if encoding == "utf-8-sig":
            _check_utf8(data)
            return data.removeprefix(codecs.BOM_UTF8) if not offset else data
        return data.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, {encoding: offset + error.start}) from error


def _check_size(path: Path, offset: int, waiting: int, most: int) -> None:
    if offset > MOST_UNPACKED_BYTES:
        limit = MOST_UNPACKED_BYTES >> 30
        raise FileRefused("too_large", f"'{path.name}' unpacks to over {limit} GB: split it by month")
    if waiting > most:
        raise FileRefused(
            "line_too_long",
            f"'{path.name}' has no line end for {waiting >> 20} MB after byte {offset}: it is no table; export it again",
        )


def _line_end(data: bytes) -> int:
    """Where to cut: behind the last line end outside quotes; behind the last of all when none is in reach.

    0 asks for more bytes: there is no line end yet, or all of them may be inside quotes.
    """
    cut = last = data.rfind(b"\n") + 1
    is_open = data.count(b'"', 0, cut) % 2 == 1
    while is_open and cut > last - REACH_BYTES and cut:
        earlier = data.rfind(b"\n", 0, cut - 1) + 1
        is_open ^= data.count(b'"', earlier, cut) % 2 == 1
        cut = earlier
    return last if is_open else cut


def _check_utf8(data: bytes) -> None:
    """Raise UnicodeDecodeError where `data` is not UTF-8 (Arrow looks first: four times as fast)."""
    offsets = pa.array([0, len(data)], pa.int64()).buffers()[1]
    cell = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        cell.cast(pa.large_string())
    except pa.ArrowInvalid:
        data.decode("utf-8")


def first_fault(data: bytes, encoding: str, *, is_end: bool) -> int | None:
    """Position of the first byte that is not valid; a character cut off at the end counts only when `is_end`."""
    mark = codecs.BOM_UTF8 if encoding == "utf-8-sig" and data.startswith(codecs.BOM_UTF8) else b""
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    try:
        codecs.getincrementaldecoder(plain)("strict").decode(data[len(mark) :], is_end)
    except UnicodeDecodeError as error:
        return len(mark) + error.start
    return None


def _encoding_of_all(path: Path, encodings: Sequence[str]) -> str:
    faults = {}
    for encoding in encodings:
        if (fault := _fault_in_all(path, encoding)) is None:
            return encoding
        faults[encoding] = fault
    raise _wrong_encoding(path, faults)


def _fault_in_all(path: Path, encoding: str) -> int | None:
    decoder, offset, held = codecs.getincrementaldecoder(encoding)("strict"), 0, 0
    with unpacked(path) as stream:
        while True:
            data = stream.read(1 << 20)
            try:
                decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                return offset - held + error.start
            if not data:
                return None
            offset, held = offset + len(data), len(decoder.getstate()[0])


def _wrong_encoding(path: Path, faults: dict[str, int]) -> FileRefused:
    places = ", ".join(f"{name.replace('-sig', '').upper()} at byte {at}" for name, at in faults.items())
    return FileRefused(
        "wrong_encoding",
        f"'{path.name}' is not text in the encoding it should have; it breaks off as {places}. "
        "Export it again, or save it as 'CSV UTF-8'",
    )
