"""The read service: API under /v1 and the page, both from the current release in memory."""

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI

from serving import contract, problems
from serving.access import Access
from serving.accounts import Accounts
from serving.guard import Guard
from serving.kept import Kept
from serving.metrics import Measured, Requests, registry
from serving.published import Published
from serving.reads import fieldwork, money
from serving.reads import forecasts as forecast_reads
from serving.reads import planting as planting_reads
from serving.reads import runs as run_reads
from serving.reads import since as since_reads
from serving.reads import week as week_reads
from serving.routes import (
    accuracy,
    bestsellers,
    cutting,
    demand_page,
    exports,
    field_reports,
    files_page,
    forecasts,
    grades_page,
    grading,
    harvest,
    harvest_page,
    health,
    imports,
    login,
    messages,
    metrics,
    my_page,
    overrides,
    pages,
    planting,
    planting_facts,
    planting_page,
    planting_whatifs,
    runs,
    things,
    uploads,
    whatif,
)
from serving.web.render import problem_page
from settings import Settings

WARM = (
    forecast_reads.daily_fan,
    forecast_reads.weekly_fan,
    forecast_reads.history,
    planting_reads.recommendations,
    run_reads.runs,
    week_reads.week,
    fieldwork.lines,
    fieldwork.supply,
    money.crop_prices,
    money.causes,
    since_reads.since,
)
"""Made when a release is loaded, before it is served."""
SPENT = ("demand_forecast", "demand_expected", "season_forecast", "history_daily", "recommendation_reason")
"""Tables that only these read."""

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
log = logging.getLogger("anxu.serving")


class OpenToAll(RuntimeError):  # noqa: N818
    """The service would be open to a network without asking anyone who they are."""


class PortTaken(RuntimeError):  # noqa: N818
    """The address to serve at is in use; the message names it and the way out."""


def create_app(settings: Settings, *, poll_seconds: float = 0.5) -> FastAPI:
    """The service over `settings.releases_dir`; once started it looks for a new release every `poll_seconds`."""
    published = Published(settings.releases_dir, warm=WARM, spent=SPENT, poll_seconds=poll_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        published.start()
        yield
        published.stop()

    app = FastAPI(
        title="Anxu 按需",
        version="1",
        description="Demand forecasts and planting plans, read from the current release.",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.published, app.state.settings, app.state.parameters = published, settings, {}
    problems.install(app, page=problem_page)
    for router in (
        health.router,
        login.router,
        accuracy.router,
        forecasts.router,
        planting.router,
        planting_facts.router,
        planting_whatifs.router,
        bestsellers.router,
        grading.router,
        things.router,
        harvest.router,
        cutting.router,
        runs.router,
        messages.router,
        overrides.router,
        field_reports.router,
        files_page.router,
        exports.router,
        imports.router,
        uploads.router,
        whatif.router,
        metrics.router,
    ):
        app.include_router(router)
    app.include_router(pages.router)
    app.include_router(demand_page.router)
    app.include_router(planting_page.router)
    app.include_router(harvest_page.router)
    app.include_router(grades_page.router)
    app.include_router(my_page.router)
    contract.document(app)
    app.add_middleware(Kept, published=published)
    app.add_middleware(Access, settings=settings, page=problem_page)
    app.add_middleware(Guard, hosts=settings.hosts, larger={**imports.LARGER, **uploads.larger(settings)})
    requests = Requests()
    app.state.metrics = registry(settings, published, requests)
    app.add_middleware(Measured, requests=requests)
    return app


def serve(settings: Settings) -> None:
    """Serve until interrupted (Ctrl-C returns, after requests under way are answered).

    Raises:
        PortTaken: Something else listens at host and port.
        OpenToAll: No key and no user was ever made, and `host` is not of this machine alone.
    """
    refuse_open(settings)
    listener = bound(settings.host, settings.port)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
    )
    with listener, suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean end
        uvicorn.Server(config).run(sockets=[listener])


def refuse_open(settings: Settings) -> None:
    """Keep a county without keys and users on its own machine, unless `allow_open` says otherwise.

    Raises:
        OpenToAll: Names the address and the way out.
    """
    is_near = settings.host in LOOPBACK or settings.allow_open
    if not is_near and not Accounts(settings.access_path).known().is_guarded:
        raise OpenToAll(
            f"not served at {settings.host}: no key and no user is made, so whoever reaches it could read and write; "
            "make one (`anxu user add NAME --role admin`), serve at 127.0.0.1, or set allow_open = true"
        )


def bound(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PortTaken: The address is in use or not of this machine; names it and the way out.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot serve at {host}:{port}: {error.strerror}; stop what listens there, or set another port "
            "in anxu.toml (port = …) or with ANXU_PORT"
        ) from error
    listener.set_inheritable(True)
    return listener
