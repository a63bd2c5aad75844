"""Word files, OpenDocument texts and EPUB books: zip archives of XML."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ingest.draft import Draft, Source
from rag.errors import ArticleError

# Bytes of XML that a document may unpack to, really read; a thousand-page book has some 10 MB.
_LARGEST = 100_000_000
_ODT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPF = "{http://www.idpf.org/2007/opf}"
_BLOCKS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "blockquote", "td", "th", "pre", "dt", "dd")


def load_docx(source: Source) -> Iterator[Draft]:
    """The one article of a Word file: paragraphs and tables in the order of the document."""
    _check(source, "Word file")
    import docx
    from docx.table import Table

    try:
        document = docx.Document(source.file)
        lines = []
        for block in document.iter_inner_content():
            if isinstance(block, Table):
                lines += ["\t".join(cell.text.strip() for cell in row.cells) for row in block.rows]
            else:
                lines.append(block.text)
        facts = document.core_properties
        created = facts.created.isoformat() if facts.created else ""
        draft = Draft(
            text="\n".join(line for line in lines if line.strip()),
            title=facts.title or "",
            author=facts.author or "",
            language=facts.language or "",
            published=created,
            guessed=("published",) if created else (),
        )
    except Exception as error:  # python-docx raises whatever the XML leads it to
        raise _unreadable("Word file", error) from error
    yield draft


def load_odt(source: Source) -> Iterator[Draft]:
    """The one article of an OpenDocument text."""
    archive = _check(source, "OpenDocument text")
    tree = _xml(archive, "content.xml")
    lines = ["".join(each.itertext()) for each in tree.iter(f"{_ODT}p", f"{_ODT}h")]
    meta = _xml(archive, "meta.xml") if "meta.xml" in archive.namelist() else tree
    facts = {name: next((each.text or "" for each in meta.iter(f"{_DC}{name}")), "") for name in _FACTS}
    yield Draft(
        text="\n".join(line for line in lines if line.strip()),
        title=facts["title"],
        author=facts["creator"],
        language=facts["language"],
        published=facts["date"],
        guessed=("published",) if facts["date"] else (),
    )


_FACTS = ("title", "creator", "language", "date", "publisher")


def load_epub(source: Source) -> Iterator[Draft]:
    """The one article of an EPUB book: its chapters in reading order."""
    archive = _check(source, "EPUB book")
    container = _xml(archive, "META-INF/container.xml")
    package = next((each.get("full-path", "") for each in container.iter() if each.get("full-path")), "")
    tree = _xml(archive, package)
    files = {each.get("id"): each.get("href", "") for each in tree.iter(f"{_OPF}item")}
    lines: list[str] = []
    for reference in tree.iter(f"{_OPF}itemref"):
        href = unquote(files.get(reference.get("idref"), ""))
        path = posixpath.normpath(posixpath.join(posixpath.dirname(package), href))
        if path in archive.namelist():
            chapter = _xml(archive, path)
            blocks = (each for each in chapter.iter() if str(each.tag).rpartition("}")[2] in _BLOCKS)
            lines += [" ".join("".join(block.itertext()).split()) for block in blocks if not _holds_blocks(block)]
    facts = {name: next((each.text or "" for each in tree.iter(f"{_DC}{name}")), "") for name in _FACTS}
    yield Draft(
        text="\n".join(line for line in lines if line),
        title=facts["title"],
        author=facts["creator"],
        publisher=facts["publisher"],
        language=facts["language"],
        published=facts["date"],
    )


def _holds_blocks(block: Any) -> bool:  # noqa: ANN401  # an XML element, which has no type of its own here
    return any(str(each.tag).rpartition("}")[2] in _BLOCKS for each in block.iterdescendants())


def _check(source: Source, kind: str) -> zipfile.ZipFile:
    """The archive, once all its XML was found to unpack to a size that is none of a bomb."""
    try:
        archive = zipfile.ZipFile(source.file)
        left = _LARGEST
        for info in archive.infolist():
            if info.filename.lower().endswith((".xml", ".rels", ".xhtml", ".html", ".htm", ".opf")):
                with archive.open(info) as member:
                    while chunk := member.read(1 << 20):
                        left -= len(chunk)
                        if left < 0:
                            raise ArticleError(f"its XML is larger than {_LARGEST // 1_000_000} MB; it may be a bomb.")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _unreadable(kind, error) from error
    source.file.seek(0)
    return archive


def _xml(archive: zipfile.ZipFile, name: str) -> Any:  # noqa: ANN401  # an XML element
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        tree = etree.fromstring(archive.read(name), parser=parser)
    except (KeyError, etree.LxmlError, zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError) as error:
        raise _unreadable("document", error) from error
    if tree is None:
        raise ArticleError(f"expected XML in its {name}, found none.")
    return tree


def _unreadable(kind: str, error: Exception) -> ArticleError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return ArticleError(f"expected a {kind}, found what cannot be read as one: {reason[:200]}.")
