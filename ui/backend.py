"""What the chat page asks: an assistant that is made ready in the background while the page is already there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path

from rag.assistant import Assistant
from rag.build import Model, build_assistant, build_model, build_store
from rag.errors import IsnadError
from rag.language import name
from rag.ollama import ollama_models
from rag.settings import Settings
from rag.store import Store
from rag.types import Answer, Turn
from ui.commands import COMMANDS
from ui.console import Remote
from ui.control import check_same_model, listening
from ui.session import Session

log = logging.getLogger(__name__)

# Seconds.
_CLOSING = 5.0


class Backend:
    """Loads the model, fills an empty collection with the samples if asked to, and then answers.

    It has the collection's folder to itself, and carries out what commands in other processes want of it.
    """

    def __init__(self, settings: Settings, *, samples: bool) -> None:
        self.settings = settings
        self._samples = samples
        self._model: Model | None = None
        self._store: Store | None = None
        self._assistant: Assistant | None = None
        self._error: IsnadError | None = None
        self._done = threading.Event()
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._hold_open, name="isnad-prepare", daemon=True)
        self._counted = -1
        self._status = "Loading the embedding model…"

    def start(self) -> None:
        """Begins to make ready, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Leaves the collection to others."""
        self._closing.set()
        self._thread.join(_CLOSING)  # it may be waiting for another process, or converting the model

    @property
    def ready(self) -> bool:
        """Whether making ready has ended, well or not."""
        return self._done.is_set()

    @property
    def status(self) -> str:
        """One line that says what is being done, or what there is to ask."""
        if self._error or self._store is None or not self.ready:
            return self._status
        try:
            count = self._store.count()
            if count != self._counted:  # to count the languages of a large collection takes its time
                self._counted, self._status = count, _holdings(self._store)
        except IsnadError as error:
            return str(error)
        return self._status

    def wait(self, seconds: float) -> bool:
        """Waits until ready, at most so long; whether it is."""
        return self._done.wait(seconds)

    def stream(self, question: str, turns: Sequence[Turn] = ()) -> Generator[Answer, None, None]:
        """What ``Assistant.stream`` yields. Raises IsnadError, also the one that making ready ended with."""
        self._done.wait()
        if self._assistant is None:
            raise self._failure()
        yield from self._assistant.stream(question, turns=turns)

    def model(self) -> Model:
        """The model that was loaded. Raises IsnadError, as ``stream`` does."""
        self._done.wait()
        if self._error or self._model is None or self._store is None:
            raise self._failure()
        return self._model

    @contextmanager
    def collection(self, *, writing: bool, waiting: Callable[[str], None]) -> Iterator[Store]:
        """The open collection; writers come one after the other, after a message."""
        self.model()
        assert self._store is not None
        if not writing:
            yield self._store
            return
        if not self._writing.acquire(blocking=False):
            waiting("Another command is writing to the collection; waiting for it to finish …")
            self._writing.acquire()
        try:
            yield self._store
        finally:
            self._writing.release()

    def adopt(self, model: Model, settings: Settings) -> None:
        """Answers with another model from now on, which the collection has been rebuilt with."""
        assert self._store is not None
        self._assistant = build_assistant(settings, model, self._store)
        self._model, self.settings = model, settings

    def _failure(self) -> IsnadError:
        return self._error or IsnadError("The assistant could not be started.")

    def _hold_open(self) -> None:
        # A lock is let go by the thread that took it.
        with ExitStack() as opened:
            self._prepare(opened)
            self._closing.wait()

    def _prepare(self, opened: ExitStack) -> None:
        try:
            model = build_model(self.settings)
            self._status = "Opening the collection…"
            store = build_store(self.settings, model, writing=True, waiting=self._say)
            opened.callback(store.close)
            self._model, self._store = model, store
            # From here on other processes find the folder taken, and their commands come here and wait.
            opened.enter_context(listening(self.settings, self._session, commands=COMMANDS))
            if self._samples and not store.count():
                self._fill(model, store)
            self._assistant = build_assistant(self.settings, model, store)
            self._offer()
        except IsnadError as error:
            self._error = error
            self._status = str(error)
        except Exception as error:
            log.exception("The assistant could not be started")
            self._error = IsnadError(
                f"The assistant could not be started: {type(error).__name__}. See the server's log."
            )
            self._status = str(self._error)
        finally:
            self._done.set()

    def _offer(self) -> None:
        """Says that a model is at hand where none is set; it is not used unasked."""
        if not (self.settings.llm or self.settings.llm_base_url) and (models := ollama_models()):
            log.warning("Ollama is running here: ISNAD_LLM=ollama:%s would have answers written.", models[0])

    def _say(self, message: str) -> None:
        log.warning(message)
        self._status = message

    def _session(self, settings: Settings, console: Remote) -> Session:
        return ServedSession(self, settings, console.warn)

    def _fill(self, model: Model, store: Store) -> None:
        from ingest.complete import Overrides
        from ingest.index import Ingested, ingest, open_catalog
        from ingest.load import find_files
        from ingest.read import read

        with resources.as_file(resources.files("ingest") / "sample_articles") as folder:
            files = list(find_files([Path(folder)]))
            readings = read(files, Overrides())
            done = 0
            for result in ingest(readings, open_catalog(store), store, model.embedder, model.means):
                done += isinstance(result, Ingested)
                self._status = f"Reading the sample articles: {done} of {len(files)}…"
        log.info("Added %d sample articles", done)


class ServedSession:
    """The model and the collection of a page that is being served."""

    def __init__(self, backend: Backend, settings: Settings, waiting: Callable[[str], None]) -> None:
        self.settings = settings
        self._backend = backend
        self._waiting = waiting

    def model(self) -> Model:
        """The page's model. Raises SettingsError when the command is to use another."""
        check_same_model(self.settings, self._backend.settings)
        return self._backend.model()

    def new_model(self) -> Model:
        """The page's model, or another that the command names."""
        if self.settings.embedding_model != self._backend.settings.embedding_model:
            return build_model(self.settings)
        return self._backend.model()

    @contextmanager
    def collection(self, model: Model | None = None, *, writing: bool = False) -> Iterator[Store]:
        """The page's collection."""
        with self._backend.collection(writing=writing, waiting=self._waiting) as store:
            yield store

    def rebuilt(self, model: Model) -> None:
        """Has the page answer with the model that the collection is now of."""
        self._backend.adopt(model, self.settings)


def _holdings(store: Store) -> str:
    """One line that says how many articles there are and in which languages."""
    languages = store.languages()
    if not languages:
        return "There are no articles yet. Add some with: isnad ingest FILE_OR_FOLDER"
    names = [name(code, reader="en") for code, _ in sorted(languages.items(), key=lambda item: -item[1]) if code]
    count = sum(languages.values())
    return f"{count} article{'s' if count != 1 else ''} in {', '.join(names)}"
