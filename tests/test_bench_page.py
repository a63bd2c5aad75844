"""The load test of the page, over a real server with a few articles: what it reads of the page, asks and reports."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from eval.bench.page import load, main, sample_questions, table
from eval.bench.readers import Asked, Load, as_page, over_endpoint, read_at_once, read_form
from rag.build import Model
from rag.errors import UsageError
from tests.served import Served, serving

pytestmark = [
    # Gradio's server leaves a socket of its own to the garbage collector, and sets an option of pandas that is going.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
]

_SOME = ("tehran-summit.en.md", "tehran-summit-warning.ar.md", "wentian-launch.zh.md")
_QUESTIONS = ("What did Khamenei warn Erdogan about?", "ممّ حذّر خامنئي أردوغان؟", "问天实验舱是什么时候发射的？")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("page"), model, _SOME) as server:
        yield server


def test_every_reader_is_answered_both_ways(served: Served) -> None:
    """Readers in English, Arabic and Chinese, alone and together, over the page and the endpoint: all are answered."""
    loads = load(served.url, _QUESTIONS, readers=2, each=2, pause=0.05)
    assert [(each.way, each.readers, len(each.asked)) for each in loads] == [
        ("the page", 1, 4), ("the page", 2, 4), ("/ask_stream", 1, 4), ("/ask_stream", 2, 4),
    ]  # fmt: skip
    for each in loads:
        assert each.errors == []
        assert all(0 < asked.first <= asked.whole for asked in each.asked)
    assert table(loads).count("| 4 | 0 |") == 4


def test_the_conversation_is_sent_with_the_next_question(served: Served) -> None:
    """What is sent grows with every answer, over the page by the whole answers."""
    form = read_form(httpx.get(f"{served.url}/config").json())
    for ask in (as_page(form), over_endpoint):
        asked = read_at_once(served.url, "", ask, questions=[_QUESTIONS], pause=0).asked
        assert [each.error for each in asked] == ["", "", ""]
        assert asked[0].sent < asked[1].sent < asked[2].sent


@pytest.mark.parametrize("question", ["", "؟" * 3000], ids=["empty", "overlong"])
def test_what_is_no_answer_is_an_error(served: Served, question: str) -> None:
    """A question that is refused counts as an error over both ways, and the next one is answered."""
    form = read_form(httpx.get(f"{served.url}/config").json())
    for ask in (as_page(form), over_endpoint):
        asked = read_at_once(served.url, "", ask, questions=[[question, _QUESTIONS[0]]], pause=0).asked
        assert [bool(each.error) for each in asked] == [True, False]


def test_a_table_without_answers_can_be_read() -> None:
    """Errors alone have no percentiles, and are told with how often they came."""
    failed = Load("the page", 2, (Asked(error="429: too many"), Asked(error="429: too many")), 1.0)
    assert "| 0 | 2 | 0.0 | – | – | – | – |" in table([failed])
    assert "2 × 429: too many" in table([failed])


def test_what_is_no_page_of_isnad_is_said() -> None:
    """Neither a configuration of another page nor an address where nothing listens ends in a traceback."""
    with pytest.raises(UsageError, match="question field"):
        read_form({"components": [], "dependencies": []})
    with pytest.raises(SystemExit, match="Expected a running page at"):
        main(["--url", "http://127.0.0.1:9", "--no-browser"])


def test_the_questions_are_in_many_languages_and_the_same_each_time() -> None:
    questions = sample_questions()
    assert questions == sample_questions()
    assert len(set(questions)) > 200
    assert any("؟" in each for each in questions)
    assert any("？" in each for each in questions)
