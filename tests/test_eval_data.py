"""Question sets: every format read, every fault named with its file and line, and how the questions are spread."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.dataset import check_file, form_of, read_dataset
from eval.expectations import Expectation, expectation
from eval.generate import generate, review
from eval.types import Case, Dataset, Reference
from eval.validate import check_dataset
from rag.assistant import Assistant
from rag.errors import LanguageModelError, UsageError
from rag.store import Store
from rag.types import Article
from tests.conftest import add

_AR = Article("a1", "زيارة", "وصل الرئيس إلى طهران يوم الثلاثاء. حذّر خامنئي أردوغان من عملية عسكرية.", language="ar")
_ZH = Article("z1", "港口", "新港口于2021年开放。它耗资三亿元。", language="zh")
_EN = Article("e1", "Harbour", "The harbour opened in 2021.\n\nIt cost 300 million yuan.", language="en")
_ARTICLES = (_AR, _ZH, _EN)
_WARNING = "حذّر خامنئي أردوغان من عملية عسكرية."


def _quote(article: Article, text: str) -> dict[str, Any]:
    start = article.text.index(text)
    return {"article_id": article.id, "start": start, "end": start + len(text), "text": text}


def _record(**changed: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": "q1",
        "question": "What did Khamenei warn of?",
        "language": "en",
        "answer": "a military operation",
        "quotes": [_quote(_AR, _WARNING)],
        "conversation": [],
        "tags": ["factoid"],
    }
    return {name: value for name, value in (record | changed).items() if value is not ...}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes records as JSON lines; a string is a line as it is."""

    def written(*records: dict[str, Any] | str, name: str = "set.jsonl") -> Path:
        lines = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in records]
        (tmp_path / name).write_text("\n".join(lines), "utf-8")
        return tmp_path / name

    return written


# Our own format.


def test_our_own_lines_become_cases(write: Callable[..., Path]) -> None:
    """Questions in every script, with and without answers, come with their languages, lines and a digest."""
    conversation = [{"role": "user", "content": "港口什么时候开放？"}, {"role": "assistant", "content": "2021年。"}]
    path = write(
        _record(),
        "",
        _record(id="q2", question="它耗资多少？", language="zh", answer=["三亿元", "3亿"],
                quotes=[_quote(_ZH, "它耗资三亿元。")], conversation=conversation, tags=["follow-up", "numeric"]),
        _record(id="q3", question="من بنى الميناء؟", language="ar", answer="", quotes=[],
                tags=["unanswerable", "near"]),
    )  # fmt: skip
    dataset = read_dataset(path, articles=_ARTICLES)
    first, second, third = dataset.cases
    assert (first.answers, first.languages, first.line) == (("a military operation",), ("ar",), 1)
    assert first.references == (Reference("a1", _AR.text.index(_WARNING), len(_AR.text), _WARNING),)
    assert second.answers == ("三亿元", "3亿") and second.conversation[1].role == "assistant" and second.line == 3
    assert [expectation(each) for each in dataset.cases] == ["answer", "answer", "refusal"]
    assert dataset.name == "set.jsonl" and len(dataset.digest) == 64 and not dataset.articles
    assert third.references == ()


