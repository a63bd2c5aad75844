"""ragas' measures, with and without a language model; the model is a server on loopback that says what a test wants."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.judge import Asked, Judged, generate_questions, judge, load_ragas, ragas_measures
from eval.types import Case, Found, Outcome, Reference
from rag.build import Model
from rag.embedding import Vectors
from rag.errors import LanguageModelError, SettingsError, UsageError
from rag.types import Article
from tests.scripted_server import Reply, Request, ScriptedServer

_JUDGED = {
    "faithfulness", "answer_relevancy", "factual_correctness", "noise_sensitivity", "response_groundedness",
    "judged_context_precision", "judged_context_recall",
}  # fmt: skip
# Question, answer, reference answer and the passage that both come from.
_TEXTS = {
    "en": ("Whom did he warn?", "He warned Erdogan.", "Erdogan was warned.", "Khamenei warned Erdogan on Tuesday."),
    "ar": ("من حذّر خامنئي؟", "حذّر أردوغان.", "أردوغان هو من حُذّر.", "حذّر خامنئي أردوغان يوم الثلاثاء."),
    "zh": ("哈梅内伊警告了谁？", "他警告了埃尔多安。", "埃尔多安受到警告。", "哈梅内伊周二警告了埃尔多安。"),
}


def _answer(text: str, *passages: str, mode: str = "extractive") -> dict[str, Any]:
    return {
        "status": "answered" if text else "not_found",
        "mode": mode,
        "answer": text or "The articles do not say.",
        "language": "en",
        "confidence": 0.9,
        "sentences": [{"text": text, "citations": [1]}] if text else [],
        "citations": [{"passage": passage, "quotes": []} for passage in passages],
    }


def _found(*texts: str) -> tuple[Found, ...]:
    return tuple(Found(f"a{n}:0", f"a{n}", "en", 0, len(text), text, 0.5) for n, text in enumerate(texts))


def _outcome(language: str = "ar") -> Outcome:
    question, answer, reference, passage = _TEXTS[language]
    case = Case(language, question, language, (reference,), (Reference("a0", 0, len(passage), passage),))
    return Outcome(case, _found(passage, "Nothing of the kind."), _answer(answer, passage))


def _embed(texts: Sequence[str]) -> Vectors:
    """Vectors of which only those of the same text are the same."""
    return np.array([[len(text), *(text.count(c) for c in "aeiouا如")] for text in texts], dtype=np.float32)


# Without a language model


@pytest.mark.parametrize(("said", "reference"), [("abc", "abd"), ("كتب", "كتم"), ("中国人", "中国文")])
def test_character_f_score_is_as_computed_by_hand_in_every_script(said: str, reference: str) -> None:
    """Of one character two thirds are in common, of two one half, of three none: (2/3 + 1/2 + 0) / 3."""
    outcome = Outcome(Case("c", "?", "ar", ("Something else", reference)), (), _answer(said))
    (scores,) = ragas_measures([outcome])
    assert scores["chrf"] == pytest.approx((2 / 3 + 1 / 2) / 3, abs=1e-6)
    assert (scores["string_presence"], scores["exact_match"]) == (0, 0)


@pytest.mark.parametrize("text", ["Paris", "باريس", "巴黎"])
def test_the_reference_answer_is_found_in_the_answer(text: str) -> None:
    """As a part of it, and as the whole of it; the best of several reference answers counts."""
    case = Case("c", "?", "en", ("Rome", text))
    part, whole = ragas_measures([Outcome(case, (), _answer(f"({text})")), Outcome(case, (), _answer(text))])
    assert (part["string_presence"], part["exact_match"]) == (1, 0)
    assert (whole["string_presence"], whole["exact_match"], whole["chrf"]) == (1, 1, 1)


def test_what_does_not_apply_is_left_out_and_what_failed_is_none() -> None:
    """A refusal of what is answerable has 0, an error None; of an unanswerable question nothing is measured."""
    answerable = Case("a", "?", "en", ("Yes",), (Reference("a0", 0, 5, "Words"),))
    refused, failed, unanswerable, retrieved_only = ragas_measures(
        [
            Outcome(answerable, (), _answer("")),
            Outcome(answerable, error="it broke"),
            Outcome(Case("u", "?", "en"), _found("Words"), _answer("A guess.", "Words")),
            Outcome(answerable, _found("Words")),
        ],
        embed=_embed,
    )
    assert set(refused) == set(failed) > {"chrf", "similarity", "id_recall", "context_precision"}
    assert set(refused.values()) == {0.0}
    assert set(failed.values()) == {None}
    assert unanswerable == {}
    assert retrieved_only == {"id_precision": 0 + 1, "id_recall": 1, "context_precision": 1, "context_recall": 1}
    assert ragas_measures([]) == []


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_retrieval_is_measured_by_articles_and_by_quotes(language: str) -> None:
    """Of five passages the second has one of two quotes: it is right at rank 2, and half of the quotes are found."""
    quote = _TEXTS[language][3]
    filler = ["One thing", "Two things", "Three things", "Four things"]
    passages = [filler[0], f"{filler[1]}. {quote} {filler[2]}", *filler[1:]]
    case = Case("c", "?", language, ("x",), (Reference("a1", 0, 9, quote), Reference("b", 0, 9, "Ξεχασμένα λόγια εδώ")))
    (scores,) = ragas_measures([Outcome(case, _found(*passages), _answer("x"))])
    assert scores["id_precision"] == pytest.approx(1 / 5)
    assert scores["id_recall"] == pytest.approx(1 / 2)
    assert scores["context_precision"] == pytest.approx(1 / 2, abs=1e-6)
    assert scores["context_recall"] == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("said", "passage", "score"),
    [
        ("قال: «لن نقبل بهذا الهجوم أبدا».", "أكد: «لن نقبل بهذا الهجوم أبدا» يوم الثلاثاء.", 1),
        ("قال: «لن نقبل بهذا الهجوم غدا».", "أكد: «لن نقبل بهذا الهجوم أبدا» يوم الثلاثاء.", 0),
        ("他说：「我们绝不接受这次攻击」。", "“我们绝不接受这次攻击”，他说。", 1),
        ("He said “we don’t accept this” and «they will not go now».", 'It read "we don\'t accept this".', 1 / 2),
        ("Il n'a pas dit qu'il viendrait, qu'il partirait.", "Rien.", None),
        ("She lives in “Paris”.", "Nothing.", None),
    ],
)
def test_quotations_are_held_against_the_cited_passages(said: str, passage: str, score: float | None) -> None:
    """In the marks of every language; an apostrophe is none and a name no quotation; without any nothing is said."""
    (scores,) = ragas_measures([Outcome(Case("c", "?", "ar"), (), _answer(said, passage))])
    assert scores.get("quoted_spans") == score


def test_similarity_is_by_the_loaded_model_and_across_languages(model: Model) -> None:
    """The same in another language is nearer than something else; of several answers the nearest counts."""
    said = _answer("حذّر خامنئي أردوغان من مهاجمة سوريا.")
    same = Case("s", "?", "ar", ("The weather is fine.", "Khamenei warned Erdogan against attacking Syria."))
    other = Case("o", "?", "ar", ("The weather is fine.",))
    near, far = ragas_measures([Outcome(same, (), said), Outcome(other, (), said)], embed=model.embedder.embed_passages)
    assert 0 < (far["similarity"] or 0) < (near["similarity"] or 0) - 0.05
    assert (near["similarity"] or 0) <= 1


def test_240_questions_take_one_call_of_the_model(caplog: pytest.LogCaptureFixture) -> None:
    """All texts are embedded together, each once."""
    calls: list[int] = []

    def embed(texts: Sequence[str]) -> Vectors:
        calls.append(len(texts))
        return _embed(texts)

    with caplog.at_level(logging.WARNING):
        scores = ragas_measures([_outcome("ar"), _outcome("zh")] * 120, embed=embed)
    assert (len(scores), calls, caplog.records) == (240, [4], [])


# With a language model


def _schema(request: Request) -> str:
    """The name of the form that a reply is asked for in, for both ways of asking."""
    text = request.messages[0]["content"] if "messages" in request.body else ""
    text = request.body.get("system") or text
    text = text if isinstance(text, str) else text[0]["text"]
    schema, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    return str(schema["title"])


def _given(request: Request, key: str) -> Any:
    """What the prompt gives to be judged."""
    prompt = str(request.messages[-1]["content"])
    given, _ = json.JSONDecoder().raw_decode(prompt, prompt.lower().rindex("\ninput: {") + len("\ninput: "))
    return given[key]


def _verdicts(request: Request) -> dict[str, Any]:
    statements = _given(request, "statements")
    return {"statements": [{"statement": s, "reason": "لأن", "verdict": int(n == 0)} for n, s in enumerate(statements)]}


def _translated(request: Request) -> dict[str, Any]:
    prompt = str(request.messages[-1]["content"])
    texts = json.loads(prompt[prompt.rindex("\n[") :])
    return {"statements": [f"⟪{text}⟫" for text in texts]}


_GOOD: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "StatementGeneratorOutput": lambda _: {"statements": ["حذّر أردوغان", "他走了"]},
    "NLIStatementOutput": _verdicts,
    "StatementFaithfulnessOutput": _verdicts,
    "AnswerRelevanceOutput": lambda _: {"question": "من؟", "noncommittal": 0},
    "ClaimDecompositionOutput": lambda _: {"claims": ["حذّر أردوغان", "他走了"]},
    "ResponseGroundednessOutput": lambda _: {"rating": 1},
    "ContextPrecisionOutput": lambda r: {"reason": "", "verdict": int("Nothing of" not in _given(r, "context"))},
    "ContextRecallOutput": lambda _: {
        "classifications": [{"statement": s, "reason": "", "attributed": n} for n, s in enumerate("ab")]
    },
    "_TranslatedStrings": _translated,
}


def _good(request: Request) -> str:
    return json.dumps(_GOOD[_schema(request)](request), ensure_ascii=False)


def _but(**replies: str | Reply) -> Callable[[Request], str | Reply]:
    """Good replies, but for those of one form."""
    return lambda request: replies.get(_schema(request)) or _good(request)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again at once."""
    load_ragas()
    import eval.judge_model

    monkeypatch.setattr(eval.judge_model, "_FIRST_WAIT", 0.01)


