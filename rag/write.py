"""Answers that a language model writes from passages, every sentence of them checked.

The answer streams as it is written. Then each sentence is held against the passages (``rag/check.py``): what the
passages it cites do not carry but others do gets those citations, what none carries is complained of once, and what
then is still not there is marked, or left out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.check import Checker, Source, Verdict
from rag.errors import LanguageModelError
from rag.prompts import answering, mending
from rag.types import Answer, AnswerSentence, Citation, Hit, Notice, Quote, Status, Support
from rag.written import Claim, Written, is_refusal, may_become_refusal, read_written

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from rag.embedding import Embedder
    from rag.evidence import PassageReader
    from rag.llm import LanguageModel

log = logging.getLogger(__name__)

# Passages that the model reads: beyond these it gets slower and not better (a right one is among the first five in 88
# to 99 % of questions, docs/evaluation.md).
_PASSAGES = 8
# Tokens for the answer, for the rules and the question, and for what stands around each passage. The embedding model's
# tokens are counted; other models make up to a half more of them out of languages that they know less well.
_REPLY = 1024
_RULES = 700
_AROUND = 60
_MORE_TOKENS = 1.5
# A draft is shown this often, in seconds: each costs a look at all that is written.
_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a model wrote, beside what was found of it in the passages."""

    raw: str
    written: Written
    verdicts: tuple[Verdict, ...]
    numbers: tuple[tuple[int, ...], ...]

    @property
    def unsupported(self) -> int:
        return sum(verdict.support is Support.UNSUPPORTED for verdict in self.verdicts)


class Writer:
    """A language model with what its sentences are checked by. Threads may share one."""

    def __init__(
        self, llm: LanguageModel, checker: Checker, reader: PassageReader, embedder: Embedder, *, drop: bool = False
    ) -> None:
        """``drop`` leaves out what the sources do not carry, instead of marking it."""
        self.llm = llm
        self._checker = checker
        self._reader = reader
        self._embedder = embedder
        self._drop = drop

    def stream(self, base: Answer, hits: Sequence[Hit]) -> Iterator[Answer]:
        """Drafts of the answer and then the whole one, filled into ``base``, which has the question and its language.

        It is a refusal where the model says that the passages do not answer, and has no supported sentence where
        nothing that it wrote is in them. Raises LanguageModelError. Closing the iterator stops the model.
        """
        base = replace(base, model=self.llm.name)
        hits = self._fitting(hits)
        messages = answering(base.asked or base.question, base.language, [(hit.article, hit.passage) for hit in hits])
        timings = dict(base.timings_ms)
        began = time.perf_counter()
        raw = ""
        shown = 0.0
        with closing(self.llm.stream(messages, max_tokens=_REPLY)) as pieces:
            for piece in pieces:
                raw += piece
                if not may_become_refusal(raw) and time.perf_counter() - shown > _EVERY:
                    shown = time.perf_counter()
                    yield _draft(base, self._read(raw, base, hits, whole=False), hits)
        timings["write"] = (time.perf_counter() - began) * 1000
        if is_refusal(raw):
            timings["total"] = timings.get("total", 0) + timings["write"]
            yield replace(base, status=Status.NOT_FOUND, timings_ms=timings)
            return
        began = time.perf_counter()
        sources = self._sources(hits)
        judged = self._judge(raw, base, hits, sources)
        timings["check"] = (time.perf_counter() - began) * 1000
        if judged.unsupported:
            yield _draft(base, judged.written, hits)
            began = time.perf_counter()
            judged = self._mended(judged, messages, base, hits, sources)
            timings["mend"] = (time.perf_counter() - began) * 1000
        timings["total"] = timings.get("total", 0) + sum(timings.get(step, 0) for step in ("write", "check", "mend"))
        yield self._whole(replace(base, timings_ms=timings), judged, hits)

    def _fitting(self, hits: Sequence[Hit]) -> list[Hit]:
        """The first hits that the model's context holds, at least one."""
        hits = hits[:_PASSAGES]
        room = self.llm.context - _REPLY - _RULES
        fitting: list[Hit] = []
        texts = [hit.passage.under(hit.article.heading) for hit in hits]
        for hit, tokens in zip(hits, self._embedder.count_tokens(texts), strict=True):
            room -= int(_MORE_TOKENS * tokens) + _AROUND
            if room < 0 and fitting:
                break
            fitting.append(hit)
        return fitting

    def _sources(self, hits: Sequence[Hit]) -> list[Source]:
        packed = self._reader.read([hit.passage.id for hit in hits])
        return [Source(hit.article, hit.passage, states) for hit, states in zip(hits, packed, strict=True)]

    def _read(self, raw: str, base: Answer, hits: Sequence[Hit], *, whole: bool) -> Written:
        links = {hit.article.url for hit in hits if hit.article.url}
        return read_written(raw, base.language, passages=len(hits), links=links, whole=whole)

    def _judge(self, raw: str, base: Answer, hits: Sequence[Hit], sources: Sequence[Source]) -> _Judged:
        written = self._read(raw, base, hits, whole=True)
        if not written.claims:
            raise LanguageModelError(f"{self.llm.name} replied with nothing to read. Ask again, or set another model.")
        texts = [claim.text for claim in written.claims]
        verdicts = self._checker.check_all(texts, base.language, sources)
        pairs = [
            self._cited(claim, verdict, base.language, sources)
            for claim, verdict in zip(written.claims, verdicts, strict=True)
        ]
        return _Judged(raw, written, tuple(verdict for verdict, _ in pairs), tuple(numbers for _, numbers in pairs))

    def _cited(
        self, claim: Claim, verdict: Verdict, language: str, sources: Sequence[Source]
    ) -> tuple[Verdict, tuple[int, ...]]:
        """The verdict on a sentence and the numbers of the sources that carry it: those it cites, or else others."""
        if verdict.support is Support.UNSUPPORTED:
            return verdict, ()
        carrying = tuple(dict.fromkeys(index + 1 for index, _ in verdict.quotes))
        if right := tuple(n for n in claim.numbers if n in carrying):
            return verdict, right
        if claim.numbers:  # another source says it better, and the cited ones may say it all the same
            alone = self._checker.check(claim.text, language, [sources[n - 1] for n in claim.numbers])
            if _RANK[alone.support] >= _RANK[verdict.support]:
                quotes = tuple((claim.numbers[index] - 1, quote) for index, quote in alone.quotes)
                return replace(alone, quotes=quotes), tuple(dict.fromkeys(index + 1 for index, _ in quotes))
        return verdict, carrying[:1]

    def _mended(
        self,
        judged: _Judged,
        messages: Sequence[BaseMessage],
        base: Answer,
        hits: Sequence[Hit],
        sources: Sequence[Source],
    ) -> _Judged:
        """The better of an answer and of what the model makes of it when it is told what is not in the passages."""
        complaints = [
            f"{claim.text} ({', '.join(f'{each.flaw}: {each.text}' for each in verdict.problems) or 'not there'})"
            for claim, verdict in zip(judged.written.claims, judged.verdicts, strict=True)
            if verdict.support is Support.UNSUPPORTED
        ]
        try:
            raw = self.llm.complete([*messages, *mending(judged.raw, complaints, base.language)], max_tokens=_REPLY)
            if is_refusal(raw):
                return judged
            again = self._judge(raw, base, hits, sources)
        except LanguageModelError as error:
            log.warning("The answer could not be mended: %s", error)
            return judged
        return again if _faithful(again) > _faithful(judged) else judged

    def _whole(self, base: Answer, judged: _Judged, hits: Sequence[Hit]) -> Answer:
        """The checked answer, its citations numbered in the order of their first mention."""
        kept = [
            (claim, verdict, numbers)
            for claim, verdict, numbers in zip(judged.written.claims, judged.verdicts, judged.numbers, strict=True)
            if not (self._drop and verdict.support is Support.UNSUPPORTED)
        ]
        order = list(dict.fromkeys(n for _, _, numbers in kept for n in numbers))
        quotes: dict[int, dict[int, Quote]] = {n: {} for n in order}
        scores = dict.fromkeys(order, 0.0)
        for _, verdict, numbers in kept:
            for index, quote in verdict.quotes:
                if index + 1 in numbers:
                    quotes[index + 1][quote.start] = quote
                    scores[index + 1] = max(scores[index + 1], verdict.probability)
        citations = tuple(
            _citation(place, hits[n - 1], [quotes[n][start] for start in sorted(quotes[n])], scores[n])
            for place, n in enumerate(order, start=1)
        )
        sentences = [
            AnswerSentence(claim.text, tuple(order.index(n) + 1 for n in numbers), verdict.support, verdict.problems)
            for claim, verdict, numbers in kept
        ]
        dropped = (Notice.DROPPED,) if len(kept) < len(judged.written.claims) else ()
        return replace(
            base,
            text=_text([claim for claim, _, _ in kept], sentences),
            sentences=tuple(sentences),
            citations=citations,
            removed_citations=judged.written.removed,
            notices=(*base.notices, *dropped),
            draft=False,
        )


