"""Follow-ups carry what they go on with, new subjects do not, and a request for a language is no question."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.bench.conversation import hold, read_conversations
from rag.answer_language import answer_language
from rag.assistant import Assistant
from rag.build import Model
from rag.conversation import Standalone, standalone, understand, weigh
from rag.intents import Intent
from rag.query import Query
from rag.store import Store
from rag.types import Turn
from tests.conftest import add


def _never(question: str) -> float:
    raise AssertionError(f"the collection was asked: {question}")


def _turns(*asked: str, language: str = "en") -> list[Turn]:
    return [Turn(each, each, "…", language) for each in asked]


@pytest.mark.parametrize(
    ("language", "first", "message"),
    [
        ("en", "When was the Webb telescope launched?", "And how big is its mirror?"),
        ("en", "Who signed for Russia?", "And for Ukraine?"),
        ("en", "Who signed for Russia?", "Why?"),
        ("ar", "من حذّر أردوغان؟", "ومتى كان ذلك؟"),
        ("ar", "ماذا قال بايدن في جدة؟", "وماذا عن خاشقجي؟"),
        ("fa", "خامنه‌ای به اردوغان چه گفت؟", "او درباره قفقاز چه گفت؟"),
        ("he", "מי ניצח ברולאן גארוס?", "ובן כמה הוא?"),
        ("tr", "Putin Erdoğan'ı ne kadar bekledi?", "Bu ne zaman oldu?"),
        ("ru", "Что Путин сказал о турбине?", "А о зерне?"),
        ("uk", "За що Марина В’язовська отримала медаль?", "Де вона народилася?"),
        ("es", "¿Contra quién jugó Nadal?", "¿Cuánto duró?"),
        ("fr", "Qui a reçu la médaille Fields ?", "Et combien d'argent reçoivent-ils ?"),
        ("de", "Wie viele Tickets wurden verkauft?", "Und wie viel zahlte der Bund dafür?"),
        ("it", "Quando è stato lanciato Webb?", "E da dove?"),
        ("pt", "Quem venceu Roland Garros?", "E contra quem?"),
        ("zh", "问天实验舱是什么时候发射的？", "它有多重？"),
        ("ja", "桜島の警戒レベルはいつ引き下げられましたか？", "その後、住民はどうなりましたか？"),
        ("ko", "제임스 웹 망원경은 언제 발사되었나요?", "그리고 거울의 크기는?"),
        ("hi", "द्रौपदी मुर्मू ने शपथ कब ली?", "उनका जन्म कहाँ हुआ?"),
        ("ur", "پاکستان میں سیلاب سے کتنے لوگ متاثر ہوئے؟", "اور کتنے گھر تباہ ہوئے؟"),
        ("id", "Siapa yang menandatangani untuk Rusia?", "Lalu untuk Ukraina?"),
    ],
)
def test_what_points_back_takes_its_subject_along(language: str, first: str, message: str) -> None:
    """The two questions, one after the other, without asking the collection; the message's own words are marked."""
    found = standalone(message, language, _turns(first, language=language), _never)
    assert found.carried
    assert found.question == f"{first} {message}"
    assert found.question[found.own :] == message


@pytest.mark.parametrize(
    ("language", "first", "message"),
    [
        ("en", "Who won Roland Garros?", "How many people did the floods in Pakistan leave without a home?"),
        ("en", "Who won Roland Garros?", "What did the inventor Nikola Tesla do with his money after the war?"),
        ("ar", "من حذّر أردوغان؟", "كم مليون برميل يوميًا ستنتج السعودية بحلول عام 2027؟"),
        ("he", "מי ניצח ברולאן גארוס?", "כמה בני אדם נפגעו מהשיטפונות הגדולים בפקיסטן באוגוסט?"),
        ("zh", "问天实验舱是什么时候发射的？", "长江流域的高温干旱造成了多大的经济损失？"),
        ("ja", "桜島はどこにありますか？", "トルコの年間インフレ率は七月に何パーセントでしたか？"),
    ],
)
def test_a_full_question_is_asked_as_it_is(language: str, first: str, message: str) -> None:
    """It names its own subject."""
    found = standalone(message, language, _turns(first, language=language), _never)
    assert found == Standalone(message, language)