_CLASHING = [{"role": "assistant", "content": "Yes."}]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("{", "set.jsonl:2: expected one JSON object a line"),
        ("[1]", "set.jsonl:2: expected a JSON object, found a list with a number in it"),
        (_record(question=...), "set.jsonl:2: the field 'question' is missing"),
        (_record(question=" "), "set.jsonl:2: the field 'question' is empty"),
        (_record(answer=...), "set.jsonl:2: the field 'answer' is missing"),
        (_record(answer=3), "in 'answer', found a number"),
        (_record(answer=["x", ""]), "an answer in the list 'answer' is empty"),
        (_record(id=7), "expected a string in 'id', found a number"),
        (_record(language="Arabic!"), "expected a BCP 47 code"),
        (_record(qoutes=[]), "unknown field 'qoutes'"),
        (_record(tags=["tricky"]), "unknown tag 'tricky'"),
        (_record(tags="factoid"), "expected a list of strings in 'tags', found a string"),
        (_record(quotes=[]), "there is an answer and no quote"),
        (_record(answer=""), "there are quotes and no answer"),
        (_record(tags=["near"]), "there is an answer and the tag 'near'"),
        (_record(language="ar", tags=["cross-language"]), "the tag 'cross-language' is there, and the articles"),
        (_record(tags=["follow-up"]), "the tag 'follow-up' is there and no conversation"),
        (_record(conversation=_CLASHING), "expected the messages of 'conversation' to take turns"),
        (_record(quotes=[{**_quote(_AR, _WARNING), "start": True}]), "expected a whole number in a quote's 'start'"),
        (_record(quotes=[{"article_id": "a1"}]), "a quote has no 'start'"),
        (_record(quotes=["x"]), "expected a list of objects in 'quotes', found a list with a string in it"),
        (_record(quotes=[{**_quote(_AR, _WARNING), "start": 9, "end": 3}]), "a quote goes from 9 to 3"),
        (_record(quotes=[{**_quote(_AR, _WARNING), "end": 900}]), "the article has 71 characters; that text is at 35"),
        (_record(quotes=[{**_quote(_ZH, "它耗资三亿元。"), "start": 0, "end": 3}]), "there stands '新港口'; that text"),
        (_record(quotes=[{**_quote(_EN, "2021"), "text": "1911"}]), "that text is nowhere in it"),
        (_record(quotes=[{**_quote(_EN, "2021"), "article_id": "gone"}]), "unknown article 'gone'"),
        (_record(without=["a1"]), "the article 'a1' is quoted and taken out"),
        (_record(id="ok"), "set.jsonl:2: the id 'ok' is also that of line 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_line_is_said_with_file_and_line(
    write: Callable[..., Path], record: dict[str, Any] | str, message: str
) -> None:
    """Each fault is named, alone, by the check and in the error of a run; the sound line is not touched by it."""
    path = write(_record(id="ok"), record)
    problems = check_file(path, articles=_ARTICLES).problems
    assert any(message in str(problem) for problem in problems), problems
    assert {problem.line for problem in problems} == {2}
    with pytest.raises(UsageError, match=r"set\.jsonl cannot be used"):
        read_dataset(path, articles=_ARTICLES)


def test_all_problems_are_collected_and_the_printed_list_is_capped(write: Callable[..., Path]) -> None:
    """Of a hundred bad lines all are in the report; the error shows the first and says how many more there are."""
    path = write(*(_record(id=f"q{number}", question="") for number in range(100)))
    report = check_file(path, articles=_ARTICLES)
    assert len(report.problems) == 100 and not report.ok
    assert "… and 80 more problems" in report.text() and "100 problems" in report.text()
    with pytest.raises(UsageError, match="… and 80 more problems"):
        read_dataset(path, articles=_ARTICLES)


def test_an_empty_set_is_a_problem(write: Callable[..., Path], tmp_path: Path) -> None:
    """An empty file, a missing one, a folder with nothing in it: each is said, none is read as no questions."""
    with pytest.raises(UsageError, match="expected at least one question, found none"):
        read_dataset(write(""), articles=_ARTICLES)
    assert (
        str(check_dataset(Dataset("none", ()), _ARTICLES).problems[0])
        == "none: expected at least one question, found none"
    )
    (tmp_path / "empty").mkdir()
    for path, message in (("gone.jsonl", "cannot be read: No such file"), ("empty", "with neither corpus.jsonl")):
        with pytest.raises(UsageError, match=message):
            read_dataset(tmp_path / path)
    (tmp_path / "set.txt").write_text("What?", "utf-8")
    with pytest.raises(UsageError, match=r"expected a folder or a \.jsonl"):
        read_dataset(tmp_path / "set.txt")


