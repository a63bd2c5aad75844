"""Asks the questions of a set: what is found, what is answered, and what went wrong, each case on its own.

A conversation is held before its last question: every message of the user is really asked, so that it is understood as
a reader's would be and what it was answered from is known; where the set gives the reply, that is what was said.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from eval.types import Case, Found, Outcome
from rag.assistant import Assistant
from rag.errors import IsnadError
from rag.types import Filters, Hit, Turn

log = logging.getLogger(__name__)

# How deep the ranking is looked at.
DEPTH = 20
# Questions that wait for a thread, for each one that is being answered.
_WAITING = 4

Reply = tuple[tuple[Found, ...], dict[str, Any]]


class System(Protocol):
    """What is evaluated; threads may share one."""

    def reply(self, case: Case) -> Reply:
        """The passages found, best first, and the answer as ``Answer.to_dict`` has it. Raises whatever goes wrong."""
        ...


@dataclass(frozen=True, slots=True)
class IsnadSystem:
    """Isnad over a collection with the articles of those ids."""

    assistant: Assistant
    article_ids: tuple[str, ...]

    def reply(self, case: Case) -> Reply:
        """What the assistant answers, and what it finds for the question as it put it to the articles."""
        filters = self._filters(case.without)
        answer = self.assistant.ask(case.question, filters, turns=self._turns(case, filters))
        hits = self.assistant.search(answer.asked or case.question, k=DEPTH, filters=filters)
        return tuple(found(hit) for hit in hits), answer.to_dict()

    def _filters(self, without: Collection[str]) -> Filters:
        """Filters that let all articles through but those."""
        if not without:
            return Filters()
        return Filters(articles=tuple(each for each in self.article_ids if each not in without))

    def _turns(self, case: Case, filters: Filters) -> list[Turn]:
        turns: list[Turn] = []
        for message in case.conversation:
            if message.role == "user":
                turns.append(Turn.of(self.assistant.ask(message.content, filters, turns=turns)))
            elif turns:
                turns[-1] = replace(turns[-1], answer=message.content)
        return turns


def found(hit: Hit) -> Found:
    """A hit as the results keep it."""
    passage = hit.passage
    return Found(
        passage.id, hit.article.id, hit.article.language, passage.start, passage.end, passage.text, round(hit.score, 4)
    )


@dataclass(slots=True)
class Tally:
    """How a run went: how many questions were asked in how many seconds, by how many at once."""

    total: int
    jobs: int
    asked: int = 0
    kept: int = 0
    errors: int = 0
    seconds: float = 0.0
    _began: float = field(default_factory=time.perf_counter)

    def count(self, outcome: Outcome) -> None:
        """Adds what was just asked."""
        self.asked += 1
        self.errors += bool(outcome.error)
        self.seconds = time.perf_counter() - self._began

    @property
    def per_second(self) -> float:
        """Questions a second."""
        return self.asked / self.seconds if self.seconds else 0.0


def run(
    cases: Sequence[Case], system: System, *, jobs: int, kept: Sequence[Outcome], done: Callable[[Outcome, Tally], None]
) -> tuple[list[Outcome], Tally]:
    """The outcomes of the cases, in no particular order, and how the run went.

    ``kept`` are outcomes of an earlier run: their cases are not asked again, but where they ended in an error.
    ``done`` is told each new outcome. What goes wrong with a case is its outcome's ``error``.
    """
    wanted = {case.id for case in cases}
    outcomes = [each for each in kept if each.case.id in wanted and not each.error]
    there = {each.case.id for each in outcomes}
    tally = Tally(len(cases), jobs, kept=len(outcomes))
    for outcome in _asked((case for case in cases if case.id not in there), system, jobs):
        outcomes.append(outcome)
        tally.count(outcome)
        done(outcome, tally)
    return outcomes, tally


def _asked(cases: Iterator[Case], system: System, jobs: int) -> Iterator[Outcome]:
    texts: dict[str, str] = {}
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="isnad-eval")
    running: set[Future[Outcome]] = set()
    try:
        more = True
        while more or running:
            while more and len(running) < jobs * _WAITING:
                case = next(cases, None)
                more = case is not None
                if case:
                    running.add(pool.submit(ask, case, system))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield _shared(future.result(), texts)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def ask(case: Case, system: System) -> Outcome:
    """What came of one case; an exception is its error."""
    try:
        passages, answer = system.reply(case)
    except IsnadError as error:
        return Outcome(case, error=str(error))
    except Exception as error:
        log.debug("case %s", case.id, exc_info=True)
        return Outcome(case, error=f"{type(error).__name__}: {error}")
    return Outcome(case, passages, answer)


def _shared(outcome: Outcome, texts: dict[str, str]) -> Outcome:
    """The outcome with one object for each passage's text: the same passages are found again and again."""
    shared = tuple(replace(each, text=texts.setdefault(each.passage_id, each.text)) for each in outcome.found)
    return replace(outcome, found=shared)


def peak_memory_mb() -> float:
    """The most memory that this process has had resident, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)
