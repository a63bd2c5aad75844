"""Isnad as one object, for programs: a collection that is asked, searched, added to and deleted from."""

from __future__ import annotations

import hashlib
import logging
import re
import tempfile
import threading
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from ingest.complete import Overrides
from ingest.gather import gather
from ingest.index import Ingested, ingest, open_catalog
from ingest.load import Item, file_item
from ingest.read import Reading, read
from rag.assistant import Assistant, Options
from rag.build import Model, build_assistant, build_model, build_store
from rag.direct import newest_first
from rag.errors import ArticleError, EmptyCollectionError, UsageError
from rag.retrieve import TOP_K
from rag.settings import Settings, load
from rag.store import Store
from rag.types import Answer, Article, Filters, Hit, Passage, Turn

log = logging.getLogger(__name__)

Watch = Callable[[Generator[Answer, None, None]], Generator[Answer, None, None]]

_ALL = Filters()
_AS_SET = Options()
# Articles that one address, a feed or a sitemap, may bring.
_MOST_ARTICLES = 100
# Digits of the digest that tells two files with one name apart.
_DIGITS = 12
_UNFIT = re.compile(r"[^\w.\- ]+")


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the collection: how many articles and passages, and how many articles a language."""

    articles: int
    passages: int
    languages: dict[str, int]


class Isnad:
    """A collection and the assistant that answers from it. Threads may share one: any number ask at the same time, and
    those who write do so one after the other.
    """

    def __init__(self, settings: Settings, model: Model, store: Store) -> None:
        """Over an open collection; ``open`` is the way to get one from settings alone."""
        self.settings = settings
        self.model = model
        self.store = store
        self.writing = threading.Lock()
        # What every stream of answers passes through: a server counts and times them there.
        self.watch: Watch = lambda answers: answers
        self._assistant = build_assistant(settings, model, store)
        self._contents: tuple[tuple[int, int], Contents] | None = None

    @classmethod
    def open(cls, settings: Settings | None = None, *, waiting: Callable[[str], None] | None = None) -> Isnad:
        """The collection that the settings name (by default those of the environment), for this process alone.

        ``waiting`` is told when another process has it and is waited for. Raises SettingsError, ModelError, StoreError.
        """
        settings = settings or load()
        model = build_model(settings)
        store = build_store(settings, model, writing=True, waiting=waiting)
        try:
            return cls(settings, model, store)
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Isnad:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the collection to others."""
        self.store.close()

    @property
    def assistant(self) -> Assistant:
        """What answers, for ``rag.chains.IsnadRetriever`` and the like."""
        return self._assistant

    def adopt(self, settings: Settings, model: Model) -> None:
        """Answers with another model from now on, which the collection has been rebuilt with."""
        self._assistant = build_assistant(settings, model, self.store)
        self.model, self.settings = model, settings

    def ask(
        self, question: str, filters: Filters = _ALL, *, turns: Sequence[Turn] = (), options: Options = _AS_SET
    ) -> Answer:
        """The answer to a question in any language. Raises as ``Assistant.ask`` does."""
        *_, answer = self.stream(question, filters, turns=turns, options=options)
        return answer

    def stream(
        self, question: str, filters: Filters = _ALL, *, turns: Sequence[Turn] = (), options: Options = _AS_SET
    ) -> Generator[Answer, None, None]:
        """The answer as it grows; the last one is whole. Raises as ``Assistant.ask`` does."""
        return self.watch(self._assistant.stream(question, filters, turns=turns, options=options))

    def search(self, query: str, *, k: int = TOP_K, filters: Filters = _ALL) -> list[Hit]:
        """The ``k`` best passages, best first, whether or not they answer. Raises as ``Assistant.ask`` does."""
        return self._assistant.search(query, k=k, filters=filters)

    def articles(self, filters: Filters = _ALL) -> list[Article]:
        """The articles that the filters let through, without their texts, the latest first."""
        try:
            return newest_first(self.store, self.store.select(filters) if filters else None)
        except EmptyCollectionError:
            return []

    def article(self, article_id: str) -> Article:
        """One article with its text. Raises UsageError when there is none of that id."""
        article = self.store.article(article_id)
        if article is None:
            raise UsageError(
                f"There is no article {article_id[:80]!r}. The ids are those that the list of articles has."
            )
        return article

    def passages(self, article_id: str) -> list[Passage]:
        """The passages of an article, in order."""
        return self.store.passages(article_id)

    def contents(self) -> Contents:
        """How many articles, passages and languages there are."""
        # To count the languages of a large collection takes its time, and a page asks for every reader who comes.
        changes, counted = self.store.changes(), self._contents
        if counted is None or counted[0] != changes:
            articles, passages = self.store.size()
            counted = changes, Contents(articles, passages, self.store.languages() if articles else {})
            self._contents = counted
        return counted[1]

    def add(
        self,
        *sources: str | Path,
        overrides: Overrides | None = None,
        max_articles: int = _MOST_ARTICLES,
        allow_private: bool = False,
    ) -> Iterator[Ingested]:
        """What became of each file, folder's file or article at the paths and addresses, as they are stored.

        A file that cannot be read is a result with a reason, and the others go on. Nothing is read before the first
        result is asked for. Raises UsageError for a path that does not exist, StoreError when nothing can be written.
        """
        names = [str(source) for source in sources]
        gathered = gather(names, max_articles=max_articles, allow_private=allow_private)
        return self._ingest(read(gathered.items, overrides or Overrides()))

    def add_files(self, files: Sequence[tuple[Path, str]], *, overrides: Overrides | None = None) -> Iterator[Ingested]:
        """What became of each uploaded file, given as its path and the name that it had.

        Two files of one name are two articles when they differ, so that nobody's upload takes the place of another's.
        """
        return self._ingest(read([_uploaded(path, name) for path, name in files], overrides or Overrides()))

    def add_text(
        self, text: str, *, title: str = "", url: str = "", publisher: str = "", published: str = "", language: str = ""
    ) -> Ingested:
        """What became of an article that is given as text. Raises UsageError for an empty text, or a date or language
        that is none.
        """
        if not text.strip():
            raise UsageError("The text is empty. Give the text of the article.")
        overrides = Overrides(publisher=publisher, language=language, published=published)
        record = {"title": title, "text": text, "url": url}
        with tempfile.TemporaryDirectory(prefix="isnad-text-") as folder:
            path = Path(folder, "text.json")
            path.write_bytes(orjson.dumps(record))
            digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
            known = f"text/{digest}"
            item = Item(path, name=title or "the text", identity=known, origin=url or known, suffix=".json")
            results = list(self._ingest(read([item], overrides)))
        if not results:
            raise ArticleError("There is no text in it.")
        return replace(results[0], source=item.name)

    def delete(self, ids: Collection[str]) -> list[str]:
        """The ids of the articles that were there and are deleted now. Raises StoreError."""
        with self.writing:
            return self.store.delete(ids)

    def _ingest(self, readings: Iterator[Reading]) -> Iterator[Ingested]:
        with self.writing:
            results = ingest(readings, open_catalog(self.store), self.store, self.model.embedder, self.model.means)
            for result in results:
                if isinstance(result, Ingested):
                    yield result


def _uploaded(path: Path, name: str) -> Item:
    """A file as somebody uploaded it; it is known by its name and what is in it."""
    shown = _UNFIT.sub("_", Path(name).name).strip() or "file"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    item = file_item(path, path.parent)
    known = f"upload/{digest}/{shown}"
    return replace(item, name=shown, identity=known, origin=known, suffix=Path(shown).suffix.lower())
