"""The reading process: what becomes of a file that stops it, and of those that come after."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.complete import Overrides
from ingest.load import Item, find_files
from ingest.read import Reading, read

# Seconds; a busy machine takes some to start the process.
_PATIENCE = 20


def _child() -> int:
    """The reading process, the only one that was started here and not yet waited for."""
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found += (task / "children").read_text().split()
    reading = [int(child) for child in found if b"ingest.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]
    (process,) = reading
    return process


def _interrupted(items: list[Item], signals: dict[str, signal.Signals]) -> Iterator[Item]:
    """The items; before one that is named the reading process gets a signal."""
    for item in items:
        if item.path.name in signals:
            os.kill(_child(), signals[item.path.name])
        yield item


@pytest.fixture
def files(tmp_path: Path) -> list[Item]:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(f"The text of {name}.", "utf-8")
    return list(find_files([tmp_path]))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the process by /proc, which Linux has")
@pytest.mark.parametrize(
    ("sent", "says"),
    [(signal.SIGSTOP, "took more than 20 seconds and was given up"), (signal.SIGKILL, r"ended the reading process")],
)
def test_a_file_that_stops_the_process_costs_only_itself(files: list[Item], sent: signal.Signals, says: str) -> None:
    """It hangs (a stopped process never answers) or it is gone; the next file is read by a new one."""
    readings = list(read(_interrupted(files, {"b.txt": sent}), Overrides(), patience=_PATIENCE))
    assert [Path(reading.name).name for reading in readings if reading.article] == ["a.txt", "c.txt"]
    (failed,) = (reading for reading in readings if reading.reason)
    assert Path(failed.name).name == "b.txt" and says in failed.reason
    assert [reading.complete for reading in readings if reading.ended] == [True, False, True]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the process by /proc, which Linux has")
def test_a_file_of_many_articles_goes_on_behind_the_one_that_stopped_it(tmp_path: Path) -> None:
    lines = (json.dumps({"id": number, "text": f"Report {number}. " + "It rained. " * 200}) for number in range(3000))
    (tmp_path / "many.jsonl").write_text("\n".join(lines), "utf-8")
    texts, reasons = [], []
    for reading in read(find_files([tmp_path]), Overrides(), patience=_PATIENCE):
        if reading.article:
            texts.append(reading.article.text.split(".")[0])
            if len(texts) == 10:
                os.kill(_child(), signal.SIGKILL)
        elif reading.reason:
            reasons.append(reading.reason)
        else:
            assert reading.ended and not reading.complete
    assert len(reasons) == 1 and "behind" in reasons[0]
    assert len(texts) == len(set(texts)) == 2999


def test_what_is_a_reading_already_is_passed_on(files: list[Item]) -> None:
    given = Reading("https://example.org", "https://example.org", reason="it says 404.")
    assert next(iter(read([given, *files], Overrides()))) is given
