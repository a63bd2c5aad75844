"""Whether characters that were found are those that a question's references name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eval.types import Reference

# Of the shorter of two spans so much must be in the other: a passage holds a quote, or the larger part of one that its
# end cuts; a quoted sentence holds an answer of a word, or is the larger part of a quote of two sentences.
OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``start`` to ``end`` of an article."""

    article_id: str
    start: int
    end: int


def covers(span: Span, reference: Reference) -> bool:
    """Whether a span and a reference are of one article, with half of the shorter one or more in common."""
    if span.article_id != reference.article_id:
        return False
    shorter = min(span.end - span.start, reference.end - reference.start)
    common = min(span.end, reference.end) - max(span.start, reference.start)
    return common > 0 and common >= OVERLAP * shorter


def covered(spans: Iterable[Span], references: Sequence[Reference]) -> float:
    """The share (0–1) of the references that some span covers; 0 of none."""
    held = list(spans)
    return sum(any(covers(span, each) for span in held) for each in references) / len(references) if references else 0.0
