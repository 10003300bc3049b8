"""Templates → answers: who reads (language, weight unit), what every page shares, and errors as pages."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from serving.access import who_asks
from serving.problems import Problem
from serving.published import Published
from serving.reads.health import cutoff
from serving.roles import may
from serving.web.say import AREAS, UNITS, Say
from serving.web.texts import LANGUAGES, catalogue
from settings import Settings

HERE = Path(__file__).parent
PAGES = {
    "today": "/",
    "demand": "/demand",
    "bestsellers": "/bestsellers",
    "planting": "/planting",
    "harvest": "/harvest",
    "grades": "/grades",
    "fields": "/fields",
    "runs": "/runs",
    "my": "/my",
}
THEMES = ("auto", "light", "dark")
CHOICES = {"lang": LANGUAGES, "unit": tuple(UNITS), "area": tuple(AREAS), "theme": THEMES}
"""What a reader may choose by the query; kept in a cookie each. The first is taken without a choice."""
COOKIE_SECONDS = 365 * 24 * 3600
ASSETS = {
    "app.css": "text/css",
    "app.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "my.css": "text/css",
    "my.js": "text/javascript",
    "print.css": "text/css",
    "worker.js": "text/javascript",
}


@cache
def templates() -> Environment:
    """The templates; every value is escaped, an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["query_of"] = query_of
    return environment


def query_of(values: Mapping[str, object]) -> str:
    """A query string of what has a value."""
    return urlencode({key: str(value) for key, value in values.items() if value not in (None, "")})


@cache
def asset(name: str) -> tuple[bytes, str]:
    """Bytes and version of a file the page loads."""
    body = (HERE / name).read_bytes()
    return body, hashlib.blake2s(body, digest_size=6).hexdigest()


def reader(request: Request) -> Say:
    """Language and units by query, else cookie, else Chinese, kilograms and mu."""
    settings: Settings = request.app.state.settings
    chosen = {name: _choice(request, name, allowed) for name, allowed in CHOICES.items()}
    return Say(chosen["lang"], chosen["unit"], settings.zone, chosen["area"])


def render(request: Request, page: str, say: Say, *, status: int = 200, **values: Any) -> Response:
    """A whole page; remembers language, units and theme when the query chose them."""
    published: Published = request.app.state.published
    release, who = published.current, who_asks(request.scope)
    html = (
        templates()
        .get_template(f"{page}.html")
        .render(
            say=say,
            t=say.t,
            page=page,
            pages={name: path for name, path in PAGES.items() if may(who, "GET", path)},
            here=Links(request),
            who=who,
            may_post=partial(may, who, "POST"),
            version={name: asset(name)[1] for name in ASSETS},
            units=list(UNITS),
            areas=list(AREAS),
            themes=THEMES,
            theme=_choice(request, "theme", THEMES),
            languages=LANGUAGES,
            known_texts=catalogue(),
            release_id=release.id if release else None,
            cutoff=cutoff(release) if release else None,
            written=release.written_at if release else None,
            **values,
        )
    )
    response = HTMLResponse(html, status, {"Cache-Control": "private, no-cache", "Vary": "Cookie"})
    for name, allowed in CHOICES.items():
        if (wished := request.query_params.get(name)) in allowed:
            response.set_cookie(f"anxu_{name}", str(wished), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


def problem_page(request: Request, problem: Problem) -> Response:
    """An error for people: what, and the way out."""
    say = reader(request)
    title, way_out = f"problem.title_{problem.kind}", f"problem.do_{problem.kind}"
    return render(
        request,
        "problem",
        say,
        status=problem.status,
        title=say.t(title if title in catalogue() else "problem.title_other"),
        detail=problem.detail,
        way_out=say.t(way_out) if way_out in catalogue() else problem.way_out,
    )


class Links:
    """Links to the page being shown with some of its query changed; None takes a part out."""

    def __init__(self, request: Request) -> None:
        self.path = request.url.path
        self.query = {k: v for k, v in request.query_params.items() if k not in CHOICES}

    def __call__(self, **changes: object) -> str:
        query = query_of({**self.query, **changes})
        return f"{self.path}?{query}" if query else self.path


def _choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    for value in (request.query_params.get(name), request.cookies.get(f"anxu_{name}")):
        if value in allowed:
            return str(value)
    return allowed[0]
