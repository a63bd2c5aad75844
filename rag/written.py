"""What a language model writes, as it arrives: sentences with the numbers they cite.

Models write citations in many ways: ``[1]``, ``[1, 2]``, ``[1][3]``, ``【1】``, ``[١]``, ``[passage 1]``, before the
stop or behind it. Numbers that no passage has are taken out and counted; so are links, images and the marks of
Markdown, since only what the articles' metadata hold is ever made a link.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rag.prompts import REFUSAL
from rag.sentences import split_sentences
from rag.text import without_controls

_NUMBERS = r"\d+(?:\s*(?:[,،、;؛；&+–-]|\]\s*\[)\s*\d+)*"
_MARK = re.compile(rf"\s*[\[【［〔]\s*(?:[^\W\d_]{{2,12}}[\s.:]*|[\^#№])?({_NUMBERS})(?:†[^\]】］〕]*)?\s*[\]】］〕]")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_WIDEST_RANGE = 20
# A mark that has begun and not ended, at the end of what has arrived.
_BEGUN = re.compile(r"\s*[\[【［〔][^\]】］〕]{0,40}$")
# Marks behind the end of a sentence are put before it, so that they stay with it.
_BEHIND = re.compile('([.!?…。！？؟۔।]+["”»’」』)]*)((?:\\s*\ue000\\d+\ue001)+)')
_HELD = re.compile("\ue000(\\d+)\ue001")
_LINKS = re.compile(r"!?\[([^\]\n]*)\]\(([^)\n]*)\)")
_ADDRESS = re.compile(r"<?\b(?:[a-z][a-z0-9+.-]*://|www\.|javascript:|data:[a-z]+/)[^\s<>\])}»”]*>?", re.IGNORECASE)
_TAGS = re.compile(r"</?[a-zA-Z!][^>\n]*>|<\|[^>\n]*\|>")
_MARKDOWN = re.compile(r"^\s*(?:[-*•▪–]\s+|#{1,6}\s+|\d{1,2}[.)]\s+|>\s+)|\*\*|__|`+", re.MULTILINE)
_BEFORE_STOP = re.compile(r"\s+(?=[.!?…,;:。！？，؟۔،]+(?:\s|$))")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence and the numbers it cites, in the order of their first mention; ``begins`` says whether it starts a
    line.
    """

    text: str
    numbers: tuple[int, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """Sentences with their citations, and how many numbers were removed because no passage has them."""

    claims: tuple[Claim, ...]
    removed: int = 0


def is_refusal(text: str) -> bool:
    """Whether the model says that the passages do not answer."""
    return REFUSAL in text.upper().replace(" ", "_")


def may_become_refusal(text: str) -> bool:
    """Whether what has arrived so far could be the beginning of a refusal."""
    begun = re.sub(r"^\W+", "", text).upper().replace(" ", "_")
    return REFUSAL.startswith(begun[: len(REFUSAL)])


def read_written(
    text: str, language: str, *, passages: int, links: Collection[str] = (), whole: bool = True
) -> Written:
    """The sentences of what a model wrote in a language (BCP 47) from so many passages.

    ``links`` are addresses that may stay in the text. What has arrived only in part (not ``whole``) ends before a mark
    that is not closed.
    """
    numbers: list[tuple[int, ...]] = []
    removed = 0

    def hold(mark: re.Match[str]) -> str:
        nonlocal removed
        cited = list(_cited(mark.group(1)))
        known = tuple(dict.fromkeys(n for n in cited if 1 <= n <= passages))
        removed += sum(not 1 <= n <= passages for n in cited)
        numbers.append(known)
        return f"\ue000{len(numbers) - 1}\ue001"

    text = _plain(text, links)
    text = _MARK.sub(hold, text if whole else _BEGUN.sub("", text))
    text = _BEHIND.sub(r"\2\1", text)
    claims: list[Claim] = []
    end = 0
    for start, stop in split_sentences(text, language):
        sentence = text[start:stop]
        cited = [n for held in _HELD.findall(sentence) for n in numbers[int(held)]]
        said = _BEFORE_STOP.sub("", " ".join(_HELD.sub("", sentence).split()))
        if any(character.isalnum() for character in said):
            claims.append(Claim(said, tuple(dict.fromkeys(cited)), bool(claims) and "\n" in text[end:start]))
        elif claims:  # marks that stand alone belong to what is before them
            last = claims[-1]
            claims[-1] = Claim(last.text, tuple(dict.fromkeys((*last.numbers, *cited))), last.begins)
        end = stop
    return Written(tuple(claims), removed)


def _cited(numbers: str) -> Iterator[int]:
    for part in re.split(r"[,،、;؛；&+\[\]]", numbers):
        if wide := _RANGE.fullmatch(part.strip()):
            first, last = int(wide.group(1)), int(wide.group(2))
            yield from range(first, last + 1) if 0 <= last - first <= _WIDEST_RANGE else (first, last)
        elif part.strip():
            yield int(part)


def _plain(text: str, links: Collection[str]) -> str:
    text = _LINKS.sub(lambda link: "" if link.group().startswith("!") else link.group(1), without_controls(text))
    text = _ADDRESS.sub(lambda address: address.group() if address.group() in links else "", text)
    return _MARKDOWN.sub("", _TAGS.sub("", text))
