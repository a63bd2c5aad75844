"""Dates and days of the week in a text, in any language (names: Unicode CLDR), and which of them a source speaks of."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import regex

from rag.language import primary
from rag.number_words import PREFIXES
from rag.spelling import fold

# A date as it may be meant: year, month, day; None is not said.
Reading = tuple[int | None, int, int | None]

_LONGEST_NAME = 3
# Of a case, or of "evening" and "night" in one word with the day.
_LONGEST_ENDING = 6
_WEEK = 7
# Months of the solar Hijri calendar count from here, so that they are not mistaken for others.
_SOLAR = 100

# Where other names than those of the language's first country are written too.
_COUNTRIES = {
    "ar": ("ar", "ar_LB", "ar_DZ", "ar_MA"),
    "pt": ("pt", "pt_PT"),
    "de": ("de", "de_AT"),
    "zh": ("zh", "zh_TW"),
}
_INFLECTED = frozenset("de nl sv ru uk be pl cs sk bg sr hr tr az fi hu et lt lv el ko hi ur bn sw".split())
_SOLAR_MONTHS = "فروردين ارديبهشت خرداد تير مرداد شهريور مهر ابان اذر دي بهمن اسفند".split()
# Words that are a month or a day only where a number or a preposition says so.
_AMBIGUOUS = frozenset(
    "may march mars mai maj maja mei mart marca ocak ekim august set out ago dec jan mar abr sep juin "
    "avril مارس تير مهر دي اب"
    " ايار جوان اذر pazar minggu среда среду среде средои середа segunda quarta quinta sexta terca "
    "احد اثنين sab mer sun"
    " sat mon cuma sali thu fri tue wed sept oct nov feb apr jun jul aug okt dez fev ott lug giu mag".split()
)
_POINTING = regex.compile(
    r"(?:\b(?:in|of|last|next|this|by|since|until|early|late|on|в|во|на|у|от|om|am|le|el|los|il|na|"
    r"hari|bulan|ماه|شهر|يوم|dans|en|em)|,)"
    r"\s*$",
    regex.IGNORECASE,
)
_DAY_BEFORE = regex.compile(r"(?<!\d)(\d{1,2})(?:\.|º|er|st|nd|rd|th|-?го|-?е|-ша|ème|e)?\s*(?:of|de|di|من|th|،)?\s*$")
_DAY_BEHIND = regex.compile(r"[’'\w]{0,4}\s*(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?(?![\d:%.,٬٫]*\d|\s*%)")
_YEAR_BEHIND = regex.compile(r"[’'\w]{0,4}[\s,،.]*(?:de|of|del|do|سنة|عام|لعام|سال|года|року|năm)?\s*(\d{4})(?!\d)")
_NUMERIC = regex.compile(r"(?<![\d.,])(\d{1,4})([-/.])(\d{1,2})\2(\d{4}|\d{1,2})(?![\d,]|\.\d)")
_EAST = regex.compile(
    r"(?:(\d{2,4}|[〇零一二三四五六七八九]{4})\s?[年년]\s?)?(\d{1,2}|[一二三四五六七八九十]{1,2})\s?[月월](?!曜)"
    r"(?:\s?(\d{1,2}|[一二三四五六七八九十]{1,3})\s?[日号號일](?!曜))?"
)
_VIETNAMESE = regex.compile(r"(?:(\d{1,2})\s+)?tháng\s+(\d{1,2})(?:\s+năm\s+(\d{4}))?", regex.IGNORECASE)
_EAST_DAYS = regex.compile(r"(?:星期|周|週|礼拜)([一二三四五六日天])|([月火水木金土日])曜|([월화수목금토일])요일")
_EAST_ORDER = ("一二三四五六日", "月火水木金土日", "월화수목금토일")
_HAN = {each: number for number, each in enumerate("〇一二三四五六七八九十")}

# Days that a text counts from its own: by how many.
_RELATIVE = {
    -2: "позавчера|أول أمس|پریروز|anteayer|avant-hier|vorgestern|前天|一昨日|परसों|שלשום",
    -1: "yesterday|أمس|امس|دیروز|dün|вчера|вчора|hier|ayer|gestern|ieri|ontem|昨天|昨日|कल|גزشتہ روز|אתמול|kemarin"
    "|어제|wczoraj|gisteren|igår|i går|χθες|hôm qua|เมื่อวาน|گزشتہ روز",
    0: "today|اليوم|امروز|bugün|сегодня|сьогодні|aujourd|hoy|heute|oggi|hoje|今天|今日|आज|היום|hari "
    "ini|오늘|dzisiaj|dziś"
    "|vandaag|idag|i dag|σήμερα|hôm nay|วันนี้|آج",
    1: "tomorrow|غدا|غدًا|فردا|yarın|завтра|demain|mañana|morgen|domani|amanhã|明天|明日|מחר|besok|내일|jutro|imorgon",
}
_RELATIVE_WORDS = {
    days: regex.compile(rf"(?<!\p{{L}})(?:{words})", regex.IGNORECASE) for days, words in _RELATIVE.items()
}
_NIGHT_TO = regex.compile(r"ноч[ьи] (?:на|с)\s+$|ніч на\s+$")
_LAST_MONTH = regex.compile(
    r"month (?:before|earlier)|(?:last|previous) month|الشهر (?:الماضي|السابق)|ماه (?:گذشته|پیش|قبل)|geçen ay|önceki ay"
    r"|прошл\w+ месяц|предыдущ\w+ месяц|месяцем ранее|минул\w+ місяц|mois (?:dernier|précédent)|mes (?:pasado|anterior)"
    r"|vormonat|(?:letzten|vergangenen) monat|mese (?:scorso|precedente)|mês (?:passado|anterior)|"
    r"上个?月|前月|先月|पिछले महीने"
    r"|گذشتہ ماہ|bulan lalu|החודש שעבר|지난달",
    regex.IGNORECASE,
)
_LAST_YEAR = regex.compile(
    r"last year|previous year|العام الماضي|السنة الماضية|سال گذشته|پارسال|geçen yıl|прошл\w+ год|"
    r"минул\w+ ро|année dernière"
    r"|an dernier|año pasado|vergangenen jahr|letzte\w+ jahr|vorjahr|anno scorso|ano passado|去年|"
    r"पिछले साल|گزشتہ سال|בשנה שעברה"
    r"|tahun lalu|작년|지난해",
    regex.IGNORECASE,
)
_NEXT_YEAR = regex.compile(
    r"next year|coming year|العام المقبل|العام القادم|السنة المقبلة|سال آینده|gelecek yıl|önümüzdeki yıl|следующ\w+ год"
    r"|наступн\w+ ро|année prochaine|an prochain|próximo año|año que viene|nächste\w+ jahr|prossimo "
    r"anno|próximo ano|明年|来年"
    r"|अगले साल|בשנה הבאה|tahun depan|내년",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Day:
    """A date or a day of the week (0 is Monday) as it stands in a text."""

    readings: tuple[Reading, ...]
    weekday: int | None
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Days:
    """The dates that a source speaks of, its day of publication among them, the days of the week, and the years."""

    dates: frozenset[Reading]
    weekdays: frozenset[int]
    years: frozenset[float]

    def have(self, day: Day) -> bool:
        """Whether the day is one of them."""
        if day.weekday is not None:
            return day.weekday in self.weekdays
        return any(_agree(reading, known, self.years) for reading in day.readings for known in self.dates)


def _agree(said: Reading, known: Reading, years: frozenset[float]) -> bool:
    if said[1] != known[1] or (said[2] and said[2] != known[2]):
        return False
    return not said[0] or said[0] == known[0] or (known[0] is None and float(said[0]) in years)


def read_days(text: str, language: str, *, generous: bool = False) -> list[Day]:
    """The dates and days of the week in a text; ``generous`` reads also words that may mean something else."""
    spoken = primary(language)
    found = [*_numeric(text), *_eastern(text, spoken), *_named(text, spoken, generous=generous)]
    found.sort(key=lambda day: (day.start, day.start - day.end))
    days: list[Day] = []
    for day in found:
        if not days or day.start >= days[-1].end:
            days.append(_with_solar(day) if spoken in ("fa", "ps") else day)
    return days


def known_days(text: str, language: str, published: str, values: Iterable[float]) -> Days:
    """What a source's text and its date of publication, ISO 8601, tell of days; ``values`` are the numbers in it."""
    found = read_days(text, language, generous=True)
    dates = {reading for day in found for reading in day.readings}
    weekdays = {day.weekday for day in found if day.weekday is not None}
    # "The night to Wednesday" is Tuesday's.
    weekdays |= {
        (day.weekday - 1) % _WEEK for day in found if day.weekday is not None and _NIGHT_TO.search(text[: day.start])
    }
    years = {value for value in values if 1000 <= value <= 2200}
    if _LAST_MONTH.search(text):
        dates |= {(year, (month - 2) % 12 + 1, None) for year, month, _ in dates if month <= 12}
    if issued := _issued(published):
        spoken_of = {issued + datetime.timedelta(days=by) for by, said in _RELATIVE_WORDS.items() if said.search(text)}
        past = (issued - datetime.timedelta(days=by) for by in range(_WEEK))
        spoken_of |= {day for day in past if day.weekday() in weekdays}
        # What does not say when it happened is told on the day that it is published.
        spoken_of |= set() if weekdays or spoken_of else {issued}
        dates |= {(day.year, day.month, day.day) for day in spoken_of} | {(issued.year, issued.month, None)}
        dates |= {(None, (issued.month - 2) % 12 + 1, None)} if _LAST_MONTH.search(text) else set()
        years |= {float(issued.year)}
        years |= {issued.year - 1.0} if _LAST_YEAR.search(text) else set()
        years |= {issued.year + 1.0} if _NEXT_YEAR.search(text) else set()
    for year, month, day in tuple(dates):
        if day and month <= 12 and (of := year or (issued.year if issued else 0)):
            weekdays |= _weekday(of, month, day)
    return Days(frozenset(dates), frozenset(weekdays), frozenset(years))


