"""isnad eval --judge and --generate, from the command to the files, with a scripted server for the language model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from eval.collection import read_articles
from eval.dataset import read_dataset
from eval.judge import load_ragas
from rag.build import Model
from tests.scripted_server import Reply, Request, ScriptedServer
from tests.served import SAMPLES
from tests.test_judge import _JUDGED, _but, _good, _schema, _writer
from ui.cli import main

# Articles in Chinese, Arabic and Ukrainian, and sample questions that they answer.
_ARTICLES = ("wentian-launch.zh.md", "tehran-summit-warning.ar.md", "odesa-udar.uk.md")
_QUESTIONS = ("en-004", "ar-001", "de-006", "es-014", "zh-007")


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Model, made: Path) -> None:
    """Commands have folders of their own, do not load the model again, and try again at once what failed."""
    monkeypatch.setenv("ISNAD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ISNAD_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    if made.exists():
        shutil.copytree(made, tmp_path / "cache" / "eval")
    monkeypatch.setattr("ui.session.build_model", lambda _: model)
    load_ragas()
    monkeypatch.setattr("eval.judge_model._FIRST_WAIT", 0.01)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection of the articles is kept once a test has made it."""
    return tmp_path_factory.mktemp("made") / "eval"


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder of sample articles."""
    folder = tmp_path / "articles"
    folder.mkdir()
    for name in _ARTICLES:
        shutil.copy(SAMPLES / name, folder)
    return folder


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Sample questions that those articles answer."""
    found = {}
    with (resources.files("eval") / "datasets" / "sample.jsonl").open(encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record["id"] in _QUESTIONS:
                found[record["id"]] = line
    path = tmp_path / "some.jsonl"
    path.write_text("".join(found[each] for each in _QUESTIONS), "utf-8")
    return path


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server that judges, as the settings name it."""
    with ScriptedServer(default=_good) as server:
        monkeypatch.setenv("ISNAD_JUDGE", "scripted")
        monkeypatch.setenv("ISNAD_JUDGE_BASE_URL", server.url)
        yield server


def run(questions: Path, articles: Path, made: Path, *more: str) -> int:
    """The exit code of ``isnad eval --judge`` on three of the questions."""
    code = main(["eval", str(questions), "--articles", str(articles), "--judge", "--out", "out", *more])
    if not made.exists() and Path("cache/eval").exists():
        shutil.copytree("cache/eval", made)
    return code


def results() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary and the outcomes that a run has written."""
    lines = Path("out/results.jsonl").read_text("utf-8").splitlines()
    return json.loads(Path("out/summary.json").read_text("utf-8")), [json.loads(line) for line in lines]


def test_judged_scores_are_in_the_results_and_the_report(
    judge: ScriptedServer, questions: Path, articles: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each answer has those that its verdicts give; the summary their means and the tokens; a second run asks nothing.

    Prompts are adapted to the languages of the questions, of which one is written from right to left, one without
    spaces.
    """
    assert run(questions, articles, made, "--limit", "3") == 0
    said = capsys.readouterr()
    summary, outcomes = results()
    asked = {each["case"]["language"] for each in outcomes}
    assert {"ar", "zh"} <= asked and len(outcomes) == 3
    judged = [each for each in outcomes if each["answer"]["status"] == "answered"]
    assert judged
    for each in judged:
        assert set(each["scores"]) > _JUDGED
        assert each["scores"]["faithfulness"] == 1 / 2
        assert each["scores"]["judged_context_recall"] == 1 / 2
    assert summary["measures"]["all"]["faithfulness"]["mean"] == 1 / 2
    assert summary["measures"]["all"]["faithfulness"]["n"] == len(judged)
    took = summary["judge"]
    assert took["replies"] == len(judge.requests) == took["tokens_in"] == took["tokens_out"]
    assert (took["model"], took["failed"], took["notes"]) == ("scripted", {}, [])
    assert summary["models"]["judge"] == "scripted"
    assert "faithfulness" in said.out and "0 errors" in said.out
    for name in ("out/report.md", "out/report.html"):
        report = Path(name).read_text("utf-8")
        assert "Judged by a language model" in report
        assert f"{len(judge.requests)} replies" in report
    assert any("to arabic" in request.prompt for request in judge.requests)
    said_of = judged[0]["answer"]["sentences"][0]["text"].split()[0]
    assert any(said_of in request.prompt for request in judge.requests)

    before = len(judge.requests)
    assert run(questions, articles, made, "--limit", "3", "--resume") == 0
    again, same = results()
    assert len(judge.requests) == before
    assert (again["judge"]["replies"], again["judge"]["cached"]) == (0, took["replies"] + took["cached"])
    assert [each["scores"] for each in same] == [each["scores"] for each in outcomes]


def test_failed_judgements_are_counted_and_shown(
    judge: ScriptedServer, questions: Path, articles: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are no zeros: the mean is that of the others, and the report says how many failed and why."""
    judge.default = _but(ContextRecallOutput="لا أدري", AnswerRelevanceOutput=Reply(status=500))
    assert run(questions, articles, made, "--limit", "3") == 0
    summary, outcomes = results()
    judged = sum("faithfulness" in each["scores"] for each in outcomes)
    row = summary["measures"]["all"]["judged_context_recall"]
    assert (row["mean"], row["n"], row["failed"]) == (None, 0, 3)
    assert summary["judge"]["failed"] == {"judged_context_recall": 3, "answer_relevancy": judged}
    assert summary["measures"]["all"]["faithfulness"]["mean"] == 1 / 2
    assert all(each["scores"]["judged_context_recall"] is None for each in outcomes)
    assert "3 failed" in capsys.readouterr().out
    for name in ("out/report.md", "out/report.html"):
        report = Path(name).read_text("utf-8")
        assert f"{3 + judged} judgements failed" in report
        assert "judged_context_recall: scripted did not reply in the form that was asked for" in report


@pytest.mark.parametrize("reply", ["", Reply(status=401, error="bad key")], ids=["nothing", "no key"])
def test_a_judge_that_judges_nothing_is_an_error(
    judge: ScriptedServer,
    reply: str | Reply,
    questions: Path,
    articles: Path,
    made: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 1 and no report; the answers are kept, and the same command has them judged."""
    judge.default = reply
    assert run(questions, articles, made, "--limit", "2") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    kept, *error = said.err.splitlines()[-2:]
    assert kept.startswith("What was answered so far is kept in ")
    assert error[0].startswith("isnad: scripted")
    assert ("ISNAD_JUDGE_API_KEY" in error[0]) == isinstance(reply, Reply)
    assert not Path("out/report.html").exists()
    assert not json.loads(Path("out/summary.json").read_text("utf-8"))["finished"]
    judge.default = _good
    assert run(questions, articles, made, "--limit", "2") == 0
    summary, _ = results()
    assert summary["speed"]["questions"] == 0
    assert summary["judge"]["failed"] == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "There is no model to judge with. Set ISNAD_JUDGE to a model"),
        ({"ISNAD_JUDGE_BASE_URL": "http://127.0.0.1:9/v1"}, "name of a model at ISNAD_JUDGE_BASE_URL"),
        ({"ISNAD_JUDGE": "openai:gpt"}, "ISNAD_JUDGE_API_KEY"),
        ({"ISNAD_JUDGE": "قاضٍ"}, "ISNAD_JUDGE is 'قاضٍ'"),
    ],
)
def test_without_a_judge_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
    questions: Path,
    articles: Path,
    made: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    said: str,
) -> None:
    """What is missing is said before the questions are answered, in one line with exit code 2."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert run(questions, articles, made, "--limit", "3") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err and printed.err.count("\n") == 1
    assert not Path("out").exists()


# Questions that are written


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server that writes questions, as the settings name it; the second was asked before, the third has no answer."""
    turns = iter(
        [("من أطلق مختبر ونتيان؟", "الصين."), ("من أطلق مختبر ونتيان؟", "الصين."), ("谁发射了问天？", ""),
         ("问天有多重？", "约23吨"), ("Who launched it?", "China.")]
    )  # fmt: skip

    def reply(request: Request) -> str:
        if _schema(request) != "GeneratedQueryAnswer":
            return _writer(request)
        return json.dumps(dict(zip(("query", "answer"), next(turns), strict=True)), ensure_ascii=False)

    with ScriptedServer(default=reply) as server:
        monkeypatch.setenv("ISNAD_LLM", "scripted")
        monkeypatch.setenv("ISNAD_LLM_BASE_URL", server.url)
        yield server


@pytest.mark.usefixtures("writer")
def test_only_sound_questions_are_written(articles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those asked twice and those without an answer are named and counted; what is in the file passes the validator."""
    assert main(["eval", "new.jsonl", "--articles", str(articles), "--generate", "5"]) == 0
    said = capsys.readouterr().out
    held = read_articles(articles)
    dataset = read_dataset(Path("new.jsonl"), articles=held)
    assert "3 questions kept, 2 left out" in said
    assert [case.question for case in dataset.cases] == ["من أطلق مختبر ونتيان؟", "问天有多重？", "Who launched it?"]
    assert [case.language for case in dataset.cases] == ["ar", "zh", "en"]
    assert "was asked before" in said and "the answer ('reference') is missing" in said
    texts = {article.id: article.text for article in held}
    for case in dataset.cases:
        assert case.references
        assert all(texts[each.article_id][each.start : each.end] == each.text for each in case.references)
    capsys.readouterr()
    assert main(["eval", "new.jsonl", "--articles", str(articles), "--check"]) == 0
    assert "sound" in capsys.readouterr().out


def test_a_file_that_is_there_stays(
    writer: ScriptedServer, articles: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked and nothing overwritten; without a model that is said, and nothing written."""
    Path("new.jsonl").write_text("mine", "utf-8")
    arguments = ["eval", "new.jsonl", "--articles", str(articles), "--generate", "2"]
    assert main(arguments) == 2
    assert "is there already" in capsys.readouterr().err
    assert Path("new.jsonl").read_text("utf-8") == "mine"
    assert writer.requests == []
    Path("new.jsonl").unlink()
    monkeypatch.delenv("ISNAD_LLM")
    assert main(arguments) == 2
    assert "Set ISNAD_LLM to the name of a model at ISNAD_LLM_BASE_URL" in capsys.readouterr().err
    monkeypatch.delenv("ISNAD_LLM_BASE_URL")
    assert main(arguments) == 2
    assert "There is no model to write questions. Set ISNAD_LLM to a model" in capsys.readouterr().err
    assert not Path("new.jsonl").exists()


@pytest.mark.parametrize(
    ("reply", "said"), [("", "form"), (Reply(status=401), "ISNAD_LLM_API_KEY")], ids=["nothing", "key"]
)
def test_a_model_that_writes_nothing_leaves_no_file(
    writer: ScriptedServer, articles: Path, capsys: pytest.CaptureFixture[str], reply: str | Reply, said: str
) -> None:
    """Exit code 1, and why."""
    writer.default = reply
    assert main(["eval", "new.jsonl", "--articles", str(articles), "--generate", "2"]) == 1
    printed = capsys.readouterr()
    assert said in printed.err and "Traceback" not in printed.err
    assert not Path("new.jsonl").exists()
