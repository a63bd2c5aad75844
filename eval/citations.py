"""The measures of citations: after ALCE (Gao et al. 2023, arXiv 2305.14627), against the references, of invention.

ALCE asks of every sentence whether the quotes that it cites, together, entail it (recall), and of every citation
whether it is needed for that (precision). Isnad's answers are often the articles' own sentences. Such a sentence would
be held against itself, and pass whatever the question was: it would raise both measures and say nothing. So a
sentence that its own citations hold word for word is left out of both, and counted in ``verbatim``; an answer of such
sentences alone has neither. Whether the right sentences were quoted is what ``quote_recall`` and ``quote_precision``
say, by offsets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from eval.spans import Span, covered, covers
from eval.types import Reference
from rag.centring import LanguageMeans
from rag.check import Checker, Source, verbatim
from rag.embedding import Embedder
from rag.evidence import read_passages
from rag.states import NOTHING
from rag.types import Article, Passage, Support


@dataclass(frozen=True, slots=True)
class Premise:
    """What one citation quotes, as a passage of nothing else, under its article's title."""

    n: int
    article: Article
    passage: Passage


class Entailment(Protocol):
    """Says whether premises, together, entail a sentence in a language (BCP 47)."""

    def __call__(self, sentence: str, language: str, premises: Sequence[Premise]) -> bool:
        """Whether they do."""


def entailment_by(checker: Checker, embedder: Embedder, means: LanguageMeans) -> Entailment:
    """The judge that the answer checker is: it entails what it calls supported. With an NLI model in it, that too."""

    def entails(sentence: str, language: str, premises: Sequence[Premise]) -> bool:
        read = read_passages([(each.article, each.passage) for each in premises], embedder, means)
        sources = [Source(each.article, each.passage, states) for each, (_, states) in zip(premises, read, strict=True)]
        return checker.check(sentence, language, sources).support is Support.SUPPORTED

    return entails


def premises_of(answer: Mapping[str, Any]) -> dict[int, Premise]:
    """The premise of each citation of an answer, by its number; a citation without quotes has none."""
    found = {}
    for citation in answer.get("citations", ()):
        quotes = [quote["text"] for quote in citation["quotes"] if quote["text"].strip()]
        if not quotes:
            continue
        sentences, text = [], ""
        for quote in quotes:
            text += "\n" if text else ""
            sentences.append((len(text), len(text) + len(quote)))
            text += quote
        n, article_id, language = citation["n"], citation["article_id"], citation["language"]
        article = Article(article_id, citation["title"], text, published=citation["published"], language=language)
        passage = Passage(f"{article_id}:{n}", article_id, text, 0, len(text), language, tuple(sentences))
        found[n] = Premise(n, article, passage)
    return found


def alce_scores(answer: Mapping[str, Any], entails: Entailment) -> dict[str, float]:
    """``citation_recall`` and ``citation_precision`` (0–1) of what an answer says in words of its own.

    Recall is the share of sentences that their citations entail together; one without citations is not. Precision is
    the share of citations that are needed: their sentence is entailed, and it is by this one alone, or not without it.
    Each is missing where there is nothing to count: no such sentence, or no citation of one.
    """
    premises = premises_of(answer)
    recall: list[bool] = []
    precision: list[bool] = []
    for sentence in answer.get("sentences", ()):
        cited = [premises[n] for n in dict.fromkeys(sentence["citations"]) if n in premises]
        if is_verbatim(sentence["text"], cited):
            continue
        recall.append(bool(cited) and entails(sentence["text"], answer["language"], cited))
        precision += [
            recall[-1] and _needed(sentence["text"], answer["language"], each, cited, entails) for each in cited
        ]
    scores = {"citation_recall": recall, "citation_precision": precision}
    return {name: sum(values) / len(values) for name, values in scores.items() if values}


def _needed(sentence: str, language: str, one: Premise, cited: Sequence[Premise], entails: Entailment) -> bool:
    others = [each for each in cited if each is not one]
    return not others or entails(sentence, language, [one]) or not entails(sentence, language, others)


def is_verbatim(sentence: str, premises: Sequence[Premise]) -> bool:
    """Whether a sentence is one quote, or several in a row, of a premise, word for word."""
    return verbatim(sentence, [Source(each.article, each.passage, NOTHING) for each in premises]) is not None


def quote_spans(answer: Mapping[str, Any]) -> list[Span]:
    """Where all quotes of an answer stand, each once."""
    spans = [
        Span(citation["article_id"], quote["start"], quote["end"])
        for citation in answer.get("citations", ())
        for quote in citation["quotes"]
    ]
    return list(dict.fromkeys(spans))


def quote_scores(answer: Mapping[str, Any], references: Sequence[Reference]) -> dict[str, float]:
    """How the quotes meet the references, by offsets (``eval.spans.covers``): ``answer_in_quotes`` is 1 where one
    covers one, ``quote_recall`` the share of references covered, ``quote_precision`` that of quotes that cover one.

    What else answers as well and is not among the references counts as wrong in the last. Nothing without references.
    """
    if not references:
        return {}
    spans = quote_spans(answer)
    recall = covered(spans, references)
    scores = {"answer_in_quotes": float(recall > 0), "quote_recall": recall}
    if spans:
        right = sum(any(covers(span, each) for each in references) for span in spans)
        scores["quote_precision"] = right / len(spans)
    return scores


def invented_share(answer: Mapping[str, Any]) -> float | None:
    """The share (0–1) of an answer's citations that are invented; None where it cites nothing.

    Invented is a number that a language model wrote and no source has (``removed_citations``), a number of a sentence
    without a citation of that number, and a citation with a quote that does not stand in its passage.
    """
    numbers = [n for sentence in answer.get("sentences", ()) for n in sentence["citations"]]
    sound = {citation["n"] for citation in answer.get("citations", ()) if _stands(citation)}
    removed = int(answer.get("removed_citations", 0))
    cited = len(numbers) + removed
    return (removed + sum(n not in sound for n in numbers)) / cited if cited else None


def _stands(citation: Mapping[str, Any]) -> bool:
    """Whether all quotes of a citation stand in its passage, where they are said to."""
    at, passage = citation["start"], citation["passage"]
    return all(
        at <= quote["start"] and passage[quote["start"] - at : quote["end"] - at] == quote["text"]
        for quote in citation["quotes"]
    )


def verbatim_share(answer: Mapping[str, Any]) -> float | None:
    """The share (0–1) of an answer's sentences that their own citations hold word for word; None of no sentences."""
    premises = premises_of(answer)
    found = [
        is_verbatim(sentence["text"], [premises[n] for n in sentence["citations"] if n in premises])
        for sentence in answer.get("sentences", ())
    ]
    return sum(found) / len(found) if found else None
