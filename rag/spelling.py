"""One form for all spellings of a word."""

from __future__ import annotations

import unicodedata

import regex

_LETTERS = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"),
        **dict.fromkeys("ىیے", "ي"),
        **dict.fromkeys("ک", "ك"),
        **dict.fromkeys("ةۀھە", "ه"),
        "ؤ": "و",
        "ئ": "ي",
        "ـ": None,
        "ı": "i",
        "ß": "ss",
        "’": "'",
        "ʼ": "'",
    }
)
# Accents, and the vowel marks of Arabic and Hebrew and the dot of Devanagari that many leave out.
_MARK = regex.compile(r"[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u093c\u09bc]")


def fold(word: str) -> str:
    """One form for all spellings of a word: lower case, without accents and vowel marks, Arabic letters unified."""
    word = unicodedata.normalize("NFKC", word).replace("İ", "i").casefold()
    word = _MARK.sub("", unicodedata.normalize("NFD", word))
    return unicodedata.normalize("NFC", word).translate(_LETTERS)
