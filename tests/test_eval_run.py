"""isnad eval: what is asked of what, what is kept, how an interrupted run goes on, and when the gate closes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eval.collection import collection_of
from eval.dataset import read_dataset
from eval.evaluate import Plan, execute, new_folder
from eval.gate import failures, read_gate
from eval.naive_pipeline import NaiveSystem
from eval.results import mend, outcome_from_dict, outcome_to_dict, read_outcomes
from eval.run import IsnadSystem, Reply, run
from eval.types import Case, Outcome
from rag.build import Model, build_assistant
from rag.errors import UsageError
from rag.settings import load
from rag.store import Store
from rag.types import Article
from ui.cli import main

ARTICLES = (
    Article(
        "harbour",
        "The new harbour",
        "The new harbour of Lowen was opened on 4 May. It cost 80 million euros. Mayor Anna Berg cut the ribbon.",
        language="en",
        published="2022-05-04",
    ),
    Article(
        "dam",
        "سد جديد في الوادي",
        "افتتح الوزير كمال حداد سد الوادي يوم الاثنين. بلغت كلفة السد ثلاثين مليون دولار. ويروي السد خمسين قرية.",
        language="ar",
        published="2022-06-01",
    ),
    Article(
        "bridge",
        "大桥通车",
        "青山大桥于七月三日正式通车。大桥全长十二公里，耗资九亿元。市长李明出席了仪式。",
        language="zh",
        published="2022-07-03",
    ),
)
Record = dict[str, object]


def record(name: str, question: str, language: str, answer: str = "", quote: str = "", **more: object) -> Record:
    """A line of our own format; the quote is looked up in the articles."""
    found = [(each.id, each.text.index(quote)) for each in ARTICLES if quote and quote in each.text]
    quotes = [{"article_id": key, "start": at, "end": at + len(quote), "text": quote} for key, at in found]
    said = {"id": name, "question": question, "language": language, "answer": answer, "quotes": quotes}
    return {**said, "tags": ["factoid"] if answer else ["unanswerable"], **more}


RECORDS = [
    record("en-1", "When was the new harbour of Lowen opened?", "en", "On 4 May", "opened on 4 May"),
    record("ar-1", "كم بلغت كلفة سد الوادي؟", "ar", "ثلاثون مليون دولار", "بلغت كلفة السد ثلاثين مليون دولار"),
    record("zh-1", "青山大桥全长多少公里？", "zh", "十二公里", "大桥全长十二公里"),
    record("en-2", "Who opened the dam in the valley?", "en", "Kamal Haddad", "افتتح الوزير كمال حداد سد الوادي"),
    record("en-3", "Who won the chess championship in Oslo?", "en"),
    record("en-4", "When was the new harbour of Lowen opened?", "en", without=["harbour"]),
    record("en-5", "And how much did it cost?", "en", "80 million euros", "It cost 80 million euros",
           tags=["follow-up"], conversation=[{"role": "user", "content": "When was the new harbour of Lowen opened?"},
                         {"role": "assistant", "content": "On 4 May."}]),
]  # fmt: skip


def write(path: Path, records: list[Record]) -> Path:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), "utf-8")
    return path


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Model) -> None:
    """Commands have a collection of their own, and do not load the model again."""
    monkeypatch.setenv("ISNAD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("ui.session.build_model", lambda _: model)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the collection of the articles is made once for all tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def held(model: Model, cache: Path) -> Iterator[Store]:
    """A collection of the articles."""
    with collection_of(ARTICLES, model, cache=cache, waiting=print, told=lambda *_: None) as store:
        yield store


@pytest.fixture
def planned(tmp_path: Path, model: Model) -> Callable[..., Plan]:
    """A plan for the questions over the articles."""

    def make(records: list[Record] = RECORDS, folder: str = "out", **more: object) -> Plan:
        dataset = read_dataset(write(tmp_path / "set.jsonl", records), articles=ARTICLES)
        return Plan(dataset, ARTICLES, model, load(), tmp_path / folder, **more)  # type: ignore[arg-type]

    return make


def quiet(*_: object) -> None:
    """Tells nobody."""


def system(model: Model, store: Store) -> IsnadSystem:
    assistant = build_assistant(load(), model, store)
    return IsnadSystem(assistant, tuple(article.id for article in ARTICLES))


class Counting:
    """A system that counts its questions, and stops the run at one of them."""

    def __init__(self, real: IsnadSystem, stop_at: int = 0) -> None:
        self._real, self._stop_at, self._lock = real, stop_at, threading.Lock()
        self.asked: list[str] = []

    def reply(self, case: Case) -> Reply:
        with self._lock:
            self.asked.append(case.id)
            if len(self.asked) == self._stop_at:
                raise KeyboardInterrupt
        return self._real.reply(case)


def test_a_run_is_scored_and_summed_up_by_language(planned: Callable[..., Plan], held: Store) -> None:
    """Passages and answers are found within and across languages, and means are by language and pair as well."""
    summary, outcomes = execute(planned(), held, quiet)
    scores = {outcome.case.id: outcome.scores for outcome in outcomes}
    for name in ("en-1", "ar-1", "zh-1", "en-2"):
        assert scores[name]["recall@1"] == 1, name
    assert all(scores[name]["right"] == 1 for name in ("en-1", "ar-1", "zh-1"))
    assert summary["measures"]["ar→ar"]["recall@5"]["mean"] == 1
    assert summary["measures"]["zh"]["right"]["n"] == 1
    assert summary["measures"]["all"]["recall@5"]["n"] == 5
    assert {"chrf", "similarity", "hallucination", "refusal_error", "errors"} <= summary["measures"]["all"].keys()
    assert summary["latency_ms"]["total"]["p95"] >= summary["latency_ms"]["total"]["p50"] > 0
    assert summary["speed"]["questions"] == len(RECORDS)


def test_a_follow_up_is_asked_after_its_conversation(held: Store, model: Model, planned: Callable[..., Plan]) -> None:
    """What the last question goes on with is taken from the messages before it, and is searched for."""
    case = next(each for each in planned().dataset.cases if each.conversation)
    found, answer = system(model, held).reply(case)
    assert "harbour" in answer["asked"]
    assert found[0].article_id == "harbour"


def test_articles_can_be_taken_out_for_a_question(held: Store, model: Model, planned: Callable[..., Plan]) -> None:
    """An article in ``without`` is neither found nor cited, by Isnad and by the naive pipeline."""
    case = next(each for each in planned().dataset.cases if each.without)
    naive = NaiveSystem(model.embedder.source, ARTICLES)
    for each in (system(model, held), naive):
        found, answer = each.reply(case)
        assert found
        assert "harbour" not in {passage.article_id for passage in found}
        assert "harbour" not in {citation["article_id"] for citation in answer["citations"]}


def test_the_naive_pipeline_answers_with_its_nearest_chunk(model: Model, planned: Callable[..., Plan]) -> None:
    """Without a language model it always answers, and cites the whole chunk at its place in the article."""
    naive = NaiveSystem(model.embedder.source, ARTICLES)
    for case in planned().dataset.cases:
        found, answer = naive.reply(case)
        text = next(each.text for each in ARTICLES if each.id == found[0].article_id)
        assert answer["status"] == "answered"
        assert answer["answer"] == found[0].text == text[found[0].start : found[0].end]
        assert -1 <= found[0].score <= 1


def test_an_error_is_the_outcome_of_its_case_alone(planned: Callable[..., Plan], held: Store) -> None:
    """A question that cannot be asked is counted with its reason and is in no mean; the others are answered."""
    records = [*RECORDS[:3], record("long", "لماذا " * 500, "ar", "ثلاثون", "بلغت كلفة السد ثلاثين مليون دولار")]
    summary, outcomes = execute(planned(records), held, quiet)
    assert "at most 2,000" in outcomes[-1].error
    assert [bool(outcome.error) for outcome in outcomes] == [False, False, False, True]
    assert summary["counts"]["error"] == 1
    assert summary["measures"]["all"]["errors"]["mean"] == 0.25
    assert (
        summary["measures"]["all"]["recall@1"] | {"n": 3, "failed": 1, "mean": 1.0}
        == (summary["measures"]["all"]["recall@1"])
    )


def test_several_jobs_give_what_one_gives(planned: Callable[..., Plan], held: Store, model: Model) -> None:
    """Questions asked at once get the answers that they get one after the other."""
    cases = planned().dataset.cases

    def answers(jobs: int) -> dict[str, object]:
        outcomes, tally = run(cases, system(model, held), jobs=jobs, kept=(), done=lambda *_: None)
        assert tally.asked == len(cases)
        return {each.case.id: (each.answer or {})["answer"] for each in outcomes}

    assert answers(3) == answers(1)


def test_an_interrupted_run_goes_on(
    planned: Callable[..., Plan], held: Store, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was answered is kept, a half-written line is cut off, and only the rest is asked."""
    plan = planned()
    counting = Counting(system(model, held), stop_at=4)
    monkeypatch.setattr("eval.evaluate._system", lambda *_: counting)
    with pytest.raises(KeyboardInterrupt):
        execute(plan, held, quiet)
    results = plan.folder / "results.jsonl"
    whole = results.read_bytes()
    assert 1 <= whole.count(b"\n") <= 3
    results.write_bytes(whole + whole[:100])

    counting = Counting(system(model, held))
    monkeypatch.setattr("eval.evaluate._system", lambda *_: counting)
    summary, outcomes = execute(plan, held, quiet)
    assert len(counting.asked) == len(RECORDS) - whole.count(b"\n")
    assert [outcome.case.id for outcome in outcomes] == [each["id"] for each in RECORDS]
    assert summary["finished"]
    assert read_outcomes(results) == outcomes


