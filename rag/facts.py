"""What a sentence must have from its sources: numbers, dates, names; and signs that it turns them round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

import regex

from rag import markers
from rag.amounts import Amounts, Number
from rag.days import Day, Days, known_days, read_days
from rag.language import primary
from rag.names import Name, countries, likeness, read_names, read_words
from rag.numerals import read_amounts, read_numbers
from rag.types import Flaw, Problem

# Years of the solar Hijri calendar (Iran), of the lunar one and of the Buddhist, in ours.
_CALENDARS = {"fa": (1250, 1450, (621, 622)), "ps": (1250, 1450, (621, 622)), "th": (2400, 2600, (-543,))}
_LUNAR = (1300, 1460)
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925}
_ERA_YEAR = regex.compile(r"(令和|平成|昭和)(\d{1,2}|元)年")

# A word this like one of the text's is that word.
SAME_WORD = 0.7
# Names with fewer words between them are one name, or named together.
_APART = 2
_PLACE = regex.compile(
    r"(?:\b(?:in|at|from|near|of|à|en|au|aux|dans|de|du|in|im|aus|bei|в|во|из|у|на|di|da|em|no|na|a|z|w)\s+(?:the\s+|la\s+|le\s+|el\s+)?|"
    r"(?:في|من|ب|در|از|在|于)\s*)$",
    regex.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a source's text, title and date of publication tell of numbers and days, and the text itself."""

    text: str
    language: str
    amounts: Amounts
    days: Days


@lru_cache(maxsize=512)
def read_known(text: str, language: str, published: str) -> Known:
    """The numbers and days of a source; those of the last sources are kept."""
    amounts = read_amounts(text, language)
    days = known_days(text, language, published, amounts.values)
    values = set(amounts.values) | days.years | _other_years(amounts.values, primary(language))
    values |= {value for year, month, day in days.dates for value in (year, month, day) if value}
    for era, year in _ERA_YEAR.findall(text):
        values.add(float(_ERAS[era] + (1 if year == "元" else int(year))))
    return Known(text, language, replace(amounts, values=frozenset(map(float, values))), days)


def _other_years(values: Iterable[float], language: str) -> set[float]:
    """The years of our calendar that numbers may be in the language's own."""
    found: set[float] = set()
    if language in _CALENDARS:
        first, last, add = _CALENDARS[language]
        found = {value + by for value in values if first <= value <= last for by in add}
    if language in ("ar", "ur", "fa"):
        lunar = (int(value * 0.970229 + 621.57) for value in values if _LUNAR[0] <= value <= _LUNAR[1])
        found |= {float(year + by) for year in lunar for by in (0, 1)}
    return found


@dataclass(frozen=True, slots=True)
class Claims:
    """The numbers and days that a sentence states, and the names in it."""

    numbers: tuple[Number, ...]
    days: tuple[Day, ...]
    names: tuple[Name, ...]


def read_claims(sentence: str, language: str) -> Claims:
    """What a sentence states that its sources must have."""
    days = read_days(sentence, language)
    spoken = primary(language)
    numbers = []
    for number in read_numbers(sentence, language):
        if any(number.start < day.end and day.start < number.end for day in days):
            continue
        years = _other_years({reading[0] for reading in number.readings if reading}, spoken)
        numbers.append(replace(number, readings=(*number.readings, *((year,) for year in sorted(years)))))
    return Claims(tuple(numbers), tuple(days), tuple(read_names(sentence, language)))


def missing(claims: Claims, sources: Sequence[Known]) -> list[Problem]:
    """The numbers and days that none of the sources has."""
    problems = [
        Problem(Flaw.NUMBER, number.text)
        for number in claims.numbers
        if not any(source.amounts.has(number) for source in sources)
    ]
    problems += [
        Problem(Flaw.DATE, day.text) for day in claims.days if not any(source.days.have(day) for source in sources)
    ]
    return problems


def name_words(claims: Claims) -> list[tuple[list[tuple[str, int, int]], bool]]:
    """The words of each name, (text, start, end), without those that are dates, and whether it is surely one."""
    names = []
    for name in claims.names:
        words = [
            (match.group(), name.start + match.start(), name.start + match.end())
            for match in regex.finditer(r"[\p{L}\p{M}\p{N}'’·・]+", name.text)
            if not any(
                name.start + match.start() < day.end and day.start < name.start + match.end() for day in claims.days
            )
        ]
        if words:
            names.append((words, name.sure))
    return names


def same_country(word: str, language: str, sources: Sequence[Known]) -> bool | None:
    """Whether a source speaks of the country that the word means; None for a word that is no country's."""
    codes = countries(word, language)
    if not codes:
        return None
    return any(set(codes) & set(countries(source.text, source.language)) for source in sources)


@dataclass(frozen=True, slots=True)
class Turns:
    """Signs that a sentence turns round what a source says: 1 where there is one, with the words."""

    negation: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    attribution: tuple[str, ...] = ()
    doubt: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()


def compare(sentence: str, language: str, source: str, source_language: str, around: str) -> Turns:
    """How a sentence differs from the sentence that it is nearest to, in the small words and the order of names;
    ``around`` is that with its neighbours.
    """
    said, told, near = markers.folded(sentence), markers.folded(source), markers.folded(around)
    if not (markers.knows(language) and markers.knows(source_language)):
        return Turns(actors=_swapped(sentence, language, source, source_language))
    denied, denying = markers.negations(said, language), markers.negations(told, source_language)
    negation = () if denying or markers.negations(near, source_language) else tuple(denied)
    if negation and markers.is_contrary(near, source_language):
        negation = ()
    dropped = () if denied or markers.is_contrary(said, language) else tuple(denying)
    speech, doubt = markers.attributions(said, language), markers.doubts(said, language)
    attributed = () if speech or doubt else tuple(markers.attributions(told, source_language))
    doubted = () if speech or doubt else tuple(markers.doubts(told, source_language))
    actors = _swapped(sentence, language, source, source_language)
    if actors and markers.is_passive(said, language) != markers.is_passive(told, source_language):
        actors = ()
    return Turns(negation, dropped, attributed, doubted, actors)


def _swapped(sentence: str, language: str, source: str, source_language: str) -> tuple[str, ...]:
    """Two names of the sentence that the source has the other way round, or none."""
    places = _places(sentence, language, source)
    if len(places) < 2:
        places = [(there, here, text) for here, there, text in _places(source, source_language, sentence)]
    for (here, there, one), (later, beyond, other) in combinations(sorted(places), 2):
        apart = min(_between(sentence, here, later), _between(source, *sorted((there, beyond))))
        if there > beyond and apart >= _APART and one != other:
            in_place = any(_PLACE.search(sentence[:at]) for at in (here, later))
            if in_place == any(_PLACE.search(source[:at]) for at in (there, beyond)):
                return one, other
    return ()


def _places(text: str, language: str, other: str) -> list[tuple[int, int, str]]:
    """(offset here, offset there, name) of the names of a text that another has, each by its last word."""
    found = []
    for name in read_names(text, language):
        words = read_words(name.text)
        if not words:
            continue
        last = name.text[words[-1].start : words[-1].end]
        there = [word for word in read_words(other) if likeness(last, other[word.start : word.end]) >= SAME_WORD]
        if there and len({word.folded for word in there}) == 1:
            found.append((name.start + words[-1].start, there[0].start, name.text))
    return found


def _between(text: str, start: int, end: int) -> int:
    """How many words stand from one offset to another, the first left out."""
    return max(len(read_words(text[start:end])) - 1, (end - start) // 6 if regex.search(r"\p{Han}", text) else 0)
