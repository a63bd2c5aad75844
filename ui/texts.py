"""What the page says, in the languages that it speaks; the texts are in ``assets/texts.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources

from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from rag.language import primary

# By the code that texts.json has; a language calls itself by its own name.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "ar": "العربية",
    "fa": "فارسی",
    "tr": "Türkçe",
    "ru": "Русский",
    "fr": "Français",
    "es": "Español",
    "de": "Deutsch",
    "zh": "中文",
}
DEFAULT = "en"


def interface_language(code: str) -> str:
    """The language of the page for a reader of that language (BCP 47): theirs if the page speaks it, else English."""
    spoken = primary(code) if code else DEFAULT
    return spoken if spoken in LANGUAGES else DEFAULT


def text(key: str, language: str, /, **values: object) -> str:
    """The text of that key, with the values put in, whole numbers as the language groups their digits. Raises KeyError
    for a key that there is not.
    """
    if not values:
        return texts(language)[key]
    shown = {name: number(value, language) if isinstance(value, int) else value for name, value in values.items()}
    return texts(language)[key].format(**shown)


def number(value: int, language: str) -> str:
    """A number as the language groups its digits. They are the ones of citations and dates, 0–9, in every language."""
    return str(format_decimal(value, locale=language))


def listed(words: Sequence[str], language: str) -> str:
    """The words one after the other, as the language joins them."""
    return str(format_list(words, locale=language))


def percent(share: float, language: str) -> str:
    """A share between 0 and 1 in whole percent, as the language writes it."""
    return str(format_percent(share, locale=language))


def texts(language: str) -> Mapping[str, str]:
    """All texts of a language of ``LANGUAGES``, by their keys."""
    return _all()[language]


@lru_cache(maxsize=1)
def _all() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((resources.files("ui") / "assets" / "texts.json").read_text("utf-8"))
    return found
