"""What loaders read from and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes to read articles from. ``file`` is seekable and stands at its beginning.

    ``media_type`` is what a web server said (``text/html; charset=windows-1256``), ``url`` the address that was
    fetched; both are empty for a file. ``fields`` renames the fields of records: Isnad's name to the record's.
    """

    name: str
    file: BinaryIO
    media_type: str = ""
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its source gives it: nothing detected, checked or completed yet; what the source lacks is empty.

    ``published`` is as written there, ISO 8601 or not. ``pages`` are the offsets in ``text`` where each page begins.
    ``key`` tells the records of one source apart (an id of its own), ``where`` says where in the source it stands
    ("line 3", "reports/a.html"), ``guessed`` names the fields that the source does not state but that were inferred,
    and ``notes`` say in a sentence each what the reader should know, such as a repair. ``extra`` holds what only
    Isnad's own export has.
    """

    text: str
    title: str = ""
    url: str = ""
    publisher: str = ""
    author: str = ""
    published: str = ""
    language: str = ""
    pages: tuple[int, ...] = ()
    key: str = ""
    where: str = ""
    guessed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """A part of a source that cannot be read, such as one record of many; the others go on."""

    where: str
    reason: str


# A loader yields what is in a source, or raises ArticleError with a reason (without the source's name) when nothing is.
Loader = Callable[[Source], Iterator[Draft | Failure]]
