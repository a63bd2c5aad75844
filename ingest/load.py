"""The table of formats, and what is in a file or a fetched page as articles."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from courlan import extract_domain

from ingest.complete import Overrides, complete
from ingest.draft import Draft, Failure, Loader, Source
from ingest.formats.archive import members
from ingest.formats.html import load_html, load_mhtml
from ingest.formats.office import load_docx, load_epub, load_odt
from ingest.formats.pdf import load_pdf
from ingest.formats.records import load_csv, load_json, load_jsonl, load_parquet, load_tsv
from ingest.formats.text import load_markdown, load_text
from rag.errors import ArticleError, UsageError
from rag.types import Article

LOADERS: dict[str, Loader] = {
    ".txt": load_text,
    ".md": load_markdown,
    ".html": load_html,
    ".htm": load_html,
    ".mhtml": load_mhtml,
    ".mht": load_mhtml,
    ".pdf": load_pdf,
    ".docx": load_docx,
    ".odt": load_odt,
    ".epub": load_epub,
    ".jsonl": load_jsonl,
    ".json": load_json,
    ".csv": load_csv,
    ".tsv": load_tsv,
    ".parquet": load_parquet,
}
ARCHIVE = ".zip"
SUFFIXES = (*LOADERS, ARCHIVE)
# The formats that hold many articles; a reading of one that was cut short goes on behind what it has given.
MANY = (".jsonl", ".json", ".csv", ".tsv", ".parquet", ARCHIVE)


# Between the file and the key of a record in an origin; a file's own name may hold a "#".
KEY = "\t"


@dataclass(frozen=True, slots=True)
class Item:
    """Something to read: the file that holds the bytes, what to call it, and what its articles are known by.

    ``identity`` is a path relative to the ingested folder or an address, ``origin`` the absolute path or the address,
    ``facts`` what a feed says of a page that may not say it itself.
    """

    path: Path
    name: str
    identity: str
    origin: str
    suffix: str
    media_type: str = ""
    url: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """How many bytes there are to read; 0 for what is not there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """An article that was read, and what there is to say of it.

    ``where`` is its place in a source that holds many, ``position`` how many bytes of the source are read so far.
    """

    article: Article
    where: str
    notes: tuple[str, ...]
    position: int = 0


def find_files(paths: list[Path]) -> Iterator[Item]:
    """The files to read: those named, and inside folders every file with a known suffix, in order.

    Hidden files and folders are passed over. Raises UsageError for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is no file or folder {path}. Check the spelling, or give an absolute path.")
    for path in paths:
        if not path.is_dir():
            yield file_item(path, path.parent)
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in sorted(files):
                file = Path(folder, name)
                if file.suffix.lower() in SUFFIXES and not name.startswith(".") and file.is_file():
                    yield file_item(file, path)


def file_item(path: Path, root: Path) -> Item:
    """A file found in the folder ``root``."""
    identity = path.relative_to(root).as_posix()
    return Item(path, name=str(path), identity=identity, origin=str(path.resolve()), suffix=path.suffix.lower())


def load(item: Item, overrides: Overrides) -> Iterator[Loaded | Failure]:
    """The articles in an item, in order, and the parts of it that cannot be read.

    Raises ArticleError, in one line that begins with the item's name, when the whole of it cannot be.
    """
    with closing(_open(item)) as file:
        source = Source(item.name, file, media_type=item.media_type, url=item.url, fields=overrides.fields)
        keys: Counter[str] = Counter()
        try:
            for draft in _drafts(source, item.suffix):
                if isinstance(draft, Failure):
                    yield draft
                    continue
                loaded = _finish(_with_facts(draft, item), item, overrides, keys)
                yield loaded if isinstance(loaded, Failure) or file.closed else replace(loaded, position=file.tell())
        except ArticleError as error:
            raise ArticleError(f"{item.name}: {error}") from error


def _open(item: Item) -> BinaryIO:
    try:
        # Looked at before it is opened: opening a pipe would wait for somebody to write.
        if not stat.S_ISREG(item.path.stat().st_mode):
            raise ArticleError(f"{item.name}: cannot be read: it is not a file.")
        return item.path.open("rb")
    except OSError as error:
        raise ArticleError(f"{item.name}: cannot be read: {error.strerror or error}.") from error


def _drafts(source: Source, suffix: str) -> Iterator[Draft | Failure]:
    if suffix in LOADERS:
        yield from LOADERS[suffix](source)
        return
    if suffix != ARCHIVE:
        raise ArticleError(f"expected one of {', '.join(SUFFIXES)}, found {suffix or 'no suffix'}.")
    for member in members(source, accepts=lambda name: PurePosixPath(name).suffix.lower() in LOADERS):
        if isinstance(member, Failure):
            yield member
            continue
        name, file = member
        with closing(file):
            yield from _member_drafts(replace(source, name=name, file=file))


def _member_drafts(source: Source) -> Iterator[Draft | Failure]:
    """What is in one member of an archive; a member that cannot be read does not stop the others."""
    try:
        for draft in LOADERS[PurePosixPath(source.name).suffix.lower()](source):
            where = f"{source.name}, {draft.where}" if draft.where else source.name
            if isinstance(draft, Failure):
                yield replace(draft, where=where)
            else:
                # Where a member holds many, its path and the record's own key together tell them apart.
                yield replace(draft, where=where, key=f"{source.name}#{_key(draft)}" if draft.where else source.name)
    except ArticleError as error:
        yield Failure(source.name, str(error))


def _finish(draft: Draft, item: Item, overrides: Overrides, keys: Counter[str]) -> Loaded | Failure:
    identity, origin = item.identity, item.origin
    if draft.where:  # one of many: told apart by its own key, and a second one with the same key by a number
        key = _key(draft)
        keys[key] += 1
        mark = key if keys[key] == 1 else f"{key}~{keys[key]}"
        identity, origin = f"{identity}#{mark}", f"{origin}{KEY}{mark}"
    try:
        article, notes = complete(draft, identity=identity, origin=origin, overrides=overrides)
    except ArticleError as error:
        if draft.where:
            return Failure(draft.where, str(error))
        raise
    return Loaded(article, draft.where, notes)


def _key(draft: Draft) -> str:
    """What tells a record from the others of its file also when more are put before it: its id, else its title."""
    return next(key for text in (draft.key, draft.title, draft.text[:200], "-") if (key := " ".join(text.split())))


def _with_facts(draft: Draft, item: Item) -> Draft:
    """The draft with what the feed says where the page itself does not, which is the source's own word as well."""
    facts = dict(item.facts)
    if item.suffix not in MANY:
        facts["url"] = item.url
    if item.url and draft.url and extract_domain(draft.url) != extract_domain(item.url):
        # An address is an article's identity: no page may take the place of another site's article.
        note = f"names {draft.url} as its own address, which is another site's and was not taken"
        draft = replace(draft, url="", notes=(*draft.notes, note))
    lacking: dict[str, Any] = {
        name: value for name, value in facts.items() if value and (name in draft.guessed or not getattr(draft, name))
    }
    return replace(draft, **lacking, guessed=tuple(name for name in draft.guessed if name not in lacking))
