"""Word files, OpenDocument texts and EPUB books, made as their programs make them."""

from __future__ import annotations

import datetime
import io
import zipfile

import docx
import pytest

from ingest.draft import Draft, Loader, Source
from ingest.formats.office import load_docx, load_epub, load_odt
from rag.errors import ArticleError

_PARAGRAPHS = {
    "ar": ["افتُتح ميناء سيدار يوم الأحد بعد ست سنوات من العمل.", "يبلغ طول الرصيف 840 مترًا وكلّف 62 مليونًا."],
    "zh": ["赛达尔港历经六年施工后于周日启用。", "码头长840米,耗资6200万。"],
    "en": ["The harbour opened on Sunday.", "The pier is 840 metres long."],
}


def _read(loader: Loader, raw: bytes) -> Draft:
    (draft,) = loader(Source("file", io.BytesIO(raw)))
    assert isinstance(draft, Draft)
    return draft


def _docx(paragraphs: list[str], rows: list[list[str]], title: str) -> bytes:
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = title, "Lena Orlu"
    document.core_properties.created = datetime.datetime(2022, 7, 19, 10, 0)
    document.add_paragraph(paragraphs[0])
    table = document.add_table(rows=0, cols=len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph(paragraphs[1])
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _zipped(files: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _odt(paragraphs: list[str], title: str) -> bytes:
    office = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    text = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    body = "".join(f"<text:p>{paragraph}</text:p>" for paragraph in paragraphs)
    return _zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f"<office:document-content {office} {text}><office:body><office:text>"
            f"<text:h>{title}</text:h>{body}</office:text></office:body></office:document-content>",
            "meta.xml": f'<office:document-meta {office} xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>'
            f"<dc:title>{title}</dc:title><dc:creator>Lena Orlu</dc:creator><dc:language>en</dc:language>"
            "<dc:date>2022-07-19T10:00:00</dc:date></office:meta></office:document-meta>",
        }
    )


def _epub(chapters: list[str], title: str) -> bytes:
    items = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in range(len(chapters)))
    # The reading order is that of the spine, not of the files.
    spine = "".join(f'<itemref idref="c{n}"/>' for n in reversed(range(len(chapters))))
    files = {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OEBPS/a.opf"/></rootfiles></container>',
        "OEBPS/a.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>{title}</dc:title><dc:creator>Lena Orlu</dc:creator>"
        "<dc:publisher>Saidar Press</dc:publisher>"
        f"<dc:language>ar</dc:language><dc:date>2022-07-19</dc:date></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>",
    }
    for number, chapter in enumerate(chapters):
        files[f"OEBPS/text/c {number}.xhtml"] = (
            f'<html xmlns="http://www.w3.org/1999/xhtml"><body><div><p>{chapter}</p></div></body></html>'
        )
    return _zipped(files)


@pytest.mark.parametrize("language", _PARAGRAPHS)
def test_word_files_are_read_in_order_with_their_tables(language: str) -> None:
    first, last = _PARAGRAPHS[language]
    draft = _read(load_docx, _docx([first, last], [["840", "62"], ["130", "4"]], first[:10]))
    assert draft.text == f"{first}\n840\t62\n130\t4\n{last}"
    assert (draft.title, draft.author, draft.published[:10]) == (first[:10], "Lena Orlu", "2022-07-19")
    assert draft.guessed == ("published",)


@pytest.mark.parametrize("language", _PARAGRAPHS)
def test_opendocument_texts_are_read(language: str) -> None:
    draft = _read(load_odt, _odt(_PARAGRAPHS[language], "سيدار"))
    assert draft.text.split("\n") == ["سيدار", *_PARAGRAPHS[language]]
    assert (draft.title, draft.author, draft.language) == ("سيدار", "Lena Orlu", "en")


@pytest.mark.parametrize("language", _PARAGRAPHS)
def test_books_are_read_in_the_order_of_their_spine(language: str) -> None:
    draft = _read(load_epub, _epub(_PARAGRAPHS[language], "سيدار"))
    assert draft.text.split("\n") == _PARAGRAPHS[language][::-1]
    assert (draft.title, draft.publisher, draft.published) == ("سيدار", "Saidar Press", "2022-07-19")


@pytest.mark.parametrize("loader", [load_docx, load_odt, load_epub])
def test_what_is_no_document_is_refused(loader: Loader) -> None:
    bomb = _zipped({"content.xml": " " * 120_000_000, "word/document.xml": "", "META-INF/container.xml": ""})
    for raw, says in ((b"", "expected"), (b"text", "expected"), (_zipped({"a.txt": "x"}), "expected"), (bomb, "bomb")):
        with pytest.raises(ArticleError, match=says):
            _read(loader, raw)


def test_entities_of_the_document_are_not_followed() -> None:
    """An XML file that names a local file gets nothing of it."""
    raw = _zipped(
        {
            "content.xml": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
            '<x xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><text:p>before &e; after</text:p></x>'
        }
    )
    assert "root" not in _read(load_odt, raw).text