def test_answers_are_kept_only_for_the_same_questions(planned: Callable[..., Plan], held: Store) -> None:
    """Another set or setting does not go on with a run; a finished one is begun anew unless told to resume."""
    plan = planned(RECORDS[:2])
    first, _ = execute(plan, held, quiet)
    again, _ = execute(replace(plan, resume=True), held, quiet)
    assert again["speed"]["questions"] == 0
    assert again["measures"] == first["measures"]
    anew, _ = execute(plan, held, quiet)
    assert anew["speed"]["questions"] == 2
    for other in (planned(RECORDS[:3]), replace(plan, settings=load(min_confidence=0.9))):
        with pytest.raises(UsageError, match="other questions, articles, settings"):
            execute(replace(other, folder=plan.folder, resume=True), held, quiet)


def test_a_new_run_gets_a_new_folder(tmp_path: Path) -> None:
    """Folders are named by set and time; an interrupted run of the same plan is found, another's is not."""
    now = datetime(2022, 7, 19, 12, 0, tzinfo=UTC)
    first = new_folder(tmp_path, "set", plan_digest="a", now=now)
    assert first.name == "set-2022-07-19-120000"
    first.mkdir()
    (first / "summary.json").write_text('{"run": "a", "finished": false}')
    assert new_folder(tmp_path, "set", plan_digest="a", now=now) == first
    assert new_folder(tmp_path, "set", plan_digest="b", now=now).name == "set-2022-07-19-120000-2"
    (first / "summary.json").write_text('{"run": "a", "finished": true}')
    assert new_folder(tmp_path, "set", plan_digest="a", now=now) != first


