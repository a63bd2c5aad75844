"""Measures the page as its readers meet it: how soon it is there, how soon an answer begins, and for many at once.

A server over the sample articles is started in a folder of its own, or the one at ``--url`` is taken. In headless
Chromium the page is opened with an empty and with a filled cache, and asked question after question. Then readers ask
at the same time, without browsers, as the page's script does it and over the endpoint for programs; first one reader
alone, then all. Run:

    python -m eval.bench.page [--url http://127.0.0.1:7860] [--readers 20] [--questions 5] [--no-browser]

A server of one's own choice should be started with ``ISNAD_RATE_LIMIT=0``: all the readers have one address here.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np

from eval.bench.readers import Asking, Load, as_page, over_endpoint, read_at_once, read_form
from rag.errors import IsnadError, UsageError

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_QUESTIONS = Path(__file__).parents[1] / "datasets" / "sample.jsonl"
# Seconds that a server has to become ready: on a machine under load it first reads the sample articles for minutes.
_READY = 600.0
_PATIENCE_MS = 60_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_FIELD = "#isnad-question textarea"
# A finished answer has its button; a refusal has no quote, but is an answer too.
_WORDS, _WHOLE = ".isnad-answer blockquote, .isnad-not-found", ".isnad-copy"

# Milliseconds since the page was called until something was painted, and until the question could be typed.
_PAINT = f"""() => {{
  const field = document.querySelector("{_FIELD}");
  const painted = performance.getEntriesByName("first-contentful-paint")[0];
  if (!painted || !field || !field.offsetParent) return null;
  return [painted.startTime, performance.now()];
}}"""
# From the key to the words: counted in the page, so that nothing of the measuring lies between.
_WATCH = f"""() => {{
  const count = (selector) => document.querySelectorAll(selector).length;
  const before = [count("{_WORDS}"), count("{_WHOLE}")];
  const watched = window.isnadWatched = {{}};
  addEventListener("keydown", () => {{ watched.began = performance.now(); }}, {{ once: true, capture: true }});
  new MutationObserver((_, observer) => {{
    if (!watched.first && count("{_WORDS}") > before[0]) watched.first = performance.now() - watched.began;
    if (watched.first && count("{_WHOLE}") > before[1]) {{
      watched.whole = performance.now() - watched.began;
      observer.disconnect();
    }}
  }}).observe(document.body, {{ childList: true, subtree: true, characterData: true }});
}}"""
_WATCHED = "() => window.isnadWatched.whole && [window.isnadWatched.first, window.isnadWatched.whole]"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is measured in a browser, in milliseconds by what it is."""

    times: dict[str, list[float]]

    def markdown(self) -> str:
        """A table with a row for each."""
        rows = [f"| {name} | {len(each)} | {_percentiles(each)} |" for name, each in self.times.items()]
        return "\n".join(["| in the browser, ms | times | p50 | p95 |", "|---|---|---|---|", *rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables as Markdown; ends with a message where something is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m eval.bench.page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="", help="a server that is running; without it one is started")
    parser.add_argument("--readers", type=int, default=20, help="how many ask at the same time (20)")
    parser.add_argument("--questions", type=int, default=5, help="how many each of them asks, in one conversation (5)")
    parser.add_argument("--pause", type=float, default=4.0, help="seconds they rest after an answer, about (4)")
    parser.add_argument("--rounds", type=int, default=5, help="how often the page is opened (5)")
    parser.add_argument("--asked", type=int, default=20, help="how many questions are asked in the browser (20)")
    parser.add_argument("--no-browser", action="store_true", help="only the readers without browsers")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="isnad-bench-") as folder, _at(options.url, Path(folder)) as url:
            questions = sample_questions()
            if not options.no_browser:
                print(look(url, rounds=options.rounds, questions=questions[: options.asked]).markdown(), end="\n\n")
            rest = questions[options.asked :]
            loads = load(url, rest, readers=options.readers, each=options.questions, pause=options.pause)
            print(table(loads))
    except IsnadError as error:
        raise SystemExit(str(error)) from error


def sample_questions() -> list[str]:
    """Questions in many languages over the sample articles, in the same mixed order each time."""
    questions = [json.loads(line)["question"] for line in _QUESTIONS.read_text("utf-8").splitlines()]
    random.Random(1).shuffle(questions)  # noqa: S311  # nothing secret
    return questions


@contextmanager
def _at(url: str, folder: Path) -> Iterator[str]:
    if url:
        yield url.rstrip("/")
        return
    with served(folder) as started:
        yield started


