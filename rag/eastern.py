"""Numerals of Chinese, Japanese, Korean and Thai: characters for digits and units, alone or behind other digits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

from rag.amounts import Number

_HAN_DIGITS = dict(zip("〇零一二三四五六七八九两兩", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 2), strict=True))
_EAST_UNITS = {
    "十": 10, "百": 100, "千": 1000, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8, "兆": 1e12, "만": 1e4, "억": 1e8,
    "조": 1e12, "천": 1e3, "백": 100,
    "ล้าน": 1e6, "แสน": 1e5, "หมื่น": 1e4, "พัน": 1e3, "ร้อย": 100,
}  # fmt: skip
_EAST_UNIT = "|".join(_EAST_UNITS)
_EAST = regex.compile(
    rf"(?:\d[\d,]*(?:\.\d+)?\s?(?:{_EAST_UNIT})|[〇零一二三四五六七八九两兩十百千万萬亿億兆])"
    rf"(?:[〇零一二三四五六七八九两兩]|\d[\d,]*(?:\.\d+)?|{_EAST_UNIT})*"
)
_EAST_PART = regex.compile(rf"\d[\d,]*(?:\.\d+)?|{_EAST_UNIT}|.")
_PARTS_OF = regex.compile(
    r"([\d〇零一二三四五六七八九两十百千]+)\s?分の?之?\s?([\d.〇零一二三四五六七八九两十百千点]+)"
)
# What a Chinese or Japanese numeral of one character must stand before to be read as a number: 三年, not 三星.
_COUNTED = frozenset(
    "年月日天号世头號个個名人次岁歲位家座所种種项項条條倍时時点點分秒周週里公米吨噸元架辆艘枚枪场届期国國方者成层层只份部门套轮番度台本社校カか箇円ヶ回件つ頭匹冊票章代"
)
_VAGUE_BEFORE = frozenset("数數几幾上好近成")
# Not numbers, though they are written like some.
_IDIOMS = regex.compile(
    r"十分(?!钟|鐘|之)|百姓|千万[别不]|万一|四川|三星|三菱|三井|十字|四周|四处|五角|百度|万达|一[些样般起直旦切]|万科|千葉|八王子|六本木|四国"
)


def read_eastern(text: str, *, generous: bool) -> Iterator[Number]:
    """The numbers that are written with such numerals; ``generous`` reads also what may be something else."""
    idioms = [match.span() for match in _IDIOMS.finditer(text)]
    for match in _PARTS_OF.finditer(text):
        below, above = (_east_value(part) for part in match.groups())
        if below:
            percent = below == 100
            values = ((above if percent else above / below,),)
            yield Number(values, match.group(), match.start(), match.end(), percent=percent)
            idioms.append(match.span())
    for match in _EAST.finditer(text):
        if any(match.start() < end and start < match.end() for start, end in idioms):
            continue
        written = match.group()
        value = _east_value(written)
        readings: tuple[tuple[float, ...], ...] = ((value,),)
        if generous:
            alone = [_east_value(part) for part in regex.findall(r"\d[\d,.]*|[〇零一二三四五六七八九两兩十]", written)]
            yield Number((*readings, tuple(alone)), written, match.start(), match.end())
        elif _is_claim(text, match):
            yield Number(readings, written, match.start(), match.end())


def _is_claim(text: str, match: regex.Match[str]) -> bool:
    """Whether a Chinese, Japanese or Korean numeral states an amount: more than "one", and of something counted."""
    written, follows = match.group(), text[match.end() : match.end() + 1]
    if regex.search(r"\d", written):
        return True
    if text[match.start() - 1 : match.start()] in _VAGUE_BEFORE or follows in ("几", "数", "多"):
        return False
    ascending = len(written) == 2 and all(each in _HAN_DIGITS for each in written)
    return _east_value(written) >= 2 and not ascending and (follows in _COUNTED or len(written) > 2)


def _east_value(written: str) -> float:
    total, section, digits = 0.0, 0.0, ""
    for part in _EAST_PART.findall(written.replace(" ", "")):
        if part in _HAN_DIGITS:
            digits += str(_HAN_DIGITS[part])
        elif part in "点點.":
            digits += "."
        elif part in _EAST_UNITS:
            unit = _EAST_UNITS[part]
            if unit < 1e4:
                section, digits = section + float(digits or 1) * unit, ""
            else:
                total, section, digits = total + ((section + float(digits or 0)) or 1) * unit, 0.0, ""
        else:
            digits += regex.sub(r"[^\d.]", "", "".join(str(unicodedata.digit(e)) if e.isdigit() else e for e in part))
    try:
        return total + section + float(digits or 0)
    except ValueError:
        return total + section