@pytest.mark.parametrize("text", ["", "\n", '{"case":', "nonsense"])
def test_a_damaged_results_file_is_mended_or_refused(tmp_path: Path, text: str) -> None:
    """A file that ends in the middle of a line keeps the lines before it, even none; damage in its middle is told."""
    whole = json.dumps(outcome_to_dict(Outcome(Case("ar-1", "لماذا؟", "ar"), error="why"))) + "\n"
    path = tmp_path / "results.jsonl"
    path.write_text(whole + text)
    if text == "\n":  # an empty line is no outcome
        assert mend(path)[0].case.question == "لماذا؟"
        return
    assert [each.error for each in mend(path)] == ["why"]
    assert path.read_text() == whole
    path.write_text(f"broken\n{whole}")
    with pytest.raises(UsageError, match=r"results\.jsonl:1"):
        mend(path)
    assert mend(tmp_path / "none.jsonl") == []


def test_outcomes_survive_their_file(held: Store, model: Model, planned: Callable[..., Plan]) -> None:
    """What is read is what was written, texts in every script included."""
    outcomes, _ = run(planned().dataset.cases, system(model, held), jobs=1, kept=(), done=lambda *_: None)
    for outcome in outcomes:
        read = outcome_from_dict(json.loads(json.dumps(outcome_to_dict(outcome))))
        assert read == outcome


