"""Words as lexical search compares them: one form for all spellings, stems where a stemmer knows the language."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import regex

from rag.language import primary

if TYPE_CHECKING:
    from Stemmer import Stemmer

# Scripts that part no words, and Korean, which joins particles to them: compared by pairs of characters.
_UNSPACED = "\uac00-\ud7a3\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# In regex's words, unlike in re's, the vowel signs of Indic scripts are letters.
_TOKEN = regex.compile(f"(?V1)[{_UNSPACED}]+|[\\w--[{_UNSPACED}_]]+")
_RUN = regex.compile(f"[{_UNSPACED}]")
# One letter for those that Arabic, Persian and Urdu keyboards give for it, and that print alike or are mixed up.
_LETTERS = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىیے", "ي"),
        **dict.fromkeys("ک", "ك"),
        **dict.fromkeys("ةۀہھە", "ه"),
        "ؤ": "و",
        "ئ": "ي",
        "ـ": None,  # tatweel stretches a word
        "\u200c": None,
        "\u200d": None,
        "ё": "е",
        "ı": "i",
        "ß": "ss",
    }
)
# By language code; the stemmers of Snowball (https://snowballstem.org).
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "nb": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
    "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def analyse(text: str, language: str) -> list[str]:
    """The words of a text in a language (BCP 47), in order: folded and stemmed, or pairs of characters."""
    stem = _stemmer(primary(language))
    tokens: list[str] = []
    for token in _TOKEN.findall(_plain(text)):
        if _RUN.match(token):
            tokens += [token[at : at + 2] for at in range(len(token) - 1)] or [token]
        else:
            tokens.append(
                _folded(stem.stemWord(token) if stem and not token.isdecimal() else token).translate(_LETTERS)
            )
    return tokens


def _plain(text: str) -> str:
    """The text in lower case and compatibility form, without the vowel marks of Arabic and Hebrew, digits as 0 to 9."""
    text = unicodedata.normalize("NFKC", text).replace("İ", "i").casefold().translate(_LETTERS)
    return "".join(
        str(unicodedata.digit(each)) if each.isdigit() and not each.isascii() else each
        for each in text
        if not ("\u0590" <= each <= "\u08ff" and unicodedata.category(each) == "Mn")
    )


def _folded(word: str) -> str:
    """The word without accents: after stemming, since stemmers go by them."""
    if word.isascii():
        return word
    apart = unicodedata.normalize("NFD", word)
    return unicodedata.normalize("NFC", "".join(each for each in apart if not "\u0300" <= each <= "\u036f"))


@cache
def _stemmer(language: str) -> Stemmer | None:
    import Stemmer as snowball

    name = _STEMMERS.get(language)
    return snowball.Stemmer(name) if name in snowball.algorithms() else None
