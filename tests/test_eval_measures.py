"""The measures of the evaluation, each by an example worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eval.citations import (
    Premise,
    alce_scores,
    entailment_by,
    invented_share,
    premises_of,
    quote_scores,
    verbatim_share,
)
from eval.metrics import MEASURES, Row, answer_text, cluster_of, score, summary
from eval.ranking import retrieval_scores
from eval.refusals import (
    answerable_auroc,
    answered_bins,
    answered_calibration_error,
    risk_coverage,
    risk_coverage_area,
    sureness,
)
from eval.spans import Span, covers
from eval.statistics import count_failed, interval_of, mean_interval, paired_difference
from eval.text_match import answer_recall, exact_match, f1, tokens
from eval.types import Case, Found, Outcome, Reference
from rag.assistant import Assistant
from rag.build import Model
from rag.check import Checker
from rag.errors import LanguageModelError
from rag.store import Store
from tests.conftest import add

# Words.


@pytest.mark.parametrize(
    ("text", "languages", "expected"),
    [
        ("The harbour's U.S. owner didn't pay.", ["en"], ["harbours", "us", "owner", "didnt", "pay"]),
        ("افتُتِحَ المِيناءُ عام ١٩١١", ["ar"], ["افتتح", "ميناء", "عام", "1911"]),
        ("إلى أحمد على", ["ar"], ["الي", "احمد", "علي"]),
        ("新港口于1911年开放。", ["zh"], [*"新港口于", "1911", *"年开放"]),
        ("می‌روند، کتاب ۱۴۰۲", ["fa"], ["ميروند", "كتاب", "1402"]),
        ("İSTANBUL IŞIK", ["tr"], ["istanbul", "isik"]),
        ("Die Häuser der Straße", ["de"], ["hauser", "strasse"]),
        ("l'Élysée et le port", ["fr"], ["lelysee", "et", "port"]),
        ("1,200 ١٬٢٠٠ 3.5 3,5 13.03.2023", [], ["1200", "1200", "3.5", "3.5", "13.03.2023"]),
        ("ท่าเรือ", ["th"], ["ท่", "า", "เ", "รื", "อ"]),
        ("…!؟", ["ar"], []),
        ("", [], []),
    ],
)
def test_words_have_one_form_for_all_spellings(text: str, languages: Sequence[str], expected: list[str]) -> None:
    assert tokens(text, languages) == expected


@pytest.mark.parametrize(
    ("text", "answers", "language", "expected"),
    [
        # harbour opened in 1911 / in 1911: 2·2 / (4+2)
        ("The harbour opened in 1911.", ["a bridge of stone", "in 1911"], "en", (4 / 6, 0, 1)),
        # افتتح ميناء عام 1911 / ميناء عام 1911: 2·3 / (4+3)
        ("افتُتِحَ المِيناءُ عام ١٩١١", ["ميناء عام 1911"], "ar", (6 / 7, 0, 1)),
        # 于 1911 年 开 放 / 1911 年: 2·2 / (5+2)
        ("于1911年开放。", ["1911年"], "zh", (4 / 7, 0, 1)),
        # one 北 of two is given: 2·1 / (2+2), half of the answer
        ("北京", ["北北"], "zh", (0.5, 0, 0.5)),
        ("İstanbul", ["ISTANBUL"], "tr", (1, 1, 1)),
        ("", ["1911"], "en", (0, 0, 0)),
        ("The", ["the"], "en", (1, 1, 0)),
        ("1911", [], "en", (0, 0, 0)),
    ],
)
def test_f1_exact_match_and_recall(
    text: str, answers: list[str], language: str, expected: tuple[float, float, float]
) -> None:
    """Each takes the answer that fits best; what is empty has nothing in common."""
    found = (f1(text, answers, [language]), exact_match(text, answers, [language]))
    assert (*found, answer_recall(text, answers, [language])) == pytest.approx(expected)


# Retrieval.


def _found(article_id: str, start: int, end: int) -> Found:
    return Found(f"{article_id}:{start}", article_id, "ar", start, end, "", 1.0)


_TWO = Case("q", "?", "ar", ("x",), (Reference("a", 10, 30, "x" * 20), Reference("z", 0, 10, "x" * 10)))


def test_a_span_covers_a_reference_by_half_of_the_shorter() -> None:
    reference = Reference("a", 10, 30, "")
    assert covers(Span("a", 0, 20), reference) and not covers(Span("a", 0, 19), reference)
    assert covers(Span("a", 15, 17), reference) and covers(Span("a", 0, 99), reference)
    assert not covers(Span("b", 0, 99), reference) and not covers(Span("a", 30, 40), reference)


def test_retrieval_by_hand() -> None:
    """The first covers one of two by half of it, the second none, the third the other, the fourth the same again."""
    found = [_found("z", 5, 50), _found("a", 100, 200), _found("a", 0, 40), _found("a", 20, 60)]
    scores = retrieval_scores(_TWO, found)
    assert [scores[f"recall@{k}"] for k in (1, 3, 5, 10, 20)] == [0.5, 1, 1, 1, 1]
    assert (scores["hit@1"], scores["mrr@10"]) == (1, 1)
    # 1 + 1/log₂4 over 1 + 1/log₂3
    assert scores["ndcg@3"] == scores["ndcg@10"] == pytest.approx(1.5 / (1 + 1 / math.log2(3)))

    late = retrieval_scores(_TWO, [_found("b", 0, 9)] * 3 + [_found("a", 0, 40)])
    assert (late["hit@3"], late["hit@5"], late["recall@5"], late["mrr@10"]) == (0, 1, 0.5, 0.25)
    assert late["ndcg@5"] == pytest.approx((1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert set(retrieval_scores(_TWO, []).values()) == {0}
    assert retrieval_scores(Case("q", "?", "zh"), found) == {}


def test_one_passage_with_all_references_is_ideal() -> None:
    both = replace(_TWO, references=(Reference("a", 0, 9, ""), Reference("a", 20, 30, "")))
    assert retrieval_scores(both, [_found("a", 0, 40), _found("z", 0, 9)])["ndcg@10"] == 1


def test_of_whole_documents_each_counts_once() -> None:
    """The second passage of a document takes no place in a ranking of documents."""
    case = Case("q", "?", "zh", references=(Reference("z", 0, 900, ""),), tags=("documents",))
    found = [_found("a", 0, 9), _found("a", 9, 20), _found("z", 100, 200)]
    assert retrieval_scores(case, found)["mrr@10"] == 0.5


# Citations.

_PASSAGE = "وصل الرئيس. حذّر خامنئي. غادر بوتين."


def _citation(n: int, *texts: str, article_id: str = "a") -> dict[str, Any]:
    quotes = [{"text": text, "start": (at := 100 + _PASSAGE.index(text)), "end": at + len(text)} for text in texts]
    return {"n": n, "article_id": article_id, "title": "", "published": "", "language": "ar", "passage": _PASSAGE,
            "start": 100, "end": 100 + len(_PASSAGE), "quotes": quotes}  # fmt: skip


def _answer(sentences: Sequence[tuple[str, Sequence[int]]], citations: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {
        "status": "answered", "mode": "generated", "answer": "…", "language": "en", "confidence": 0.8,
        "sentences": [{"text": text, "citations": list(cited)} for text, cited in sentences],
        "citations": list(citations), "removed_citations": 0,
    } | more  # fmt: skip


_REFUSED = _answer([], [], status="not_found", confidence=0.1)
_ALL = [_citation(1, "وصل الرئيس."), _citation(2, "حذّر خامنئي."), _citation(3, "غادر بوتين.")]


def _entails(sentence: str, language: str, premises: Sequence[Premise]) -> bool:
    """A sentence names the numbers of the citations that it needs, all of them."""
    return {int(each) for each in sentence if each.isdigit()} <= {premise.n for premise in premises}


def test_alce_by_hand() -> None:
    """Recall over four sentences: entailed by one of two, by two together, not at all, and one that cites nothing.

    Precision over their citations: 1 is needed and 2 is not; both are; the one of the third is not, since nothing is
    entailed.
    """
    sentences = [("needs 1", [1, 2]), ("needs 1 2", [1, 2]), ("needs 1", [3]), ("needs nothing", [])]
    scores = alce_scores(_answer(sentences, _ALL), _entails)
    assert scores == {"citation_recall": 2 / 4, "citation_precision": 3 / 5}


def test_a_quotation_does_not_prove_itself() -> None:
    """Sentences that are quotes word for word are counted apart, so that they raise neither recall nor precision."""
    quoted = _answer([("حذّر خامنئي.", [2])], _ALL, mode="extractive")
    assert alce_scores(quoted, lambda *_: True) == {} and verbatim_share(quoted) == 1
    mixed = _answer([("حذّر خامنئي.", [2]), ("needs 3", [1]), ("حذّر خامنئي.", [1])], _ALL)
    # The quote of another citation is judged as any sentence is: it needs none, "needs 3" one that it does not cite.
    assert alce_scores(mixed, _entails) == {"citation_recall": 1 / 2, "citation_precision": 1 / 2}
    assert verbatim_share(mixed) == pytest.approx(1 / 3)
    assert alce_scores(_REFUSED, _entails) == {} and verbatim_share(_REFUSED) is None


def test_invented_citations_by_hand() -> None:
    """Of five numbers one was removed, one has no citation, one a quote that its passage does not have."""
    broken = {**_citation(3, "غادر بوتين."), "quotes": [{"text": "غادر أردوغان.", "start": 124, "end": 136}]}
    answer = _answer([("a", [1, 2]), ("b", [3, 4])], [*_ALL[:2], broken], removed_citations=1)
    assert invented_share(answer) == 3 / 5
    assert invented_share(_answer([("a", [1])], _ALL)) == 0 and invented_share(_answer([("a", [])], [])) is None


def test_quotes_are_held_against_the_references_by_offsets() -> None:
    """Three quotes, one of them a reference; two references, one of them quoted."""
    references = (Reference("a", 112, 124, "حذّر خامنئي."), Reference("b", 0, 9, "x"))
    found = quote_scores(_answer([], _ALL), references)
    assert found == {"answer_in_quotes": 1, "quote_recall": 0.5, "quote_precision": 1 / 3}
    assert quote_scores(_REFUSED, references) == {"answer_in_quotes": 0, "quote_recall": 0}
    assert quote_scores(_answer([], _ALL), ()) == {}


def test_the_answer_checker_judges_citations(model: Model) -> None:
    """With the real model: what an Arabic quote says is entailed in English, another number is not."""
    text = "افتتح الميناء الجديد في عام 2021 بكلفة 300 مليون دولار."
    citation = {"n": 1, "article_id": "a", "title": "الميناء", "published": "", "language": "ar", "passage": text,
                "start": 0, "end": len(text), "quotes": [{"text": text, "start": 0, "end": len(text)}]}  # fmt: skip
    entails = entailment_by(Checker(model.embedder, model.means), model.embedder, model.means)
    sentences = [
        ("The new port opened in 2021 at a cost of 300 million dollars.", [1]),
        ("The new port opened in 1985 at a cost of 900 million dollars.", [1]),
    ]
    assert alce_scores(_answer(sentences, [citation]), entails) == {"citation_recall": 0.5, "citation_precision": 0.5}
    assert list(premises_of(_answer(sentences, [citation, {**citation, "n": 2, "quotes": []}]))) == [1]


# Refusals and confidence.


def _outcomes() -> list[Outcome]:
    """Answered right (.9), wrong (.6), refused (.2); unanswerable: answered (.7), refused (.1)."""
    hit, miss = (Reference("a", 112, 124, "حذّر خامنئي."),), (Reference("b", 0, 9, "x"),)
    asked = [
        (Case("1", "؟", "ar", ("x",), hit, languages=("ar",)), _answer([("a", [1])], _ALL, confidence=0.9)),
        (Case("2", "?", "zh", ("x",), miss, languages=("ar",)), _answer([("a", [1])], _ALL, confidence=0.6)),
        (Case("3", "?", "zh", ("x",), hit, languages=("ar",), tags=("date",)), _REFUSED | {"confidence": 0.2}),
        (Case("4", "?", "zh", without=("a",)), _answer([("a", [1])], _ALL, confidence=0.7)),
        (Case("5", "?", "en"), _REFUSED),
    ]
    outcomes = [Outcome(case, answer=answer) for case, answer in asked]
    return [replace(each, scores=score(each)) for each in outcomes]


def test_refusals_and_confidence_by_hand() -> None:
    outcomes = _outcomes()
    rows = {row.measure: row for row in summary(outcomes) if row.kind == "all"}
    assert rows["refusal_error"].mean == pytest.approx(1 / 3) and rows["refusal_error"].n == 3
    assert rows["hallucination"].mean == 0.5 and rows["refused"].mean == pytest.approx(2 / 5)
    assert rows["right"].mean == pytest.approx(2 / 5)
    # .9 and .2 against .7 and .1: three of the four pairs in order.
    assert rows["auroc"].mean == 0.75
    # Three bins of one each, .9 right, .6 and .7 wrong.
    assert rows["calibration_error"].mean == pytest.approx((0.1 + 0.6 + 0.7) / 3)
    # Right, wrong, wrong: risks 0, 1/2, 2/3.
    assert risk_coverage(sureness(outcomes)) == [(0.2, 0), (0.4, 0.5), (0.6, 2 / 3)]
    assert rows["aurc"].mean == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)
    assert [count for _, _, count in answered_bins(sureness(outcomes))] == [1, 1, 1]


def test_equally_sure_answers_count_alike_in_any_order() -> None:
    """Of two with one confidence, one wrong, the first step has half an error whichever comes first."""
    outcomes = [replace(each, answer={**(each.answer or {}), "confidence": 0.5}) for each in _outcomes()[:2]]
    for each in (outcomes, outcomes[::-1]):
        assert risk_coverage(sureness(each)) == [(0.5, 0.5), (1, 0.5)]


def test_without_anything_to_measure_there_is_no_number() -> None:
    nothing = sureness([])
    assert math.isnan(answerable_auroc(nothing)) and math.isnan(answered_calibration_error(nothing))
    assert math.isnan(risk_coverage_area(nothing)) and risk_coverage(nothing) == [] and answered_bins(nothing) == []
    assert summary([]) == []


# Scores and their summary.


def test_scores_of_each_kind_of_case() -> None:
    """What applies is there, what does not is not: references, answers only, unanswerable, disliked, retrieval only."""
    right, _, refused, unanswerable, _ = _outcomes()
    assert set(right.scores) | set(refused.scores) <= set(MEASURES)
    assert right.scores["right"] == 1 and right.scores["verbatim"] == 0 and right.scores["invented_citations"] == 0
    assert (refused.scores["f1"], refused.scores["right"], refused.scores["quote_recall"]) == (0, 0, 0)
    assert set(unanswerable.scores) == {"refused", "hallucination", "right", "invented_citations", "verbatim"}
    said = _answer([("三亿元", [1])], _ALL)
    answers_only = score(Outcome(Case("q", "?", "zh", ("三亿元人民币",)), answer=said))
    # Three characters of six, and none of them in the quotes.
    assert (answers_only["f1"], answers_only["answer_recall"], answers_only["right"]) == (6 / 9, 0.5, 1)
    assert answers_only["answer_words_in_quotes"] == 0 and "recall@5" not in answers_only
    disliked = score(Outcome(Case("q", "?", "ar", tags=("disliked",)), answer=said))
    assert set(disliked) == {"refused", "invented_citations", "verbatim"}
    assert set(score(Outcome(_TWO, (_found("a", 0, 40),)))) == set(retrieval_scores(_TWO, ()))


def test_a_failure_is_none_and_counted_not_averaged() -> None:
    """A question that ended in an error fails every measure that applies to it, and lowers no mean."""
    whole, _, _, unanswerable, _ = _outcomes()
    failed = replace(whole, answer=None, error="timed out")
    failed = replace(failed, scores=score(failed))
    assert set(failed.scores.values()) == {None} and {"recall@5", "f1", "refusal_error"} <= set(failed.scores)
    lost = Outcome(unanswerable.case, error="timed out")
    assert score(lost) == {"refused": None, "hallucination": None, "right": None}
    rows = {row.measure: row for row in summary([whole, failed]) if row.kind == "all"}
    assert (rows["right"].mean, rows["right"].n, rows["right"].failed) == (1, 1, 1)
    assert rows["calibration_error"].failed == 1

    def broken(sentence: str, language: str, premises: Sequence[Premise]) -> bool:
        raise LanguageModelError("gone")

    assert score(whole, checker=broken)["citation_recall"] is None
    assert "citation_recall" not in score(whole)


def test_similarity_is_to_the_nearest_answer() -> None:
    vectors = {"三亿元": [3.0, 0.0], "x": [0.0, 1.0], "y": [3.0, 4.0]}
    case, said = Case("q", "?", "zh", ("x", "y")), _answer([("三亿元", [1])], _ALL)

    def embed(texts: Sequence[str]) -> Any:
        return np.array([vectors[text] for text in texts], dtype=np.float32)

    assert score(Outcome(case, answer=said), embed=embed)["similarity"] == pytest.approx(0.6)
    assert score(Outcome(case, answer=_REFUSED), embed=embed)["similarity"] == 0


def test_the_summary_has_a_row_for_each_group() -> None:
    """All, question's language, pair and tag; a measure that nobody described comes too, behind the others."""
    outcomes = [replace(each, scores={**each.scores, "own": 0.5}) for each in _outcomes()]
    rows = {(row.measure, row.kind, row.group): row for row in summary(outcomes)}
    assert rows["refused", "language", "zh"].n == 3 and rows["refused", "language", "zh"].mean == pytest.approx(1 / 3)
    assert rows["right", "pair", "zh→ar"].n == 2 and rows["right", "tag", "date"].mean == 0
    assert rows["own", "all", "all"] == Row("own", "all", "all", 5, 0.5, 0.5, 0.5, 0)
    assert summary(outcomes) == summary(outcomes)
    assert [cluster_of(each.case) for each in outcomes] == ["a", "b", "a", "a", "case 5"]
    assert cluster_of(Case("q", "?", "zh", without=("en-007", "ar-007"))) == "007"


