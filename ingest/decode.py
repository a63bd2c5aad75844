"""Bytes into text: which encoding they are in, and text that an earlier hand read in the wrong one."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ingest.charset import BINARY, guess, known_name
from rag.errors import ArticleError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What declares the first is, in practice, the second, which has some characters more.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# Python also has codecs that are no character sets, some of them slow on long input.
_CHARSET = re.compile(r"ascii|big5|cp\d|euc_|gb|hz|iso|johab|koi8|kz|mac|ptcp|shift_jis|tis|utf-(8|16|32)")
# Control characters that no text holds; those of Latin-1 in UTF-8 are a wrong reading, which can be repaired.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Judging an encoding takes so many bytes, from the first that is not ASCII on.
_SAMPLE = 65_536
_BEFORE = 200
# Valid characters to each broken one, and at least so many of them, that tell damaged UTF-8 from another encoding.
_VALID_TO_BROKEN, _VALID = 2, 3
# A text may lack one character of a hundred, and a short one, such as a title, a few that leave most of it.
_LOST = "\ufffd"
_LOST_SHARE, _LOST_FEW, _LOST_SHORT = 0.01, 3, 0.2
# What most UTF-16 has, read the right way round: spaces, line ends and the comma and full stop of Chinese.
_WIDE_SIGN = re.compile("[ \n、。，]")
_NO_TEXT = frozenset(("Cc", "Cn", "Co", "Cs"))
# Encodings that UTF-8 gets read in, in the order of how often that happens.
_MISREAD = (
    "latin-1",
    "sloppy-windows-1252",
    "sloppy-windows-1251",
    "sloppy-windows-1256",
    "sloppy-windows-1254",
    "sloppy-windows-1250",
    "sloppy-windows-1253",
    "koi8-r",
)
# Characters that make chance unlikely, and how often a text is at most read wrongly, one time on top of another.
_CERTAIN, _TIMES = 3, 3
# ftfy takes a fifth of a second for a million characters; longer lines hold no prose.
_LONGEST_LINE = 2_000_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text whose lines end with a line feed, the encoding it was in, and what the reader should know of that."""

    text: str
    encoding: str
    notes: tuple[str, ...]


def decode(raw: bytes, *, declared: str = "") -> Decoded:
    """The text of ``raw``, which its sender or its own head declares to be in ``declared``.

    Raises ArticleError for binary bytes, for an encoding that cannot be told with confidence and for text that lost
    more than a character in a hundred.
    """
    codec, guessed = _encoding(raw, whole=True, declared=_codec(declared))
    text = raw.decode(codec, "replace").removeprefix("\ufeff")
    if _CONTROL.search(text):
        raise ArticleError("expected text, found control characters; binary files are not articles.")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\x1b", "")
    text, notes = repair_mojibake(text)
    if guessed:
        notes = (f"read as {known_name(codec)}, guessed", *notes)
    return Decoded(text, known_name(codec), notes)


def sniff(head: bytes, *, whole: bool) -> str:
    """The encoding, as Python's name, of a file that begins with ``head``, which may end within a character.

    A byte order mark stays in the text. Raises ArticleError as ``decode`` does.
    """
    return _encoding(head, whole=whole, declared="")[0]


def _encoding(raw: bytes, *, whole: bool, declared: str) -> tuple[str, bool]:
    """The encoding and whether it was guessed."""
    for mark, codec in _MARKS:
        if raw.startswith(mark):
            return codec, False
    if b"\0" in raw:
        return _wide(raw), False
    if b"\x1b$" in raw and _decodes(raw, "iso2022_jp", whole):
        return "iso2022_jp", False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw, whole)
    except UnicodeDecodeError as error:
        if _is_damaged_utf8(raw):
            return "utf-8", False
        start = max(0, error.start - _BEFORE) & ~1  # even, for UTF-16
        sample = raw[start : start + _SAMPLE]
        believed = declared if declared and _decodes(raw, declared, whole) else ""
        codec = guess(sample, whole=whole and start + _SAMPLE >= len(raw), declared=believed)
        if not codec:
            raise ArticleError(
                f"expected UTF-8 text, found byte 0x{raw[error.start]:02x} at {error.start}, and no other encoding "
                "fits. Save it as UTF-8; binary files are not articles."
            ) from error
        return codec, codec != declared
    return "utf-8", False


def _codec(declared: str) -> str:
    """Python's name of a declared encoding, "" for one that it does not know."""
    try:
        name = codecs.lookup(declared.strip()).name if declared else ""
    except (LookupError, ValueError):
        return ""
    return _WIDER.get(name, name) if _CHARSET.match(name) else ""