def test_a_collection_is_embedded_once(tmp_path: Path, model: Model) -> None:
    """The second run over the same articles finds them; other articles get a collection of their own."""
    told: list[int] = []

    def ids(*articles: Article) -> set[str]:
        with collection_of(
            articles, model, cache=tmp_path, waiting=print, told=lambda done, _: told.append(done)
        ) as store:
            return {article.id for article in store.articles(with_text=False)}

    assert ids(*ARTICLES[:2]) == ids(*ARTICLES[:2]) == {"harbour", "dam"}
    assert told == [2]
    assert ids(replace(ARTICLES[0], text="Another text."), ARTICLES[1]) == {"harbour", "dam"}
    assert told == [2, 2]


SUMMARY = {
    "measures": {
        "all": {"recall@5": {"mean": 0.96}, "hallucination": {"mean": 0.04}, "chrf": {"mean": 0.50}},
        "ar": {"recall@5": {"mean": 0.9}},
        "en→ar": {"chrf": {"mean": 0.3}},
        "zh": {"chrf": {"mean": None}},
    }
}
BASELINE = {"measures": {"all": {"chrf": {"mean": 0.505}, "hallucination": {"mean": 0.04}}, "ar": {}}}
NAMES = ("recall@5", "hallucination", "chrf", "errors")


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        ("recall@5>=0.95", True), ("recall@5 >= .97", False), ("RECALL@5>0.96", False), ("recall@5>=0.96", True),
        ("recall@5@ar>=0.95", False), ("recall@5@ar>=0.9, recall@5<=1", True), ("hallucination<=0.05", True),
        ("chrf@en:ar>=0.3", True), ("chrf@en→ar>0.3", False),
        ("chrf>=-0.01", True), ("chrf>=-0.001", False), ("chrf>=+0.01", False), ("hallucination<=+0", True),
        ("hallucination<=-0.01", False), ("chrf==0.5", True),
    ],
)  # fmt: skip
def test_conditions_are_absolute_or_with_a_sign_relative(gate: str, holds: bool) -> None:
    """A number is a value; with a sign it is added to the baseline's. What was expected is told."""
    reasons = failures(read_gate(gate, NAMES), SUMMARY, BASELINE)
    assert (not reasons) is holds
    assert all("expected" in reason and gate.split(",")[0] in reason for reason in reasons)