@pytest.mark.parametrize(
    ("spoken", "first", "language", "message"),
    [
        ("en", "Who won Roland Garros?", "en", "Who is the mayor of Tehran?"),
        ("ru", "Кто выиграл Ролан Гаррос?", "ru", "Сколько весит модуль Вэньтянь?"),
        ("de", "Wer gewann die Tour de France?", "ru", "Сколько весит модуль?"),
        ("en", "What did Khamenei warn Erdogan about?", "ar", "ماذا قال بوتين لرئيسي؟"),
        ("ar", "ماذا قال بوتين لرئيسي؟", "zh", "问天实验舱有多重？"),
    ],
)
def test_a_short_question_that_names_its_subject_is_no_follow_up(
    spoken: str, first: str, language: str, message: str
) -> None:
    """Nor is one in another language without a word that points back; the articles need not answer it."""
    assert standalone(message, language, _turns(first, language=spoken), _never) == Standalone(message, language)


@pytest.mark.parametrize("carries", [True, False])
def test_in_doubt_the_collection_is_asked(carries: bool) -> None:
    """A short question with words of its own goes the way that the collection answers better; it is asked twice."""
    asked: list[str] = []

    def confidence(question: str) -> float:
        asked.append(question)
        return 0.9 if ("Webb" in question) == carries else 0.3

    found = standalone("Who showed the first image?", "en", _turns("When was Webb launched?"), confidence)
    assert found.carried == carries
    assert len(asked) == 2


@pytest.mark.parametrize("message", ["And why?", "ومتى كان ذلك؟", "它有多重？", "", "?"])
def test_nothing_is_carried_into_a_first_question(message: str) -> None:
    """Nor from a conversation that has asked nothing yet."""
    greeted = [Turn("Hello!", "Hello!", "Hello!", "en")]
    for turns in ([], greeted):
        assert not standalone(message, "en", turns, _never).carried


def test_the_subject_goes_on_over_three_turns_and_changes_with_a_new_one() -> None:
    """Each follow-up stands beside the question that opened the subject, and not beside all others."""
    turns: list[Turn] = []
    said = [
        ("When was the Webb telescope launched?", "When was the Webb telescope launched?"),
        ("And how big is its mirror?", "When was the Webb telescope launched? And how big is its mirror?"),
        ("Thanks! And where is it now?", "When was the Webb telescope launched? And where is it now?"),
        ("in Arabic please", "When was the Webb telescope launched? And where is it now?"),
        ("And why?", "When was the Webb telescope launched? And why?"),
        (
            "Which Black Sea ports does the grain agreement open?",
            "Which Black Sea ports does the grain agreement open?",
        ),
        ("Who signed it?", "Which Black Sea ports does the grain agreement open? Who signed it?"),
    ]
    for message, asked in said:
        found = understand(message, "en", turns, _never)
        assert found.question.question == asked
        turns.append(Turn(message, asked, "…", "en"))


@pytest.mark.parametrize(
    ("message", "language", "left", "code"),
    [
        ("What did Khamenei say? Answer in Turkish.", "en", "What did Khamenei say?", "tr"),
        ("Tell me in Arabic what Khamenei said", "en", "what Khamenei said", "ar"),
        ("and in Arabic?", "en", "", "ar"),
        ("auf Deutsch bitte", "de", "", "de"),
        ("بالعربية", "ar", "", "ar"),
        ("ماذا قال بوتين؟ أجب باللغة الإنجليزية", "ar", "ماذا قال بوتين؟", "en"),
        ("به زبان انگلیسی لطفاً", "fa", "", "en"),
        ("انگریزی میں بتائیں", "ur", "", "en"),
        ("ובערבית?", "he", "", "ar"),
        ("用中文回答", "zh", "", "zh"),
        ("问天什么时候发射的？用阿拉伯语回答", "zh", "问天什么时候发射的？", "ar"),
        ("英語で答えてください", "ja", "", "en"),
        ("영어로", "ko", "", "en"),
        ("Türkçe anlat", "tr", "", "tr"),
        ("Что сказал Путин? Ответь на турецком языке", "ru", "Что сказал Путин?", "tr"),
        ("по-английски, пожалуйста", "ru", "", "en"),
        ("відповідай українською", "uk", "", "uk"),
        ("¿y en árabe?", "es", "", "ar"),
        ("trả lời bằng tiếng Anh", "vi", "", "en"),
        ("العربية", "en", "", "ar"),
        ("answer in Türkçe", "en", "", "tr"),
        ("How do you say bread in French?", "en", "How do you say bread in French?", ""),
        ("Which books did he write in Latin?", "en", "Which books did he write in Latin?", ""),
        ("Who wrote it in Arabic?", "en", "Who wrote it in Arabic?", ""),
        ("What happened in Iran?", "en", "What happened in Iran?", ""),
        ("", "", "", ""),
    ],
)
def test_a_request_for_a_language_is_taken_off(message: str, language: str, left: str, code: str) -> None:
    """The language is named in any language, and a question that has the name of one stays as it is."""
    assert answer_language(message, language) == (left, code)


