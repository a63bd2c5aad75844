"""Dates as sources write them, into ISO 8601."""

from __future__ import annotations

import datetime
import re
from email.utils import parsedate_to_datetime

_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_MAIL = re.compile(r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}")
# Day and month cannot be told apart.
_AMBIGUOUS = re.compile(r"(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|1[0-2])[/.-]\d{2,4}\b")
_CLOCK = re.compile(r"\d{1,2}:\d{2}|\d\s*(?:am|pm)\b", re.IGNORECASE)


def iso_date(text: str) -> str:
    """The date, or the date and time with its zone where that is known, of a text that is in ISO 8601; else ""."""
    try:
        if _DAY.fullmatch(text):
            return datetime.date.fromisoformat(text).isoformat()
        return datetime.datetime.fromisoformat(text).isoformat() if _CLOCK.search(text) or "T" in text else ""
    except ValueError:
        return ""


def read_date(text: str, *, language: str = "") -> str:
    """As ``iso_date``, also for mail and feed dates and for words in ``language`` ("19 يوليو 2022"); else ""."""
    text = text.strip()
    if found := iso_date(text):
        return found
    if _MAIL.match(text):
        try:
            return parsedate_to_datetime(text).isoformat()
        except ValueError:
            return ""
    if not text or len(text) > 100:  # no date is so long, and dateparser takes its time to find that out
        return ""
    import dateparser

    try:
        moment = dateparser.parse(
            text,
            languages=[language] if language in _SPOKEN else None,
            settings={"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"]},
        )
    except (ValueError, OverflowError, RecursionError):
        return ""
    if moment is None:
        return ""
    return str(moment.isoformat() if _CLOCK.search(text) else moment.date().isoformat())


def is_ambiguous(text: str) -> bool:
    """Whether it depends on a country's habits which number of a date is the month."""
    return _AMBIGUOUS.match(text.strip()) is not None


# Languages whose way to write a date dateparser knows; others are left to its own guess.
_SPOKEN = frozenset("ar bn de en es fa fr he hi id it ja ko nl pl pt ro ru sv sw ta th tr uk ur vi zh".split())