def test_languages_and_limit_choose_questions_over_the_whole_set(write: Callable[..., Path]) -> None:
    """A limit takes questions evenly from beginning to end; a language that is not there is an error."""
    records = [_record(id=f"q{number}", language="zh" if number % 2 else "ar") for number in range(10)]
    path = write(*records)
    chosen = read_dataset(path, articles=_ARTICLES, limit=5)
    assert [int(each.id[1:]) // 2 for each in chosen.cases] == [0, 1, 2, 3, 4]
    assert {each.language for each in chosen.cases} == {"ar", "zh"}
    assert chosen == read_dataset(path, articles=_ARTICLES, limit=5)
    chinese = read_dataset(path, articles=_ARTICLES, languages=["zh-CN"], limit=2).cases
    assert [each.language for each in chinese] == ["zh", "zh"] and chinese[0].id in ("q1", "q3")
    with pytest.raises(UsageError, match="no questions in tr; it has some in ar, zh"):
        read_dataset(path, articles=_ARTICLES, languages=["tr"])
    with pytest.raises(UsageError, match="of SQuAD and BEIR sets only"):
        read_dataset(path, articles=_ARTICLES, questions=["zh"])
    with pytest.raises(UsageError, match="added to SQuAD sets only"):
        read_dataset(path, articles=_ARTICLES, every=3)
    with pytest.raises(UsageError, match="Unknown format 'squat'"):
        read_dataset(path, articles=_ARTICLES, form="squat")


def test_the_balance_counts_languages_pairs_and_shares() -> None:
    """Cross-language is what no article in the question's own language answers."""
    quote = Reference("a1", 0, 4, _AR.text[:4])
    cases = (
        Case("1", "?", "en", answers=("x",), references=(quote,), languages=("ar",), tags=("date",)),
        Case("2", "?", "ar", answers=("x",), references=(quote,)),
        Case(
            "3", "?", "zh", answers=("x",), references=(quote, Reference("z1", 0, 3, "新港口")), languages=("ar", "zh")
        ),
        Case("4", "?", "zh", tags=("unanswerable", "near")),
    )
    report = check_dataset(Dataset("set", cases), _ARTICLES)
    found = report.balance.to_dict()
    assert report.ok and found["languages"] == {"zh": 2, "ar": 1, "en": 1}
    assert found["pairs"] == {"ar→ar": 1, "en→ar": 1, "zh→ar": 1, "zh→zh": 1}
    assert found["shares"] == {"unanswerable": 0.25, "close": 1.0, "cross_language": 0.3333}
    assert "asked across languages: 1 (33% of answerable)" in report.text()


def test_a_dataset_is_held_against_the_articles_as_they_are_now() -> None:
    """A quote of an article that has changed since is a problem, of one that is not known too."""
    case = Case("1", "?", "en", answers=("x",), references=(Reference("e1", 0, 11, "The harbour"),))
    assert check_dataset(Dataset("set", (case,)), _ARTICLES).ok
    changed = replace(_EN, text="Harbour news. The harbour opened.")
    assert "that text is at 14 to 25" in str(check_dataset(Dataset("set", (case,)), [changed]).problems[0])
    assert "unknown article 'e1'" in str(check_dataset(Dataset("set", (case,)), []).problems[0])
    assert check_dataset(Dataset("set", (case,)), None).ok


def test_a_hundred_thousand_questions_are_read(write: Callable[..., Path]) -> None:
    """Size is no obstacle, and the last line is checked as the first."""
    path = write(*(_record(id=f"q{number}") for number in range(100_000)))
    assert len(read_dataset(path, articles=_ARTICLES).cases) == 100_000
    with path.open("a") as file:
        file.write("\n{}")
    assert {problem.line for problem in check_file(path, articles=_ARTICLES).problems} == {100_001}


# SQuAD and its kin.

_TOWNS = {
    "en": ["The harbour of Aldermouth opened in 1911. Its mayor is Ann Grey.", "When did the harbour open?", "1911"],
    "ar": ["افتُتح ميناء ألدرموث عام ١٩١١. عمدتها آن غراي.", "متى افتتح الميناء؟", "١٩١١"],
    "zh": ["奥尔德茅斯港于1911年开放。市长是安·格雷。", "港口何时开放？", "1911年"],
}


def _squad(context: str, question: str, answer: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    answers = [{"text": answer, "answer_start": context.index(answer)}]
    first = {"context": "Nothing. 无。", "qas": []}
    asked = [
        {"id": "q0", "question": question, "answers": answers} | (more or {}),
        {"id": "q1", "question": question, "answers": [], "is_impossible": True},
    ]
    return {"data": [{"title": "Town", "paragraphs": [first, {"context": context, "qas": asked}]}]}


@pytest.fixture
def xquad(tmp_path: Path) -> Path:
    folder = tmp_path / "towns"
    folder.mkdir()
    for language, town in _TOWNS.items():
        (folder / f"towns.{language}.json").write_text(json.dumps(_squad(*town)), "utf-8")
    return folder


def test_squad_questions_are_asked_across_languages(xquad: Path) -> None:
    """The question is of one file, article and answer of another; the answer in its own language is right too."""
    dataset = read_dataset(xquad, questions=["zh"], corpus=["ar"])
    case, impossible = dataset.cases
    assert (case.id, case.question, case.language) == ("zh-ar-q0", "港口何时开放？", "zh")
    assert case.answers == ("١٩١١", "1911年") and case.languages == ("ar",) and case.without == ()
    (article,), (reference,) = dataset.articles, case.references
    assert article.text[reference.start : reference.end] == "١٩١١" and article.title == ""
    assert expectation(impossible) is Expectation.REFUSAL and impossible.tags == ("unanswerable", "near")


def test_twins_without_their_article_are_unanswerable(xquad: Path) -> None:
    """With articles in several languages the same article in the others is taken out for each question."""
    dataset = read_dataset(xquad, questions=["en"], corpus=["ar", "zh"], every=1)
    cases = {case.id: case for case in dataset.cases}
    assert cases["en-ar-q0"].without == ("zh-000",)
    twin = cases["en-ar-q0-without"]
    assert set(twin.without) == {"zh-000", "ar-000"} and not twin.answers and twin.tags == ("unanswerable",)
    assert len(cases) == 6 and {article.id for article in dataset.articles} == {"ar-000", "zh-000"}
    assert check_dataset(dataset, None).ok


def test_of_several_languages_some_must_be_chosen(xquad: Path) -> None:
    """What can be chosen is said; one of the two is that of the other; what is not there is an error."""
    with pytest.raises(UsageError, match=r"articles in ar, en, zh .*--questions ar --articles ar"):
        read_dataset(xquad)
    assert {case.id[:5] for case in read_dataset(xquad, corpus=["ar"]).cases} == {"ar-ar"}
    with pytest.raises(UsageError, match="has no articles in tr; it has some in ar, en, zh"):
        read_dataset(xquad, corpus=["tr"])


def test_one_squad_file_tells_its_language_by_name_or_text(xquad: Path, tmp_path: Path) -> None:
    assert {case.language for case in read_dataset(xquad / "towns.zh.json").cases} == {"zh"}
    (tmp_path / "arcd.json").write_bytes((xquad / "towns.ar.json").read_bytes())
    assert {article.language for article in read_dataset(tmp_path / "arcd.json").articles} == {"ar"}


def test_mlqa_files_of_a_pair_share_their_articles(tmp_path: Path) -> None:
    """Two files over Arabic articles give each paragraph once, and each question the answer in its own."""
    for language in ("en", "ar"):
        context, _, answer = _TOWNS["ar"]
        text = json.dumps(_squad(context, _TOWNS[language][1], answer))
        (tmp_path / f"test-context-ar-question-{language}.json").write_text(text, "utf-8")
    dataset = read_dataset(tmp_path, questions=["en"])
    assert [each.text.count("ألدرموث") for each in dataset.articles] == [1]
    assert dataset.cases[0].question == "When did the harbour open?" and dataset.cases[0].answers == ("١٩١١",)
    assert check_dataset(dataset, None).ok


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": [{"text": "1911", "answer_start": 3}]}, "qas[0]: expected the answer '1911' at 3, found"),
        ({"answers": [{"text": "1911"}]}, "expected an answer with 'text' and 'answer_start'"),
        ({"answers": [], "is_impossible": False}, "expected a list of 'answers', found none"),
        ({"question": ""}, "data[0].paragraphs[1].qas[0]: expected an 'id' and a 'question'"),
    ],
)
def test_what_is_wrong_with_a_squad_file_is_said(xquad: Path, change: dict[str, Any], message: str) -> None:
    """The place in the file is named, by its path in the JSON; what is no JSON by its line."""
    path = xquad / "towns.en.json"
    path.write_text(json.dumps(_squad(*_TOWNS["en"], change)), "utf-8")
    assert message in str(check_file(path).problems[0])
    path.write_text('{\n"data": [', "utf-8")
    assert str(check_file(path).problems[0]).startswith("towns.en.json:2: expected a JSON file")


