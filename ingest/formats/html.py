"""Web pages into drafts: HTML, saved or fetched, and MHTML, the single file that browsers save a page as."""

from __future__ import annotations

import dataclasses
import email
import re
from collections.abc import Iterator
from email.message import Message
from typing import BinaryIO

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingest.decode import decode
from ingest.draft import Draft, Failure, Source
from ingest.formats.html_facts import read_facts
from rag.errors import ArticleError

# Reading takes up to 2.6 s a megabyte of markup; pages of articles have 0.1 to 2 MB.
_LARGEST_PAGE = 20_000_000
# With the pictures of the page.
_LARGEST_ARCHIVE = 50_000_000
_HEAD = 4096
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]{0,300}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# What Chrome, Edge and Firefox write into the pages they save.
_SAVED_FROM = re.compile(r"<!-- saved from url=\(\d+\)(https?://\S+) -->")
# Characters that no XML text can hold; lxml refuses them.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# trafilatura takes these for control characters and drops them, though Persian and many Indic words are misspelt
# without: the zero-width non-joiner and joiner.
_JOINERS = "\u200c\u200d"
# Letters that stand for them meanwhile, taken from the hieroglyphs that the page does not use.
_STAND_INS = tuple(map(chr, range(0x13000, 0x13400)))
# trafilatura takes a shorter text for a failure and then keeps the menus too. Its own 250 characters are too many for
# Chinese, where they are a whole story: of 90 pages with two paragraphs (ar, fa, he, ru, zh; six layouts) 26 came out
# with menus and comments at 250, 16 at 120 and none at 60.
_SHORTEST = 60
# The elements of trafilatura's result that are lines of their own.
_LINES = frozenset("p head item quote code row lb list table body".split())


def load_html(source: Source) -> Iterator[Draft | Failure]:
    """The article of a web page: its main text, one paragraph a line, and what the page states about it.

    Raises ArticleError when the page is too large or has no text.
    """
    raw = _read(source.file, largest=_LARGEST_PAGE)
    header = Message()
    header["Content-Type"] = source.media_type
    yield _draft(raw, charset=header.get_content_charset("") if source.media_type else "", url=source.url)


def load_mhtml(source: Source) -> Iterator[Draft | Failure]:
    """The article of a page that a browser saved as one file. Raises ArticleError when there is no page in it."""
    raw = _read(source.file, largest=_LARGEST_ARCHIVE)
    try:
        message = email.message_from_bytes(raw)
        pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
        address = str(message.get("Snapshot-Content-Location", "")).strip()
        named = [part for part in pages if address and str(part.get("Content-Location", "")).strip() == address]
        page = next(iter(named + pages), None)
        body = page.get_payload(decode=True) if page is not None else None
        charset = page.get_content_charset("") if page is not None else ""
    except Exception as error:  # the parser of e-mail has no error of its own for what it stumbles over
        raise ArticleError(f"expected a page saved as MHTML, but it cannot be taken apart ({error}).") from error
    if not isinstance(body, bytes):
        raise ArticleError("expected a page saved as MHTML, found no HTML part in it; save the page again.")
    url = address if address.startswith(("http://", "https://")) else source.url
    yield _draft(body, charset=charset, url=url)


def _read(file: BinaryIO, *, largest: int) -> bytes:
    raw = file.read(largest + 1)
    if len(raw) > largest:
        raise ArticleError(f"larger than {largest // 1_000_000} MB, which no article is; save the article alone.")
    return raw


def _draft(raw: bytes, *, charset: str, url: str) -> Draft:
    declared = _CHARSET.search(raw[:_HEAD])
    # A statement that can be read as ASCII is not in UTF-16, whatever it says.
    if not charset and declared and not declared[1].lower().startswith(b"utf-16"):
        charset = declared[1].decode("ascii", "replace")
    decoded = decode(raw, declared=charset)
    if not url and (saved := _SAVED_FROM.search(decoded.text[:_HEAD])):
        url = saved[1]
    tree, parse_notes = _parse(decoded.text)
    facts = read_facts(tree, url=url)
    text, text_notes = _main_text(tree)
    if not text and parse_notes:
        raise ArticleError("its text is nested more than 2,048 levels deep; open it in a browser and save it as text.")
    if not text:
        raise ArticleError(
            "expected a page with text, found none; if a script builds the page, save it from a browser as HTML first."
        )
    return dataclasses.replace(facts, text=text, notes=(*decoded.notes, *parse_notes, *text_notes))