def _judge(server: ScriptedServer, cache: Path, *outcomes: Outcome, adapt: bool = False, **options: Any) -> Judged:
    asked = Asked(**{"model": "scripted", "cache": cache, "base_url": server.url, "timeout": 20, **options})
    return judge(outcomes or [_outcome()], asked=asked, embed=_embed, adapt=adapt)


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_a_judge_gives_the_numbers_that_follow_from_its_verdicts(language: str, tmp_path: Path) -> None:
    """One of two statements is true, of two passages the first is useful."""
    seen: list[str] = []
    with ScriptedServer(default=_good) as server:
        asked = Asked("scripted", tmp_path, base_url=server.url)
        judged = judge(
            [_outcome(language)], asked=asked, embed=_embed, adapt=False, progress=lambda *far: seen.append(far[2])
        )
    (scores,) = judged.scores
    assert set(scores) == _JUDGED
    assert scores["faithfulness"] == 1 / 2
    assert scores["factual_correctness"] == 1 / 2
    assert scores["response_groundedness"] == 1 / 2
    assert scores["judged_context_recall"] == 1 / 2
    assert scores["judged_context_precision"] == pytest.approx(1, abs=1e-6)
    # The second statement is wrong, and stands in no passage.
    assert scores["noise_sensitivity"] == 0
    vectors = _embed([_TEXTS[language][0], "من؟"])
    cosine = float(vectors[0] @ vectors[1] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[1]))
    assert scores["answer_relevancy"] == pytest.approx(cosine, abs=1e-5)
    assert (judged.failures, judged.failed, judged.notes) == ((), {}, ())
    assert judged.replies == len(server.requests) == judged.tokens_in == judged.tokens_out
    assert judged.cost is None
    assert seen[-1] == "7 of 7 judgements"
    assert any(_TEXTS[language][1] in request.prompt for request in server.requests)


