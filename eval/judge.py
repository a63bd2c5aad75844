"""What ragas measures: of answers and passages without a key, of answers by a language model, and questions it writes.

The files ``eval/judge_*.py`` import ragas, which takes seconds: this one does so only when it is called.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.types import Outcome
from rag.embedding import Vectors
from rag.errors import UsageError
from rag.types import Article

Embed = Callable[[Sequence[str]], Vectors]
# Told how far the work is: done, of how many, a few words.
Told = Callable[[float, float, str], None]

# Seconds for a whole reply, which is not streamed and has reasons for each statement in it.
TIMEOUT = 180.0
CONTEXT = 8192
# Tokens of a reply, thoughts included.
REPLY = 2048


@dataclass(frozen=True, slots=True)
class Asked:
    """The language model that is asked, as ``rag.llm.load_language_model`` takes it, and how it is asked.

    ``cache`` is the folder where replies are kept; ``jobs`` how many requests there are at once; ``price`` what a
    million tokens cost, of prompts and of replies, in whatever currency, or None where that is not known. ``setting``
    is where the model was named, for messages.
    """

    model: str
    cache: Path
    base_url: str = ""
    api_key: str = ""
    jobs: int = 4
    timeout: float = TIMEOUT
    context: int = CONTEXT
    max_tokens: int = REPLY
    price: tuple[float, float] | None = None
    setting: str = "ISNAD_JUDGE"

    def __post_init__(self) -> None:
        if not self.model and not self.base_url:
            raise UsageError(f"There is no language model to ask. Set {self.setting}, such as openai:gpt-4o-mini.")
        if self.jobs < 1:
            raise UsageError(f"Expected at least one request at a time, got {self.jobs}.")


@dataclass(frozen=True, slots=True)
class FailedJudgement:
    """A judgement that did not come about: of which case by which measure, and why."""

    case_id: str
    measure: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The scores of each outcome, in order, and what they took.

    A score is missing where its measure does not apply, and None where the judgement failed; ``failures`` are those.
    ``replies`` were asked for in this run and ``cached`` taken from earlier ones, at no cost; ``tokens_in`` and
    ``tokens_out`` are of the former, as the provider counts them (0 where it does not say). ``cost`` is None where no
    price was given. ``notes`` say what a reader of the scores should know.
    """

    model: str
    scores: tuple[Mapping[str, float | None], ...]
    failures: tuple[FailedJudgement, ...] = ()
    replies: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> dict[str, int]:
        """How many judgements failed, by measure; those without a failure are not in it."""
        return dict(Counter(each.measure for each in self.failures))

    def to_dict(self) -> dict[str, Any]:
        """What the judging took, JSON-ready, without the scores."""
        return {
            "model": self.model,
            "replies": self.replies,
            "cached": self.cached,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "cost": self.cost,
            "failed": self.failed,
            "reasons": dict(Counter(f"{each.measure}: {each.reason}" for each in self.failures).most_common(10)),
            "notes": list(self.notes),
        }


def ragas_measures(outcomes: Sequence[Outcome], *, embed: Embed | None = None) -> list[dict[str, float | None]]:
    """The scores of each outcome by ragas' measures that need no language model, in order.

    A score is missing where its measure does not apply, and None where the question ended in an error or the measure
    failed. ``embed`` gives vectors of texts for ``similarity``, which is left out without.
    """
    if not outcomes:
        return []
    load_ragas()
    from eval.judge_plain import measured

    return measured(outcomes, embed=embed)


def judge(
    outcomes: Sequence[Outcome], *, asked: Asked, embed: Embed, progress: Told | None = None, adapt: bool = True
) -> Judged:
    """The outcomes as a language model judges them.

    ``adapt`` has the examples in ragas' prompts translated into the language of each question first. Replies are kept
    in the cache, so that what broke off goes on where it was. Raises SettingsError for a model that there is not, and
    LanguageModelError where not one reply came.
    """
    load_ragas()
    from eval.judge_run import judged

    return judged(outcomes, asked=asked, embed=embed, progress=progress or (lambda *_: None), adapt=adapt)


def generate_questions(
    articles: Sequence[Article], n: int, *, asked: Asked, embed: Embed
) -> list[dict[str, str | list[str]]]:
    """Up to ``n`` questions over the articles as ragas has a language model write them.

    Each has ``user_input``, ``reference``, ``reference_contexts`` (verbatim from the articles, in order) and
    ``language``. Raises UsageError without articles, SettingsError and LanguageModelError as ``judge`` does.
    """
    if n < 1 or not any(article.text.strip() for article in articles):
        raise UsageError(f"Expected at least one question and one article with text; got {n} and {len(articles)}.")
    load_ragas()
    from eval.judge_questions import written

    return written(articles, n, asked=asked, embed=embed)


def load_ragas() -> None:
    """Imports ragas in such a way that it reports to nobody, writes no identifier and draws no bars of its own."""
    # Read once, when it first would send something.
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    for name in ("ragas", "instructor"):  # each failure is told by us, with its reason
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        # Of its own parts that are to go, and of langchain-community.
        warnings.simplefilter("ignore")
        try:
            from eval.judge_ragas import hush
        except ImportError as error:
            raise UsageError(
                f"ragas cannot be imported: {error}. Install it with: pip install 'isnad[eval]'"
            ) from error
    hush()
