"""Files of JSON messages, as lines or one array: streamed, with each unreadable one refused on its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from pipelines.sources.kinds import Batch, Context, FileRefused
from pipelines.sources.readings import Gatherer, Message, NoFact, Refused, take_message
from pipelines.sources.text import unpacked

Json = dict[str, Any]
ARRAY_LIMIT_BYTES = 512 * 1024 * 1024
"""A JSON array cannot be streamed: above this size it must come as JSON lines."""


def objects(path: Path) -> Iterator[tuple[int, Json | None, str]]:
    """Each message as (line, or place in the array; object or null when unreadable; its text).

    Raises:
        FileRefused: An array that is broken or too large, or faulty gzip.
    """
    with unpacked(path) as stream:
        start = b""
        for line_number, line in enumerate(stream, start=1):
            if not (text := line.strip().removeprefix(b"\xef\xbb\xbf")):
                continue
            if not start and text[:1] == b"[":
                yield from _array(path, line + stream.read(ARRAY_LIMIT_BYTES + 1))
                return
            start = text
            yield line_number, _object(text), text.decode("utf-8", "replace")


def _object(text: bytes) -> Json | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _array(path: Path, data: bytes) -> Iterator[tuple[int, Json | None, str]]:
    if len(data) > ARRAY_LIMIT_BYTES:
        raise FileRefused(
            "too_large",
            f"'{path.name}' is one JSON array of over {ARRAY_LIMIT_BYTES >> 20} MB: export it as JSON lines",
        )
    try:
        items = orjson.loads(data.strip().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FileRefused(
            "unreadable", f"'{path.name}' is no whole JSON array: {error}; export it again"
        ) from error
    for place, item in enumerate(items, start=1):
        yield place, item if isinstance(item, dict) else None, str(item)[:500]


def message_batches(path: Path, context: Context, message_of: Callable[[Json], Message]) -> Iterator[Batch]:
    """Readings of a file of messages; `message_of` raises Refused or NoFact for what is no reading."""
    gatherer = Gatherer(context)
    for line, found, text in objects(path):
        gatherer.lines += 1
        if found is None:
            gatherer.refused.append(
                (line, "unreadable", "not a JSON object; the line is cut off or damaged", text)
            )
            continue
        try:
            take_message(gatherer, message_of(found), line)
        except NoFact as reason:
            gatherer.dropped[str(reason)] += 1
        except Refused as fault:
            gatherer.refused.append((line, fault.rule, str(fault), text))
        if gatherer.full():
            yield gatherer.batch()
    yield gatherer.batch()
