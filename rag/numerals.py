"""Numbers in a text, however they are written: digits of any script, words, shares, and magnitudes in any language.

A sentence's numbers are read strictly, a source's generously: what may be a number there counts as there. So "1.200" is
twelve hundred or one and a fifth, and either will do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from rag.amounts import Amounts, Number
from rag.eastern import read_eastern
from rag.language import primary
from rag.number_words import AND, UNIT_FIRST, added, number_table, spell
from rag.spelling import fold

_SPACE = "\u0020\u00a0\u202f\u2009"
_DIGITS = regex.compile(rf"(?<!\d)\d{{1,3}}(?:[{_SPACE}]\d{{3}})+(?!\d)|\d+(?:[.,:٫٬'’]\d+)*|[½⅓⅔¼¾]")
_SHARES = {"½": 0.5, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 0.25, "¾": 0.75}
_WORD = regex.compile(r"(?V1)[[\p{L}\p{M}]--[\p{Han}\p{Thai}]]+(?:'[\p{L}\p{M}]+)?")
_CLOCK = regex.compile(r"(?:[01]?\d|2[0-4])\.[0-5]\d")
_ROMAN = regex.compile(r"\b[IVX]{2,6}\b")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10}
# In the writing of each language, before or behind the number.
_PERCENT = regex.compile(
    r"[%٪％]|per ?cent|\bpct\b|procent|prozent|pour ?cent|por ?ciento|por ?cento|per ?cento|percento|\bpersen|\bperatus"
    r"|yüzde\b|процент|відсот|بالمئة|بالمائة|في المئة|في المائة|درصد|فیصد|فى المئة|प्रतिशत|फ़ीसदी|"
    r"फीसदी|শতাংশ|אחוז|百分之|パーセント"
    r"|퍼센트|τοις εκατό|asilimia|phần trăm|ร้อยละ|เปอร์เซ็นต์|บาทต่อร้อย",
    regex.IGNORECASE,
)
_PERCENT_BEFORE = regex.compile(r"(?:[%٪％]|\byüzde|ร้อยละ|asilimia)\s*$", regex.IGNORECASE)
_SHORT_SCALES = {
    "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12, "тыс": 1e3, "млн": 1e6, "млрд": 1e9,
    "трлн": 1e12,
}  # fmt: skip

_SHORT_SCALE = regex.compile(rf"\s?({'|'.join(_SHORT_SCALES)})\b\.?", regex.IGNORECASE)
# Round numbers stand for exact ones behind such words; two digits are as exact as a reader expects of them.
_ABOUT = regex.compile(
    r"\b(?:about|around|roughly|nearly|almost|approximately|some|over|more than|under|fewer than|"
    r"less than|at least|up to"
    r"|environ|près de|plus de|moins de|quelque|unos|unas|cerca de|casi|más de|alrededor de|"
    r"aproximadamente|rund|etwa|fast"
    r"|circa|mehr als|über|knapp|oltre|quasi|più di|mais de|yaklaşık|civarında|fazla|aşkın|около|"
    r"примерно|почти|более|свыше"
    r"|больше|порядка|близько|майже|понад|більше|sekitar|lebih dari|hampir|kurang lebih)\b"
    r"|نحو|حوالي|حوالى|قرابة|زهاء|أكثر من|اكثر من|ما يقرب|حدود|بیش از|نزدیک به|تقریباً|约|約|近|超过|"
    r"超|逾|多|余|大约|ほぼ|以上"
    r"|लगभग|क़रीब|करीब|से अधिक|से ज़्यादा|تقریبا|زیادہ|כ-|כמעט|יותר מ|מעל|קרוב ל",
    regex.IGNORECASE,
)
_LAKH = 1e5
_THOUSAND = 1000
_RANGE = regex.compile(
    r"\s*(?:and|to|[-–—]|至|到|до|и|і|ile|ila|و|إلى|الى|تا|et|à|y|a|bis|und|e|dan|hingga|から|~|～)\s*"
)
_BEFORE = 18
_AFTER = 8


def read_numbers(text: str, language: str, *, generous: bool = False) -> list[Number]:
    """The numbers of a text, in order. ``generous`` reads also what may be something else, as for a source."""
    spoken = primary(language)
    numbers = [*read_eastern(text, generous=generous)]
    taken = [(number.start, number.end) for number in numbers]
    numbers += [
        number
        for number in (*_written(text, spoken, generous=generous), *_roman(text))
        if not any(number.start < end and start < number.end for start, end in taken)
    ]
    return sorted((_in_context(number, text) for number in numbers), key=lambda number: number.start)


def read_amounts(text: str, language: str) -> Amounts:
    """All values that a source's text may be read to have."""
    numbers = read_numbers(text, language, generous=True)
    values = {value for number in numbers for reading in number.readings for value in reading}
    # "Between 27 and 34 million" begins at 27 million.
    for first, last in pairwise(numbers):
        if len(last.readings) > 1 and _RANGE.fullmatch(text[first.end : last.start]):
            scale = last.readings[0][0] / max(last.readings[1][0], 1)
            values |= {reading[0] * scale for reading in first.readings if reading}
    return Amounts(frozenset(values), _PERCENT.search(text) is not None)