def test_what_has_no_answer_is_not_judged(tmp_path: Path) -> None:
    """Neither refusals of the unanswerable, nor talk, nor errors; and then nobody is asked."""
    case = Case("c", "?", "ar")
    outcomes = [
        Outcome(case, (), _answer("")),
        Outcome(case, (), _answer("مرحبا", mode="direct")),
        Outcome(case, error="it broke"),
        Outcome(case),
    ]
    with ScriptedServer() as server:
        judged = _judge(server, tmp_path, *outcomes)
        assert judged.scores == ({}, {}, {}, {})
        assert _judge(server, tmp_path, Outcome(_outcome().case, _found("x"), _answer(""))).scores[0].keys() == {
            "judged_context_precision", "judged_context_recall",
        }  # fmt: skip
    assert judged.replies == 0


def test_replies_are_kept(tmp_path: Path) -> None:
    """A second run asks nothing and costs nothing; another model is asked anew; a damaged file is made anew."""
    with ScriptedServer(default=_good) as server:
        first = _judge(server, tmp_path, price=(1.0, 2.0))
        asked = len(server.requests)
        second = _judge(server, tmp_path, price=(1.0, 2.0))
        assert len(server.requests) == asked
        _judge(server, tmp_path, model="another")
        assert len(server.requests) == 2 * asked
        (tmp_path / "judge.sqlite3").write_bytes(b"no database at all, but long enough to be looked at" * 9)
        assert _judge(server, tmp_path).scores == first.scores
    assert first.scores == second.scores
    assert (second.replies, second.tokens_in, second.cost) == (0, 0, 0)
    assert first.cost == pytest.approx(asked * 3 / 1e6)


