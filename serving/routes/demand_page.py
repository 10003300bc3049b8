"""The demand page: forecast, what-if and overrides of one product."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from serving.access import who_asks
from serving.problems import Problem
from serving.published import Release
from serving.reads import forecasts
from serving.reads import overrides as override_reads
from serving.routes.deps import Current
from serving.routes.overrides import kept, withdrawn, written
from serving.web.demand import demand
from serving.web.override import card, fields, override_of, withdrawal_of
from serving.web.render import COOKIE_SECONDS, query_of, reader, render
from serving.web.say import Say
from serving.web.whatif import Typed, asked

router = APIRouter(include_in_schema=False)
Choice = Annotated[str, Query(max_length=120)]
AUTHOR = "anxu_author"


@router.get("/demand")
def read_demand(
    request: Request, release: Current, product: Choice = "", channel: Choice = "", region: Choice = ""
) -> Response:
    """One product's sales and forecast; what-if by the fields wi_…, overrides in force and waiting."""
    say = reader(request)
    values = demand(release, say, product, channel, region)
    return render(request, "demand", say, **values, **_beside(request, release, say, values))


@router.post("/demand/override")
async def write_override(request: Request, release: Current) -> Response:
    """Keep an override typed into the page, then show the page again."""
    form = fields(await request.body())
    body = override_of(form)
    await run_in_threadpool(kept, request, release, body)
    shown = {"product": body.product_id, "channel": body.channel_id, "region": body.region_id}
    return _back(shown, body.author)


@router.post("/demand/withdrawal")
async def write_withdrawal(request: Request, release: Current) -> Response:
    """Take back an override, then show the page again."""
    form = fields(await request.body())
    body = withdrawal_of(form)
    await run_in_threadpool(withdrawn, request, release, form.get("override_id", ""), body)
    return _back({"product": form.get("product_id", "")[:120]}, body.author)


def _back(shown: dict[str, str | None], author: str) -> Response:
    response = RedirectResponse(f"/demand?{query_of(shown)}#override", 303)
    response.set_cookie(AUTHOR, quote(author), COOKIE_SECONDS, httponly=True, samesite="lax")
    return response


def _beside(request: Request, release: Release, say: Say, values: dict[str, Any]) -> dict[str, Any]:
    """What-if and overrides, where something is forecast."""
    if not values.get("charts"):
        return {}
    wish = forecasts.Wish(values["chosen"], values["channel"] or None, values["region"] or None)
    rows = forecasts.daily(release, wish)
    ahead: list[date] = rows["forecast_date"].unique().sort().to_list()
    days = (ahead[0], ahead[-1])
    return {
        "whatif": asked(release, say, wish, Typed.of(request.query_params), days),
        "overrides": _overrides(request, release, str(wish.first), days),
        "author": author_of(request),
    }


def _overrides(request: Request, release: Release, product: str, days: tuple[date, date]) -> dict[str, Any]:
    """The card; where the inbox cannot be read, what the release holds and a word about it."""
    trouble = None
    try:
        inbox = written(request)
    except Problem as problem:
        inbox, trouble = override_reads.Written(), f"{problem.detail}; {problem.way_out}"
    return {**card(override_reads.overrides(release, inbox, product_id=product), days), "trouble": trouble}


def author_of(request: Request) -> str:
    """The name to put into forms: of the person who logged in, else the one typed last."""
    who = who_asks(request.scope)
    if who.is_person:
        return who.name
    return unquote(request.cookies.get(AUTHOR, ""))[:120]
