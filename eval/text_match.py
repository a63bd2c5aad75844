"""How well a text has the words of a reference answer: the measures of SQuAD (Rajpurkar et al. 2016), in any language.

Words are compared in one form for all spellings (``rag.spelling``): without case, accents and vowel marks, letters of
Arabic unified, digits of every script as 0 to 9, without the articles of the languages concerned. Scripts that part no
words, and Korean, are compared by characters, as MLQA's measure does for Chinese (Lewis et al. 2020).
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import regex

from rag.language import primary
from rag.spelling import fold

# Articles, by language, as words of their own; those of SQuAD's and MLQA's scripts, and of further languages.
_ARTICLES = {
    "ca": "el la els les un una uns unes",
    "de": "der die das den dem des ein eine einen einem eines einer",
    "el": "ο η το οι τα του της των τον την ένας μια ένα",
    "en": "a an the",
    "es": "el la los las un una unos unas",
    "fr": "le la les un une des l",
    "hu": "a az egy",
    "it": "il lo la i gli le un uno una l",
    "nl": "de het een",
    "pt": "o a os as um uma uns umas",
    "sv": "en ett",
    "vi": "của là cái chiếc những",
}
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# A number with its separators ("1,200", "١٬٢٠٠", "3.5"), a character of a script without spaces with its marks, or a
# word with the points and apostrophes in it ("U.S.", "don't"), which are left out as SQuAD does.
_TOKEN = regex.compile(
    rf"(?V1)\p{{N}}+(?:[.,٫٬'’\u00a0\u202f]\p{{N}}+)*|[{_UNSPACED}]\p{{M}}*"
    rf"|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+(?:[.'’][[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+)*"
)
# What comes before just three digits parts thousands and is left out; before others it is a point, or of a date.
_THOUSANDS = regex.compile(r"[.,٬'’\u00a0\u202f](?=\p{N}{3}(?!\p{N}))")
_POINT = regex.compile(r"(?<=\p{N})[.,٫٬'’\u00a0\u202f](?=\p{N})")
_INNER = regex.compile(r"[.'’]")
# The Arabic article is written as one with its word, which must be left something.
_AL = regex.compile(r"ال(?=\p{L}{2})")
_INVISIBLE = regex.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def tokens(text: str, languages: Iterable[str] = ()) -> list[str]:
    """The words of a text as they are compared, without the articles of the languages (BCP 47)."""
    articles, arabic = _articles(tuple(sorted({primary(each) for each in languages})))
    found = []
    # The zero-width non-joiner of Persian, and what only turns the direction of writing, is not part of a word.
    for token in _TOKEN.findall(_digits(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))):
        inner = _POINT.sub(".", _THOUSANDS.sub("", token)) if token[0].isnumeric() else _INNER.sub("", token)
        word = fold(inner)
        if arabic:
            word = _AL.sub("", word, count=1) if word.startswith("ال") else word
        if word and word not in articles:
            found.append(word)
    return found


@lru_cache
def _articles(languages: tuple[str, ...]) -> tuple[frozenset[str], bool]:
    words = {fold(word) for each in languages for word in _ARTICLES.get(each, "").split()}
    return frozenset(words), "ar" in languages


def _digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(each, each)) for each in text)


def f1(text: str, answers: Sequence[str], languages: Iterable[str] = ()) -> float:
    """The best F1 (0–1) of a text's words with those of any answer: 2PR/(P+R), words in common counted with repeats."""
    spoken = tuple(languages)
    given = tokens(text, spoken)
    return max((_f1(given, tokens(answer, spoken)) for answer in answers), default=0.0)


def _f1(given: Sequence[str], wanted: Sequence[str]) -> float:
    if not given or not wanted:
        return float(given == wanted)
    common = _common(given, wanted)
    return 2 * common / (len(given) + len(wanted))


def exact_match(text: str, answers: Sequence[str], languages: Iterable[str] = ()) -> float:
    """1 where a text has the very words of an answer and no others, else 0."""
    spoken = tuple(languages)
    given = tokens(text, spoken)
    return float(any(given == tokens(answer, spoken) for answer in answers))


def answer_recall(text: str, answers: Sequence[str], languages: Iterable[str] = ()) -> float:
    """The share (0–1) of an answer's words that a text has, of the answer for which it is largest.

    Unlike F1 it does not count what the text has besides: a whole sentence that holds a short answer has 1.
    """
    spoken = tuple(languages)
    given = tokens(text, spoken)
    wanted = [words for answer in answers if (words := tokens(answer, spoken))]
    return max((_common(given, words) / len(words) for words in wanted), default=0.0)


def _common(given: Sequence[str], wanted: Sequence[str]) -> int:
    return (Counter(given) & Counter(wanted)).total()
