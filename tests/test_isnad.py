"""Isnad as one object, and as a retriever in a chain of LangChain."""

from __future__ import annotations

import doctest
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from ingest.complete import Overrides
from ingest.isnad import Contents
from rag import Isnad
from rag.assistant import Options
from rag.build import Model
from rag.chains import IsnadRetriever
from rag.errors import (
    EmptyCollectionError,
    QuestionError,
    SettingsError,
    UsageError,
)
from rag.settings import Settings, load
from rag.types import Filters, Status, Turn
from tests.documented import blocks

TEXTS = {
    "ar": ("افتتح وزير الثقافة المتحف البحري في مدينة صور يوم الأحد.", "متى افتتح المتحف البحري؟"),
    "zh": ("新图书馆星期三在南京开放，市长出席了仪式。", "新图书馆在哪里开放？"),
    "en": ("The bridge over the Drina was opened on Monday.", "When was the bridge over the Drina opened?"),
}


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    """The model is loaded once for all tests."""
    monkeypatch.setattr("ingest.isnad.build_model", lambda _: model)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def isnad(settings: Settings) -> Iterator[Isnad]:
    """An open collection with nothing in it."""
    with Isnad.open(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Isnad]:
    """A collection of an Arabic, a Chinese and an English article, to be asked only."""
    folder = tmp_path_factory.mktemp("library")
    for language, (text, _) in TEXTS.items():
        (folder / f"{language}.txt").write_text(text, "utf-8")
    with (
        mock.patch("ingest.isnad.build_model", return_value=model),
        Isnad.open(Settings(data_dir=folder / "data")) as opened,
    ):
        assert {each.outcome.value for each in opened.add(*folder.glob("*.txt"))} == {"added"}
        yield opened


@pytest.mark.parametrize("language", TEXTS)
def test_what_was_added_answers_until_it_is_deleted(isnad: Isnad, language: str) -> None:
    """Ask, stream, search and list agree on one article, and none of them knows it when it is gone."""
    text, question = TEXTS[language]
    added = isnad.add_text(text, title="T", url="https://example.org/a", publisher="P", published="2022-07-19")
    article = isnad.article(added.id)
    assert (article.text, article.language, article.publisher, article.url) == (
        text, language, "P", "https://example.org/a"
    )  # fmt: skip
    answer = isnad.ask(question)
    assert (answer.status, answer.citations[0].article.id) == (Status.ANSWERED, added.id)
    *_, last = isnad.stream(question)
    assert (last.text, last.citations) == (answer.text, answer.citations)
    assert isnad.search(question, k=1)[0].passage.text == text
    assert [each.id for each in isnad.articles()] == [added.id]
    assert [each.text for each in isnad.passages(added.id)] == [text]
    assert (isnad.contents().articles, isnad.contents().languages) == (1, {language: 1})
    assert isnad.delete([added.id, "none"]) == [added.id]
    assert isnad.articles() == []
    assert isnad.contents().articles == 0
    with pytest.raises(EmptyCollectionError):
        isnad.ask(question)


def test_languages_are_those_of_what_is_there_now(isnad: Isnad, tmp_path: Path) -> None:
    """Of an article that was replaced by one of another language and of as many passages too."""
    for language in ("en", "zh"):
        (tmp_path / "a.txt").write_text(TEXTS[language][0], "utf-8")
        list(isnad.add(tmp_path / "a.txt"))
        assert isnad.contents() == Contents(1, 1, {language: 1})


def test_filters_turns_and_options_reach_the_assistant(library: Isnad) -> None:
    """As every way of asking takes them."""
    question = TEXTS["en"][1]
    assert library.ask(question, options=Options(min_confidence=1.0)).status is Status.NOT_FOUND
    assert {hit.article.language for hit in library.search(question, filters=Filters(languages=("zh",)))} == {"zh"}
    assert [each.language for each in library.articles(Filters(languages=("ar",)))] == ["ar"]
    follow_up = library.ask("And who opened it?", turns=[Turn.of(library.ask(question))])
    assert follow_up.asked != "And who opened it?"


@pytest.mark.parametrize(("one", "other"), [(TEXTS["ar"][0], TEXTS["zh"][0])])
def test_two_texts_of_one_name_are_two_articles(isnad: Isnad, tmp_path: Path, one: str, other: str) -> None:
    """Nobody's article takes the place of another's because it is called the same."""
    assert [isnad.add_text(text, title="T").outcome.value for text in (one, other)] == ["added", "added"]
    files = []
    for number, text in enumerate((one, other)):
        (tmp_path / str(number)).write_text(f"{text} {text}", "utf-8")
        files.append((tmp_path / str(number), "a.txt"))
    results = list(isnad.add_files(files))
    assert [each.outcome.value for each in results] == ["added", "added"]
    assert {each.id for each in results} < {each.id for each in isnad.articles()}
    assert isnad.contents().articles == 4