_RANK = {Support.UNCHECKED: 0, Support.UNSUPPORTED: 0, Support.PARTLY: 1, Support.SUPPORTED: 2}


def _faithful(judged: _Judged) -> float:
    """The share of an answer's sentences that the passages carry, a partly carried one counting half."""
    return sum(_RANK[verdict.support] for verdict in judged.verdicts) / (2 * len(judged.verdicts))


def _draft(base: Answer, written: Written, hits: Sequence[Hit]) -> Answer:
    """What has been written so far, with the sources it names and nothing said of whether they carry it."""
    order = list(dict.fromkeys(n for claim in written.claims for n in claim.numbers))
    sentences = [
        AnswerSentence(claim.text, tuple(order.index(n) + 1 for n in claim.numbers), Support.UNCHECKED)
        for claim in written.claims
    ]
    return replace(
        base,
        text=_text(written.claims, sentences),
        sentences=tuple(sentences),
        citations=tuple(_citation(place, hits[n - 1], [], 0.0) for place, n in enumerate(order, start=1)),
        removed_citations=written.removed,
        draft=True,
    )


def _citation(n: int, hit: Hit, quotes: Sequence[Quote], score: float) -> Citation:
    return Citation(n, hit.article, hit.passage, tuple(quotes), score, hit.others)


def _text(claims: Sequence[Claim], sentences: Sequence[AnswerSentence]) -> str:
    """The sentences as one text, each with its numbers behind it."""
    parts: list[str] = []
    for claim, sentence in zip(claims, sentences, strict=True):
        between = "\n" if claim.begins else " " if parts else ""
        marks = "".join(f"[{n}]" for n in sentence.citations)
        parts.append(f"{between}{claim.text}{' ' if marks else ''}{marks}")
    return "".join(parts)
