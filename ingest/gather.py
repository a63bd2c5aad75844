"""What the command line names, into items to read: files, folders, standard input, addresses."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ingest.complete import address_identity
from ingest.draft import Failure
from ingest.fetch import Fetcher, GoneError, Page
from ingest.load import Item, find_files
from ingest.read import Reading
from ingest.web import Facts, media_suffix, read_address
from rag.errors import ArticleError

# The first bytes of what may come on standard input, where no name tells the format; anything else is taken for text.
_SIGNATURES = (
    (b"%PDF", ".pdf"),
    (b"PAR1", ".parquet"),
    (b"PK", ".zip"),
    (b"{", ".jsonl"),
    (b"[", ".json"),
    (b"<", ".html"),
)


def is_address(text: str) -> bool:
    """Whether the text is a web address rather than a path."""
    return text.lower().startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is to be read: ``items`` in order, the files and folders that were named (absolute), and the files' bytes.

    ``empty`` says that there is not one file and no address.
    """

    items: Iterator[Item | Reading]
    folders: list[Path]
    size: int
    empty: bool


def gather(
    names: Sequence[str], *, max_articles: int, allow_private: bool, typed: Path | None = None, suffix: str = ""
) -> Gathered:
    """What the names stand for; pages are fetched only as they are asked for.

    ``-`` stands for the file ``typed``, which holds what came on standard input, in the format of ``suffix`` or what it
    looks like. Raises UsageError for a path that does not exist.
    """
    paths = [Path(name) for name in names if name != "-" and not is_address(name)]
    found = {str(path): list(find_files([path])) for path in paths}
    size = sum(item.size for items in found.values() for item in items)

    def items() -> Iterator[Item | Reading]:
        with Fetcher(allow_private=allow_private) as fetcher:
            for name in names:
                if name == "-" and typed:
                    yield _typed_item(typed, suffix)
                elif is_address(name):
                    yield from _pages(name, fetcher, max_articles)
                else:
                    yield from found[str(Path(name))]

    empty = not any(found.values()) and len(paths) == len(names)
    return Gathered(items(), [path.resolve() for path in paths], size, empty)


def _typed_item(path: Path, suffix: str) -> Item:
    with path.open("rb") as file:
        head = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    guess = next((found for signature, found in _SIGNATURES if head.startswith(signature)), ".txt")
    # Without an identity of its own, an article that states no address is known by its text.
    return Item(path, name="standard input", identity="", origin="", suffix=suffix or guess)


def _pages(address: str, fetcher: Fetcher, max_articles: int) -> Iterator[Item | Reading]:
    try:
        for found in read_address(address, fetcher, max_articles=max_articles):
            if isinstance(found, Failure):
                yield Reading(found.where, found.where, reason=f"{found.where}: {found.reason}")
                continue
            with _page_item(*found) as item:
                yield item
    except ArticleError as error:
        gone = isinstance(error, GoneError)
        yield Reading(address, address, reason=f"{address}: {error}", gone=gone)


@contextmanager
def _page_item(page: Page, facts: Facts) -> Iterator[Item]:
    """The page as an item, for as long as its bytes are in a file."""
    descriptor, path = tempfile.mkstemp(prefix="isnad-page-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(page.body)
        yield Item(
            Path(path),
            name=page.url,
            identity=address_identity(page.url),
            origin=page.url,
            suffix=media_suffix(page.media_type, page.url),
            media_type=page.media_type,
            url=page.url,
            facts=tuple(facts.items()),
        )
    finally:
        Path(path).unlink(missing_ok=True)


@contextmanager
def spooled(stream: BinaryIO) -> Iterator[Path]:
    """A file with all that comes on a stream, for as long as it is needed."""
    descriptor, path = tempfile.mkstemp(prefix="isnad-input-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            while chunk := stream.read(1 << 20):
                file.write(chunk)
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)
