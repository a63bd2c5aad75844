"""A PDF page into lines of text in reading order, from where each letter lies on the paper."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from statistics import median
from typing import TYPE_CHECKING

from ingest.formats.pdf_glyphs import Glyph, read_glyphs
from ingest.visual import RTL, from_visual

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

# In ems (the size of the font). Letters belong to one line when their baselines are this near: Nastaliq climbs, notes
# are raised. A gap up to _NEAR parts words, a wider one columns or the cells of a table.
_SAME_BASELINE = 0.4
_NEAR = 2.0
# Text drawn later, such as the words in bold, joins one of the last lines when it fills a gap or continues it.
_CONTINUES = 0.8
_LAST_ROWS = 8
# Words that no space parts (TeX) lie at least this far apart: the space of text fonts is 0.2 to 0.33 em. In a row that
# has spaces only a tab or the cell of a table is wider, and Chinese signs stand a quarter of an em from Latin letters.
_WORD_GAP = 0.15
_TRUSTED_GAP = 0.45
_UNSPACED_GAP = 0.6
_UNSPACED = re.compile("[\u0e00-\u0eff\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
# Scripts with vowels written before the consonant they follow: pdfium's order is right, that on paper is not.
_REORDERED = re.compile("[\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff]")
# In points: where two shapes begin this near, neither is beside the other.
_BESIDE = 0.3
# In a row of so many letters half of which stand apart, they are spaced out: what parts words is wider still.
_ENOUGH_GAPS = 8


@dataclass(slots=True)
class _Row:
    """Letters on one baseline, or climbing from it, as they are drawn; the box that their baselines span."""

    glyphs: list[Glyph]
    left: float
    right: float
    low: float
    high: float

    def add(self, glyph: Glyph) -> None:
        self.glyphs.append(glyph)
        self.left, self.right = min(self.left, glyph.left), max(self.right, glyph.right)
        self.low, self.high = min(self.low, glyph.y), max(self.high, glyph.y)

    def takes(self, other: _Row, reach: float) -> bool:
        """Whether the other row lies on this one's level and within ``reach`` ems of its letters."""
        first, second = self.glyphs[0], other.glyphs[0]
        size = max(first.size, second.size)
        apart = max(self.low - other.high, other.low - self.high)
        if first.turns != second.turns or apart > _SAME_BASELINE * size:
            return False
        return self.left - reach * size <= other.right and other.left <= self.right + reach * size


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and where it lies: points to the right of and above the page's lower left corner, set upright."""

    text: str
    left: float
    right: float
    y: float
    size: float


def read_lines(page: PdfPage) -> list[Line]:
    """The lines of a page in the order in which they are drawn, each in the order in which it is read."""
    rows = _rows(page)
    found = [_clusters(row.glyphs) for row in rows]
    texts = ["".join(clusters).encode("utf-16", "surrogatepass").decode("utf-16", "replace") for clusters in found]
    letters = "".join(texts)
    mostly_rtl = 2 * len(RTL.findall(letters)) > sum(map(str.isalpha, letters))
    mixed = [i for i, text in enumerate(texts) if RTL.search(text)]
    for i, text in zip(mixed, from_visual([(found[i], mostly_rtl) for i in mixed]), strict=True):
        texts[i] = text
    return [
        Line(text, row.left, row.right, row.glyphs[0].y, max(glyph.size for glyph in row.glyphs))
        for text, row in zip(texts, rows, strict=True)
        if text.strip()
    ]


def _rows(page: PdfPage) -> list[_Row]:
    rows: list[_Row] = []
    for glyph in _laid_down(read_glyphs(page)):
        new = _Row([glyph], glyph.left, glyph.right, glyph.y, glyph.y)
        recent = rows[-1 : -_LAST_ROWS - 1 : -1]
        row = next((row for row in recent if row.takes(new, _NEAR if row is recent[0] else _CONTINUES)), None)
        if row is None:
            rows.append(new)
        else:
            row.add(glyph)
    merged: list[_Row] = []
    for row in rows:
        # Parts of one line turn up in any order; one may join others that did not reach each other.
        while part := next((one for one in merged[-_LAST_ROWS:] if one.takes(row, _CONTINUES)), None):
            merged.remove(part)
            for glyph in row.glyphs:
                part.add(glyph)
            row = part
        merged.append(row)
    return merged