def _parse(text: str) -> tuple[HtmlElement, list[str]]:
    """The tree of a page and what to say about the parsing. Raises ArticleError when there is no page."""
    # Bytes with a stated encoding: a declaration within the page, which was true of its file, is not followed again.
    # "huge" lifts the parser's limits from 256 levels to 2048 and from 10 MB to 1 GB a text; it stops there by itself.
    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        tree = document_fromstring(_FORBIDDEN.sub("", text).encode("utf-8"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise ArticleError("expected a web page, found nothing that can be read as HTML.") from error
    # Scripts and inline pictures are often megabytes, in which every later step would search for text and dates.
    for element in list(tree.iter("script", "style")):
        if "ld+json" not in (element.get("type") or "").lower():
            element.drop_tree()
    for picture in tree.xpath("//@src[starts-with(., 'data:')]"):
        del picture.getparent().attrib["src"]
    cut = any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log)
    return tree, ["The page is nested too deeply; what lies deeper was left out."] if cut else []


def _main_text(tree: HtmlElement) -> tuple[str, list[str]]:
    """The text of the article, one paragraph a line, and what to say about how it was found; "" where there is none."""
    from trafilatura import bare_extraction, baseline
    from trafilatura.settings import Document, Extractor

    stand_ins = _replace_joiners(tree)
    options = Extractor(comments=False)
    options.min_extracted_size = _SHORTEST
    try:
        found = bare_extraction(tree, options=options)
        text = _lines(found.body) if isinstance(found, Document) else ""
    except Exception:  # trafilatura guards against ValueError only; the plain ways below need less of the page
        text = ""
    notes = []
    if not text:
        notes = ["The article could not be told from the rest of the page, so all of the page's text is kept."]
        try:
            text = _lines(baseline(tree)[0])
        except Exception:  # as above
            text = ""
    if not text:
        etree.strip_elements(tree, "script", "style", "template", "head", with_tail=False)
        text = "\n".join(line for piece in tree.itertext() if (line := " ".join(piece.split())))
    return text.translate(stand_ins), notes


def _replace_joiners(tree: HtmlElement) -> dict[int, str]:
    """A translation that undoes what is done here: every joiner in the page's text becomes a letter it does not use."""
    text = "".join(tree.itertext())
    unused = [letter for letter in _STAND_INS if letter not in text][: len(_JOINERS)]
    present = {joiner: letter for joiner, letter in zip(_JOINERS, unused, strict=False) if joiner in text}
    forth = str.maketrans(present)
    if present:
        for element in tree.iter(etree.Element):
            element.text = element.text and element.text.translate(forth)
            element.tail = element.tail and element.tail.translate(forth)
    return str.maketrans({letter: joiner for joiner, letter in present.items()})


def _lines(body: etree._Element) -> str:
    """The text of trafilatura's tree: a paragraph, item or heading a line, a table's row a line with tabs.

    Its own conversion to text adds list marks and drops the joiners of Persian and Indic scripts.
    """
    pieces: list[str] = []
    in_cell = in_code = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        step = 1 if event == "start" else -1
        in_code += step * (element.tag == "code")
        if element.tag in _LINES:
            pieces.append(" " if in_cell else "\n")
        if element.tag == "cell" and len(element.getparent()) > 1:  # a row of one cell is layout, not a table
            in_cell += step
            pieces.append("\t" if event == "start" else "")
        text = (element.text if event == "start" else element.tail) or ""
        pieces.append(text if in_code and not in_cell else " ".join(re.split(r"\s+", text)))
    lines = re.sub(r"[^\S\n\t]+", " ", "".join(pieces)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())
