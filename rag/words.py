"""Search by words: an inverted index of the passages' words, ranked by BM25 (Robertson and Zaragoza 2009).

Tantivy keeps the postings in files that are mapped into memory; passages come and go without the rest being touched.
Over 100,000 passages a question takes it 1 ms, SQLite's FTS5 80 ms (``docs/evaluation.md``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tantivy import Document, Index, IndexWriter, Occur, Query, Schema, SchemaBuilder

# In bytes; what is written at once is a few hundred passages.
_HEAP = 30_000_000
# Seconds that another process of this machine may take for what it writes.
_PATIENCE = 60.0


class Words:
    """An inverted index in a folder. Threads may share one; processes write one after the other."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the index. Raises OSError or ValueError where it is damaged."""
        path.mkdir(parents=True, exist_ok=True)
        self._index = Index(_schema(), path=str(path))
        self._lock = threading.Lock()

    def count(self) -> int:
        """How many passages there are."""
        self._index.reload()
        return int(self._index.searcher().num_docs)

    def put(self, revisions: Mapping[str, Sequence[tuple[str, Sequence[str]]]]) -> None:
        """Adds the passages of articles, all at one moment: by revision, each passage's id and its words."""
        with self._lock:
            writer = self._writer()
            for revision, passages in revisions.items():
                writer.delete_documents_by_term("revision", revision)
                for passage_id, words in passages:
                    writer.add_document(Document(passage=passage_id, revision=revision, words=" ".join(words)))
            self._commit(writer)

    def delete(self, revisions: Collection[str]) -> None:
        """Removes the passages of revisions of articles, where there are any."""
        if not revisions:
            return
        with self._lock:
            writer = self._writer()
            for revision in revisions:
                writer.delete_documents_by_term("revision", revision)
            self._commit(writer)

    def search(self, words: Collection[str], *, k: int, revisions: Collection[str] | None) -> list[tuple[str, float]]:
        """The ``k`` passages with the highest BM25, with it, highest first; of those revisions only, if given."""
        schema = self._index.schema
        if not words or not k:
            return []
        # Each word counts once: a question that repeats one does not mean it more.
        wanted = [(Occur.Should, Query.term_query(schema, "words", word)) for word in dict.fromkeys(words)]
        query = Query.boolean_query(wanted)
        if revisions is not None:
            among = Query.const_score_query(Query.term_set_query(schema, "revision", list(revisions)), 0.0)
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, among)])
        searcher = self._index.searcher()
        found = searcher.search(query, k, count=False).hits
        return [(str(searcher.doc(address)["passage"][0]), float(score)) for score, address in found]

    def _writer(self) -> IndexWriter:
        started = time.monotonic()
        while True:
            try:
                return self._index.writer(_HEAP, 1)
            except ValueError as error:  # the lock file is another process's
                if "lock" not in str(error).lower() or time.monotonic() - started > _PATIENCE:
                    raise OSError(f"the index of words cannot be written: {error}") from error
                time.sleep(0.05)

    def _commit(self, writer: IndexWriter) -> None:
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()


def _schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_text_field("passage", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("revision", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    return builder.build()
