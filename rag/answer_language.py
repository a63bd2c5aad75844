"""Which language a message asks to be answered in: "answer in Turkish", "auf Deutsch bitte", "وبالعربية؟".

``rag/assets/answer_language.json`` holds how that is said in 26 languages, with ``{l}`` for the name of one; the names,
of every language in every one of these, are Unicode CLDR's. A form under ``asking`` says that it is a wish; one under
``plain`` may also be part of a question, and counts where it stands alone, before a colon or behind a question mark.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import regex

from rag.intents import fold, in_script, plain
from rag.language import primary

# A name has up to so many words: "Tiếng Việt", "ترکی استانبولی".
_LONGEST_NAME = 3
_UNSPACED = frozenset(("zh", "ja", "th"))
_COMMAS = " ,،:;，：、؛–—-\n"
_MARK = r" ?[:,.;،。，：؛!?؟？！…–—\n-]+[\"'”’»)]* ?"
_BETWEEN = "(?: |[,،，] ?)"
_QUESTION_END = r"[.?!؟。？！;؛…]+[\"'”’»)]* ?"
_ENDS = r"[ .?!,:;…。！？，、؟،؛)\"'”»]*"


def answer_language(message: str, language: str) -> tuple[str, str]:
    """The message, in that language (BCP 47), without the request in it, and the language asked for; "" for none.

    Of a message that is nothing but such a request "" is left.
    """
    text = plain(message).strip()
    folded = fold(text)
    if code := _endonyms().get(regex.sub(rf"^{_ENDS}|{_ENDS}$", "", folded)):
        return "", code
    for spoken in in_script(_load()["languages"], message, language):
        for form in _forms(spoken):
            found = form.fullmatch(folded)
            if found and (code := _code(found["name"], spoken)):
                return text[slice(*found.span("rest"))].strip(_COMMAS) if found["rest"] else "", code
    return message, ""


@cache
def _forms(language: str) -> list[regex.Pattern[str]]:
    """What a whole message may look like that asks for a language, by the number of words of its name."""
    table = _load()["languages"][language]
    asking, either = (
        fold("|".join(forms)).replace(" ", _BETWEEN) for forms in (table["asking"], table["asking"] + table["plain"])
    )
    behind = rf"(?:{_MARK}|)" if language in _UNSPACED else rf"(?:{_MARK}| )"
    pattern = (
        rf"[¿¡]?(?:{either}){_ENDS}"
        rf"|(?:{asking}){behind}(?P<rest>.+)|(?:{either}) ?[:：,،，] ?(?P<rest>.+)"
        rf"|(?P<rest>.+?{_MARK})(?:{asking}){_ENDS}|(?P<rest>.+{_QUESTION_END})(?:{either}){_ENDS}"
    )
    letters = r"[^\s?.!,:;،؛：，。？！؟]"
    names = (rf"(?P<name>{letters}+(?: {letters}+){{{more}}})" for more in range(_LONGEST_NAME))
    if language in _UNSPACED:
        names = (rf"(?P<name>{letters}{{1,10}}?)" for _ in range(1))
    return [regex.compile(pattern.replace("{l}", name)) for name in names]


def _code(name: str, language: str) -> str:
    """The code of a language by its name, inflected as it is in a request made in ``language``; or ""."""
    aliases = {fold(alias): code for alias, code in _load()["aliases"].items()}
    for ending, lemma in _load()["endings"].get(language, [["", ""]]):
        if name.endswith(fold(ending)):
            stem = name[: len(name) - len(ending)] + fold(lemma)
            for form in (stem, f"ال{stem}"):
                if code := aliases.get(form) or _names(language).get(form):
                    return code
    return _endonyms().get(name) or _names("en").get(name) or ""


@cache
def _names(reader: str) -> dict[str, str]:
    """The codes of languages by what they are called in the language ``reader``."""
    from babel import Locale

    names: dict[str, str] = {}
    for code, name in Locale.parse(reader).languages.items():
        if code == primary(code):
            # Two-letter codes first, which those of the languages most spoken are.
            names[fold(str(name))] = min(names.get(fold(str(name)), code), code, key=lambda each: (len(each), each))
    return names


@cache
def _endonyms() -> dict[str, str]:
    """The codes of languages by what they call themselves."""
    from babel import Locale

    codes = [code for code in _names("en").values() if len(code) == 2]
    named = {code: Locale.parse(code).languages.get(code) for code in codes if _is_known(code)}
    return {fold(str(name)): code for code, name in named.items() if name}


def _is_known(code: str) -> bool:
    from babel.localedata import exists

    return bool(exists(code))


@cache
def _load() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(
        (resources.files("rag") / "assets" / "answer_language.json").read_text(encoding="utf-8")
    )
    return table