def test_questions_that_do_not_pair_are_an_error_or_noted(xquad: Path) -> None:
    path = xquad / "towns.ar.json"
    data = json.loads(path.read_text("utf-8"))
    qas = data["data"][0]["paragraphs"][1]["qas"]
    qas[0]["id"] = "other"
    path.write_text(json.dumps(data), "utf-8")
    report = check_file(xquad, questions=["en"], corpus=["ar"])
    assert report.ok and report.balance.cases == 1 and "1 of 2 questions over the articles in 'ar'" in report.notes[0]
    qas[1]["id"] = "another"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(UsageError, match="do not pair"):
        read_dataset(xquad, questions=["en"], corpus=["ar"])


# BEIR.


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    documents = [
        {"_id": each.id, "title": each.title, "text": each.text, "language": each.language} for each in _ARTICLES
    ]
    queries = [
        {"_id": "1", "text": "متى افتتح الميناء؟"},
        {"_id": "2", "text": "港口何时开放？"},
        {"_id": "9", "text": "Train?"},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)), "utf-8")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), "utf-8")
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n1\te1\t1\n1\tz1\t2\n1\ta1\t0\n2\tz1\t1\n", "utf-8"
    )
    return folder


def test_beir_refers_to_whole_documents(beir: Path) -> None:
    """Documents of a score above 0 are the references, of the test split; queries without any are noted."""
    dataset = read_dataset(beir)
    first, second = dataset.cases
    assert [each.article_id for each in first.references] == ["e1", "z1"] and first.languages == ("en", "zh")
    assert first.language == "ar" and second.references[0] == Reference("z1", 0, len(_ZH.text), _ZH.text)
    assert expectation(first) is Expectation.ANSWER and len(dataset.articles) == 3
    assert check_file(beir).notes == ("1 queries without a relevant document in test.tsv are left out",)


