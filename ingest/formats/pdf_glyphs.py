"""The letters of a PDF page as pdfium gives them, and where each lies on the paper."""

from __future__ import annotations

import math
from collections.abc import Iterator
from ctypes import POINTER, addressof, byref, c_double, c_float, c_ulong, c_ushort, cast, create_string_buffer
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

Drawing: TypeAlias = Any  # a pointer of pdfium's
_Kind = tuple[float, int]  # size and quarter turns

NON_JOINER = "\u200c"
# pdfium gives this for a hyphen at the end of a line.
HYPHEN = "\x02"
# In quarter turns: text that slants more than 3 degrees is a stamp across the page.
_SLANT = 0.033
# In bytes; what a shape means is a letter or two.
_LONGEST_MEANING = 64


@dataclass(slots=True)
class Glyph:
    """A letter, or the letters of one shape, in points; upright after so many quarter ``turns`` of the paper."""

    text: str
    x: float  # where its advance begins
    left: float
    right: float
    y: float
    size: float
    turns: int
    drawn: int = 0  # the drawing it is part of


def read_glyphs(page: PdfPage) -> list[Glyph]:
    """The letters and spaces of a page, in the order in which they are drawn."""
    text_page = page.get_textpage()
    drawings: dict[int, _Kind | None] = {}
    said: set[int] = set()
    letters = list(_glyphs(text_page, drawings, said))
    left_out = _left_out(page, {glyph.drawn for glyph in letters}, drawings, said)
    text_page.close()
    glyphs = left_out.pop(0, [])
    for glyph, following in zip_longest(letters, letters[1:]):
        glyphs.append(glyph)
        if following is None or following.drawn != glyph.drawn:
            glyphs += left_out.pop(glyph.drawn, [])
    return glyphs


def _glyphs(page: PdfTextPage, drawings: dict[int, _Kind | None], said: set[int]) -> Iterator[Glyph]:
    """The letters of a page; notes the addresses of the drawings they come from and of the marks on these."""
    from pypdfium2 import raw

    x, y, box = c_double(), c_double(), raw.FS_RECTF()
    for i in range(page.count_chars()):
        drawn = raw.FPDFText_GetTextObject(page, i)
        if not drawn:
            continue  # a space or line end that pdfium puts in, not always where it belongs
        address = addressof(drawn.contents)
        if address not in drawings:
            drawings[address] = None if _is_repeated(drawn, said) else _size_and_turns(page, i)
        kind = drawings[address]
        if kind is None or raw.FPDFText_HasUnicodeMapError(page, i) == 1:
            continue
        raw.FPDFText_GetCharOrigin(page, i, byref(x), byref(y))
        raw.FPDFText_GetLooseCharBox(page, i, byref(box))
        size, turns = kind
        text = chr(raw.FPDFText_GetUnicode(page, i))
        left, right = box.left, box.right
        if turns:
            left, right = sorted(_upright(*corner, turns)[0] for corner in ((left, box.bottom), (right, box.top)))
        along, above = _upright(x.value, y.value, turns)
        if text == NON_JOINER:
            left = right = along
        if text >= " " or text == HYPHEN:
            text = "-" if text == HYPHEN else text
            yield Glyph(text, along, left, right, above, size, turns, address)


def _upright(x: float, y: float, turns: int) -> tuple[float, float]:
    return ((x, y), (y, -x), (-x, -y), (-y, x))[turns]


def _is_repeated(drawn: Drawing, said: set[int]) -> bool:
    """Whether this is another part of a drawing whose text pdfium has given with an earlier part of it.

    A mark with ActualText says what all the shapes in it mean together; Chromium writes one for each accented letter,
    and where other shapes come between, pdfium gives the text with each of the shapes.
    """
    if (mark := _spoken(drawn)) is None:
        return False
    address = addressof(mark.contents)
    repeated = address in said
    said.add(address)
    return repeated


def _spoken(drawn: Drawing) -> Drawing | None:
    """The mark that says what a drawing means (ActualText), if it has one."""
    from pypdfium2 import raw

    count = raw.FPDFPageObj_CountMarks(drawn)
    mark = raw.FPDFPageObj_GetMark(drawn, count - 1) if count > 0 else None
    return mark if mark and raw.FPDFPageObjMark_GetParamValueType(mark, b"ActualText") else None


def _size_and_turns(page: PdfTextPage, i: int) -> _Kind | None:
    """The size of the font in points, and the quarter turns that set it upright; None for slanting text (a stamp)."""
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    raw.FPDFText_GetMatrix(page, i, byref(matrix))
    turns = math.atan2(matrix.b, matrix.a) / (math.pi / 2)
    size = raw.FPDFText_GetFontSize(page, i) * math.hypot(matrix.c, matrix.d)
    if abs(turns - round(turns)) > _SLANT or not 0 < size < math.inf:
        return None
    return size, round(turns) % 4


def _left_out(
    page: PdfPage, shown: set[int], drawings: dict[int, _Kind | None], said: set[int]
) -> dict[int, list[Glyph]]:
    """What pdfium leaves out of the text, by the address of the drawing after which it comes.

    That is spaces and zero-width non-joiners which are drawings by themselves (Chromium), and marked text where the
    first shape has no ink (Nastaliq).
    """
    from pypdfium2 import raw

    found: dict[int, list[Glyph]] = {}
    matrix = raw.FS_MATRIX()
    left, low, right, high = c_float(), c_float(), c_float(), c_float()
    last = 0
    for i in range(raw.FPDFPage_CountObjects(page)):
        drawn = raw.FPDFPage_GetObject(page, i)
        address = addressof(drawn.contents)
        last = address if address in shown else last
        if address in drawings or raw.FPDFPageObj_GetType(drawn) != raw.FPDF_PAGEOBJ_TEXT:
            continue
        mark = _spoken(drawn)
        raw.FPDFPageObj_GetBounds(drawn, byref(left), byref(low), byref(right), byref(high))
        if (mark and _is_repeated(drawn, said)) or (not mark and right.value > left.value and high.value > low.value):
            continue
        raw.FPDFPageObj_GetMatrix(drawn, byref(matrix))
        turns = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
        along, above = _upright(matrix.e, matrix.f, turns)
        text = _meaning(mark) if mark else " "
        if text:
            found.setdefault(last, []).append(Glyph(text, along, along, along, above, 0.0, turns, address))
    return found


def _meaning(mark: Drawing) -> str:
    """The text that a mark gives for a drawing."""
    from pypdfium2 import raw

    buffer, length = create_string_buffer(_LONGEST_MEANING), c_ulong()
    value = cast(buffer, POINTER(c_ushort))
    raw.FPDFPageObjMark_GetParamStringValue(mark, b"ActualText", value, _LONGEST_MEANING, byref(length))
    units = buffer.raw[: max(0, min(length.value, _LONGEST_MEANING) - 2)]
    # pdfium takes UTF-16 text for single bytes here and widens each; should it mend that, the text is as it is.
    text = units.decode("utf-16-le", "ignore") if any(units[1::2]) else units[::2].decode("utf-16-be", "ignore")
    return " " if text.isspace() else text