def _laid_down(letters: list[Glyph]) -> list[Glyph]:
    """The letters; where most stand one below the other (Chinese, Japanese), turned as Latin words among them are."""
    below = sum(
        abs(one.x - other.x) < _SAME_BASELINE * one.size < one.y - other.y < 2 * one.size
        for one, other in pairwise(letters)
    )
    if 2 * below <= len(letters):
        return letters
    turned: list[Glyph] = []
    for one in letters:
        if one.turns == 0:
            one = replace(
                one, x=-one.y - one.size, left=-one.y - one.size, right=-one.y, y=one.left + one.size / 5, turns=3
            )
            before = turned[-1] if turned else one
            if abs(before.y - one.y) < one.size and 0 <= one.x - before.x < 2 * one.size:
                one.y = before.y  # punctuation stands beside the middle of the column
        turned.append(one)
    return turned


def _clusters(glyphs: list[Glyph]) -> list[str]:
    """The letters of a row from left to right, each with its marks, and the spaces between words."""
    shapes = _shapes(glyphs)
    if not any(_REORDERED.search(shape.text) for shape in shapes):
        shapes = _with_marks(shapes)
    gaps = [right.x - left.right for left, right in pairwise(shapes)]
    reach = _TRUSTED_GAP if any(shape.text == " " for shape in shapes) else _WORD_GAP
    spaced_out = max(0.0, median(gaps)) if len(gaps) >= _ENOUGH_GAPS else 0.0
    clusters: list[str] = []
    edge = math.inf
    for shape in shapes:
        parted = not shape.size or (clusters and clusters[-1] == " ")
        unspaced = _UNSPACED.search(shape.text) or (clusters and _UNSPACED.search(clusters[-1]))
        if not parted and shape.x - edge > spaced_out + (_UNSPACED_GAP if unspaced else reach) * shape.size:
            clusters.append(" ")
        clusters.append(shape.text)
        edge = shape.right if edge == math.inf else max(edge, shape.right)
    return clusters


def _shapes(glyphs: list[Glyph]) -> list[Glyph]:
    """The glyphs of a row, those that one shape stands for (lam with alef, fi) as one, in the order of reading."""
    parts = defaultdict(list)
    for glyph in glyphs:
        parts[glyph.drawn, glyph.x, glyph.y, glyph.right > glyph.left].append(glyph)
    groups = list(parts.values())
    shapes: list[Glyph] = []
    for i, group in enumerate(groups):
        texts = [glyph.text for glyph in group]
        if len(group) > 1 and RTL.search("".join(texts)):
            beside = groups[i + 1] if i + 1 < len(groups) else groups[i - 1]
            texts = _ligature(group, turned=(beside[0].x < group[0].x) == (i + 1 < len(groups)))
        left, right = min(glyph.left for glyph in group), max(glyph.right for glyph in group)
        shapes.append(replace(group[0], text="".join(texts), left=left, right=right))
    return shapes


def _ligature(glyphs: list[Glyph], *, turned: bool) -> list[str]:
    """The letters of one right-to-left shape in the order of reading; ``turned``: pdfium has turned the row round."""
    texts = [glyph.text for glyph in glyphs]
    if len({glyph.left for glyph in glyphs}) > 1:  # pdfium has shared out the shape's box among them
        texts = [glyph.text for glyph in sorted(glyphs, key=lambda glyph: -glyph.left)]
    elif (turned or texts[-1] == "ل") and texts[0] != "ل":
        texts.reverse()
    marks = list(takewhile(_is_mark, texts))
    return [*texts[len(marks) : len(marks) + 1], *marks, *texts[len(marks) + 1 :]]


def _with_marks(shapes: list[Glyph]) -> list[Glyph]:
    """The shapes from left to right, those of marks (vowel signs, accents) put to the letter they lie over."""
    shapes.sort(key=lambda shape: shape.x if shape.right > shape.left else shape.x - _BESIDE)
    letters = [shape for shape in shapes if not _is_mark(shape.text) and shape.right > shape.left]
    begins = [letter.x for letter in letters]
    marks = [shape for shape in shapes if _is_mark(shape.text)]
    # Among several, a tone mark stands over a vowel sign: Unicode's classes give the order in which they are written.
    for mark in sorted(marks, key=lambda mark: unicodedata.combining(mark.text[0])) if letters else ():
        middle = (mark.left + mark.right) / 2
        at = bisect_right(begins, middle)
        near = letters[max(0, at - 2) : at + 2]
        over = min(
            near,
            key=lambda one: (max(one.left - middle, middle - one.right, 0.0), abs(one.left + one.right - 2 * middle)),
        )
        over.text += mark.text
        mark.text = ""
    return [shape for shape in shapes if shape.text]


def _is_mark(text: str) -> bool:
    return unicodedata.category(text[0]) == "Mn"
