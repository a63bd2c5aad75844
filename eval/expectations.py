"""What is expected of the answer to a question."""

from __future__ import annotations

from enum import StrEnum

from eval.types import Case

DISLIKED = "disliked"
NO_REFERENCE = "no-reference"
# Tags of questions of which nobody said what their answer is.
_OPEN = frozenset({DISLIKED, NO_REFERENCE})


class Expectation(StrEnum):
    """What is expected: an answer, that there is none, or nothing that is known."""

    ANSWER = "answer"
    REFUSAL = "refusal"
    NOTHING = "nothing"


def expectation(case: Case) -> Expectation:
    """What is expected of a case: an answer where there are reference answers or quotes (BEIR has documents only);
    nothing where it is tagged so; else a refusal.
    """
    if case.answers or case.references:
        return Expectation.ANSWER
    return Expectation.NOTHING if _OPEN & set(case.tags) else Expectation.REFUSAL
