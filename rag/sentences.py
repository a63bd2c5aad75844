"""Text into sentences; every offset points into the text itself."""

from __future__ import annotations

import re
from itertools import pairwise

import sentencex

Span = tuple[int, int]

# A "sentence" longer than this is a list, a table or a script without full stops: cut it where a reader would
# breathe, so that what is quoted stays short. Thai, Lao, Khmer and Burmese separate clauses by spaces only.
_LONGEST_SENTENCE = 600
_LONGEST_UNPUNCTUATED = {"th": 160, "lo": 160, "km": 160, "my": 160}

LINE = re.compile(r"[^\n\r\u2028\u2029]+")
# The Arabic semicolon ends a statement in news prose; the Urdu full stop is sentencex's own. sentencex takes a Chinese
# full stop before a digit for a decimal point.
_ALSO_ENDS = re.compile(r"(?<=؛)\s+|(?<=[。！？])(?=\d)")
_INITIAL = re.compile(r"(?:^|\s)[^\W\d_]\.$")
_BREATH = re.compile(r"[;；:：،,、，—–](?=\s|$)|[；：、，]|\s")


def split_sentences(text: str, language: str) -> list[Span]:
    """The (start, end) of every sentence in ``text``, in order, without the white space around them.

    Boundaries come from sentencex (Wikimedia), which knows abbreviations and the full stops of some 300 languages;
    a line break always ends a sentence. ``language`` is BCP 47 and may be empty.
    """
    longest = _LONGEST_UNPUNCTUATED.get(language, _LONGEST_SENTENCE)
    spans: list[Span] = []
    for line in LINE.finditer(text):
        for start, end in _join_continuations(text, _sentences_of_line(line, language)):
            spans += cut_long(text, start, end, longest)
    return spans


def _sentences_of_line(line: re.Match[str], language: str) -> list[Span]:
    spans = []
    position = line.start()
    for sentence in sentencex.segment(language or "en", line.group()):
        cuts = [0, *(match.end() for match in _ALSO_ENDS.finditer(sentence)), len(sentence)]
        for start, end in pairwise(cuts):
            piece = sentence[start:end]
            left = position + start + len(piece) - len(piece.lstrip())
            right = position + start + len(piece.rstrip())
            if left < right:
                spans.append((left, right))
        position += len(sentence)
    return spans


def _join_continuations(text: str, spans: list[Span]) -> list[Span]:
    """Puts back what was cut after an initial or an ordinal ("د. محمد", "3. toplantı") or before a small letter."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and (text[start].islower() or _INITIAL.search(text[joined[-1][0] : joined[-1][1]])):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def cut_long(text: str, start: int, end: int, longest: int) -> list[Span]:
    """The characters ``start`` to ``end`` in pieces of at most ``longest``, cut where a reader would breathe."""
    spans = []
    while end - start > longest:
        breaths = [match.end() for match in _BREATH.finditer(text, start + longest // 2, start + longest)]
        cut = breaths[-1] if breaths else start + longest
        stripped = text[start:cut].rstrip()
        spans.append((start, start + len(stripped)))
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if start < end:
        spans.append((start, end))
    return spans