def _issued(published: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(published[:10])
    except ValueError:
        return None


def _weekday(year: int, month: int, day: int) -> set[int]:
    try:
        return {datetime.date(year, month, day).weekday()}
    except ValueError:
        return set()


def _numeric(text: str) -> Iterator[Day]:
    for match in _NUMERIC.finditer(text):
        first, middle, last = int(match[1]), int(match[3]), int(match[4])
        if len(match[1]) == 4:
            orders = [(first, middle, last), (first, last, middle)]
        elif len(match[1]) <= 2:
            year = last + 2000 if last < 100 else last
            orders = [(year, middle, first), (year, first, middle)]
        else:
            continue
        readings: tuple[Reading, ...] = tuple((y, m, d) for y, m, d in orders if 1 <= m <= 12 and 1 <= d <= 31)
        if readings:
            yield Day(readings, None, match.group(), match.start(), match.end())


def _eastern(text: str, language: str) -> Iterator[Day]:
    for match in _EAST.finditer(text):
        year, month, day = (_small(part) for part in match.groups())
        if month and month <= 12 and (language in ("zh", "ja", "ko") or day):
            yield Day(((year, month, day),), None, match.group(), match.start(), match.end())
    for match in _EAST_DAYS.finditer(text):
        order = next(number for number, part in enumerate(match.groups()) if part)
        weekday = _EAST_ORDER[order].index(match.group(order + 1).replace("天", "日"))
        yield Day((), weekday, match.group(), match.start(), match.end())
    for match in _VIETNAMESE.finditer(text) if language == "vi" else ():
        date = (int(match[3]) if match[3] else None, int(match[2]), int(match[1]) if match[1] else None)
        yield Day((date,), None, match.group(), match.start(), match.end())


def _small(written: str | None) -> int | None:
    if written is None:
        return None
    if written.isdecimal():
        return int(written)
    if "十" in written:
        tens, _, ones = written.partition("十")
        return (_HAN[tens] if tens else 1) * 10 + (_HAN[ones] if ones else 0)
    return int("".join(str(_HAN.get(each, 0)) for each in written))


def _named(text: str, language: str, *, generous: bool) -> Iterator[Day]:
    """Days by the names that a language has for months and days of the week."""
    names = _names(language)
    if not names:
        return
    words = [(match.start(), match.end(), fold(match.group())) for match in regex.finditer(r"[\p{L}\p{M}]+", text)]
    place = 0
    while place < len(words):
        size, found = _longest(words[place : place + _LONGEST_NAME], names, language)
        if found is None:
            place += 1
            continue
        start, end = words[place][0], words[place + size - 1][1]
        written = " ".join(word for _, _, word in words[place : place + size])
        sure = (
            generous or (written not in _AMBIGUOUS and len(written) > 3) or _POINTING.search(text[:start]) is not None
        )
        kind, number = found
        if kind == "weekday":
            if sure:
                yield Day((), number, text[start:end], start, end)
        else:
            day = _dated(text, start, end, number)
            # A month alone is one only where it is written as one: "in May", not "may".
            if day.readings[0] != (None, number, None) or (sure and text[start:end] not in ("may", "march")):
                yield day
        place += size


def _longest(
    words: list[tuple[int, int, str]], names: dict[str, tuple[str, int]], language: str
) -> tuple[int, tuple[str, int] | None]:
    for size in range(len(words), 0, -1):
        phrase = " ".join(word for _, _, word in words[:size])
        bare = (phrase[len(prefix) :] for prefix in PREFIXES.get(language, ()) if phrase.startswith(prefix))
        for form in (phrase, *bare):
            if form in names:
                return size, names[form]
        if language in _INFLECTED and size == 1:
            for name, found in names.items():
                ending = len(phrase) - len(name)
                if (
                    len(name) > 4 - (language in ("ru", "uk"))
                    and -1 <= ending <= _LONGEST_ENDING
                    and phrase.startswith(name[:-1] if name[-1] in "aeiouyаеиоуьияію" else name)
                ):
                    return size, found
    return 0, None


def _dated(text: str, start: int, end: int, month: int) -> Day:
    """The date around the name of a month."""
    day = year = None
    if before := _DAY_BEFORE.search(text[max(0, start - 12) : start]):
        day, start = int(before[1]), start - (len(text[max(0, start - 12) : start]) - before.start())
    elif behind := _DAY_BEHIND.match(text[end : end + 14]):
        day, end = int(behind[1]), end + behind.end()
    if found := _YEAR_BEHIND.match(text[end : end + 20]):
        year, end = int(found[1]), end + found.end()
    if day is not None and not 1 <= day <= 31:
        day = None
    return Day(((year, month, day),), None, text[start:end].strip(), start, end)


@cache
def _names(language: str) -> dict[str, tuple[str, int]]:
    """By folded name: a month's or a weekday's number. Empty where CLDR does not know the language."""
    from babel import Locale, UnknownLocaleError

    names: dict[str, tuple[str, int]] = {}
    for code in _COUNTRIES.get(language, (language,)):
        try:
            locale = Locale.parse(code)
        except (UnknownLocaleError, ValueError):
            continue
        for kind, table, base in (("month", locale.months, 0), ("weekday", locale.days, 0)):
            for context in ("format", "stand-alone"):
                for width in ("wide", "abbreviated"):
                    for number, name in table[context][width].items():
                        for form in _spellings(str(name)):
                            names.setdefault(form, (kind, number + base))
    if language in ("fa", "ps"):
        names |= {name: ("month", _SOLAR + number) for number, name in enumerate(_SOLAR_MONTHS, 1)}
    return names


def _spellings(name: str) -> list[str]:
    words = [fold(word) for word in regex.findall(r"[\p{L}\p{M}]+", name)]
    if not words or regex.search(r"\d", name) or len("".join(words)) < 3:
        return []
    return [" ".join(words), "".join(words)]


def _with_solar(day: Day) -> Day:
    """A date of the solar Hijri calendar with the same in the common one."""
    from convertdate import persian  # type: ignore[import-untyped]

    readings = list(day.readings)
    for year, month, number in day.readings:
        if month > _SOLAR and year and year < 1500:
            for of_month in [number] if number else [1, 29]:
                common = persian.to_gregorian(year, month - _SOLAR, of_month)
                readings.append((common[0], common[1], common[2] if number else None))
    return replace(day, readings=tuple(readings))