def test_files_and_what_they_lack_are_added(isnad: Isnad, tmp_path: Path) -> None:
    """A path that is read as it stands, what the caller says of it, and a file that is none."""
    (tmp_path / "مقال.txt").write_text(TEXTS["ar"][0], "utf-8")
    (tmp_path / "bad.pdf").write_bytes(b"no pdf")
    results = list(isnad.add(tmp_path / "مقال.txt", tmp_path / "bad.pdf", overrides=Overrides(publisher="ناشر")))
    assert sorted(each.outcome.value for each in results) == ["added", "failed"]
    assert [each.publisher for each in isnad.articles()] == ["ناشر"]
    files = [(tmp_path / "مقال.txt", "../../etc/x.txt")]
    assert [each.outcome.value for each in isnad.add_files(files)] == ["duplicate"]


def test_what_cannot_be_done_is_an_error_that_says_so(isnad: Isnad, settings: Settings) -> None:
    """Each of its own class."""
    for wrong in ("", " \n"):
        with pytest.raises(UsageError):
            isnad.add_text(wrong)
    with pytest.raises(UsageError):
        isnad.add_text("Text.", published="soon")
    with pytest.raises(UsageError):
        list(isnad.add("/no/such/path"))
    with pytest.raises(UsageError):
        isnad.article("none")
    isnad.add_text(TEXTS["ar"][0])
    with pytest.raises(QuestionError):
        isnad.ask("")
    with pytest.raises(UsageError):
        isnad.ask("q", options=Options(top_k=0))
    with pytest.raises(UsageError):
        isnad.search("q", filters=Filters(languages=("sw",)))


def test_unknown_settings_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is loaded."""
    monkeypatch.setenv("ISNAD_COLOUR", "red")
    with pytest.raises(SettingsError):
        Isnad.open()


def test_a_collection_is_left_to_others_when_it_is_closed(settings: Settings, model: Model) -> None:
    """What was added is there when it is opened again, here or elsewhere."""
    with Isnad.open(settings) as first:
        first.add_text(TEXTS["zh"][0])
    with Isnad.open(settings) as second:
        assert second.contents().articles == 1
    Isnad.open(settings).close()


def test_many_ask_while_articles_come_and_go(isnad: Isnad) -> None:
    """Eight threads ask without an error, and the article that stays is cited every time."""
    kept = isnad.add_text(TEXTS["ar"][0]).id
    stop = threading.Event()
    wrong: list[object] = []
    asked = [0] * 8

    def asking(number: int) -> None:
        try:
            while not stop.is_set() or not asked[number]:
                answer = isnad.ask(TEXTS["ar"][1])
                if kept not in [each.article.id for each in answer.citations]:
                    wrong.append(answer)
                isnad.search(TEXTS["zh"][1], k=3)
                asked[number] += 1
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=asking, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):
            added = isnad.add_text(f"{TEXTS['zh'][0]} 第{number}天。")
            assert isnad.article(added.id).id == added.id
            assert isnad.delete([added.id]) == [added.id]
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not wrong
    assert all(asked)
    assert isnad.contents().articles == 1


def test_two_threads_that_add_do_so_one_after_the_other(isnad: Isnad) -> None:
    """Nothing is lost."""
    texts = [f"{TEXTS['en'][0]} It was the {number}th of its kind." for number in range(3)]
    threads = [threading.Thread(target=isnad.add_text, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert isnad.contents().articles == len(texts)


@pytest.mark.parametrize("language", TEXTS)
def test_the_collection_answers_in_a_chain(library: Isnad, language: str) -> None:
    """A chain of LangChain gets the passage under its prompt, and a filter keeps others out."""
    text, question = TEXTS[language]
    retriever = IsnadRetriever(assistant=library.assistant, k=2, filters=Filters(languages=(language,)))
    seen: list[str] = []

    def joined(documents: list[Document]) -> str:
        seen.append("\n".join(document.page_content for document in documents))
        return seen[-1]

    prompt = ChatPromptTemplate.from_template("{passages}\n\n{question}")
    chain = (
        {"passages": retriever | joined, "question": RunnablePassthrough()}
        | prompt
        | FakeListChatModel(responses=["said"])
        | StrOutputParser()
    )
    assert chain.invoke(question) == "said"
    assert seen == [text]
    (document,) = retriever.invoke(question)
    assert document.metadata["language"] == language
    assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content


def test_the_examples_in_the_documentation_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every line that a reader of docs/api.md can type gives what stands under it."""
    monkeypatch.setenv("ISNAD_DATA_DIR", str(tmp_path / "documented"))
    examples = "\n".join(blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(examples, {}, "docs/api.md", None, 0)
    assert len(test.examples) > 8
    said: list[str] = []
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append).failed == 0, "".join(said)
    assert load().data_dir == tmp_path / "documented"
