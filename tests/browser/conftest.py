"""A real chat page in a process of its own, and headless Chromium to look at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        if _CHROMIUM is None:
            reason = "no browser found; install one, on Debian or Ubuntu with: apt-get install chromium chromium-driver"
            item.add_marker(pytest.mark.skip(reason=reason))
        # Playwright's own event loop leaves a socket to the garbage collector when it stops.
        item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[str]:
    """The address of an ``isnad chat --samples`` with its collection in that folder."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "ISNAD_DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1", **settings}
    log = (folder / "log").open("w")
    command = [sys.executable, "-m", "ui.cli", "chat", "--samples", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            if server.poll() is not None:
                break
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        else:
            pytest.fail(f"the page did not come up: {(folder / 'log').read_text()}")
        assert server.poll() is None, (folder / "log").read_text()
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page that answers with quotations."""
    with serving(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield launched
        launched.close()


@contextmanager
def opened(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """The open page, its articles read."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    playwright.expect(page.locator("#isnad-status")).to_contain_text("articles in", timeout=180_000)
    yield page
    page.close()


@pytest.fixture
def page(browser: playwright.Browser, address: str) -> Iterator[playwright.Page]:
    """The open page that answers with quotations."""
    with opened(browser, address) as page:
        yield page


def ask(page: playwright.Page, question: str) -> playwright.Locator:
    """The finished answer to a typed question."""
    before = page.locator(".isnad-answer").count()
    page.locator("#isnad-question textarea").fill(question)
    page.keyboard.press("Enter")
    answer = page.locator(".isnad-answer").nth(before)
    answer.wait_for(timeout=60_000)
    playwright.expect(page.locator("#isnad-chat .pending, #isnad-chat .generating")).to_have_count(0, timeout=60_000)
    return answer