def test_an_answer_of_the_real_assistant_is_scored(store: Store, model: Model, assistant: Assistant) -> None:
    """Its quotes are word for word, none is invented, and the right one is found by offsets."""
    text = "وصل الرئيس إلى طهران يوم الثلاثاء. حذّر خامنئي أردوغان من عملية عسكرية."
    article = add(store, model, text, language="ar")
    answer = assistant.ask("ممّ حذّر خامنئي أردوغان؟").to_dict()
    quote = "حذّر خامنئي أردوغان من عملية عسكرية."
    start = article.text.index(quote)
    case = Case("q", "؟", "ar", ("عملية عسكرية",), (Reference(article.id, start, start + len(quote), quote),))
    scores = score(Outcome(case, answer=answer), checker=lambda *_: False)
    assert (scores["right"], scores["verbatim"], scores["invented_citations"], scores["answer_recall"]) == (1, 1, 0, 1)
    assert "citation_recall" not in scores and quote in answer_text(answer) and "[1]" not in answer_text(answer)


# Statistics.


def test_the_interval_of_a_mean_by_hand() -> None:
    """Half of ten are 1: a resample's mean is binomial, P(≤1) = .011 and P(≤2) = .055, so from .2 to .8.

    Twenty in ten groups of two equal ones are as ten; by themselves they go from .3 to .7: P(≤5) = .021, P(≤6) = .058.
    """
    assert mean_interval([1.0, 0.0] * 5) == (0.5, pytest.approx(0.2), pytest.approx(0.8))
    twins = [1.0, 1.0, 0.0, 0.0] * 5
    groups = [place // 2 for place in range(20)]
    assert mean_interval(twins, groups=groups) == (0.5, pytest.approx(0.2), pytest.approx(0.8))
    assert mean_interval(twins) == (0.5, pytest.approx(0.3), pytest.approx(0.7))
    # Nine groups are too few to be resampled.
    assert mean_interval(twins, groups=[min(place // 2, 8) for place in range(20)]) == mean_interval(twins)


def test_the_interval_of_many_different_values() -> None:
    """Of 0 to 99 the standard error is 28.87 / 10, so 49.5 ± 1.96 · 2.89; the same for the same seed."""
    mean, low, high = mean_interval(range(100))
    assert (mean, low, high) == (49.5, pytest.approx(43.84, abs=0.3), pytest.approx(55.16, abs=0.3))
    assert mean_interval(range(100)) == (mean, low, high) != mean_interval(range(100), seed=1)
    assert interval_of(lambda places: float(places.mean()), 100) == pytest.approx((43.84, 55.16), abs=0.5)


def test_missing_values_are_left_out_and_counted() -> None:
    assert mean_interval([1.0, None, math.nan, 1.0]) == (1, 1, 1) and count_failed([1.0, None, math.nan]) == 2
    assert all(map(math.isnan, mean_interval([None]))) and all(map(math.isnan, mean_interval([])))
    found = paired_difference([1.0, None, 0.0], [1.0, 1.0, math.nan])
    assert (found.n, found.failed, found.difference, found.is_difference) == (1, 2, 0, False)
    assert not paired_difference([], []).is_difference
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1.0, 0.0], [1.0])


def test_a_difference_is_called_one_only_when_it_is() -> None:
    """Four equal differences: 2 of 16 ways to sign them are as far, p = .125; six: 2 of 64, .031."""
    four, six = paired_difference([0.0] * 4, [0.5] * 4), paired_difference([0.0] * 6, [0.5] * 6)
    assert (four.difference, four.p, four.is_difference) == (0.5, 0.125, False)
    assert (six.p, six.is_difference, six.low, six.high) == (0.03125, True, 0.5, 0.5)
    assert paired_difference([0.5] * 6, [0.0] * 6).difference == -0.5
    same = paired_difference([0.3] * 50, [0.3] * 50)
    assert (same.difference, same.p, same.is_difference) == (0, 1, False)


def test_many_differences_are_signed_at_random() -> None:
    """30 of 50 better by 1 and 20 worse: the two-sided binomial test says p = .203; in ten groups of five alike, 6 of
    which are better, .754.
    """
    better = [1.0] * 30 + [0.0] * 20
    found = paired_difference([1 - each for each in better], better)
    assert found.difference == pytest.approx(0.2) and found.p == pytest.approx(0.203, abs=0.015)
    grouped = paired_difference([1 - each for each in better], better, groups=[place // 5 for place in range(50)])
    assert grouped.p == pytest.approx(0.754, abs=1e-3) and grouped.low < found.low < 0 < found.high < grouped.high
    assert paired_difference([0.0] * 50, [1.0] * 50).p < 0.001


def test_every_measure_is_described() -> None:
    """Report and gate can name each, and say which way is better."""
    for name, measure in MEASURES.items():
        assert name == name.lower() and measure.title and measure.explanation.endswith(".")
        assert measure.better in ("higher", "lower", "")
        assert measure.part in ("retrieval", "answers", "citations", "refusals", "judge")
