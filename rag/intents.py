"""What a message wants, where that is no question of what the articles say: greetings, lists, summaries, days, sources.

``rag/assets/intents.json`` holds the patterns of 18 languages. One must match the whole message, so that a question
that only begins with a greeting or has a date in it stays a question. In a pattern ``{t}`` and ``{d}`` are the topic
and the day asked about, ``{a}`` a topic that names an article; other names in braces are entries of the language.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib import resources

import regex

from rag.days import read_days
from rag.language import primary, script


class Intent(StrEnum):
    """What somebody wants; all that is none of the others is a question."""

    QUESTION = "question"
    GREETING = "greeting"
    THANKS = "thanks"
    ABILITY = "ability"
    ARTICLES = "articles"
    SUMMARY = "summary"
    DAY = "day"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Wish:
    """An intent and the ``topic`` or the ``day`` (ISO 8601, or --MM-DD without a year) that it is about.

    ``language`` (BCP 47) is that of the pattern that matched, ``message`` what is left without greetings before it.
    """

    intent: Intent
    topic: str = ""
    day: str = ""
    language: str = ""
    message: str = ""


# Nobody asks for a list in more words, and patterns take their time on a long text.
_LONGEST = 200
# How Unicode names the letters of a script (ISO 15924).
_SCRIPTS = {
    "Latn": ("LATIN",),
    "Arab": ("ARABIC",),
    "Cyrl": ("CYRILLIC",),
    "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",),
    "Kore": ("HANGUL",),
    "Jpan": ("HIRAGANA", "KATAKANA", "CJK"),
    "Hans": ("CJK",),
    "Grek": ("GREEK",),
    "Thai": ("THAI",),
    "Beng": ("BENGALI",),
}
_COURTESIES = (Intent.GREETING, Intent.THANKS)
# In the order in which they are tried.
_WISHES = (*_COURTESIES, Intent.ABILITY, Intent.SOURCE, Intent.DAY, Intent.SUMMARY, Intent.ARTICLES)
_TOPIC = r"(?P<topic>[^.?!؟。！？]+?)"
# Both what a pattern has besides a day and the day itself may end in the same words.
_DAYS = (r"(?P<day>.{3,40}?)", r"(?P<day>.{3,40})")
_ENDS = " \t\n.?!,;:…。！？，、؟،؛~\"'“”«»¿¡।۔"
# Letters for which keyboards give several, and marks that are left out as often as written.
_LETTERS = str.maketrans("أإآٱىیئکةۀؤёİı’‘`\u200c", "اااايييكههوеii''' ")
# Between the spans of a date and a day of the week only these may stand.
_BESIDE_DAYS = frozenset(
    "on the of le el il am den der vom in im em no na dia día del de do da al a at в во на от за день года год г у від"
    " року рік يوم اليوم في من عام سنة بتاريخ در روز تاريخ سال به tarihinde tarihli günü gunu dem da ta te nda nde pada"
    " tanggal di hari ב ביום יום בתאריך ל 日 に の 날 일 년 의 에 को के दिन की کو کے دن کی st nd rd th er".split()
)
# A year in which a day of the solar Hijri calendar that has none is looked up; it moves by one day at most.
_SOME_SOLAR_YEAR = 1402


def read_intent(message: str, language: str) -> Wish:
    """What a message in that language (BCP 47) wants; of a question, the message without the greeting before it.

    The language of a few words is often mistaken, so that others in the same script are tried as well.
    """
    message = message.strip()
    spoken = in_script(load_patterns(), message, language)
    rest, courtesy = _without_courtesies(message, spoken)
    if not rest.strip(_ENDS):
        return courtesy or Wish(Intent.QUESTION, language=language, message=message)
    if len(rest) <= _LONGEST:
        known = [code for code in spoken if code == primary(language)]
        for codes in (known, [code for code in spoken if code not in known]):
            # Of several languages the one that leaves least for the topic says most.
            if wishes := [wish for code in codes if (wish := _read(rest, code))]:
                return replace(min(wishes, key=lambda wish: len(wish.topic)), message=rest)
    return Wish(Intent.QUESTION, language=language, message=rest)


def fold(text: str) -> str:
    """The text as patterns are compared with it: lower case, one letter for variants, plain digits, single spaces."""
    return _folded(plain(text))


@cache
def load_patterns() -> Mapping[str, Mapping[str, str | Sequence[str]]]:
    """The table of patterns by language."""
    table: dict[str, dict[str, str | list[str]]] = json.loads(
        (resources.files("rag") / "assets" / "intents.json").read_text(encoding="utf-8")
    )
    return table


def in_script(languages: Iterable[str], message: str, language: str) -> list[str]:
    """Those of the languages that are written in the script of the message, ``language`` first if it is one of them."""
    names = {unicodedata.name(each, "").partition(" ")[0] for each in message if each.isalpha()}
    known = [code for code in languages if not names.isdisjoint(_SCRIPTS[script(code)])]
    return sorted(known, key=lambda code: code != primary(language))


def _without_courtesies(message: str, spoken: Sequence[str]) -> tuple[str, Wish | None]:
    """The message behind the greetings and thanks that it begins with, and the last of those."""
    rest, last = message, None
    while rest:
        for code, intent in ((code, intent) for code in spoken for intent in _COURTESIES):
            text = plain(rest)
            if found := _leading(code, intent).match(_bare(text)):
                last = Wish(intent, language=code, message=message)
                rest = text[found.end() :].strip()
                break
        else:
            return rest, last
    return rest, last


def _read(message: str, language: str) -> Wish | None:
    text = plain(message).strip(_ENDS)
    for form in dict.fromkeys((_without_please(text, language), text)):
        letters = _bare(form)
        for intent in _WISHES:
            for pattern in _patterns(language, intent):
                found = pattern.fullmatch(letters)
                if found and (wish := _wish(found, form, intent, language)):
                    return wish
    return None


def _wish(found: regex.Match[str], text: str, intent: Intent, language: str) -> Wish | None:
    groups = found.groupdict()
    topic = text[slice(*found.span("topic"))].strip(_ENDS) if groups.get("topic") else ""
    day = read_day(text[slice(*found.span("day"))], language) if groups.get("day") else ""
    if intent is Intent.DAY and not day:
        return None
    if intent is Intent.ARTICLES and topic and _is_no_topic(topic, language):
        return None
    if intent is Intent.SUMMARY:
        topic = _article_named(topic, language)
    return Wish(intent, topic=topic, day=day, language=language)


def _is_no_topic(topic: str, language: str) -> bool:
    """Whether it is a word that points back, or has a verb as only a question about the articles themselves has."""
    letters = _bare(topic)
    pointing, clause = _no_topics(language)
    return bool(pointing.fullmatch(letters) or clause.search(letters))


def read_day(text: str, language: str) -> str:
    """The day that a text is, words like "on" besides: ISO 8601, or --MM-DD where it has no year; else ""."""
    found = read_days(text, language, generous=True)
    dates = [day for day in found if day.readings]
    rest = fold(" ".join(text[start:end] for start, end in _between(text, [(day.start, day.end) for day in found])))
    if len(dates) != 1 or any(word not in _BESIDE_DAYS for word in regex.findall(r"\w+", rest)):
        return ""
    readings = dates[0].readings
    if all(month > 12 for _, month, _ in readings):
        readings = tuple(
            (None, month, day)
            for each in read_days(f"{dates[0].text} {_SOME_SOLAR_YEAR}", language, generous=True)
            for _, month, day in each.readings
        )
    for year, month, day in readings:
        if day and month <= 12:
            return f"{year:04}-{month:02}-{day:02}" if year else f"--{month:02}-{day:02}"
    return ""


def _between(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in sorted(spans):
        yield at, start
        at = end
    yield at, len(text)


def _article_named(topic: str, language: str) -> str:
    """The topic without the words for an article of it: "the grain deal" of "the article about the grain deal"."""
    before, behind = _namings(language)
    if found := before.match(_bare(topic)):
        topic = topic[found.end() :]
    if found := behind.search(_bare(topic)):
        topic = topic[: found.start()]
    return topic.strip(_ENDS)


def _without_please(text: str, language: str) -> str:
    """The text without words of courtesy at its ends, and without "please" and the like anywhere."""
    before, behind, anywhere = _courteous(language)
    for found in reversed(list(anywhere.finditer(_bare(text)))):
        text = f"{text[: found.start()]} {text[found.end() :]}".strip()
    while found := before.match(_bare(text)):
        text = text[found.end() :]
    while found := behind.search(_bare(text)):
        text = text[: found.start()]
    return text.strip(_ENDS)


@cache
def _courteous(language: str) -> tuple[regex.Pattern[str], regex.Pattern[str], regex.Pattern[str]]:
    # Where words are parted, whole words only.
    table = load_patterns()[language]
    words = "|".join(_fold_pattern(each) for each in table["please"])
    return (
        regex.compile(rf"(?:{words})(?:[ ,،、，:¿¡]+|(?<=[\p{{Han}}\p{{Kana}}])(?=.))"),
        regex.compile(rf"(?:[ ,،、，]+|(?=[\p{{Han}}\p{{Hira}}]))(?:{words})$"),
        regex.compile(rf"(?:^|[ ,،]+)(?:{_entry(language, 'polite')})(?:[ ,،]+|$)"),
    )


@cache
def _namings(language: str) -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    # What follows is a word of its own, except after an apostrophe and where words are not parted.
    return (
        regex.compile(rf"(?:{_entry(language, 'summary_of')})(?: |$|(?<=['\p{{Han}}\p{{Kana}}\p{{Hira}}\p{{Hang}}]))"),
        regex.compile(rf"(?:{_entry(language, 'behind')})$"),
    )


@cache
def _no_topics(language: str) -> tuple[regex.Pattern[str], regex.Pattern[str]]:
    return (
        regex.compile(rf"(?:{_entry(language, 'pointing')})"),
        regex.compile(rf"(?<!\w)(?:{_entry(language, 'clause')})(?!\w)"),
    )


def _entry(language: str, name: str) -> str:
    """What the language has under a name, as a pattern; one that nothing matches where it has nothing."""
    return _fold_pattern(str(load_patterns()[language].get(name, "(?!)")))


@cache
def _patterns(language: str, intent: Intent) -> list[regex.Pattern[str]]:
    filled = [_filled(pattern, language) for pattern in load_patterns()[language][intent.value]]
    if intent is Intent.SOURCE:
        filled = [rf"(?:(?:{_entry(language, 'and')}) ?,? ?)?(?:{pattern})" for pattern in filled]
    return [regex.compile(form) for each in filled for form in dict.fromkeys(each.replace("{d}", day) for day in _DAYS)]


@cache
def _leading(language: str, intent: Intent) -> regex.Pattern[str]:
    """A courtesy at the beginning, with the mark that ends it, or alone."""
    patterns = "|".join(f"(?:{_filled(each, language)})" for each in load_patterns()[language][intent.value])
    return regex.compile(rf"[¿¡]?(?:{patterns})(?: ?[!,.;:…。！，、،؛~\n]+\s*| ?[–—-]+\s+|[\s?？؟]*$)")


def _filled(pattern: str, language: str) -> str:
    for name, entry in load_patterns()[language].items():
        if isinstance(entry, str):
            pattern = pattern.replace(f"{{{name}}}", entry)
    article = rf"(?P<topic>.*?(?:{_entry(language, 'article')}).*?)"
    return _fold_pattern(pattern).replace("{t}", _TOPIC).replace("{a}", article)


def _fold_pattern(pattern: str) -> str:
    return "".join(each for each in _bare(unicodedata.normalize("NFC", pattern)) if not _is_mark(each))


def plain(text: str) -> str:
    """The text without vowel marks and tatweel, each run of spaces as one."""
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(each for each in text if not _is_mark(each) and each != "ـ").split())


def _is_mark(character: str) -> bool:
    return "\u0590" <= character <= "\u08ff" and unicodedata.category(character) == "Mn"


def _bare(text: str) -> str:
    """As ``_folded``, and Latin letters without the accents that many leave out."""
    return "".join(_unaccented(each) for each in _folded(text))


@cache
def _unaccented(character: str) -> str:
    base = unicodedata.normalize("NFD", character)[0]
    return base if base.isascii() else character


def _folded(text: str) -> str:
    """The text character by character, as many as before."""
    return "".join(_one(each) for each in text.translate(_LETTERS))


@cache
def _one(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    lower = character.lower()
    return lower if len(lower) == 1 else character
