"""What Isnad itself says, in the reader's language: ``rag/assets/phrases.json``, written for this project.

Where words would have to agree with a number or a name, a phrase is a label before it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from rag.language import name, primary
from rag.types import Notice, Support


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language; those in braces are to be filled in with ``str.format``.

    Answers made of quotes: ``quoted`` introduces them, ``not_found`` says that there are none. Talk: ``greeting``,
    ``thanks``, ``ability``. The collection: ``count`` {count}, ``languages`` {languages}, ``published`` {since}
    {until}, ``subjects`` before titles. Its articles: ``newest``, ``about`` {topic}, ``about_none`` {topic}, ``more``
    {count}, ``summary`` {title}. A day: ``day`` and ``day_said`` and ``day_none`` {day}. The last answer: ``source``,
    ``source_none``. Notices: ``model_failed``, ``model_unsupported``, ``dropped``, ``carried`` {asked}. Labels:
    ``machine_translation``, ``supported``, ``partly``, ``unsupported``.
    """

    quoted: str
    not_found: str
    greeting: str
    thanks: str
    ability: str
    count: str
    languages: str
    published: str
    subjects: str
    newest: str
    about: str
    about_none: str
    more: str
    summary: str
    day: str
    day_said: str
    day_none: str
    source: str
    source_none: str
    model_failed: str
    model_unsupported: str
    dropped: str
    carried: str
    machine_translation: str
    supported: str
    partly: str
    unsupported: str


@cache
def all_phrases() -> dict[str, Phrases]:
    """The phrases by language."""
    table = json.loads((resources.files("rag") / "assets" / "phrases.json").read_text(encoding="utf-8"))
    return {language: Phrases(**texts) for language, texts in table.items()}


def phrases(language: str) -> Phrases:
    """The phrases in ``language`` (BCP 47), or in English where there are none."""
    return all_phrases()[spoken(language)]


def spoken(language: str) -> str:
    """The language that Isnad speaks to somebody of ``language`` (BCP 47): the same, or English."""
    return primary(language) if primary(language) in all_phrases() else "en"


def introduction(reader: str, quoted: Sequence[str]) -> str:
    """The line before the quotes, in the language ``reader``; names the languages ``quoted`` if there are others."""
    others = list(dict.fromkeys(primary(code) for code in quoted if code))
    languages = "" if not others or others == [primary(reader)] else f" ({listed(others, reader)})"
    return f"{phrases(reader).quoted}{languages}:"


def listed(codes: Sequence[str], reader: str) -> str:
    """The names of languages, in the language ``reader``, one after the other."""
    comma = {"ar": "، ", "fa": "، ", "ur": "، ", "zh": "、", "ja": "、"}.get(spoken(reader), ", ")
    return comma.join(name(code, reader=spoken(reader)) for code in codes)


def notice(what: Notice, reader: str, *, asked: str = "") -> str:
    """A notice in the language ``reader``; ``asked`` is how a question was understood."""
    text: str = getattr(phrases(reader), what.value)
    return text.format(asked=asked)


def support_label(support: Support, reader: str) -> str:
    """How well a sentence is supported, in the language ``reader``; "" for what has no name for it."""
    return str(getattr(phrases(reader), support.value, ""))