def _decodes(raw: bytes, codec: str, whole: bool) -> bool:
    try:
        return not BINARY.search(codecs.getincrementaldecoder(codec)().decode(raw, whole))
    except UnicodeDecodeError:
        return False


def _is_damaged_utf8(raw: bytes) -> bool:
    text = raw.decode("utf-8", "replace")
    broken = text.count(_LOST) - raw.count(_LOST.encode())
    valid = len(text) - len(text.encode("ascii", "ignore")) - broken
    return valid >= max(_VALID, _VALID_TO_BROKEN * broken)


def _wide(raw: bytes) -> str:
    """Which UTF-16 without a byte order mark bytes with NUL are in. Raises ArticleError when they are in none."""
    sample = raw[:_SAMPLE]
    found: dict[str, int] = {}
    for codec in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample)
        except UnicodeDecodeError:
            continue
        signs = len(_WIDE_SIGN.findall(text))
        if all(unicodedata.category(each) not in _NO_TEXT or each in "\t\n\r\f" for each in text):
            found[codec] = signs or (text < "\u0250" and max(text, default="") < "\u0250")
    codec = max(found, key=lambda codec: found[codec], default="")
    if not codec or not found[codec]:
        raise ArticleError("expected text, found NUL characters; binary files are not articles.")
    return codec


def repair_mojibake(text: str) -> tuple[str, tuple[str, ...]]:
    """The text, what was read in a wrong encoding before it came here read again, and notes on that.

    Raises ArticleError when more than one character in a hundred (in a short text: in five) is lost.
    """
    notes = []
    if lost := text.count(_LOST):
        if lost > max(len(text) * _LOST_SHARE, min(_LOST_FEW, len(text) * _LOST_SHORT)):
            raise ArticleError(
                f"{lost} of its {len(text)} characters are damaged or were lost. Save it as UTF-8 from the original."
            )
        notes.append(f"{lost} unreadable {'character' if lost == 1 else 'characters'} in it")
    if text.isascii():
        return text, tuple(notes)
    # All of it first, as a line alone may have too few such characters to be sure.
    repaired = _repeated(_reread, text)
    repaired = "\n".join(_repeated(_reread_or_mended, line) for line in repaired.split("\n"))
    if repaired != text:
        notes.append("text that had been read in a wrong encoding was repaired where it could be")
    if wrong := next(filter(None, (pattern.search(repaired) for pattern in _patterns()[1:])), None):
        notes.append(f"parts of it look as if read in a wrong encoding, such as “{wrong.group()}”")
    return repaired, tuple(notes)


def _repeated(repair: Callable[[str], str], text: str) -> str:
    for _ in range(_TIMES):
        better = repair(text)
        if better == text:
            break
        text = better
    return text


def _reread(text: str) -> str:
    """The text read as UTF-8, if all of it is UTF-8 that was read as something else; otherwise the text itself.

    Bytes of another encoding are next to never valid UTF-8 for the length of some characters.
    """
    if text.isascii():
        return text
    import ftfy.bad_codecs.sloppy  # noqa: F401  registers encodings that give every byte a character

    for codec in _MISREAD:
        try:
            reread = text.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        letters = [letter for letter in reread if letter > "\x7f"]
        odd = sum("\u0180" <= letter <= "\u0377" for letter in letters)  # what short words give by chance
        if len(letters) >= _CERTAIN and odd * 2 <= len(letters):
            return reread
    return text


def _reread_or_mended(line: str) -> str:
    better: str = _reread(line)
    if better == line and len(line) <= _LONGEST_LINE and _patterns()[0].search(line):
        import ftfy

        better = ftfy.fix_encoding(line)
    return better


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """What may be UTF-8 read in a wrong encoding that ftfy knows; then what certainly is, one pattern an encoding."""
    western = _pair("latin-1", "cp1252", "cp1250", "cp1254")
    # Flat, without groups and alternatives: so the search runs ten times as fast.
    certain = [f"{pair}+" * _CERTAIN for pair in (western, _pair("cp1251"), _pair("cp1256"))]
    return tuple(map(re.compile, (rf"{western}|[\x80-\x9f√├╨╪]", *certain)))


def _pair(*read_as: str) -> str:
    """A pattern for the first two bytes of a UTF-8 character that are read in one of these encodings."""
    classes = (bytes(range(0xC2, 0xF5)), bytes(range(0x80, 0xC0)))
    letters = ("".join({letter for codec in read_as for letter in each.decode(codec, "ignore")}) for each in classes)
    return "".join(f"[{re.escape(each)}]" for each in letters)
