"""What a command works on: a model and a collection of its own, or those of a page that is being served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from rag.build import Model, build_existing_store, build_model, build_store
from rag.settings import Settings
from rag.store import Store


class Session(Protocol):
    """The model and the collection that the settings name."""

    @property
    def settings(self) -> Settings:
        """The settings that the command was started with."""
        ...

    def model(self) -> Model:
        """The embedding model. Raises ModelError, SettingsError where another one is loaded than the settings name."""
        ...

    def new_model(self) -> Model:
        """The embedding model for a rebuild, whichever one is loaded. Raises ModelError."""
        ...

    def collection(self, model: Model | None = None, *, writing: bool = False) -> AbstractContextManager[Store]:
        """The collection, checked to be of that model if one is given. Raises StoreError."""
        ...

    def rebuilt(self, model: Model) -> None:
        """Takes note that the collection is now of another model."""
        ...


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A model and a collection that are opened for one command; a busy collection is waited for."""

    settings: Settings
    waiting: Callable[[str], None]

    def model(self) -> Model:
        """The embedding model. Raises ModelError."""
        return build_model(self.settings)

    def new_model(self) -> Model:
        """The same. Raises ModelError."""
        return self.model()

    @contextmanager
    def collection(self, model: Model | None = None, *, writing: bool = False) -> Iterator[Store]:
        """The collection, checked to be of that model if one is given. Raises StoreError.

        While it is written to with a model at hand, others can go on asking: their commands are carried out here.
        """
        if model is None:
            with build_existing_store(self.settings, writing=writing, waiting=self.waiting) as store:
                yield store
            return
        from ui.control import READING, listening

        with build_store(self.settings, model, writing=writing, waiting=self.waiting) as store:
            sharing = listening(
                self.settings,
                lambda settings, _: SharedSession(settings, self.settings, model, store),
                commands=READING,
            )
            with sharing if writing else nullcontext():
                yield store

    def rebuilt(self, model: Model) -> None:
        """Nothing: the command is at its end."""


@dataclass(frozen=True, slots=True)
class SharedSession:
    """The model and the collection of an ingest that is going on, for commands that only read."""

    settings: Settings
    _of: Settings
    _model: Model
    _store: Store

    def model(self) -> Model:
        """The model of the ingest. Raises SettingsError when the command is to use another."""
        from ui.control import check_same_model

        check_same_model(self.settings, self._of)
        return self._model

    def new_model(self) -> Model:
        """The same: no rebuild comes here."""
        return self.model()

    @contextmanager
    def collection(self, model: Model | None = None, *, writing: bool = False) -> Iterator[Store]:
        """The collection of the ingest."""
        yield self._store

    def rebuilt(self, model: Model) -> None:
        """Nothing: no rebuild comes here."""
