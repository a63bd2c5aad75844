"""Every error that Isnad raises on purpose.

IsnadError                 exit code 1: something failed
├── UsageError             exit code 2: the request itself is wrong
│   ├── SettingsError      a setting, variable or flag
│   └── QuestionError      an empty or overlong question
├── ModelError             the embedding model cannot be prepared or loaded
├── LanguageModelError     the language model cannot be reached, or fails
├── ArticleError           one article or file cannot be read; the others go on
└── StoreError             the collection cannot be opened, read or written
    ├── StoreMismatchError it was made with another model, space or version (exit code 2)
    ├── StoreBusyError     another process holds it
    └── EmptyCollectionError
                           there is nothing to ask yet

Messages say what was expected, what came and what to do, in one line.
"""

from __future__ import annotations


class IsnadError(Exception):
    """The root of all errors that a user is meant to read."""

    exit_code = 1


class UsageError(IsnadError):
    """The request is wrong, and saying it again will not help."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown or has a value that cannot be used."""


class QuestionError(UsageError):
    """A question that cannot be asked: empty, or too long."""


class ModelError(IsnadError):
    """The embedding model cannot be prepared or loaded."""


class LanguageModelError(IsnadError):
    """The language model cannot be loaded or reached, or failed while it wrote."""


class ArticleError(IsnadError):
    """One article cannot be read or is empty."""


class StoreError(IsnadError):
    """The collection cannot be opened, read or written."""


class StoreMismatchError(StoreError):
    """The collection was made with another embedding model, distance or version."""

    exit_code = 2


class StoreBusyError(StoreError):
    """Another process is writing to the collection, or reading it while this one wants to write."""


class EmptyCollectionError(StoreError):
    """There are no articles in the collection."""
