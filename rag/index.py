"""What is kept beside Chroma so that passages are found fast: token states, vectors, words, and what filters ask for.

All of it follows from the collection and the model, in a folder that can be deleted: what is missing is made again from
the collection. An article's rows count from ``commit`` on, which follows the article's record in Chroma; what a write
that stops half-way leaves here is never asked for, and swept out.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.analyse import analyse
from rag.embedding import Vectors
from rag.language import primary
from rag.records import Embedded
from rag.states import PackedStates
from rag.types import Copy, Filters
from rag.words import Words

log = logging.getLogger(__name__)

# Raised when what is kept changes its meaning; an index of another format is begun anew.
_FORMAT = 2
# Marks in one statement; SQLite allows 32,766.
_SLICE = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS made_with (what TEXT);
CREATE TABLE IF NOT EXISTS articles (
    number INTEGER PRIMARY KEY, revision TEXT NOT NULL UNIQUE, article TEXT NOT NULL, committed INTEGER NOT NULL,
    passages INTEGER NOT NULL, language TEXT NOT NULL, publisher TEXT NOT NULL, copies TEXT NOT NULL, day TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS articles_by_id ON articles (article);
CREATE TABLE IF NOT EXISTS vectors (
    number INTEGER NOT NULL, passage TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (number, passage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS states (
    passage TEXT PRIMARY KEY, codes BLOB NOT NULL, scales BLOB NOT NULL, sentences BLOB NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Selection:
    """The articles that filters let through, as revisions, and how many passages they have."""

    revisions: frozenset[str]
    passages: int


class Index:
    """The folder beside a collection. Threads may share one; processes write one after the other."""

    def __init__(self, path: Path, *, made_with: str) -> None:
        """Opens or creates the folder; what was made with something else is removed, "" takes it as it is.

        Raises OSError or sqlite3.Error where there is no writing.
        """
        self._path = path
        self._lock = threading.RLock()
        # What the database's state was, and what it held then.
        self._size: tuple[tuple[int, int], tuple[int, int]] | None = None
        self._open()
        if made_with and (self._one("SELECT what FROM made_with") or [""])[0] != f"{made_with} {_FORMAT}":
            if self._one("SELECT what FROM made_with"):
                self.close()
                shutil.rmtree(path)
                self._open()
            with self._changes() as connection:
                connection.execute("INSERT INTO made_with VALUES (?)", (f"{made_with} {_FORMAT}",))

    def close(self) -> None:
        """Closes the files."""
        with self._lock:
            self._connection.close()

    def beside(self, *, made_with: str) -> Index:
        """An empty index beside this one."""
        path = self._path.with_name(f"{self._path.name}_next")
        shutil.rmtree(path, ignore_errors=True)
        return Index(path, made_with=made_with)

    def take(self, successor: Index) -> None:
        """Puts another index in the place of this one; the other one is gone then."""
        successor.close()
        self.close()
        shutil.rmtree(self._path)
        successor._path.replace(self._path)
        self._open()

    def size(self) -> tuple[int, int]:
        """How many articles count, and how many passages they have."""
        with self._lock:
            changes = self.changes()
            if self._size is None or self._size[0] != changes:
                query = "SELECT count(*), coalesce(sum(passages), 0) FROM articles WHERE committed"
                articles, passages = self._connection.execute(query).fetchone()
                self._size = changes, (articles, passages)
            return self._size[1]

    def changes(self) -> tuple[int, int]:
        """What is another pair whenever anything in the index has changed, by this process or by others."""
        with self._lock:
            (others,) = self._connection.execute("PRAGMA data_version").fetchone()
            return int(others), self._connection.total_changes

    @property
    def whole(self) -> bool:
        """Whether the words are there of all passages."""
        (passages,) = self._one("SELECT coalesce(sum(passages), 0) FROM articles") or (0,)
        return self._words.count() >= int(passages)

    def put(self, batch: Sequence[Embedded]) -> None:
        """Adds the passages of articles; they count after ``commit``."""
        words = {}
        with self._changes() as connection:
            for each in batch:
                article, revision = each.article, _revision(each.article.id, each.version)
                self._delete(connection, [revision])
                number = connection.execute(
                    "INSERT INTO articles VALUES (NULL, ?, ?, 0, ?, ?, ?, ?, ?)",
                    (revision, article.id, len(each.passages), primary(article.language), article.publisher.casefold(),
                     _publishers(article.copies), article.published[:10]),
                ).lastrowid  # fmt: skip
                ids = [passage.id for passage in each.passages]
                vectors = each.vectors.astype(np.float16)
                connection.executemany(
                    "INSERT INTO vectors VALUES (?, ?, ?)",
                    [(number, passage_id, row.tobytes()) for passage_id, row in zip(ids, vectors, strict=True)],
                )
                if each.states:
                    self._put_states(connection, zip(ids, each.states, strict=True))
                # Title and year count for every passage, as they do for the model.
                title = analyse(f"{article.title} {article.published[:4]}", article.language)
                words[revision] = [
                    (passage.id, title + analyse(passage.text, article.language)) for passage in each.passages
                ]
        self._words.put(words)

    def commit(self, versions: Iterable[tuple[str, str]]) -> None:
        """Lets articles that were put count, pairs of id and version; where there are none, nothing is done."""
        with self._changes() as connection:
            connection.executemany(
                "UPDATE articles SET committed = 1 WHERE revision = ?",
                [(_revision(article_id, version),) for article_id, version in versions],
            )

    def set_copies(self, article_id: str, copies: Iterable[Copy]) -> None:
        """Writes where else an article stands."""
        with self._changes() as connection:
            connection.execute("UPDATE articles SET copies = ? WHERE article = ?", (_publishers(copies), article_id))

    def delete(self, versions: Iterable[tuple[str, str]]) -> None:
        """Removes articles, given as pairs of id and version, where there are any."""
        revisions = [_revision(article_id, version) for article_id, version in versions]
        if revisions:
            with self._changes() as connection:
                self._delete(connection, revisions)
            self._words.delete(revisions)

    def keep_only(self, versions: Collection[tuple[str, str]]) -> None:
        """Removes all other articles, those that do not count included."""
        kept = {_revision(article_id, version) for article_id, version in versions}
        with self._lock:
            known = [str(row[0]) for row in self._connection.execute("SELECT revision FROM articles")]
        self.delete(_parts(revision) for revision in known if revision not in kept)

    def versions(self) -> set[tuple[str, str]]:
        """The id and version of every article that counts."""
        with self._lock:
            rows = self._connection.execute("SELECT revision FROM articles WHERE committed").fetchall()
        return {_parts(str(row[0])) for row in rows}

    def known(self, versions: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of the articles that count, pairs of id and version."""
        query = "SELECT revision FROM articles WHERE committed AND revision IN"
        revisions = [_revision(article_id, version) for article_id, version in versions]
        return {_parts(str(row[0])) for row in self._rows(query, revisions)}

    def languages(self, passage_ids: Iterable[str]) -> dict[str, str]:
        """The language of each of the passages that count, by the passage's id."""
        by_revision: dict[str, list[str]] = {}
        for passage_id in passage_ids:
            by_revision.setdefault(passage_id.rpartition(":")[0], []).append(passage_id)
        query = "SELECT revision, language FROM articles WHERE committed AND revision IN"
        return {
            passage_id: str(language)
            for revision, language in self._rows(query, list(by_revision))
            for passage_id in by_revision[str(revision)]
        }

    def select(self, filters: Filters) -> Selection:
        """The articles that the filters let through."""
        conditions, values = ["committed"], list[str]()
        if filters.languages:
            conditions.append(f"language IN ({_marks(filters.languages)})")
            values += [primary(language) for language in filters.languages]
        if filters.publishers:
            one = "(publisher = ? OR instr(copies, char(10) || ? || char(10)))"
            conditions.append("(" + " OR ".join([one] * len(filters.publishers)) + ")")
            values += [publisher.casefold() for publisher in filters.publishers for _ in range(2)]
        if filters.since:
            conditions.append("day >= ?")
            values.append(filters.since)
        if filters.until:
            conditions.append("day != '' AND day <= ?")
            values.append(filters.until)
        if filters.articles:
            conditions.append(f"article IN ({_marks(filters.articles)})")
            values += filters.articles
        query = f"SELECT revision, passages FROM articles WHERE {' AND '.join(conditions)}"  # noqa: S608  # only marks
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return Selection(frozenset(str(row[0]) for row in rows), sum(int(row[1]) for row in rows))

    def nearest(self, vector: Vectors, selection: Selection, *, k: int) -> list[tuple[str, float]]:
        """Of a selection the ``k`` passages nearest to a unit vector, with the cosines, nearest first: all compared."""
        query = "SELECT passage, vector FROM articles JOIN vectors USING (number) WHERE revision IN"
        rows = self._rows(query, list(selection.revisions))
        if not rows:
            return []
        vectors = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float16).reshape(len(rows), -1)
        cosines = vectors.astype(np.float32) @ vector
        best = np.argsort(-cosines, kind="stable")[:k]
        return [(str(rows[row][0]), float(cosines[row])) for row in best]

    def cosines(self, vector: Vectors, passage_ids: Sequence[str]) -> dict[str, float]:
        """The cosine of a unit vector with each of those passages that there are."""
        revisions = list({passage_id.rpartition(":")[0] for passage_id in passage_ids})
        numbers = dict(self._rows("SELECT revision, number FROM articles WHERE revision IN", revisions))
        query = "SELECT passage, vector FROM vectors WHERE number = ? AND passage = ?"
        with self._lock:
            rows = [
                self._connection.execute(query, (numbers[revision], passage_id)).fetchone()
                for passage_id in passage_ids
                if (revision := passage_id.rpartition(":")[0]) in numbers
            ]
        return {
            str(passage_id): float(np.frombuffer(row, dtype=np.float16).astype(np.float32) @ vector)
            for passage_id, row in filter(None, rows)
        }

    def matching(
        self, words: Collection[str], *, k: int, selection: Selection | None = None
    ) -> list[tuple[str, float]]:
        """The ``k`` passages that share the most telling words, with their BM25, highest first."""
        return self._words.search(words, k=k, revisions=None if selection is None else selection.revisions)

    def states(self, passage_ids: Sequence[str]) -> dict[str, PackedStates]:
        """The token states of those of the passages that they are kept of."""
        found = {}
        for passage_id, codes, scales, sentences in self._rows("SELECT * FROM states WHERE passage IN", passage_ids):
            tokens = len(scales) // 2
            found[str(passage_id)] = PackedStates(
                np.frombuffer(codes, dtype=np.uint8).reshape(tokens, -1 if tokens else 0),
                np.frombuffer(scales, dtype=np.float16),
                np.frombuffer(sentences, dtype=np.uint16),
            )
        return found

    def keep_states(self, states: Mapping[str, PackedStates]) -> None:
        """Adds token states of passages that there are, by the passages' ids."""
        with self._changes() as connection:
            self._put_states(connection, states.items())

    def _put_states(self, connection: sqlite3.Connection, states: Iterable[tuple[str, PackedStates]]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO states SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM articles WHERE revision = ?)",
            [
                (passage_id, kept.codes.tobytes(), kept.scales.tobytes(), kept.sentences.tobytes(),
                 passage_id.rpartition(":")[0])
                for passage_id, kept in states
            ],
        )  # fmt: skip

    def _delete(self, connection: sqlite3.Connection, revisions: Sequence[str]) -> None:
        for revision in revisions:
            row = connection.execute("SELECT number FROM articles WHERE revision = ?", (revision,)).fetchone()
            if row:
                ids = connection.execute("SELECT passage FROM vectors WHERE number = ?", row).fetchall()
                connection.executemany("DELETE FROM states WHERE passage = ?", ids)
                connection.execute("DELETE FROM vectors WHERE number = ?", row)
                connection.execute("DELETE FROM articles WHERE number = ?", row)

    def _open(self) -> None:
        try:
            self._open_files()
        except (sqlite3.DatabaseError, ValueError) as error:
            if isinstance(error, sqlite3.OperationalError):  # no damage: it is locked, or cannot be written
                raise
            log.warning("The index in %s is damaged and is made anew: %s", self._path.name, error)
            shutil.rmtree(self._path)
            self._open_files()

    def _open_files(self) -> None:
        self._size = None
        self._path.mkdir(parents=True, exist_ok=True)
        self._connection = _connect(self._path / "passages.sqlite3")
        try:
            self._words = Words(self._path / "words")
        except BaseException:
            self._connection.close()
            raise

    def _one(self, query: str) -> tuple[int | str, ...] | None:
        with self._lock:
            row: tuple[int | str, ...] | None = self._connection.execute(query).fetchone()
        return row

    def _rows(self, query: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        rows = []
        for start in range(0, len(values), _SLICE):
            some = values[start : start + _SLICE]
            with self._lock:
                rows += self._connection.execute(f"{query} ({_marks(some)})", list(some)).fetchall()
        return rows

    @contextmanager
    def _changes(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            yield self._connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    try:
        connection.execute("PRAGMA page_size = 16384")  # most rows of states have 15 to 30 kB
        connection.executescript(_SCHEMA)
        with closing(connection.execute("SELECT count(*) FROM made_with")) as counted:
            counted.fetchone()
    except sqlite3.Error:
        with suppress(sqlite3.Error):
            connection.close()
        raise
    return connection


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _publishers(copies: Iterable[Copy]) -> str:
    return "\n" + "".join(f"{copy.publisher.casefold()}\n" for copy in copies)


def _revision(article_id: str, version: str) -> str:
    return f"{article_id}:{version}"


def _parts(revision: str) -> tuple[str, str]:
    article_id, _, version = revision.rpartition(":")
    return article_id, version
