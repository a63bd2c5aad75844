"""A follow-up put into words that stand alone, by the language model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.conversation import Standalone
from rag.errors import LanguageModelError
from rag.prompts import standing_alone
from rag.text import without_controls
from rag.types import Turn

if TYPE_CHECKING:
    from rag.llm import LanguageModel

log = logging.getLogger(__name__)

# Turns that a follow-up may refer to, and how long a question may get.
_REMEMBERED = 3
_MOST_TOKENS = 256
_LONGEST = 500


def rewrite(llm: LanguageModel, message: str, turns: Sequence[Turn]) -> Standalone | None:
    """The question that a message asks after those turns; None where there are none, or the model does not say."""
    if not turns:
        return None
    try:
        written = llm.complete(standing_alone(message, turns[-_REMEMBERED:]), max_tokens=_MOST_TOKENS)
    except LanguageModelError as error:
        log.warning("A follow-up is understood by rule: %s", error)
        return None
    lines = [line.strip() for line in without_controls(written).splitlines() if line.strip()]
    if len(lines) != 1 or len(lines[0]) > _LONGEST:  # it has answered instead, or rambles
        return None
    return Standalone(lines[0], "", carried=lines[0] != message.strip())