@pytest.mark.parametrize(
    ("gate", "baseline", "said"),
    [
        ("", None, "empty"), (" , ", None, "empty"), ("recall@5", None, "cannot be understood"),
        ("recall@5>=high", None, "cannot be understood"), ("recall@5=>1", None, "Unknown measure|cannot be understood"),
        ("recall@7>=0.5", None, "Unknown measure 'recall@7'.*chrf, errors, hallucination, recall@5"),
        ("استدعاء>=0.5", None, "Unknown measure"), ("chrf>=-0.01", None, "there is none. Give --baseline"),
        ("recall@5@fr>=0.5", None, "no group 'fr' in this run.*ar, en→ar, zh"),
        ("errors<=0", None, "was not measured"), ("chrf@zh>=0", None, "was not measured in this run for zh"),
        ("recall@5@ar>=-0.1", BASELINE, "not measured in the baseline for ar"),
    ],
)  # fmt: skip
def test_a_gate_that_cannot_be_checked_is_refused(gate: str, baseline: dict[str, object] | None, said: str) -> None:
    """A slip of the pen never passes for a condition that holds: it is an error that lists what there is."""
    with pytest.raises(UsageError, match=said):
        failures(read_gate(gate, NAMES), SUMMARY, baseline)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The articles as files, and a question set on the ids that reading them gives."""
    for article in ARTICLES:
        head = f"---\ntitle: {article.title}\nlanguage: {article.language}\npublished: {article.published}\n---\n"
        path = tmp_path / "articles" / f"{article.id}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + article.text + "\n", "utf-8")
    return tmp_path / "articles"


def questions(path: Path, folder: Path) -> Path:
    from eval.collection import read_articles

    known = {Path(article.identity).stem: article for article in read_articles(folder)}
    records = []
    for each in RECORDS[:5]:
        quotes = [dict(quote, article_id=known[quote["article_id"]].id) for quote in each["quotes"]]  # type: ignore[attr-defined]
        records.append({**each, "quotes": quotes})
    return write(path, records)


def test_the_command_evaluates_compares_and_gates(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of articles is asked without being added to the collection; exit codes follow the gate."""
    path = questions(tmp_path / "set.jsonl", folder)
    out, baseline = tmp_path / "first", tmp_path / "baseline.json"
    arguments = ["eval", str(path), "--articles", str(folder)]
    assert main([*arguments, "--out", str(out), "--save-baseline", str(baseline)]) == 0
    said = capsys.readouterr().out
    assert "5 questions" in said
    assert "recall@5" in said
    assert {each.name for each in out.iterdir()} == {"results.jsonl", "summary.json", "report.html", "report.md"}
    assert str(tmp_path) not in (out / "summary.json").read_text()

    gate = ["--gate", "recall@5>=0.9, right>=-0.01, errors<=0", "--baseline", str(baseline)]
    assert main([*arguments, "--out", str(tmp_path / "second"), *gate, "--jobs", "2"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--out", str(out), "--resume", "--gate", "recall@1>1, errors>=0"]) == 1
    printed = capsys.readouterr().err
    assert printed.count("gate: ") == 1
    assert "recall@1>1: the run has 1.0000, expected > 1.0000" in printed
    assert main([*arguments, "--gate", "recall>=1"]) == 2
    assert main([*arguments, "--gate", "f1>=-0.1"]) == 2

    capsys.readouterr()
    assert main(["eval", "compare", str(out), str(tmp_path / "second"), "--out", str(tmp_path / "both")]) == 0
    assert "no difference shown" in capsys.readouterr().out
    assert {each.name for each in (tmp_path / "both").iterdir()} == {"compare.html", "compare.md"}


def test_the_collection_is_asked_where_no_articles_are_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user's own articles answer; reports go to a new folder below ``reports``."""
    path = questions(tmp_path / "set.jsonl", folder)
    assert main(["eval", str(path)]) == 1  # there is no collection yet
    assert main(["ingest", str(folder)]) == 0
    assert main(["eval", str(path), "--limit", "2", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["counts"]["cases"] == 2
    assert summary["articles"]["count"] == 3
    assert Path(summary["folder"]).parent == Path("reports").absolute()
    assert (Path(summary["folder"]) / "report.html").exists()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "at least one question, found none"),
        ('{"id": "a", "language": "ar", "answer": "", "tags": ["unanswerable"]}', "set.jsonl:1: the field 'question'"),
        ('{"id": "a", "question": "لماذا؟", "language": "ar", "answer": "x", "tags": [], "quotes": '
         '[{"article_id": "nobody", "start": 0, "end": 1, "text": "x"}]}', "set.jsonl:1: unknown article 'nobody'"),
        ('\n{"id": "a"', "set.jsonl:2: expected one JSON object a line"),
    ],
)  # fmt: skip
def test_bad_sets_are_refused_with_file_and_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: str, said: str
) -> None:
    """Nothing is asked of a set that is not sound: exit code 2, and where it is wrong; ``--check`` says the same."""
    path = tmp_path / "set.jsonl"
    path.write_text(lines, "utf-8")
    assert main(["eval", str(path), "--articles", str(folder)]) == 2
    assert said in capsys.readouterr().err
    assert main(["eval", str(path), "--articles", str(folder), "--check"]) == 2
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["a.jsonl", "b.jsonl"], "Give one question set"),
        (["compare", "a"], "Give two runs to compare"),
        (["compare", "a", "b"], "cannot be read as the summary of a run"),
        (["--articles", "no folder"], "no such file or folder, and it is not a list of languages"),
        (["--generate", "3"], "Name the file that the questions are to be written to"),
        (["--resume"], "--resume needs --out"),
    ],
)
def test_usage_errors_exit_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be done is told in a line before anything is loaded."""
    assert main(["eval", *arguments]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.startswith("isnad: ")