def _in_context(number: Number, text: str) -> Number:
    before, behind = text[max(0, number.start - _BEFORE) : number.start], text[number.end : number.end + _AFTER]
    percent = number.percent or _has_percent(text, number)
    about = number.about or _ABOUT.search(before) is not None or _ABOUT.match(behind.lstrip()) is not None
    return Number(number.readings, number.text, number.start, number.end, percent, number.floor, about)


def _has_percent(text: str, number: Number) -> bool:
    """Whether the word or sign for percent is the number's own, and not its neighbour's."""
    behind = text[number.end : number.end + 16].lstrip()
    return bool(
        (_PERCENT.match(behind) and not behind.startswith("百分之")) or _PERCENT_BEFORE.search(text[: number.start])
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of digits or a number word: what it may be, and whether a sentence claims a number by it."""

    values: tuple[tuple[float, ...], ...]
    start: int
    end: int
    digits: bool = False
    sure: bool = True
    kind: str = ""


def _written(text: str, language: str, *, generous: bool) -> Iterator[Number]:
    pieces = sorted((*_digit_pieces(text), *_word_pieces(text, language)), key=lambda piece: piece.start)
    for group in _groups(pieces, text, language):
        start, end = group[0].start, group[-1].end
        whole = _composed(group)
        if generous:
            alone = tuple(reading for piece in group for reading in piece.values)
            yield Number((*whole, *alone), text[start:end], start, end)
        elif any(piece.sure for piece in group):
            floor = len(group) == 1 and not group[0].digits and group[0].values[0][0] >= 100
            yield Number(whole, text[start:end], start, end, floor=floor)


def _digit_pieces(text: str) -> Iterator[_Piece]:
    for match in _DIGITS.finditer(text):
        if match.group() in _SHARES:
            yield _Piece(((_SHARES[match.group()],),), match.start(), match.end(), digits=True)
            continue
        readings, end = _digit_readings(match.group()), match.end()
        if (short := _SHORT_SCALE.match(text, end)) and len(readings[0]) == 1:
            scale, end = _SHORT_SCALES[short.group(1).lower()], short.end()
            readings = tuple((first * scale, *rest) for first, *rest in readings if not rest) + readings
        yield _Piece(readings, match.start(), end, digits=True)


def _digit_readings(written: str) -> tuple[tuple[float, ...], ...]:
    plain = "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in written)
    plain = regex.sub(rf"[{_SPACE}٬'’]", "", plain).replace("٫", ".") if ":" not in plain else plain
    parts = [int(part) for part in regex.split(r"[.,:]", plain) if part]
    readings: list[tuple[float, ...]] = []
    if regex.fullmatch(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*|\d{1,2}(?:,\d{2})+,\d{3}", plain):
        readings.append((float(regex.sub("[.,]", "", plain)),))
    marks = regex.findall(r"[.,]", plain)
    if ":" not in plain and len(marks) <= 1:
        readings.append((float(plain.replace(",", ".")),))
    elif ":" not in plain and marks[-1] not in marks[:-1]:
        head, _, tail = plain.rpartition(marks[-1])
        readings.append((float(regex.sub("[.,]", "", head) + "." + tail),))
    if len(parts) > 1 and (":" in plain or _CLOCK.fullmatch(plain)):
        hours = [((parts[0] - 12) or 12) if 12 < parts[0] < 24 else parts[0]]
        readings += [tuple(float(part) for part in (*first, *parts[1:]) if part) for first in ([parts[0]], hours)]
    return tuple(dict.fromkeys(readings)) or (tuple(float(part) for part in parts),)


def _word_pieces(text: str, language: str) -> Iterator[_Piece]:
    if not (table := number_table(language)).exact:
        return
    words = [*_WORD.finditer(text)]
    for place, match in enumerate(words):
        word = spell(match.group(), language)
        if language == "fr" and word.startswith("vingt") and place and fold(words[place - 1].group()) == "quatre":
            yield _Piece(((80.0,),), words[place - 1].start(), match.end())
        elif found := table.find(word):
            readings = tuple((value,) for value in found.values)
            yield _Piece(readings, match.start(), match.end(), sure=found.sure, kind=found.kind)


def _groups(pieces: Sequence[_Piece], text: str, language: str) -> Iterator[list[_Piece]]:
    """Pieces that together are one number."""
    between = regex.compile(rf"[\s\u200c־-]*(?:{AND[language]}[\s\u200c]+)?" if language in AND else r"[\s\u200c־-]*")
    group: list[_Piece] = []
    for piece in pieces:
        if group and piece.start < group[-1].end:
            if language == "fr" and piece.values == ((80.0,),):
                group[-1:] = [piece]
            continue
        if group and between.fullmatch(text[group[-1].end : piece.start]) and _fits(group, piece, language):
            group.append(piece)
            continue
        if group:
            yield group
        group = [piece]
    if group:
        yield group


def _fits(group: Sequence[_Piece], piece: _Piece, language: str) -> bool:
    """Whether a piece goes on with a number: "twenty" with "one", "two" with "hundred" or "million"."""
    last, value = group[-1].values[0][0], piece.values[0][0]
    if piece.digits and language in ("hi", "ur", "bn") and last >= _LAKH:
        return value < last
    if (
        piece.digits
        or piece.kind == "="
        or any(not each.sure and each.values[0][0] != 1 for each in (group[-1], piece))
    ):
        return False
    if value >= 1000:
        return last < value and group[-1].kind != "="
    if piece.kind == "×":
        return last < value and (group[-1].digits or last < 10)
    if group[-1].digits:
        return False
    if piece.kind == "+":
        return last < 10
    if last >= 100 or group[-1].kind == "×":
        return value < last
    if last >= 10 and last % 10 == 0:
        return value < (20 if language == "fr" and last in (60, 80) else 10)
    return last < 10 and language in UNIT_FIRST and value % 10 == 0


def _composed(group: Sequence[_Piece]) -> tuple[tuple[float, ...], ...]:
    if len(group) == 1:
        return group[0].values
    wholes = []
    for first in (reading[0] for reading in group[0].values if len(reading) == 1):
        total, current = (first, 0.0) if first >= _THOUSAND else (0.0, first)
        for piece in group[1:]:
            total, current = added(total, current, piece.values[0][0], piece.kind)
        wholes.append((total + current,))
    return tuple(wholes) or group[0].values


def _roman(text: str) -> Iterator[Number]:
    for match in _ROMAN.finditer(text):
        values = [_ROMAN_VALUES[each] for each in match.group()]
        value = sum(-v if v < following else v for v, following in zip(values, [*values[1:], 0], strict=True))
        yield Number(((float(value),),), match.group(), match.start(), match.end())