def test_a_reply_in_the_wrong_form_is_asked_for_again(tmp_path: Path) -> None:
    """The model is told what was wrong, and what it then says counts."""
    wrong = iter(["", "ليس هذا JSON", '{"statements": "a"}'])

    def reply(request: Request) -> str:
        first = _schema(request) == "StatementGeneratorOutput" and len(request.messages) < 4
        return next(wrong, _good(request)) if first else _good(request)

    with ScriptedServer(default=reply) as server:
        judged = _judge(server, tmp_path, jobs=1)
    assert judged.failures == ()
    assert judged.scores[0]["faithfulness"] == 1 / 2


_BAD_REPLIES: list[tuple[str, dict[str, str | Reply], set[str], str]] = [
    ("malformed", {"StatementGeneratorOutput": "كلام"}, {"faithfulness", "noise_sensitivity"}, "form"),
    ("empty", {"ContextRecallOutput": " "}, {"judged_context_recall"}, "form"),
    ("failing", {"ContextRecallOutput": Reply(status=500)}, {"judged_context_recall"}, "failed on its own side"),
    ("silent", {"AnswerRelevanceOutput": Reply("x", before=60)}, {"answer_relevancy"}, "sent nothing for 4 sec"),
    # ragas would give 0, and more than 1; the other judge's rating; a share of one instead of two.
    ("nothing", {"ClaimDecompositionOutput": '{"claims": []}'}, {"factual_correctness"}, "claims is empty"),
    ("verdict", {"ContextPrecisionOutput": '{"reason": "", "verdict": 7}'}, {"judged_context_precision"}, "is 7"),
    ("rating", {"ResponseGroundednessOutput": '{"rating": 3}'}, {"response_groundedness"}, "rating is 3"),
    (
        "one of two",
        {"NLIStatementOutput": '{"statements": [{"statement": "أ", "reason": "", "verdict": 1}]}'},
        {"faithfulness", "factual_correctness"},
        "expected 2 statements",
    ),
]


@pytest.mark.parametrize(("kind", "replies", "failing", "reason"), _BAD_REPLIES, ids=[each[0] for each in _BAD_REPLIES])
def test_a_failed_judgement_is_counted_and_no_zero(
    kind: str, replies: dict[str, str | Reply], failing: set[str], reason: str, tmp_path: Path
) -> None:
    """It is None with its reason, whatever ragas makes of it, and the others stand."""
    with ScriptedServer(default=_but(**replies)) as server:
        judged = _judge(server, tmp_path, timeout=4 if kind == "silent" else 20, jobs=2)
    (scores,) = judged.scores
    assert {name for name, score in scores.items() if score is None} == failing
    assert judged.failed == dict.fromkeys(sorted(failing), 1)
    assert all(reason in each.reason and each.case_id == "ar" for each in judged.failures)
    assert all(0 <= score <= 1 for score in scores.values() if score is not None)
    assert sum(judged.to_dict()["reasons"].values()) == len(failing)


def test_half_a_groundedness_is_none(tmp_path: Path) -> None:
    """When one of ragas' two judges fails it gives the other's rating; here the judgement failed."""

    def reply(request: Request) -> str:
        return "no" if "world class expert" in request.prompt else _good(request)

    with ScriptedServer(default=reply) as server:
        judged = _judge(server, tmp_path)
    assert judged.scores[0]["response_groundedness"] is None
    assert judged.failed == {"response_groundedness": 1}