def test_what_is_wrong_with_a_beir_folder_is_said(beir: Path) -> None:
    with (beir / "qrels" / "test.tsv").open("a") as file:
        file.write("1\tnone\t1\n1 e1 1\n7\te1\t1\n")
    found = [str(problem) for problem in check_file(beir).problems]
    assert found[0] == "test.tsv:6: the document 'none' is not in corpus.jsonl"
    assert "test.tsv:7: expected query, document and a whole score" in found[1]
    assert found[2] == "test.tsv:8: the query '7' is not in queries.jsonl"
    (beir / "qrels" / "test.tsv").unlink()
    with pytest.raises(UsageError, match="Expected one file of judgements"):
        read_dataset(beir)
    (beir / "queries.jsonl").unlink()
    (beir / "qrels" / "dev.tsv").write_text("1\te1\t1\n", "utf-8")
    with pytest.raises(UsageError, match=r"queries\.jsonl cannot be read"):
        read_dataset(beir)


# ragas.

_RAGAS: list[dict[str, Any]] = [
    {"user_input": "متى افتتح الميناء؟", "reference": "في 2021",
     "reference_contexts": ["<1-hop>\n\nThe harbour opened in\n2021. It cost"],
     "response": "x", "retrieved_contexts": ["y"]},
    {"user_input": "它耗资多少？", "reference": "三亿元", "reference_context_ids": ["z1:v:0"]},
    {"user_input": "What else?", "reference": "", "reference_contexts": []},
]  # fmt: skip


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "json"])
def test_ragas_contexts_are_found_in_the_articles(tmp_path: Path, suffix: str) -> None:
    """Contexts are looked up, white space aside; ids of passages stand for their article; a record without either is
    asked and expects nothing.
    """
    path = tmp_path / f"testset.{suffix}"
    if suffix == "csv":
        names = list(dict.fromkeys(name for record in _RAGAS for name in record))
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows({name: str(record.get(name, "")) for name in names} for record in _RAGAS)
    else:
        text = "\n".join(map(json.dumps, _RAGAS)) if suffix == "jsonl" else json.dumps(_RAGAS)
        path.write_text(text, "utf-8")
    assert form_of(path) == "ragas"
    first, second, third = read_dataset(path, articles=_ARTICLES).cases
    found = "The harbour opened in 2021.\n\nIt cost"
    assert first.references == (Reference("e1", 0, len(found), found),)
    assert (first.language, first.languages, first.answers) == ("ar", ("en",), ("في 2021",))
    assert second.references[0].text == _ZH.text and second.language == "zh"
    assert expectation(third) is Expectation.NOTHING


