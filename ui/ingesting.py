"""The command ``isnad ingest``: what it reads, what it says while it works, what it removes."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import UsageError
from ui.console import Console, Progress
from ui.session import Session

if TYPE_CHECKING:
    from ingest.catalog import Catalog
    from ingest.index import Ingested
    from ingest.read import Reading
    from rag.build import Model
    from rag.store import Store

_ORDER = ("added", "changed", "unchanged", "duplicate", "removed", "failed")


@dataclass(slots=True)
class Report:
    """What has been done so far, and how it is told."""

    console: Console
    as_json: bool
    quiet: bool
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    total: int = 0
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, result: Ingested) -> None:
        """Tells what became of one file or article."""
        self.counts[result.outcome] += 1
        if result.reason:
            self.failed.append(result.reason)
        if self.as_json:
            values = {name: value for name, value in asdict(result).items() if name != "position"}
            self.console.line(json.dumps(values, ensure_ascii=False))
        elif result.reason:
            self.console.warn(f"failed     {result.reason}")
        elif not self.quiet:
            for note in result.notes:
                self.console.warn(f"note       {result.source}: {note}")
            if not self.console.live:
                self.console.line(f"{result.outcome:<10} {result.source}")
        self.show(result.position)

    def show(self, position: int = 0) -> None:
        """Draws the bar, ``position`` bytes into the present file."""
        if self.quiet or self.as_json:
            return
        articles = sum(self.counts.values())
        rate = articles / max(time.monotonic() - self.began, 0.1)
        words = f"{articles} articles, {rate:.1f} a second: {self.summary()}"
        self.console.progress(Progress(min(self.done + position, self.total), self.total, words))

    def end(self, reading: Reading) -> None:
        """Counts a file as done."""
        self.done += reading.position
        self.show()

    def summary(self) -> str:
        """The counts in words."""
        return ", ".join(f"{self.counts[outcome]} {outcome}" for outcome in _ORDER)

    def close(self) -> int:
        """Tells the sum and the failures; the exit code."""
        if self.as_json:
            self.console.line(json.dumps({"summary": {outcome: self.counts[outcome] for outcome in _ORDER}}))
        else:
            # Where a bar or many lines have been shown since, the failures are easily missed.
            if len(self.failed) > 1 or (self.failed and self.console.live):
                self.console.warn(f"{len(self.failed)} failed:")
                for reason in self.failed:
                    self.console.warn(f"  {reason}")
            self.console.line(self.summary())
        return 1 if self.failed else 0


def ingest(options: Namespace, session: Session, console: Console) -> int:
    """Adds what the paths and addresses hold; with ``--prune`` removes what they held and do no more."""
    from ingest.complete import Overrides
    from ingest.gather import gather
    from ingest.index import Ingested, open_catalog
    from ingest.index import ingest as ingest_readings
    from ingest.read import read

    overrides = Overrides(
        publisher=options.publisher,
        language=options.language,
        published=options.published,
        fields=field_map(options.map),
    )
    gathered = gather(
        options.paths,
        max_articles=options.max_articles,
        allow_private=options.allow_private,
        typed=Path(options.typed) if options.typed else None,
        suffix=options.format,
    )
    if gathered.empty and not options.prune:
        raise UsageError("There are no files of a known format there. Name a file, or a folder that holds some.")
    report = Report(console, options.json, options.quiet, total=gathered.size)
    model = session.model()
    seen = _Seen()
    with session.collection(model, writing=True) as store:
        catalog = open_catalog(store)
        readings = seen.watch(read(gathered.items, overrides))
        for result in ingest_readings(readings, catalog, store, model.embedder, model.means):
            if isinstance(result, Ingested):
                report.add(result)
            else:
                report.end(result)
        if options.prune:
            _prune(gathered.folders, seen, catalog, store, model, options, report)
    return report.close()


@dataclass(slots=True)
class _Seen:
    """Which files were read to their end, which were not, and which addresses say that there is nothing any more."""

    read: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    def watch(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """The readings, taken note of as they pass."""
        for reading in readings:
            if reading.gone:
                self.gone.add(reading.origin)
            elif reading.reason or (reading.ended and not reading.complete):
                self.failed.add(reading.origin)
            elif reading.ended:
                self.read.add(reading.origin)
            yield reading


def _prune(
    folders: list[Path],
    seen: _Seen,
    catalog: Catalog,
    store: Store,
    model: Model,
    options: Namespace,
    report: Report,
) -> None:
    """Removes the articles whose source is gone, after asking when those are more than half of what was there."""
    from ingest.index import prune

    gone = catalog.gone(folders, read=seen.read - seen.failed, failed=seen.failed, addresses=seen.gone)
    among = catalog.covered(folders)
    if folders and 2 * len(gone) > among and not options.yes:
        question = f"{len(gone)} of the {among} articles from there are gone. Remove them?"
        if not report.console.confirm(question):
            report.console.warn("Nothing was removed.")
            return
    for result in prune(gone, catalog, store, model.embedder, model.means):
        report.add(result)


def field_map(text: str) -> dict[str, str]:
    """The record's field for each of Isnad's, from "title=headline,text=body". Raises UsageError."""
    known = ("title", "text", "url", "publisher", "author", "published", "language", "id")
    fields: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = (side.strip() for side in part.partition("="))
        if name not in known or not equals or not value:
            raise UsageError(f"--map has {part.strip()!r}; expected NAME=FIELD with NAME one of {', '.join(known)}.")
        fields[name] = value
    return fields
