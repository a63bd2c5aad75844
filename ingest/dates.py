"""Dates as sources write them, into ISO 8601."""

from __future__ import annotations

import datetime
import re
from email.utils import parsedate_to_datetime
from importlib import import_module

_DAY = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_MAIL = re.compile(r"(?:[A-Za-z]{3}, ?)?\d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}")
# Day and month cannot be told apart.
_AMBIGUOUS = re.compile(r"(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|1[0-2])[/.-]\d{2,4}\b")
# No date is longer, and dateparser takes its time to find that out.
_LONGEST = 100
_HIJRI_YEAR = re.compile(r"(?<!\d)[1١۱][34٣٤۳۴]\d\d(?!\d)")
_OUR_YEAR = re.compile(r"(?<!\d)(?:[1١۱][89٨٩۸۹]|[2٢۲][0٠۰])\d\d(?!\d)")
_SOLAR = ("dateparser.calendars.jalali", "JalaliCalendar")
_LUNAR = ("dateparser.calendars.hijri", "HijriCalendar")
_CALENDARS = {"fa": _SOLAR, "ps": _SOLAR, "ar": _LUNAR, "ur": _LUNAR}
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
    """As ``iso_date``, also for mail and feed dates and for words in ``language`` ("19 يوليو 2022"); else "".

    Years from 1300 to 1499 are those of the language's other calendar: Solar Hijri in Persian and Pashto, lunar
    Hijri in Arabic and Urdu.
    """
    text = text.strip()
    if language in _CALENDARS and len(text) <= _LONGEST and _HIJRI_YEAR.search(text) and not _OUR_YEAR.search(text):
        return _hijri_date(text, language)
    if found := iso_date(text):
        return found
    if _MAIL.match(text):
        try:
            return parsedate_to_datetime(text).isoformat()
        except ValueError:
            return ""
    if not text or len(text) > _LONGEST:
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
    return _written(moment, text) if moment else ""


def _hijri_date(text: str, language: str) -> str:
    module, name = _CALENDARS[language]
    try:
        found = getattr(import_module(module), name)(text.replace("\u200c", " ")).get_date()
    except (ValueError, OverflowError, KeyError, IndexError):  # the calendar's own, for a day that is not in it
        return ""
    return _written(found.date_obj, text) if found and found.period != "month" and found.period != "year" else ""


def _written(moment: datetime.datetime, text: str) -> str:
    return moment.isoformat() if _CLOCK.search(text) else moment.date().isoformat()


def is_ambiguous(text: str) -> bool:
    """Whether it depends on a country's habits which number of a date is the month."""
    return _AMBIGUOUS.match(text.strip()) is not None


# Languages whose way to write a date dateparser knows; others are left to its own guess.
_SPOKEN = frozenset("ar bn de en es fa fr he hi id it ja ko nl pl pt ro ru sv sw ta th tr uk ur vi zh".split())
