"""Zip archives: which members come out, under which names, and which are refused."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.draft import Failure, Source
from ingest.formats import archive
from ingest.formats.archive import members
from rag.errors import ArticleError


def _zip(*files: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files:
            target.writestr(name, content)
    return file.getvalue()


def _read(raw: bytes) -> list[tuple[str, bytes] | Failure]:
    found: list[tuple[str, bytes] | Failure] = []
    for member in members(Source("a.zip", io.BytesIO(raw)), accepts=lambda name: name.endswith((".txt", ".md"))):
        if isinstance(member, Failure):
            found.append(member)
        else:
            name, file = member
            with file:
                found.append((name, _bytes(file)))
    return found


def _bytes(file: BinaryIO) -> bytes:
    assert file.tell() == 0
    return file.read()


def _failure(raw: bytes) -> Failure:
    (failure,) = _read(raw)
    assert isinstance(failure, Failure) and "\n" not in failure.reason
    return failure


def test_accepted_members_come_out_whole() -> None:
    """In their order and with their folders; others, hidden files and what macOS adds are passed over."""
    raw = _zip(
        ("a/مقال.txt", "قمة".encode()),
        ("文章.md", "发射".encode()),
        ("picture.png", b"x"),
        ("a/.hidden.txt", b"x"),
        (".git/b.txt", b"x"),
        ("__MACOSX/a/._c.txt", b"x"),
    )
    assert _read(raw) == [("a/مقال.txt", "قمة".encode()), ("文章.md", "发射".encode())]


def test_names_in_utf8_without_the_mark_are_read() -> None:
    """Some programs write UTF-8 and do not say so."""
    name = "مقال.txt"
    raw = _zip(("x" * len(name.encode()), b"text")).replace(b"x" * len(name.encode()), name.encode())
    assert _read(raw) == [(name, b"text")]


def test_an_archive_within_is_not_opened() -> None:
    """It is a failure that says what to do."""
    assert "unpack it first" in _failure(_zip(("inner.zip", _zip(("a.txt", b"x"))))).reason


def test_a_member_with_a_password_is_a_failure() -> None:
    """The flag in the directory is enough to tell."""
    raw = bytearray(_zip(("a.txt", b"text")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", raw, raw.index(mark) + offset, 1)
    assert "password" in _failure(bytes(raw)).reason


def test_a_bomb_is_refused_and_the_rest_is_read() -> None:
    """What unpacks to far more than it takes is given up while it is being unpacked."""
    found = _read(_zip(("bomb.txt", b"\0" * 30_000_000), ("a.txt", b"text")))
    assert isinstance(found[0], Failure) and found[0].where == "bomb.txt" and "bomb" in found[0].reason
    assert found[1] == ("a.txt", b"text")


def test_all_members_together_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many members that are each small enough are a bomb as well."""
    monkeypatch.setattr(archive, "_LARGEST_TOTAL", 2500)
    found = _read(_zip(*((f"{i}.txt", bytes(range(256)) * 4) for i in range(4))))
    assert [isinstance(each, Failure) for each in found] == [False, False, True, True]


def test_a_damaged_member_is_a_failure_and_the_rest_is_read() -> None:
    """Its checksum tells."""
    raw = bytearray(_zip(("a.txt", b"text" * 100), ("b.txt", b"fine")))
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 16, 7)
    found = _read(bytes(raw))
    assert isinstance(found[0], Failure) and found[0].where == "a.txt"
    assert found[1] == ("b.txt", b"fine")


@pytest.mark.parametrize("raw", [b"", b"no archive", b"PK\x03\x04" + b"x" * 100])
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    """In one line."""
    with pytest.raises(ArticleError, match="expected a zip archive"):
        _read(raw)


def test_a_name_that_leads_elsewhere_is_only_a_name() -> None:
    """Nothing is written under it."""
    assert _read(_zip(("../../up.txt", b"x"))) in ([("../../up.txt", b"x")], [])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_archives_are_read_or_refused(data: st.DataObject) -> None:
    """A flipped bit or a cut end raises nothing but ArticleError."""
    raw = bytearray(_zip(("a/مقال.txt", "قمة".encode() * 50), ("文章.md", "发射".encode() * 50)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        _read(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except ArticleError as error:
        assert "\n" not in str(error)
