"""What the chat page asks: an assistant that is made ready in the background while the page is already there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from rag.assistant import Assistant
from rag.build import Model, build_assistant, build_model, build_store
from rag.errors import IsnadError
from rag.language import name
from rag.settings import Settings
from rag.store import Store
from rag.types import Answer

log = logging.getLogger(__name__)


class Backend:
    """Loads the model, fills an empty collection with the samples if asked to, and then answers."""

    def __init__(self, settings: Settings, *, samples: bool) -> None:
        self._settings = settings
        self._samples = samples
        self._assistant: Assistant | None = None
        self._error: IsnadError | None = None
        self._done = threading.Event()
        self.status = "Loading the embedding model…"

    def start(self) -> None:
        """Begins to make ready, in a thread of its own."""
        threading.Thread(target=self._prepare, name="isnad-prepare", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether making ready has ended, well or not."""
        return self._done.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits until ready, at most so long; whether it is."""
        return self._done.wait(seconds)

    def stream(self, question: str) -> Iterator[Answer]:
        """What ``Assistant.stream`` yields. Raises IsnadError, also the one that making ready ended with."""
        self._done.wait()
        if self._assistant is None:
            raise self._error or IsnadError("The assistant could not be started.")
        yield from self._assistant.stream(question)

    def _prepare(self) -> None:
        try:
            model = build_model(self._settings)
            if self._samples:
                self._fill(model)
            self.status = "Opening the collection…"
            store = build_store(self._settings, model)
            self._assistant = build_assistant(self._settings, model, store)
            self.status = _holdings(store)
        except IsnadError as error:
            self._error = error
            self.status = str(error)
        except Exception as error:
            log.exception("The assistant could not be started")
            self._error = IsnadError(
                f"The assistant could not be started: {type(error).__name__}. See the server's log."
            )
            self.status = str(self._error)
        finally:
            self._done.set()

    def _fill(self, model: Model) -> None:
        from ingest.index import ingest_files
        from ingest.load import find_files

        with build_store(self._settings, model) as store:
            if store.count():
                return
        with resources.as_file(resources.files("ingest") / "sample_articles") as folder:
            files = list(find_files([Path(folder)]))
            with build_store(self._settings, model, writing=True) as store:
                for number, _ in enumerate(ingest_files(files, store, model.embedder, model.means), start=1):
                    self.status = f"Reading the sample articles: {number} of {len(files)}…"
        log.info("Added %d sample articles", len(files))


def _holdings(store: Store) -> str:
    """One line that says how many articles there are and in which languages."""
    languages = store.languages()
    if not languages:
        return "There are no articles yet. Stop the page, add some with “isnad ingest FILE_OR_FOLDER”, start it again."
    names = [name(code, reader="en") for code, _ in sorted(languages.items(), key=lambda item: -item[1]) if code]
    count = sum(languages.values())
    return f"{count} article{'s' if count != 1 else ''} in {', '.join(names)}"
