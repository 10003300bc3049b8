"""A real browser before the whole service: Debian's chromium, a tiny sample county that had its night, nothing from outside.

`ANXU_TINY_COUNTY` names such a county to copy instead of making one; `ANXU_SCREENSHOTS` where pictures go.
"""

import os
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as dtime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from pipelines.county import init_county
from pipelines.demo import prepare_demo
from pipelines.night import run_night
from serving.app import create_app
from settings import Settings

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SCREENSHOTS = Path(os.environ.get("ANXU_SCREENSHOTS", Path(__file__).parents[2] / "build" / "screenshots"))


@dataclass
class County:
    """A county, the service over it, and the cutoff of its night."""

    settings: Settings
    address: str
    cutoff: date
    app: object

    def next_run(self) -> str:
        """Run another night of the same cutoff and wait until it is served; returns the new release.

        The sample county's last day is long past and a night knows nothing that was written after it: what waits in the
        inbox is dated to its evening.
        """
        before = self.app.state.published.current.id  # type: ignore[attr-defined]
        evening = datetime.combine(self.cutoff, dtime(20), self.settings.zone).astimezone(UTC)
        with closing(sqlite3.connect(self.settings.inbox_path)) as inbox, inbox:
            inbox.execute("update message set written_at = ? where taken_by is null", (evening.isoformat(),))
        run_night(self.settings, cutoff=self.cutoff, now=self.settings.known_by(self.cutoff).astimezone(UTC))
        for _ in range(600):
            if (served := self.app.state.published.current.id) != before:  # type: ignore[attr-defined]
                return str(served)
            time.sleep(0.1)
        raise AssertionError(f"release '{before}' is still served a minute after the next run")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser: {CHROMIUM} is not there (apt install chromium fonts-noto-cjk)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def county(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    home = tmp_path_factory.mktemp("browser") / "county"
    settings, cutoff = _made(home)
    app = create_app(settings, poll_seconds=0.2)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield County(settings, f"http://127.0.0.1:{listener.getsockname()[1]}", cutoff, app)
    server.should_exit = True
    thread.join(timeout=30)


def _made(home: Path) -> tuple[Settings, date]:
    if ready := os.environ.get("ANXU_TINY_COUNTY"):
        shutil.copytree(ready, home)
        settings = init_county(home)
        current = (settings.releases_dir / "current").read_text("utf-8")
        return settings, date.fromisoformat(current[:10])
    settings, cutoff, now = prepare_demo(home, size="tiny", seed=1)
    run_night(settings, cutoff=cutoff, now=now)
    return settings, cutoff


@dataclass
class Heard:
    """What a browser complained of and asked for."""

    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def listen(self, context: BrowserContext) -> None:
        """Hear every page of a context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _request(self, request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host:
            self.hosts.add(host)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def opened(browser: Browser, county: County, heard: Heard, *, wide: bool = True, dark: bool = False) -> Page:
    """A page in a new profile: 1280 or 390 pixels wide, light or dark."""
    context = browser.new_context(
        base_url=county.address,
        viewport=WIDE if wide else PHONE,  # type: ignore[arg-type]
        color_scheme="dark" if dark else "light",
        has_touch=not wide,
        accept_downloads=True,
    )
    context.set_default_timeout(60_000)
    heard.listen(context)
    return context.new_page()


def shot(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
