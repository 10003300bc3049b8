"""Finished answers of a release, kept as bytes: a read asked again costs a look-up. They go when the release goes."""

from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.access import who_asks
from serving.metrics import ROUTE, route_of
from serving.published import Published

MAX_KEPT_BYTES = 64 * 1024 * 1024
MAX_ANSWER_BYTES = 1024 * 1024
PREFIX = "/v1/"
Key = tuple[bytes, bytes, bytes]


@dataclass
class Shelf:
    """The answers of one release: (path, query, Accept) → the messages that send it, and its route."""

    release_id: str
    answers: dict[Key, tuple[Message, Message, str]] = field(default_factory=dict)
    size: int = 0

    def keep(self, key: Key, start: Message, body: Message, route: str) -> None:
        """Keep an answer; when the shelf is full it is emptied first."""
        if self.size + len(body["body"]) > MAX_KEPT_BYTES:
            self.answers.clear()
            self.size = 0
        if key not in self.answers:
            self.size += len(body["body"])
            self.answers[key] = (start, body, route)


class Kept:
    """Answers GET /v1/… from the shelf of the current release, or passes on and keeps what comes back.

    Only whole 200 answers whose ETag names the current release are kept, so an answer of an earlier release cannot
    come back; a request that asks "has it changed" (If-None-Match) always passes on.
    """

    def __init__(self, app: ASGIApp, published: Published) -> None:
        self.app = app
        self.published = published
        self.shelf = Shelf("")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        release = self.published.current
        key = _key(scope)
        if release is None or key is None:
            await self.app(scope, receive, send)
            return
        if self.shelf.release_id != release.id:
            self.shelf = Shelf(release.id)
        shelf = self.shelf
        if found := shelf.answers.get(key):
            scope[ROUTE] = found[2]
            await send(dict(found[0], headers=list(found[0]["headers"])))
            await send(found[1])
            return
        await self.app(scope, receive, _keeping(shelf, key, scope, send))


def _keeping(shelf: Shelf, key: Key, scope: Scope, send: Send) -> Send:
    """A `send` that also puts a whole answer on the shelf."""
    started: list[Message] = []

    async def both(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append({**message, "headers": list(message["headers"])})
        elif started and _is_whole(started[0], message, shelf.release_id):
            shelf.keep(key, started[0], message, route_of(scope))
        await send(message)

    return both


def _key(scope: Scope) -> Key | None:
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIX):
        return None
    if who_asks(scope).plots is not None:  # sees less than others, who share their answers
        return None
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if b"if-none-match" in headers:
        return None
    host = headers.get(b"host", b"")  # Link headers name it
    return scope["path"].encode(), scope["query_string"] + b" " + host, headers.get(b"accept", b"")


def _is_whole(start: Message, body: Message, release_id: str) -> bool:
    etag = next((v for k, v in start["headers"] if k == b"etag"), b"").decode("latin-1")
    whole = body["type"] == "http.response.body" and not body.get("more_body") and "body" in body
    return (
        whole
        and start["status"] == 200
        and etag.startswith(f'"{release_id}.')
        and len(body["body"]) <= MAX_ANSWER_BYTES
    )
