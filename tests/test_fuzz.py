"""Damaged files of every format, through the reading process as an ingest has it: a reason for each, none lost.

The damage is drawn by a seeded generator over whole files, so that one reading process meets hundreds of them in a row.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import pyarrow
import pytest
from fpdf import FPDF
from pyarrow import parquet

from ingest.complete import Overrides
from ingest.load import LOADERS, SUFFIXES, find_files
from ingest.read import Reading, read

_TITLE = "افتتاح ميناء سيدار"
_TEXT = (
    "افتُتح ميناء سيدار يوم الأحد بعد ست سنوات من العمل. The pier is 840 metres long and cost 62 million. "
    "赛达尔港历经六年施工后于周日启用。"
)
_HTML = (
    f"<!doctype html><meta charset=utf-8><title>{_TITLE}</title><article><h1>{_TITLE}</h1><p>{_TEXT * 3}</p></article>"
)
_DAMAGED = 24


def _docx(path: Path) -> None:
    document = docx.Document()
    document.add_paragraph(_TEXT)
    document.save(str(path))


def _pdf(path: Path) -> None:
    pdf = FPDF()
    for page in range(2):
        pdf.add_page()
        pdf.set_font("helvetica", size=12)
        pdf.multi_cell(0, 6, f"Page {page}. The pier is 840 metres long and cost 62 million. " * 8)
    pdf.output(str(path))


def _zip(path: Path, files: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def _odt(path: Path) -> None:
    space = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    _zip(path, {"content.xml": f'<d xmlns:text="{space}"><text:p>{_TEXT}</text:p></d>'})


def _epub(path: Path) -> None:
    _zip(
        path,
        {
            "META-INF/container.xml": '<c><r full-path="a.opf"/></c>',
            "a.opf": '<p xmlns="http://www.idpf.org/2007/opf"><item id="c" href="c.xhtml"/><itemref idref="c"/></p>',
            "c.xhtml": f"<html><body><p>{_TEXT}</p></body></html>",
        },
    )


def _mhtml(path: Path) -> None:
    head = 'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\n'
    path.write_text(
        f"{head}Content-Type: text/html; charset=utf-8\nContent-Location: https://example.org/a\n\n{_HTML}\n--b--\n",
        "utf-8",
    )


def _table(path: Path) -> None:
    parquet.write_table(pyarrow.table({"title": [_TITLE] * 3, "text": [f"{_TEXT} {n}" for n in range(3)]}), path)


_RECORDS = [{"title": f"{_TITLE} {n}", "text": f"{_TEXT} {n}"} for n in range(3)]
_WRITERS: dict[str, Callable[[Path], object]] = {
    ".txt": lambda path: path.write_text(_TEXT, "utf-8"),
    ".md": lambda path: path.write_text(f"---\ntitle: {_TITLE}\n---\n# A\n\n{_TEXT}", "utf-8"),
    ".html": lambda path: path.write_text(_HTML, "utf-8"),
    ".mhtml": _mhtml,
    ".pdf": _pdf,
    ".docx": _docx,
    ".odt": _odt,
    ".epub": _epub,
    ".jsonl": lambda path: path.write_text("\n".join(map(json.dumps, _RECORDS)), "utf-8"),
    ".json": lambda path: path.write_text(json.dumps(_RECORDS), "utf-8"),
    ".csv": lambda path: path.write_text(
        "title,text\n" + "".join(f'{_TITLE},"{_TEXT} {n}"\n' for n in range(3)), "utf-8"
    ),
    ".tsv": lambda path: path.write_text(
        "title\ttext\n" + "".join(f"{_TITLE}\t{_TEXT} {n}\n" for n in range(3)), "utf-8"
    ),
    ".parquet": _table,
    ".zip": lambda path: _zip(path, {f"{n}.txt": f"{_TEXT} {n}" for n in range(3)}),
}


def _damage(raw: bytes, number: int) -> bytes:
    """Cut short, with bits turned over, or with a piece of it gone or doubled."""
    dice = random.Random(number)
    at, size = dice.randrange(len(raw)), dice.randrange(1, 40)
    kind = number % 4
    if kind == 0:
        return raw[:at]
    if kind == 1:
        changed = bytearray(raw)
        for _ in range(dice.randrange(1, 12)):
            changed[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        return bytes(changed)
    return raw[:at] + (raw[at : at + size] * 2 if kind == 2 else b"") + raw[at + size :]


def _read(folder: Path) -> list[Reading]:
    return list(read(find_files([folder]), Overrides(), patience=30))


def test_every_format_has_a_writer_here() -> None:
    assert {".htm", ".mht", *_WRITERS} == set(SUFFIXES)
    assert LOADERS[".htm"] is LOADERS[".html"] and LOADERS[".mht"] is LOADERS[".mhtml"]


@pytest.mark.parametrize("suffix", _WRITERS)
def test_damaged_files_are_read_or_refused(suffix: str, tmp_path: Path) -> None:
    """A reason in one line that begins with the file's name, or an article; and what is whole is read after them."""
    whole = tmp_path / f"whole{suffix}"
    _WRITERS[suffix](whole)
    for number in range(_DAMAGED):
        (tmp_path / f"damaged{number:02}{suffix}").write_bytes(_damage(whole.read_bytes(), number))
    readings = _read(tmp_path)
    assert sum(reading.ended for reading in readings) == _DAMAGED + 1
    for reading in readings:
        assert reading.ended or reading.reason or reading.article
        if reading.reason:
            assert reading.reason.startswith(str(tmp_path / "damaged")), reading.reason
            assert "\n" not in reading.reason and "process" not in reading.reason, reading.reason
        if reading.article:
            assert reading.article.text.strip()
    assert sum(reading.article is not None and "whole" in reading.name for reading in readings) in (1, 3)


def test_files_that_are_too_much_are_refused_in_words(tmp_path: Path) -> None:
    """One line of 50 MB in every format of text, and tags 100,000 deep; the good file beside them is read."""
    line = ("The pier is 840 metres long. " * 1_800_000)[:52_000_000]
    suffixes = (".txt", ".md", ".html", ".jsonl", ".json", ".csv", ".tsv")
    for suffix in suffixes:
        (tmp_path / f"line{suffix}").write_text(line, "utf-8")
    (tmp_path / "deep.html").write_text("<div>" * 100_000 + _TEXT + "</div>" * 100_000, "utf-8")
    (tmp_path / "good.txt").write_text(_TEXT, "utf-8")
    readings = _read(tmp_path)
    reasons = {Path(reading.origin).name: reading.reason for reading in readings if reading.reason}
    assert set(reasons) == {"deep.html", *(f"line{suffix}" for suffix in suffixes)}
    assert all("process" not in reason and len(reason) < 600 for reason in reasons.values()), reasons
    assert "nested more than 2,048 levels deep" in reasons["deep.html"]
    assert [Path(reading.name).name for reading in readings if reading.article] == ["good.txt"]
