"""PDF files: lines of letters on paper into paragraphs, with the offset at which each page begins.

Read by pdfium, which gives every letter with its place: right-to-left text is put in reading order from where the
letters lie, not from the order in which a program happened to draw them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from ctypes import POINTER, c_ushort, cast, create_string_buffer
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from ingest.clean import clean_pages, clean_text
from ingest.draft import Draft, Source
from ingest.visual import RTL
from rag.errors import ArticleError

if TYPE_CHECKING:
    from ingest.formats.pdf_lines import Line

# A line ends a paragraph when the step to the next one is so much larger than usual, …
_GAP = 1.4
# … when the next one's letters are so much larger or smaller, …
_OTHER_SIZE = 1.15
# … when it ends a sentence and leaves that much of the column's width free, …
_SHORT = 0.88
# … or the next one begins so many ems further in, as the first line of a paragraph does.
_INDENT = (0.7, 5.0)
_SENTENCE_END = re.compile(r"[.!?…؟۔。！？।:»”\"')\]]\s*$")
# Words before which a hyphen stands for the second half of a word ("Import- und Export"), in the languages that do so.
_ELLIPSIS = re.compile(r"(?:und|oder|bzw|and|or|et|ou|en|of|och|eller|og|ja|tai)\b")
_HYPHENATED = re.compile(r"[^\W\d_][-\u00ad\u2010]$")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
_NUMBERS = re.compile(r"[\d\u0660-\u0669\u06f0-\u06f9]+")
# Lines at the head and foot of a page that stand on so many pages, numbers aside, are no part of the text.
_MARGIN_LINES = 2
_REPEATED_PAGES = 3
# The lines at the top whose letters are so much larger than most are the title, if that is all they are.
_TITLE_SIZE = 1.25
_LONGEST_TITLE = 200
# So many pages without text are named in a note.
_NAMED_PAGES = 10
_NO_TITLE = re.compile(r"\.\w{2,5}$|^Microsoft |^untitled|^\W*$|^.{0,2}$", re.IGNORECASE)
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(?:(Z)|([+-]\d\d)'?(\d\d)?)?")


def load_pdf(source: Source) -> Iterator[Draft]:
    """The one article of a PDF. Raises ArticleError for one that is encrypted, damaged or without a text layer."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source.file, autoclose=False)
    except (pypdfium2.PdfiumError, ValueError, OSError) as error:
        if "password" in str(error).lower():
            raise ArticleError("it needs a password; remove that first, for example with qpdf --decrypt.") from error
        raise ArticleError(f"expected a PDF, found what cannot be read as one: {error}.") from error
    try:
        facts = {**document.get_metadata_dict(), "Language": _language(document)}
        pages = [_page_lines(document, number) for number in range(len(document))]
    except (pypdfium2.PdfiumError, ValueError, OverflowError) as error:
        raise ArticleError(f"expected a PDF, found a damaged one: {error}.") from error
    finally:
        document.close()
    yield _draft(pages, facts)


def _language(document: Any) -> str:  # noqa: ANN401  # pypdfium2 has no types
    """What the file says of its language, "" if nothing."""
    from pypdfium2 import raw

    length = raw.FPDFCatalog_GetLanguage(document, None, 0)
    buffer = create_string_buffer(max(length, 2))
    raw.FPDFCatalog_GetLanguage(document, cast(buffer, POINTER(c_ushort)), length)
    return buffer.raw[: max(0, length - 2)].decode("utf-16-le", "ignore").strip()


def _page_lines(document: object, number: int) -> list[Line]:
    from pypdfium2 import PdfiumError

    from ingest.formats.pdf_lines import read_lines

    try:
        return read_lines(document[number])  # type: ignore[index]  # pypdfium2 has no types
    except PdfiumError:  # one damaged page leaves the others
        return []


def _draft(pages: Sequence[list[Line]], facts: dict[str, str]) -> Draft:
    without = [number for number, lines in enumerate(pages, start=1) if not lines]
    if len(without) == len(pages):
        raise ArticleError(
            "it has no text layer, only pictures of pages; recognise the text first, for example with ocrmypdf."
        )
    texts = _joined([_paragraphs(lines) for lines in _without_margins(pages)])
    text, begins, notes = clean_pages(texts)
    if without:
        named = ", ".join(map(str, without[:_NAMED_PAGES])) + (" …" if len(without) > _NAMED_PAGES else "")
        notes = (*notes, f"{len(without)} of {len(pages)} pages have no text layer and were left out: {named}")
    published = _date(facts.get("CreationDate", ""))
    title = facts.get("Title", "").strip()
    stated = not _NO_TITLE.search(title)
    title = title if stated else _printed_title(pages)
    return Draft(
        text=text,
        title=title,
        author=facts.get("Author", "").strip(),
        published=published,
        language=facts.get("Language", ""),
        pages=begins,
        guessed=tuple(name for name, is_so in (("published", published), ("title", title and not stated)) if is_so),
        notes=notes,
    )


