"""Answers of Isnad's own: of itself, its articles, a day and its sources, each cited, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.assistant import Assistant
from rag.build import Model
from rag.direct import Holdings, answer_directly, written_day
from rag.intents import Intent, Wish
from rag.phrases import phrases
from rag.store import Store
from rag.types import Answer, Article, Citation, Filters, Hit, Mode, Passage, Quote, Status, Turn
from tests.conftest import add

_HARBOUR = {
    "en": "The town of Tyre opened its new harbour on 19 July. The project cost 42 million dollars, the mayor said.",
    "ar": "افتتحت مدينة صور ميناءها الجديد يوم 19 يوليو 2022. وبلغت كلفة المشروع 42 مليون دولار بحسب رئيس البلدية.",
    "zh": "提尔市于7月19日启用了新港口。市长说，工程造价为4200万美元。",
}
_TITLES = {"en": "New harbour opened in Tyre", "ar": "افتتاح ميناء صور الجديد", "zh": "提尔新港口启用"}


@pytest.fixture
def holdings(store: Store, model: Model, assistant: Assistant) -> Holdings:
    """Three articles about a harbour and one about a choir."""
    for place, (language, text) in enumerate(_HARBOUR.items()):
        add(store, model, text, language=language, title=_TITLES[language], published=f"2022-07-2{place}",
            publisher="Wire")  # fmt: skip
    add(store, model, "Der Chor probt am Montag im Rathaus und singt dabei Lieder aus fünf Ländern.", language="de",
        title="Chorprobe im Rathaus", published="2022-07-19")  # fmt: skip

    def search(topic: str) -> Sequence[Hit]:
        return assistant.search(topic, k=50)

    return Holdings(store, search, model.embedder.embed_passages)


def _ask(holdings: Holdings, wish: Wish, language: str = "en", turns: Sequence[Turn] = ()) -> Answer:
    answer = answer_directly(wish, "?", language=language, turns=turns, holdings=holdings)
    assert answer is not None
    _check(answer)
    return answer


def _check(answer: Answer) -> None:
    """Numbers are those of citations, quotes are verbatim, and a refusal cites nothing."""
    numbers = [citation.n for citation in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {n for sentence in answer.sentences for n in sentence.citations} == set(numbers)
    assert all(sentence.text in answer.text for sentence in answer.sentences)
    for citation in answer.citations:
        assert citation.article.text
        for quote in citation.quotes:
            assert citation.article.text[quote.start : quote.end] == quote.text
            assert citation.passage.start <= quote.start < quote.end <= citation.passage.end
    if answer.status is Status.NOT_FOUND:
        assert (answer.sentences, answer.citations) == ((), ())


@pytest.mark.parametrize("language", ["en", "ar", "zh", "tr"])
@pytest.mark.parametrize("intent", [Intent.GREETING, Intent.ABILITY])
def test_a_greeting_says_what_there_is_to_ask(holdings: Holdings, language: str, intent: Intent) -> None:
    """How many articles, in which languages, from when, with titles, the reader's language first."""
    answer = _ask(holdings, Wish(intent), language)
    assert (answer.mode, answer.language) == (Mode.DIRECT, language)
    say = phrases(language)
    assert answer.text.startswith(say.greeting if intent is Intent.GREETING else say.ability)
    assert say.count.format(count=4) in answer.text
    assert written_day("2022-07-19", language) in answer.text
    assert _TITLES.get(language, "") in answer.sentences[-3].text
    assert len(answer.citations) == 3


def test_thanks_and_questions(holdings: Holdings) -> None:
    """Thanks are answered without sources, and a question is not answered here."""
    assert _ask(holdings, Wish(Intent.THANKS), "fa").text == phrases("fa").thanks
    assert answer_directly(Wish(Intent.QUESTION), "?", language="en", turns=(), holdings=holdings) is None


@pytest.mark.parametrize(
    ("topic", "language", "found"),
    [
        ("the harbour of Tyre", "en", ["en"]),
        ("ميناء صور", "ar", ["ar"]),
        ("新港口", "zh", ["zh", "en"]),
        ("choir", "en", ["de"]),
    ],
)
def test_articles_about_a_topic_are_listed(holdings: Holdings, topic: str, language: str, found: list[str]) -> None:
    """The best first, also in other languages, and none about anything else; or it says that there are none."""
    answer = _ask(holdings, Wish(Intent.ARTICLES, topic=topic), language)
    assert [citation.article.language for citation in answer.citations] == found
    assert topic in answer.text
    none = _ask(holdings, Wish(Intent.ARTICLES, topic="Taylor Swift"), language)
    assert none.status is Status.NOT_FOUND
    assert "Taylor Swift" in none.text


