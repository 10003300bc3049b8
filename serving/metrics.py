"""Figures for Prometheus: requests by route and status, how long they took, age of the release, last run, inbox.

Requests are counted in plain lists on the event loop (about a microsecond each); the families are made when asked for.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.published import Published
from settings import Settings
from warehouse.inbox import Inbox
from warehouse.last_runs import LastRun, read_last_runs

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROUTE = "anxu.route"
"""Where in the scope an answer from the shelf tells its route."""
UNMATCHED = "unmatched"
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATES = ("running", "completed", "failed")


@dataclass
class Taken:
    """How long requests of one route took: how many in each bucket, and their sum (s)."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0


class Requests(Collector):
    """Counts of requests; written by the event loop alone."""

    def __init__(self) -> None:
        self.answered: dict[tuple[str, str, int], int] = defaultdict(int)
        self.taken: dict[str, Taken] = defaultdict(Taken)

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.answered[route, method, status] += 1
        taken = self.taken[route]
        taken.counts[bisect_left(BUCKETS_S, seconds)] += 1
        taken.sum_s += seconds

    def collect(self) -> Iterator[Metric]:
        """The families, as Prometheus reads them."""
        requests = CounterMetricFamily(
            "anxu_requests", "Requests answered", labels=["route", "method", "status"]
        )
        for (route, method, status), n in list(self.answered.items()):
            requests.add_metric([route, method, str(status)], n)
        seconds = HistogramMetricFamily(
            "anxu_request_seconds", "Time to the end of the answer", labels=["route"]
        )
        for route, taken in list(self.taken.items()):
            seconds.add_metric([route], _cumulated(taken.counts), taken.sum_s)
        yield requests
        yield seconds


class County(Collector):
    """How the county stands: read when asked, from the release in memory and two small files."""

    def __init__(self, settings: Settings, published: Published) -> None:
        self.settings, self.published = settings, published

    def collect(self) -> Iterator[Metric]:
        """The families, as Prometheus reads them."""
        now = datetime.now(UTC)
        yield from _of_release(self.published, now)
        yield from _of_runs(read_last_runs(self.settings.home), now)
        depth = len(Inbox.open(self.settings.inbox_path).pending())
        yield GaugeMetricFamily("anxu_inbox_depth", "Messages no run has taken in yet", value=depth)


class Measured:
    """Times and counts every HTTP request."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self.app, self.requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; one that ends in an exception counts as 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in METHODS else OTHER
            self.requests.note(route_of(scope), method, status, perf_counter() - begun)


def route_of(scope: Scope) -> str:
    """The template of the route that answered, such as /v1/forecasts/{product_id}; never the path itself."""
    if ROUTE in scope:
        return str(scope[ROUTE])
    return str(getattr(scope.get("route"), "path", UNMATCHED))


def registry(settings: Settings, published: Published, requests: Requests) -> CollectorRegistry:
    """What /metrics shows: requests, the county, this process."""
    found = CollectorRegistry()
    found.register(requests)
    found.register(County(settings, published))
    ProcessCollector(registry=found)
    PlatformCollector(registry=found)
    return found


def _of_release(published: Published, now: datetime) -> Iterator[Metric]:
    release = published.current
    served = GaugeMetricFamily("anxu_release_served", "1: a release is served, named", labels=["release_id"])
    age = GaugeMetricFamily("anxu_release_age_seconds", "Since the served release was written")
    if release:
        served.add_metric([release.id], 1)
        age.add_metric([], (now - release.written_at).total_seconds())
    yield served
    yield age
    broken = 1 if published.trouble else 0
    yield GaugeMetricFamily(
        "anxu_release_trouble", "1: the pointer names what cannot be served", value=broken
    )


def _of_runs(runs: dict[str, LastRun], now: datetime) -> Iterator[Metric]:
    state = GaugeMetricFamily("anxu_last_run", "1 at the newest run's state", labels=["flow", "state"])
    age = GaugeMetricFamily("anxu_last_run_age_seconds", "Since the newest run began", labels=["flow"])
    for flow, run in sorted(runs.items()):
        for one in STATES:
            state.add_metric([flow, one], 1 if run.status == one else 0)
        age.add_metric([flow], (now - run.started_at).total_seconds())
    yield state
    yield age


def _cumulated(counts: list[int]) -> list[tuple[str, float]]:
    total, rows = 0, []
    for bound, n in zip([*map(str, BUCKETS_S), "+Inf"], counts, strict=True):
        total += n
        rows.append((bound, float(total)))
    return rows