@contextmanager
def served(folder: Path, *flags: str, **settings: str) -> Iterator[str]:
    """The address of an ``isnad chat`` with the sample articles, ready to answer, with its collection in the folder.

    ``settings`` are more variables of its environment. Raises UsageError when it does not become ready.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "ISNAD_DATA_DIR": str(folder / "data"), "ISNAD_RATE_LIMIT": "0", **settings}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # every start would compile all packages again
    command = [sys.executable, "-m", "ui.cli", "chat", "--samples", "--port", str(port), *flags]
    with (folder / "log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}", server, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Returns when the server is ready. Raises UsageError with the end of its log when it ended or takes too long."""
    until = time.monotonic() + _READY
    while server.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass  # not there yet
        time.sleep(0.3)
    raise UsageError(f"The server did not become ready. The end of its log:\n{log.read_text('utf-8')[-2000:]}")


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium. Raises UsageError where Playwright or the browser is missing."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise UsageError("Playwright is not installed: pip install 'isnad[test]', or leave the browser out.") from error
    found = next(filter(None, map(shutil.which, _BROWSERS)), None)
    with sync_playwright() as running:
        try:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            launched = running.chromium.launch(executable_path=found, args=flags)
        except Error as error:
            raise UsageError(
                f"No browser that works: expected one of {', '.join(_BROWSERS)}. Install one, on Debian or Ubuntu with "
                "apt-get install chromium, or measure without it: --no-browser."
            ) from error
        try:
            yield launched
        finally:
            launched.close()


def look(url: str, *, rounds: int, questions: Sequence[str]) -> Seen:
    """How soon the page is painted, and how soon its answers begin and end, while nobody else asks."""
    times: dict[str, list[float]] = {}
    with browser() as chromium:
        for _ in range(rounds):
            context = chromium.new_context()
            page = context.new_page()
            for cache in ("empty", "filled"):
                painted, there = _open(page, url)
                times.setdefault(f"first paint, cache {cache}", []).append(painted)
                times.setdefault(f"question field, cache {cache}", []).append(there)
            context.close()
        # The first question of a server is slower; half are first questions of a conversation, half are all of one.
        half = -(-len(questions) // 2)
        with_first = [("a conversation's first question", [each]) for each in questions[:half]]
        for name, asked in [("", questions[:1]), *with_first, ("one conversation", questions[half:])]:
            context = chromium.new_context()
            page = context.new_page()
            _open(page, url)
            for question in asked:
                first, whole = _ask(page, question)
                if name:
                    times.setdefault(f"first words, {name}", []).append(first)
                    times.setdefault(f"whole answer, {name}", []).append(whole)
            context.close()
    return Seen(times)


def _open(page: Page, url: str) -> tuple[float, float]:
    page.goto(url)
    painted: tuple[float, float] = page.wait_for_function(_PAINT, timeout=_PATIENCE_MS).json_value()
    page.wait_for_timeout(500)  # what a page does after it is painted is over before the next step
    return painted


def _ask(page: Page, question: str) -> tuple[float, float]:
    page.locator(_FIELD).fill(question)
    page.evaluate(_WATCH)
    page.locator(_FIELD).press("Enter")
    watched: tuple[float, float] = page.wait_for_function(_WATCHED, timeout=_PATIENCE_MS).json_value()
    return watched


def load(url: str, questions: Sequence[str], *, readers: int, each: int, pause: float) -> list[Load]:
    """What one reader alone and all at once are answered, both ways. Raises UsageError when there is no page there.

    No question is asked twice as long as there are enough: the last ones are remembered.
    """
    try:
        form = read_form(httpx.get(f"{url}/config", timeout=30).raise_for_status().json())
    except (httpx.HTTPError, ValueError) as error:
        raise UsageError(f"Expected a running page at {url}: {error}") from error
    ways: dict[str, Asking] = {"the page": as_page(form), "/ask_stream": over_endpoint}
    loads = []
    drawn = itertools.cycle(questions)
    for way, ask in ways.items():
        for count in (1, readers):
            # One alone asks twice as many, and hardly rests: nothing else is to be waited for.
            asked = [[next(drawn) for _ in range(each if count > 1 else 2 * each)] for _ in range(count)]
            loads.append(read_at_once(url, way, ask, questions=asked, pause=pause if count > 1 else pause / 10))
    return loads


def table(loads: Sequence[Load]) -> str:
    """A row a load, its times in milliseconds; what they are to those of one reader alone; and what went wrong."""
    lines = [
        "| asked over | readers | answers | errors | a second | first words p50 | p95 | whole p50 | p95 | p95 to one "
        "alone | kB sent | kB received |",
        "|---" * 12 + "|",
    ]
    for load in loads:
        alone = next(each for each in loads if each.way == load.way)
        first, whole = load.times("first"), load.times("whole")
        ratio = _p95(whole) / _p95(alone.times("whole"))
        sizes = [np.mean([getattr(each, name) for each in load.asked]) for name in ("sent", "received")]
        lines.append(
            f"| {load.way} | {load.readers} | {len(whole)} | {len(load.errors)} | {len(whole) / load.seconds:.1f} | "
            f"{_percentiles(first)} | {_percentiles(whole)} | {ratio:.1f} × | {sizes[0]:.1f} | {sizes[1]:.1f} |"
        )
    errors = Counter(error for load in loads for error in load.errors)
    return "\n".join([*lines, *(f"\n{count} × {error}" for error, count in errors.most_common(5))])


def _percentiles(times: Sequence[float]) -> str:
    return f"{np.percentile(times, 50):.0f} | {_p95(times):.0f}" if times else "– | –"


def _p95(times: Sequence[float]) -> float:
    return float(np.percentile(times, 95)) if times else float("nan")


if __name__ == "__main__":
    main()