def test_ragas_datasets_are_read_as_ragas_writes_them(tmp_path: Path) -> None:
    """What ragas' classes save is read: an EvaluationDataset as CSV and JSON lines, a Dataset of the CSV backend."""
    from pydantic import BaseModel
    from ragas import Dataset as RagasDataset
    from ragas import EvaluationDataset, SingleTurnSample

    samples = [
        SingleTurnSample(**{name: record[name] for name in ("user_input", "reference", "reference_contexts")})
        for record in _RAGAS[:1]
    ]
    made = EvaluationDataset(samples=samples)
    made.to_csv(tmp_path / "evaluation.csv")
    made.to_jsonl(tmp_path / "evaluation.jsonl")

    class Row(BaseModel):
        user_input: str
        reference: str
        reference_contexts: list[str]

    rows = RagasDataset(name="rows", backend="local/csv", root_dir=str(tmp_path), data_model=Row)
    rows.append(Row(**{name: _RAGAS[0][name] for name in Row.model_fields}))
    rows.save()
    for path in (tmp_path / "evaluation.csv", tmp_path / "evaluation.jsonl", tmp_path / "datasets" / "rows.csv"):
        (case,) = read_dataset(path, articles=_ARTICLES).cases
        assert case.references[0].text == "The harbour opened in 2021.\n\nIt cost"


def test_a_context_that_no_article_has_is_a_problem(write: Callable[..., Path]) -> None:
    record = {"user_input": "متى؟", "reference": "x", "reference_contexts": ["ليس في أي مقال"]}
    path = write(
        record, {**record, "reference_context_ids": ["e1"], "reference_contexts": ["新港口"]}, {"user_input": []}
    )
    found = [str(problem) for problem in check_file(path, articles=_ARTICLES).problems]
    assert (
        found[0]
        == "set.jsonl:1: context 1 of 'reference_contexts' is in no article of the collection: 'ليس في أي مقال'"
    )
    assert "is not in the articles e1: '新港口'" in found[1] and "has no message of a user" in found[2]
    assert "no collection to look them up in" in str(check_file(path).problems[0])


def test_of_several_turns_the_last_question_is_asked(write: Callable[..., Path]) -> None:
    turns = [
        {"type": "human", "content": "港口何时开放？"},
        {"type": "ai", "content": "2021年"},
        {"type": "human", "content": "多少钱？"},
    ]
    (case,) = read_dataset(write({"user_input": turns, "reference": "三亿元"}), articles=_ARTICLES).cases
    assert case.question == "多少钱？" and [each.role for each in case.conversation] == ["user", "assistant"]


# The feedback of the page.