def test_a_failure_that_passes_is_none(tmp_path: Path) -> None:
    """A server that fails once, and one that asks to wait, are asked again."""
    with ScriptedServer(Reply(status=503), Reply(status=429, headers={"retry-after": "0"}), default=_good) as server:
        assert _judge(server, tmp_path).failures == ()


def test_a_judge_that_never_replies_is_an_error(tmp_path: Path) -> None:
    """With a wrong key, an unknown model or no server there are no results, and few requests."""
    with ScriptedServer(default=Reply(status=401, error="bad key")) as server:
        with pytest.raises(LanguageModelError, match="ISNAD_JUDGE_API_KEY"):
            _judge(server, tmp_path, *[_outcome()] * 20, api_key="wrong")
        assert len(server.requests) < 15
    with pytest.raises(LanguageModelError, match="ISNAD_JUDGE_BASE_URL"):
        _judge(server, tmp_path, *[_outcome()] * 9)
    with pytest.raises(SettingsError, match="ISNAD_JUDGE is 'nonsense'"):
        _judge(server, tmp_path, base_url="", model="nonsense")
    with pytest.raises(SettingsError, match="ISNAD_LLM is 'nonsense'"):
        _judge(server, tmp_path, base_url="", model="nonsense", setting="ISNAD_LLM")
    with pytest.raises(UsageError, match="ISNAD_JUDGE"):
        Asked("", tmp_path)


def test_a_judge_that_has_no_more_credit_is_asked_no_more(tmp_path: Path) -> None:
    """What was judged counts, the rest failed, and a note says why."""
    with ScriptedServer(*[_good] * 9, default=Reply(status=402, error="no credit")) as server:
        judged = _judge(server, tmp_path, *[replace(_outcome(language)) for language in _TEXTS] * 3, jobs=1)
        assert len(server.requests) == 10
    assert len(judged.failures) == 9 * 7 - sum(each is not None for row in judged.scores for each in row.values())
    assert "no credit" in judged.notes[0]


def test_a_server_that_cannot_be_held_to_json_is_asked_in_words(tmp_path: Path) -> None:
    """It may put the object into a code fence and talk around it."""

    def reply(request: Request) -> str | Reply:
        if "response_format" in request.body:
            return Reply(status=400, error="'response_format.type' must be 'json_schema' or 'text'")
        return f"هذا هو {{الجواب}}:\n```json\n{_good(request)}\n```"

    with ScriptedServer(default=reply) as server:
        judged = _judge(server, tmp_path, jobs=1)
        assert sum("response_format" in request.body for request in server.requests) == 1
    assert judged.failures == ()
    assert judged.scores[0]["faithfulness"] == 1 / 2


def test_another_provider_is_asked_through_its_own_package(tmp_path: Path) -> None:
    """Anthropic's way of speaking, streamed; a wrong reply is told and asked for again."""
    with ScriptedServer(lambda _: "لا", default=_good) as server:
        judged = _judge(server, tmp_path, base_url=server.root, model="anthropic:claude-x", api_key="k", jobs=1)
        assert {request.path for request in server.requests} == {"/v1/messages"}
        assert "cannot be used" in server.requests[1].prompt
    assert judged.failures == ()
    assert judged.scores[0]["response_groundedness"] == 1 / 2
    assert judged.tokens_out == len(server.requests) > judged.replies


def test_prompts_are_adapted_once_a_language(tmp_path: Path) -> None:
    """Their examples are translated by the model, for all questions of the language; English needs none."""
    with ScriptedServer(default=_good) as server:
        judged = _judge(server, tmp_path, _outcome("en"), adapt=True)
        assert not any(_schema(request) == "_TranslatedStrings" for request in server.requests)
        judged = _judge(server, tmp_path, _outcome("ar"), replace(_outcome("ar"), found=()), adapt=True)
        translations = [request.prompt for request in server.requests if _schema(request) == "_TranslatedStrings"]
    assert 8 < len(translations) == len(set(translations)) < 16
    assert all("to arabic" in prompt for prompt in translations)
    assert judged.notes == ()
    assert any("⟪Albert Einstein was born in Germany.⟫" in request.prompt for request in server.requests)


