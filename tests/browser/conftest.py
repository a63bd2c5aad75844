"""A real chat page in a process of its own, and headless Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 740}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        if _CHROMIUM is None:
            reason = "no browser found; install one, on Debian or Ubuntu with: apt-get install chromium chromium-driver"
            item.add_marker(pytest.mark.skip(reason=reason))
        # Playwright's own event loop leaves a socket to the garbage collector when it stops.
        item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def serving(folder: Path, *arguments: str, port: int = 0, **settings: str) -> Iterator[str]:
    """The address of an ``isnad chat`` with its collection in that folder."""
    port = port or free_port()
    environment = {**os.environ, "ISNAD_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1", **settings}
    command = [sys.executable, "-m", "ui.cli", "chat", *arguments, "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("a") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
        try:
            for _ in range(240):
                if server.poll() is not None:
                    break
                try:
                    urllib.request.urlopen(url, timeout=2).close()
                    break
                except OSError:
                    time.sleep(0.5)
            assert server.poll() is None, (folder / "log").read_text()
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


@dataclass(frozen=True, slots=True)
class Site:
    """A server on loopback that answers every address with the HTML that ``pages`` has for its path."""

    url: str
    pages: dict[str, str]


@contextmanager
def site() -> Iterator[Site]:
    """A site of its own origin."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path.partition("?")[0], "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Site(f"http://127.0.0.1:{server.server_address[1]}", pages)
        server.shutdown()


@pytest.fixture(scope="session")
def friend() -> Iterator[Site]:
    """A site that may show the page in a frame."""
    with site() as found:
        yield found


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server at ``address`` keeps its things."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="session")
def address(page_folder: Path, friend: Site) -> Iterator[str]:
    """A page that answers with quotations from the sample articles."""
    with serving(page_folder, "--samples", ISNAD_SHARE="1", ISNAD_FRAME_ORIGINS=friend.url) as url:
        yield url


@pytest.fixture(scope="package")
def browser() -> Iterator[playwright.Browser]:
    """Closed before other tests begin: as long as Playwright runs, an event loop does in this thread."""
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield launched
        launched.close()


@contextmanager
def opened(
    browser: playwright.Browser, address: str, query: str = "", *, empty: bool = False, **context: Any
) -> Iterator[playwright.Page]:
    """The open page in a browser of its own, its articles read."""
    with browser.new_context(**{"viewport": _WIDE, "locale": "en-GB", **context}) as fresh:
        page = fresh.new_page()
        page.goto(f"{address}/{query}")
        settled(page, empty=empty)
        yield page


def settled(page: playwright.Page, *, empty: bool = False) -> None:
    """Returns when the page can be asked, with what it has to begin with."""
    if not empty:
        page.locator("#isnad-status .isnad-more").wait_for(state="attached", timeout=180_000)
    page.locator("#isnad-chat .placeholder-content, #isnad-chat .message-row").first.wait_for(timeout=30_000)


@pytest.fixture
def page(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """The open page that answers with quotations."""
    with opened(browser, address) as page:
        yield page


def ask(page: playwright.Page, question: str) -> playwright.Locator:
    """The finished answer to a typed question."""
    answers = page.locator(".isnad-answer:has(.isnad-copy)")
    before = answers.count()
    page.locator("#isnad-question textarea").fill(question)
    page.keyboard.press("Enter")
    answers.nth(before).wait_for(timeout=60_000)
    page.locator("#isnad-question button.submit-button").wait_for(timeout=60_000)
    return answers.nth(before)


def tab(page: playwright.Page, place: int) -> None:
    """Shows the tab at that place: 0 Ask, 1 Library."""
    page.get_by_role("tab").nth(place).click()
