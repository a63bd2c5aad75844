"""What the chat page asks: an assistant that is made ready in the background while the page is already there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from rag.assistant import Options
from rag.build import Model, build_model, build_store
from rag.errors import EmptyCollectionError, IsnadError
from rag.ollama import ollama_models
from rag.settings import Settings
from rag.store import Store
from rag.types import Answer, Filters, Mode, Turn
from ui.commands import COMMANDS
from ui.console import Remote
from ui.control import check_same_model, listening
from ui.session import Session

if TYPE_CHECKING:
    from ingest.isnad import Isnad, Watch

log = logging.getLogger(__name__)

# Seconds.
_CLOSING = 5.0
_FIRST_QUESTION = "What do the articles say?"


class Stage(StrEnum):
    """What is being done, or that it is done."""

    MODEL = "model"
    COLLECTION = "collection"
    WAITING = "waiting"
    SAMPLES = "samples"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class State:
    """How far a page is: its ``stage``, how many of how many are done, and what to say when waiting or failed."""

    stage: Stage
    message: str = ""
    done: int = 0
    total: int = 0


class Backend:
    """Loads the model, fills an empty collection with the samples if asked to, and then answers.

    It has the collection's folder to itself, and carries out what commands in other processes want of it.
    """

    def __init__(self, settings: Settings, *, samples: bool) -> None:
        self.settings = settings
        self.state = State(Stage.MODEL)
        self._watch: Watch | None = None
        self._samples = samples
        self._isnad: Isnad | None = None
        self._error: IsnadError | None = None
        self._done = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._hold_open, name="isnad-prepare", daemon=True)

    def start(self) -> None:
        """Begins to make ready, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Leaves the collection to others."""
        self._closing.set()
        self._thread.join(_CLOSING)  # it may be waiting for another process, or converting the model

    def watch(self, watch: Watch) -> None:
        """Has every stream of answers pass through that from now on."""
        self._watch = watch
        if self._isnad is not None:
            self._isnad.watch = watch

    @property
    def ready(self) -> bool:
        """Whether making ready has ended, well or not."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits until ready, at most so long; whether it is."""
        return self._done.wait(seconds)

    def isnad(self) -> Isnad:
        """The collection and its assistant, waited for. Raises IsnadError, the one that making ready ended with."""
        self._done.wait()
        if self._isnad is None or self._error:
            raise self._error or IsnadError("The assistant could not be started.")
        return self._isnad

    def stream(
        self, question: str, filters: Filters, turns: Sequence[Turn], options: Options
    ) -> Generator[Answer, None, None]:
        """What ``Isnad.stream`` yields, once ready. Raises IsnadError, also the one that making ready ended with."""
        yield from self.isnad().stream(question, filters, turns=turns, options=options)

    @contextmanager
    def collection(self, *, writing: bool, waiting: Callable[[str], None]) -> Iterator[Store]:
        """The open collection; writers come one after the other, after a message."""
        isnad = self.isnad()
        if not writing:
            yield isnad.store
            return
        if not isnad.writing.acquire(blocking=False):
            waiting("Another command is writing to the collection; waiting for it to finish …")
            isnad.writing.acquire()
        try:
            yield isnad.store
        finally:
            isnad.writing.release()

    def adopt(self, model: Model, settings: Settings) -> None:
        """Answers with another model from now on, which the collection has been rebuilt with."""
        self.isnad().adopt(settings, model)
        self.settings = settings

    def _hold_open(self) -> None:
        # A lock is let go by the thread that took it.
        with ExitStack() as opened:
            self._prepare(opened)
            self._closing.wait()

    def _prepare(self, opened: ExitStack) -> None:
        try:
            from ingest.isnad import Isnad  # the page comes up while this and the model are loaded

            model = build_model(self.settings)
            self.state = State(Stage.COLLECTION)
            store = build_store(self.settings, model, writing=True, waiting=self._say)
            opened.callback(store.close)
            # From here on other processes find the folder taken, and their commands come here and wait.
            opened.enter_context(listening(self.settings, self._session, commands=COMMANDS))
            self._isnad = Isnad(self.settings, model, store)
            if self._watch:
                self._isnad.watch = self._watch
            if self._samples and not store.count():
                self._fill(self._isnad)
            self._offer()
            _warm_up(self._isnad)
            self.state = State(Stage.READY)
        except IsnadError as error:
            self._fail(error)
        except Exception as error:
            log.exception("The assistant could not be started")
            self._fail(IsnadError(f"The assistant could not be started: {type(error).__name__}. See the server's log."))
        finally:
            self._done.set()

    def _fail(self, error: IsnadError) -> None:
        self._error = error
        self.state = State(Stage.FAILED, str(error))

    def _offer(self) -> None:
        """Says that a model is at hand where none is set; it is not used unasked."""
        if not (self.settings.llm or self.settings.llm_base_url) and (models := ollama_models()):
            log.warning("Ollama is running here: ISNAD_LLM=ollama:%s would have answers written.", models[0])

    def _say(self, message: str) -> None:
        log.warning(message)
        self.state = State(Stage.WAITING, message)

    def _session(self, settings: Settings, console: Remote) -> Session:
        return ServedSession(self, settings, console.warn)

    def _fill(self, isnad: Isnad) -> None:
        from ingest.load import find_files

        with resources.as_file(resources.files("ingest") / "sample_articles") as folder:
            total = sum(1 for _ in find_files([Path(folder)]))
            for done, _ in enumerate(isnad.add(folder), 1):
                self.state = State(Stage.SAMPLES, done=done, total=total)
        log.info("Added %d sample articles", total)


def _warm_up(isnad: Isnad) -> None:
    """Asks something, so that whatever is loaded with the first question is there when a reader asks."""
    with suppress(EmptyCollectionError):
        isnad.assistant.ask(_FIRST_QUESTION, options=Options(Mode.EXTRACTIVE))


class ServedSession:
    """The model and the collection of a page that is being served."""

    def __init__(self, backend: Backend, settings: Settings, waiting: Callable[[str], None]) -> None:
        self.settings = settings
        self._backend = backend
        self._waiting = waiting

    def model(self) -> Model:
        """The page's model. Raises SettingsError when the command is to use another."""
        check_same_model(self.settings, self._backend.settings)
        return self._backend.isnad().model

    def new_model(self) -> Model:
        """The page's model, or another that the command names."""
        if self.settings.embedding_model != self._backend.settings.embedding_model:
            return build_model(self.settings)
        return self._backend.isnad().model

    @contextmanager
    def collection(self, model: Model | None = None, *, writing: bool = False) -> Iterator[Store]:
        """The page's collection."""
        with self._backend.collection(writing=writing, waiting=self._waiting) as store:
            yield store

    def rebuilt(self, model: Model) -> None:
        """Has the page answer with the model that the collection is now of."""
        self._backend.adopt(model, self.settings)