def test_a_failed_adaptation_is_noted_and_english_used(tmp_path: Path) -> None:
    """The judgements are made all the same."""
    with ScriptedServer(default=_but(_TranslatedStrings='{"statements": ["واحد"]}')) as server:
        judged = _judge(server, tmp_path, adapt=True)
    assert "English for Arabic in faithfulness, answer_relevancy" in judged.notes[0]
    assert judged.failures == ()
    assert set(judged.scores[0]) == _JUDGED


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither bars nor logs of ragas and instructor reach the terminal, whatever fails."""
    with ScriptedServer(default=_but(StatementGeneratorOutput="no")) as server:
        _judge(server, tmp_path)
    assert capfd.readouterr() == ("", "")


# Questions


def _writer(request: Request) -> str:
    """Replies as a model that writes questions gives them."""
    form = _schema(request)
    if form == "PersonaThemesMapping":
        themes, names = _given(request, "themes"), [each["name"] for each in _given(request, "personas")]
        return json.dumps({"mapping": dict.fromkeys(names, themes)})
    if form == "GeneratedQueryAnswer":
        return json.dumps({"query": "من حذّر خامنئي في طهران؟", "answer": "حذّر أردوغان."}, ensure_ascii=False)
    fixed: dict[str, Any] = {
        "StringIO": {"text": "A summary of an article about Syria."},
        "QuestionPotentialOutput": {"score": 5},
        "ThemesAndConcepts": {"output": ["Syria", "سوريا"]},
        "NEROutput": {"entities": ["خامنئي", "Erdogan"]},
        "Persona": {"name": "قارئ", "role_description": "Reads the news."},
        "ConceptCombinations": {"combinations": [["Syria", "سوريا"]]},
    }
    return json.dumps(fixed[form], ensure_ascii=False)


def _articles() -> list[Article]:
    return [
        Article(id=language, title="", text=" ".join(f"{_TEXTS[language][3]}" for _ in range(40)), language=language)
        for language in _TEXTS
    ]


def test_questions_are_written_over_articles(tmp_path: Path, model: Model, capfd: pytest.CaptureFixture[str]) -> None:
    """Each with its answer, its language, and contexts that stand in the articles word for word."""
    articles = _articles()
    with ScriptedServer(default=_writer) as server:
        asked = Asked("scripted", tmp_path, base_url=server.url)
        records = generate_questions(articles, 4, asked=asked, embed=model.embedder.embed_passages)
    assert 2 <= len(records) <= 4
    assert capfd.readouterr().out == ""
    for record in records:
        assert set(record) == {"user_input", "reference", "reference_contexts", "language"}
        assert record["language"] == "ar"
        for context in record["reference_contexts"]:
            verbatim = context.split(">\n\n")[-1] if context.startswith("<") else context
            assert any(verbatim in article.text for article in articles)


def test_a_question_that_cannot_be_written_takes_no_other_with_it(tmp_path: Path, model: Model) -> None:
    """The others are kept."""
    turns = iter(["no", "no", "no"])

    def reply(request: Request) -> str:
        return next(turns, _writer(request)) if _schema(request) == "GeneratedQueryAnswer" else _writer(request)

    with ScriptedServer(default=reply) as server:
        asked = Asked("scripted", tmp_path, base_url=server.url, jobs=1)
        assert generate_questions(_articles(), 4, asked=asked, embed=model.embedder.embed_passages)


def test_why_no_questions_can_be_written_is_told(tmp_path: Path) -> None:
    """Without articles or with empty ones, with a wrong key, with a model that cannot follow."""
    with ScriptedServer(default=Reply(status=401)) as server:
        asked = Asked("scripted", tmp_path, base_url=server.url)
        for articles in ([], [Article(id="e", title="", text=" \n")]):
            with pytest.raises(UsageError, match="article with text"):
                generate_questions(articles, 2, asked=asked, embed=_embed)
        with pytest.raises(LanguageModelError, match="ISNAD_JUDGE_API_KEY"):
            generate_questions(_articles(), 2, asked=asked, embed=_embed)
    with ScriptedServer(default="I cannot do that.") as server:
        asked = Asked("scripted", tmp_path, base_url=server.url)
        with pytest.raises(LanguageModelError, match="form that was asked for"):
            generate_questions(_articles(), 2, asked=asked, embed=_embed)


def test_numbers_are_numbers(tmp_path: Path) -> None:
    """No score is ever "not a number"."""
    with ScriptedServer(default=_but(ResponseGroundednessOutput='{"rating": -1}')) as server:
        scores = _judge(server, tmp_path).scores[0]
    assert not any(score is not None and math.isnan(score) for score in scores.values())
