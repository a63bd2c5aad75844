"""Words in quotation marks: in a sentence, and whether a source has them in its own."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from rag.spelling import fold

# The marks of the world's presses, opening and closing; 《》 stands for titles only and is left out.
_PAIRS = ("« »", "“ ”", "„ “", "„ ”", "” “", "‹ ›", "「 」", "『 』", "» «", "‘ ’", "‚ ‘")
_PATTERN = regex.compile(
    "|".join(
        rf"(?<!\p{{L}}){a}([^{a}{b}\n]{{2,600}}?){b}(?!\p{{L}})" if a in "‘‚" else f"{a}([^{a}{b}\n]{{2,600}}?){b}"
        for a, b in map(str.split, _PAIRS)
    )
    + r'|"([^"\n]{2,600}?)"|(?<![\p{L}\p{N}])\'([^\'\n]{2,400}?)\'(?!\p{L})'
)
_OMISSION = regex.compile(r"\s*(?:\[?(?:\.\.\.|…+)\]?|\[[^\]]*\])\s*")
_LETTERS = regex.compile(r"[^\p{L}\p{M}\p{N}]+")
_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}]")
# Fewer words than these are a name, a title or a term.
_QUOTATION_WORDS = 3
_QUOTATION_CHARACTERS = 6


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words in quotation marks, without them; ``short`` where they are a name or a term rather than a quotation."""

    text: str
    start: int
    end: int
    short: bool


def read_quoted(text: str) -> list[Quoted]:
    """What stands in quotation marks in a text, in order."""
    found = []
    for match in _PATTERN.finditer(text):
        group = next(number for number, part in enumerate(match.groups(), 1) if part is not None)
        words = match.group(group).strip(" ,.،。，")
        if words:
            found.append(Quoted(words, match.start(group), match.end(group), _is_short(words)))
    return found


def _is_short(words: str) -> bool:
    spaceless = len(_SPACELESS.findall(words))
    if spaceless > len(words) / 2:
        return spaceless < _QUOTATION_CHARACTERS
    return len(words.split()) < _QUOTATION_WORDS


def letters(text: str) -> str:
    """The letters and digits of a text, folded: what is left when white space and marks make no difference."""
    return str(_LETTERS.sub("", fold(text)))


def stands_in(quoted: str, text: str) -> bool:
    """Whether a text has the words, white space and marks aside; what "…" leaves out may be anything."""
    within = letters(text)
    at = 0
    for part in filter(None, map(letters, _OMISSION.split(quoted))):
        at = within.find(part, at)
        if at < 0:
            return False
    return True
