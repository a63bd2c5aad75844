"""Languages: which one a text is in, what it is called, which way it runs."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# The languages that detection chooses from: those the default model was trained on, written today in some press.
# Left out are close variants that short texts are mistaken for (Nigerian Pidgin for English, Wu for Chinese, Latin).
_DETECTED = (
    "af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn "
    "ko ku ky lo lt lv mg mk ml mn mr ms mt my ne nl no or pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr ug "
    "uk ur uz vi zh"
)

_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")

_loading = threading.Lock()


def detect(text: str) -> str:
    """The BCP 47 code of the language ``text`` is most likely in, or "" where it has no letters."""
    if not any(unicodedata.category(character).startswith("L") for character in text):
        return ""
    with _loading:
        identifier = _identifier()
    code, _ = identifier.classify(text)
    return "" if code == "und" else code


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(_DETECTED.split())
    return identifier


def is_code(text: str) -> bool:
    """Whether the text has the form of a BCP 47 code."""
    return _CODE.fullmatch(text) is not None


@cache
def script(code: str) -> str:
    """The script a language is usually written in ("Arab" for "fa"; Unicode CLDR), or "" where it is not known."""
    from babel.core import get_global

    return str(get_global("likely_subtags").get(primary(code), "")).partition("_")[2].partition("_")[0]


def primary(code: str) -> str:
    """The language of a BCP 47 code without region and script: "pt" of "pt-BR", "" of ""."""
    return code.replace("_", "-").split("-")[0].lower()


@cache
def is_rtl(code: str) -> bool:
    """Whether the language is written from right to left."""
    from babel import Locale, UnknownLocaleError

    try:
        return bool(Locale.parse(primary(code)).text_direction == "rtl")
    except (UnknownLocaleError, ValueError):
        return False


def direction(code: str) -> str:
    """The value of HTML's ``dir`` for a text in this language; "auto" where the language is not known."""
    if not code:
        return "auto"
    return "rtl" if is_rtl(code) else "ltr"


@cache
def name(code: str, *, reader: str) -> str:
    """What the language ``code`` is called in the language ``reader``, or the code itself (data: Unicode CLDR)."""
    from babel import Locale, UnknownLocaleError

    for locale in (reader, "en"):
        try:
            found = Locale.parse(primary(locale)).languages.get(primary(code))
        except (UnknownLocaleError, ValueError):
            continue
        if found:
            return str(found)
    return code