def test_feedback_of_the_real_assistant_becomes_cases(
    write: Callable[..., Path], store: Store, model: Any, assistant: Assistant
) -> None:
    """A liked answer is a reference, a liked refusal a question to refuse, a disliked answer neither."""
    article = add(store, model, _AR.text, language="ar")
    answer = assistant.ask("ممّ حذّر خامنئي أردوغان؟").to_dict()
    assert answer["status"] == "answered"
    refusal = {
        **answer,
        "question": "港口何时开放？",
        "status": "not_found",
        "answer": "没有",
        "sentences": [],
        "citations": [],
    }

    def rated(rating: str, answer: dict[str, Any]) -> dict[str, Any]:
        return {"version": 1, "at": "2026-01-02T03:04:05Z", "rating": rating, "comment": "", "answer": answer,
                "conversation": [], "settings": {}}  # fmt: skip

    other = {**answer, "question": "ممّ؟"}
    path = write(rated("up", answer), rated("up", refusal), rated("up", other), rated("down", other))
    dataset = read_dataset(path, articles=[article])
    liked, refused, disliked = dataset.cases
    assert form_of(path) == "feedback" and check_dataset(dataset, [article]).ok
    assert _WARNING in liked.answers[0] and "[1]" not in liked.answers[0] and liked.languages == ("ar",)
    assert _WARNING in [each.text for each in liked.references]
    assert expectation(refused) is Expectation.REFUSAL and refused.language == "zh"
    assert expectation(disliked) is Expectation.NOTHING and disliked.answers == () and disliked.tags == ("disliked",)

    gone = check_file(path, articles=[replace(article, text="آخر")])
    assert gone.ok and gone.balance.cases == 2 and "1 liked answers are left out" in gone.notes[0]


def test_what_is_wrong_with_feedback_is_said(write: Callable[..., Path]) -> None:
    answer = {"question": "متى؟", "status": "answered", "answer": "x", "mode": "extractive"}
    good = {"version": 1, "rating": "up", "answer": answer, "conversation": []}
    path = write(good, {**good, "rating": "meh"}, {**good, "version": 9}, {**good, "answer": {**answer, "status": "?"}})
    found = [str(problem) for problem in check_file(path, articles=_ARTICLES).problems]
    assert "set.jsonl:1: the citations are not as isnad ask --json prints them" in found[0]
    assert "expected 'up' or 'down' in 'rating', found 'meh'" in found[1]
    assert "set.jsonl:3: expected the version 1, found 9" in found[2] and "in 'status', found '?'" in found[3]


# Generated sets.


def test_only_sound_questions_are_written(tmp_path: Path) -> None:
    """What a model writes passes the validator or is left out with the reason; the file can be read again."""
    contexts = ["The harbour opened in 2021."]
    records = [
        {"user_input": "متى افتتح الميناء؟", "reference": "2021", "reference_contexts": contexts},
        {"user_input": "متى افتتح الميناء؟", "reference": "2021", "reference_contexts": contexts},
        {"user_input": "何时？", "reference": "2021", "reference_contexts": ["<1-hop>\n\n新港口于2021年", *contexts]},
        {"user_input": "When?", "reference": "", "reference_contexts": ["The harbour opened in 1850."]},
        {"user_input": "Why?", "reference": "because", "reference_contexts": None},
    ]  # fmt: skip
    path = tmp_path / "new" / "made.jsonl"
    made = generate(5, _ARTICLES, path, ask=lambda articles, n: records[: n * len(articles)])
    assert [case.id for case in made.cases] == ["made-001", "made-003"]
    assert "2 questions kept, 3 left out" in made.text() and "was asked before" in made.text()
    again = read_dataset(path, articles=_ARTICLES).cases
    assert again[1].tags == ("multi-article",) and again[1].languages == ("zh", "en")
    assert [replace(case, line=0) for case in again] == [replace(case, line=0) for case in made.cases]
    with pytest.raises(UsageError, match="is there already"):
        generate(1, _ARTICLES, path, ask=lambda articles, n: records)


def test_a_model_that_writes_nothing_sound_is_an_error(tmp_path: Path) -> None:
    assert review([], _ARTICLES, name="x").cases == ()
    with pytest.raises(LanguageModelError, match="None of the questions"):
        generate(1, _ARTICLES, tmp_path / "x.jsonl", ask=lambda articles, n: [{"user_input": "؟"}])
    assert not (tmp_path / "x.jsonl").exists()
    with pytest.raises(UsageError, match="at least one article"):
        generate(1, (), tmp_path / "x.jsonl", ask=lambda articles, n: [])