def test_all_articles_are_listed_newest_first(holdings: Holdings, store: Store, model: Model) -> None:
    """At most ten, and how many more there are; filters hold here too."""
    for day in range(10, 20):
        add(store, model, f"Report number {day} is about the weather in the hills.", published=f"2021-01-{day}")
    answer = _ask(holdings, Wish(Intent.ARTICLES))
    days = [citation.article.published for citation in answer.citations]
    assert len(days) == 10
    assert days == sorted(days, reverse=True)
    assert answer.text.endswith("Further articles: 4")
    arabic = replace(holdings, selection=store.select(Filters(languages=("ar",))))
    assert [each.article.language for each in _ask(arabic, Wish(Intent.ARTICLES)).citations] == ["ar"]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_summary_is_sentences_of_the_article(holdings: Holdings, language: str) -> None:
    """The first and others, verbatim and cited, of the article about the topic or of the one cited last."""
    answer = _ask(holdings, Wish(Intent.SUMMARY, topic=_TITLES[language]), language)
    assert answer.mode is Mode.EXTRACTIVE
    assert {citation.article.title for citation in answer.citations} == {_TITLES[language]}
    assert answer.sentences[1].text == _HARBOUR[language].partition(". ")[0] + "."
    last = _ask(holdings, Wish(Intent.SUMMARY), turns=[Turn.of(answer)])
    assert last.citations[0].article.title == _TITLES[language]
    assert _ask(holdings, Wish(Intent.SUMMARY, topic="Taylor Swift")).status is Status.NOT_FOUND


@pytest.mark.parametrize(("day", "language"), [("2022-07-19", "en"), ("--07-19", "ar"), ("2022-07-19", "zh")])
def test_a_day_has_what_is_said_of_it_and_what_was_published(holdings: Holdings, day: str, language: str) -> None:
    """In every language of the articles, the reader's first; the choir's article of that day does not name it."""
    answer = _ask(holdings, Wish(Intent.DAY, day=day), language)
    quoted = [citation.article.language for citation in answer.citations if citation.quotes]
    assert quoted[0] == language
    assert sorted(quoted) == ["ar", "en", "zh"]
    assert [citation.article.language for citation in answer.citations if not citation.quotes] == ["de"]
    assert written_day(day, language) in answer.text


@pytest.mark.parametrize(("day", "language"), [("2019-07-19", "en"), ("--01-03", "ar"), ("2022-02-30", "tr")])
def test_a_day_without_news_is_not_found(holdings: Holdings, day: str, language: str) -> None:
    """Of another year, or of no year at all."""
    answer = _ask(holdings, Wish(Intent.DAY, day=day), language)
    assert answer.status is Status.NOT_FOUND
    assert written_day(day, language) in answer.text


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_sources_are_those_of_the_last_answer(holdings: Holdings, assistant: Assistant, language: str) -> None:
    """Publisher, title, date and the sentence; without an answer before it says so."""
    asked = Turn.of(assistant.ask("How much did the new harbour of Tyre cost?"))
    thanked = Turn("Thanks", "Thanks", "You’re welcome!", "en")
    answer = _ask(holdings, Wish(Intent.SOURCE), language, [asked, thanked])
    assert [each.article.id for each in answer.citations] == [each.article.id for each in asked.citations]
    assert "Wire" in answer.text
    assert written_day(asked.citations[0].article.published, language) in answer.text
    assert asked.citations[0].quotes[-1].text in answer.text
    none = _ask(holdings, Wish(Intent.SOURCE), language, [thanked])
    assert (none.status, none.text) == (Status.NOT_FOUND, phrases(language).source_none)


def test_who_says_so_is_the_nearest_speaker_before(holdings: Holdings) -> None:
    """Where the quote does not tell who speaks, the sentence before it that does is quoted too."""
    text = "The mayor said on Sunday that all was well. The harbour cost 42 million dollars."
    spans = ((0, 43), (44, len(text)))
    article = Article("m", "Harbour", text, author="Ann Grey", url="https://example.org/harbour", language="en")
    passage = Passage("m:1:0", "m", text, 0, len(text), "en", spans)
    citation = Citation(1, article, passage, (Quote(text[44:], *spans[1]),), 0.9)
    answer = _ask(holdings, Wish(Intent.SOURCE), turns=[Turn("?", "?", "…", "en", (citation,))])
    assert [quote.text for quote in answer.citations[0].quotes] == [text[:43], text[44:]]
    assert "Ann Grey" in answer.text
    assert "https://example.org/harbour" in answer.text


def test_without_articles_a_greeting_still_greets(store: Store) -> None:
    """An empty collection has nothing to list."""
    empty = Holdings(store, lambda _: [], lambda _: pytest.fail("nothing to embed"))
    assert _ask(empty, Wish(Intent.GREETING)).citations == ()
    assert _ask(empty, Wish(Intent.ARTICLES, topic="Syria")).status is Status.NOT_FOUND
    assert _ask(empty, Wish(Intent.DAY, day="2022-07-19")).status is Status.NOT_FOUND