@pytest.mark.parametrize(("message", "code"), [("in Turkish please", "tr"), ("بالعربية", "ar"), ("用中文回答", "zh")])
def test_a_bare_request_repeats_the_last_question(message: str, code: str) -> None:
    """Also a wish that is no question; and with nothing to repeat the message stays itself."""
    turns = [Turn("And its mirror?", "When was Webb launched? And its mirror?", "…", "en")]
    repeated = understand(message, "", turns, _never).question
    assert (repeated.question, repeated.language) == ("When was Webb launched? And its mirror?", code)
    assert repeated.question[repeated.own :] == "And its mirror?"
    assert understand(message, "", _turns("What can you do?"), _never).wish.intent is Intent.ABILITY
    assert understand(message, "", [], _never).question.question == message


def test_what_is_carried_counts_less(model: Model, assistant: Assistant, store: Store) -> None:
    """The sentence that answers the follow-up gains on the one that answered the question before it."""
    add(store, model, "Ann Grey opened the harbour of Tyre on Sunday. It cost 42 million dollars. Thousands came.")
    found = standalone("And what did it cost?", "en", _turns("Who opened the harbour of Tyre?"), _never)
    whole = assistant.read(found.question, "en")

    def lead(query: Query) -> float:
        scores = {each.quote.text: each.score for each in assistant.rank(query, assistant.retrieve(query))}
        return scores["It cost 42 million dollars."] - scores["Ann Grey opened the harbour of Tyre on Sunday."]

    assert lead(weigh(whole, found.own)) > lead(whole)
    assert weigh(whole, 0) is whole


def test_conversations_are_measured(model: Model, assistant: Assistant, store: Store, tmp_path: Path) -> None:
    """With rewriting the follow-up finds its article, and without it does not; a new subject is asked alone."""
    add(store, model, "Webb was launched in 2021. Its mirror measures 6.5 metres.", title="Webb", origin="webb.md")
    add(store, model, "Hubble was launched in 1990. Its mirror is 2.4 metres wide.", title="Hubble", origin="hubble.md")
    turns = [
        {"question": "When was Webb launched?", "article": "webb.md", "kind": "standalone", "answer": "2021"},
        {"question": "And how wide is its mirror?", "article": "webb.md", "kind": "follow-up", "answer": "6.5 metres"},
        {"question": "in Arabic please", "article": "webb.md", "kind": "language", "answer_language": "ar"},
        {"question": "When was the Hubble telescope launched into space?", "article": "hubble.md",
         "kind": "new subject", "answer": "1990"},
    ]  # fmt: skip
    path = tmp_path / "conversations.jsonl"
    path.write_text(json.dumps({"id": "1", "language": "en", "turns": turns}) + "\n", "utf-8")
    [(language, gold)] = read_conversations(path)
    measured: Callable[[bool], list[bool]] = lambda rewriting: [  # noqa: E731
        result.article for result in hold(language, gold, assistant, passages=2, rewriting=rewriting)
    ]
    assert measured(True) == [True, True, True, True]
    assert measured(False)[1] is False
