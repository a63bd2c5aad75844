"""What a collection holds, in memory while articles are added, and what is to be done with each that was read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from ingest.complete import digest
from ingest.load import KEY
from rag.records import Entry, article_version, text_digest
from rag.types import Article, Copy

# What a copy and an article both say of themselves.
_SAID = tuple(each.name for each in fields(Copy) if each.name != "version")


class Outcome(StrEnum):
    """What became of one article or file."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REMOVED = "removed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with one article that was read.

    ``store`` is to be embedded and written as ``version``. ``heirs`` are the copies of the article ``former``, whose
    text changes or goes; the first of them takes over the old text. ``copies`` are new lists of copies of stored
    articles, ``origins`` their new origins, ``delete`` is an article that is gone or has become a copy of another.
    """

    outcome: Outcome
    store: Article | None = None
    version: str = ""
    heirs: tuple[Copy, ...] = ()
    former: str = ""
    copies: dict[str, tuple[Copy, ...]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    delete: str = ""
    note: str = ""


class Catalog:
    """The entries of a collection by identity, by text and by origin. One thread at a time."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries: dict[str, Entry] = {}
        self._of_text: dict[str, str] = {}
        self._of_origin: dict[str, tuple[str, str]] = {}
        self._copy_of: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        for entry in entries:
            self._add(entry)

    def plan(self, article: Article) -> Plan:
        """What to do with an article, and from now on the catalog takes it as done."""
        article = self._settled(article)
        if article.id in self._seen:
            if self._seen[article.id] == article.origin:
                return Plan(Outcome.UNCHANGED)
            note = f"has the same address or path as {self._seen[article.id]}, which was kept"
            return Plan(Outcome.DUPLICATE, note=note)
        self._seen[article.id] = article.origin
        version = article_version(article)
        if article.id in self.entries:
            return self._known(article, version, self.entries[article.id])
        if article.id in self._copy_of:
            return self._known_copy(article, version, self.entries[self._copy_of[article.id]])
        return self._new(article, version, Outcome.ADDED)

    def gone(self, folders: Sequence[Path], *, read: set[str], failed: set[str], addresses: set[str]) -> list[str]:
        """The ids of articles and copies from these folders and files (absolute) that are there no more.

        ``read`` are the origins of the files that were read to their end, ``failed`` of those that were not;
        ``addresses`` answered that there is nothing at them any more.
        """
        found = []
        for origin, (article_id, _) in self._of_origin.items():
            file = _file(origin)
            there = file in failed or (os.path.lexists(file) and file not in read)
            inside = origin in addresses or _inside(file, folders)
            if article_id not in self._seen and not there and inside:
                found.append(article_id)
        return found

    def covered(self, folders: Sequence[Path]) -> int:
        """How many articles and copies come from these folders and files."""
        return sum(_inside(_file(origin), folders) for origin in self._of_origin)

    def remove(self, article_id: str) -> Plan:
        """How to remove an article, or a copy of one; its text stays where it has another copy."""
        if article_id in self._copy_of:
            entry = self.entries[self._copy_of[article_id]]
            copies = self._without(entry, article_id)
            return Plan(Outcome.REMOVED, copies={entry.id: copies})
        return Plan(
            Outcome.REMOVED, heirs=self._inherit(self.entries[article_id]), former=article_id, delete=article_id
        )

    def _settled(self, article: Article) -> Article:
        """The article under the identity it is stored with, or under another where two files share a relative path."""
        known = self._of_origin.get(article.origin)
        if known and not article.url:
            return replace(article, id=known[0], identity=known[1])
        entry = self.entries.get(article.id)
        if entry and not article.url and entry.origin != article.origin and os.path.exists(_file(entry.origin)):
            return replace(article, id=digest(article.origin), identity=article.origin)
        return article

    def _known(self, article: Article, version: str, entry: Entry) -> Plan:
        if entry.version == version:
            if entry.origin == article.origin:
                return Plan(Outcome.UNCHANGED)
            self._drop(entry)
            self._add(replace(entry, origin=article.origin))
            return Plan(Outcome.UNCHANGED, origins={article.id: article.origin})
        twin = self._of_text.get(text_digest(article.text), "")
        if twin == article.id:  # only what is said of the text has changed
            article = replace(article, copies=entry.copies)
            self._drop(entry)
            self._add(_entry(article, version))
            return Plan(Outcome.CHANGED, store=article, version=version)
        heirs = self._inherit(entry)
        if twin:
            return replace(
                self._copied(article, version, Outcome.CHANGED), heirs=heirs, former=article.id, delete=article.id
            )
        self._add(_entry(article, version))
        return Plan(Outcome.CHANGED, store=article, version=version, heirs=heirs, former=article.id)

    def _known_copy(self, article: Article, version: str, entry: Entry) -> Plan:
        (copy,) = (copy for copy in entry.copies if copy.id == article.id)
        if copy.version == version and copy.origin == article.origin:
            return Plan(Outcome.UNCHANGED)
        if entry.digest == text_digest(article.text):
            outcome = Outcome.UNCHANGED if copy.version == version else Outcome.CHANGED
            return self._copied(article, version, outcome)
        without = self._without(entry, article.id)
        plan = self._new(article, version, Outcome.CHANGED)
        return replace(plan, copies={entry.id: without, **plan.copies})

    def _new(self, article: Article, version: str, outcome: Outcome) -> Plan:
        if text_digest(article.text) in self._of_text:
            return self._copied(article, version, Outcome.DUPLICATE if outcome is Outcome.ADDED else outcome)
        self._add(_entry(article, version))
        return Plan(outcome, store=article, version=version)

    def _copied(self, article: Article, version: str, outcome: Outcome) -> Plan:
        """The article becomes a copy of the one with the same text."""
        entry = self.entries[self._of_text[text_digest(article.text)]]
        copy = _copy(article, version)
        copies = (*(each for each in entry.copies if each.id != copy.id), copy, *article.copies)
        self._drop(entry)
        self._add(replace(entry, copies=copies))
        return Plan(outcome, copies={entry.id: copies})

    def _inherit(self, entry: Entry) -> tuple[Copy, ...]:
        """Takes out an entry; its copies, of which the first now holds its text."""
        self._drop(entry)
        if not entry.copies:
            return ()
        heir, *others = entry.copies
        self._add(
            Entry(
                id=heir.id,
                identity=heir.identity,
                version=heir.version,
                digest=entry.digest,
                passages=entry.passages,
                origin=heir.origin,
                copies=tuple(others),
            )
        )
        return entry.copies

    def _without(self, entry: Entry, copy_id: str) -> tuple[Copy, ...]:
        copies = tuple(copy for copy in entry.copies if copy.id != copy_id)
        self._drop(entry)
        self._add(replace(entry, copies=copies))
        return copies

    def _add(self, entry: Entry) -> None:
        self.entries[entry.id] = entry
        if entry.digest:
            self._of_text[entry.digest] = entry.id
        if entry.origin:
            self._of_origin[entry.origin] = (entry.id, entry.identity)
        for copy in entry.copies:
            self._copy_of[copy.id] = entry.id
            if copy.origin:
                self._of_origin[copy.origin] = (copy.id, copy.identity)

    def _drop(self, entry: Entry) -> None:
        del self.entries[entry.id]
        if self._of_text.get(entry.digest) == entry.id:
            del self._of_text[entry.digest]
        self._of_origin.pop(entry.origin, None)
        for copy in entry.copies:
            self._copy_of.pop(copy.id, None)
            self._of_origin.pop(copy.origin, None)


def heir_article(heirs: Sequence[Copy], old: Article) -> Article:
    """The article that the first of the copies becomes when ``old`` goes away or gets another text."""
    said: dict[str, Any] = {name: getattr(heirs[0], name) for name in _SAID}
    return Article(text=old.text, added_at=old.added_at, copies=tuple(heirs[1:]), **said)


def _copy(article: Article, version: str) -> Copy:
    said: dict[str, Any] = {name: getattr(article, name) for name in _SAID}
    return Copy(version=version, **said)


def _entry(article: Article, version: str) -> Entry:
    return Entry(
        id=article.id,
        identity=article.identity,
        version=version,
        digest=text_digest(article.text),
        passages=0,
        origin=article.origin,
        copies=article.copies,
    )


def _inside(file: str, folders: Sequence[Path]) -> bool:
    return any(Path(file).is_relative_to(folder) for folder in folders)


def _file(origin: str) -> str:
    """The file an origin lies in: the part before the key of a record."""
    return origin.partition(KEY)[0]