def _printed_title(pages: Sequence[list[Line]]) -> str:
    """What stands in the largest letters on the first page that has any, when they are larger than most; else ""."""
    lines = next(lines for lines in pages if lines)
    sizes = [size for page in pages for line in page for size in [line.size] * len(line.text)]
    largest = max(line.size for line in lines)
    if largest < _TITLE_SIZE * median(sizes):
        return ""
    title = ""
    for _, run in groupby(lines, key=lambda line: line.size * _OTHER_SIZE >= largest):
        found = list(run)
        if found[0].size * _OTHER_SIZE >= largest:
            for line in found:
                title = _continued(title, line.text.strip())
            break
    title, _ = clean_text(title)
    return title if len(title) <= _LONGEST_TITLE else ""


def _without_margins(pages: Sequence[list[Line]]) -> list[list[Line]]:
    """The pages without the lines that stand at the head or foot of many, and without page numbers."""

    def margin(lines: list[Line]) -> list[Line]:
        ordered = sorted(lines, key=lambda line: line.y)
        return [*ordered[:_MARGIN_LINES], *ordered[-_MARGIN_LINES:]]

    def plain(line: Line) -> str:
        return _NUMBERS.sub("#", line.text.strip())

    counts = Counter(text for lines in pages for text in {plain(line) for line in margin(lines)})
    kept = []
    for lines in pages:
        at_margin = margin(lines) if len(lines) > 1 else []
        running = [
            line
            for line in at_margin
            if counts[plain(line)] >= max(2, min(_REPEATED_PAGES, len(pages)), len(pages) // 2)
            or (len(pages) > 1 and plain(line).strip("-–— ./") == "#")
        ]
        kept.append([line for line in lines if line not in running])
    return kept if any(kept) else list(pages)


def _paragraphs(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return []
    steps = [first.y - second.y for first, second in pairwise(lines) if first.y > second.y]
    usual = median(steps) if steps else 0.0
    width = max(line.right - line.left for line in lines)
    paragraphs = [lines[0].text.strip()]
    rtl = 2 * len(RTL.findall(" ".join(line.text for line in lines))) > sum(len(line.text) for line in lines)
    for before, line in pairwise(lines):
        inset = before.right - line.right if rtl else line.left - before.left
        indented = _INDENT[0] * line.size < inset < _INDENT[1] * line.size
        step = before.y - line.y
        sizes = sorted((before.size, line.size))
        new_column = step < 0
        ends = _SENTENCE_END.search(before.text) is not None
        short = before.right - before.left < _SHORT * width
        apart = usual and step > _GAP * usual and not new_column
        if apart or sizes[1] > _OTHER_SIZE * max(sizes[0], 1e-6) or (ends and (short or indented)):
            paragraphs.append(line.text.strip())
        else:
            paragraphs[-1] = _continued(paragraphs[-1], line.text.strip())
    return paragraphs


def _continued(before: str, line: str) -> str:
    """A line put behind those before it in its paragraph."""
    if not before or not line:
        return before + line
    if _HYPHENATED.search(before) and line[0].islower() and not _ELLIPSIS.match(line):
        return before[:-1] + line
    unspaced = _UNSPACED.match(before[-1]) and _UNSPACED.match(line[0])
    return before + ("" if unspaced else " ") + line


def _joined(pages: Sequence[list[str]]) -> list[str]:
    """The text of each page, with what parts it from the page before: nothing ends where a sentence goes on."""
    texts = []
    last = ""
    for paragraphs in pages:
        text = "\n".join(paragraphs)
        if text and last:
            if _SENTENCE_END.search(last):
                text = "\n" + text
            elif not (_UNSPACED.match(last[-1]) and _UNSPACED.match(text[0])):
                text = " " + text
        texts.append(text)
        last = text.rstrip() or last
    return texts


def _date(written: str) -> str:
    """A PDF's date in ISO 8601, or "" where it is none."""
    match = _DATE.match(written)
    if match is None:
        return ""
    year, month, day, hour, minute, second, utc, offset, minutes = match.groups()
    if hour is None:
        return f"{year}-{month}-{day}"
    zone = "+00:00" if utc else f"{offset}:{minutes or '00'}" if offset else ""
    return f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}{zone}"
