"""Figures of what is asked and how it is answered, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from rag.errors import IsnadError
from rag.language import primary
from rag.types import Answer
from ui.contract import error_dict

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
# Seconds: quotations take tenths, a language model up to minutes.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Counts since the server was started. Threads may share one."""

    def __init__(self, *, ready: Callable[[], bool] = lambda: True) -> None:
        self._registry = CollectorRegistry()
        self._questions = Counter(
            "isnad_questions",
            "Questions with an answer or a refusal.",
            ("status", "mode", "language"),
            registry=self._registry,
        )
        self._errors = Counter(
            "isnad_errors", "Questions that ended with an error.", ("type",), registry=self._registry
        )
        self._stopped = Counter("isnad_stopped", "Questions that were stopped.", registry=self._registry)
        self._sentences = Counter(
            "isnad_sentences", "Sentences of answers, by how well they are supported.", ("support",),
            registry=self._registry,
        )  # fmt: skip
        self._removed = Counter(
            "isnad_removed_citations", "Numbers in what a language model wrote that no source has.",
            registry=self._registry,
        )  # fmt: skip
        self._steps = Histogram(
            "isnad_step_seconds", "Seconds that each step of an answer took.", ("step",), buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._in_flight = Gauge("isnad_questions_in_flight", "Questions being answered.", registry=self._registry)
        Gauge("isnad_ready", "Whether questions can be answered.", registry=self._registry).set_function(
            lambda: float(ready())
        )

    def measured(self, answers: Iterator[Answer]) -> Generator[Answer, None, None]:
        """The same answers, counted: the last one, or the error, or that it was stopped."""
        answer: Answer | None = None
        with self._in_flight.track_inprogress():
            try:
                for answer in answers:
                    yield answer
            except GeneratorExit:
                self._stopped.inc()
                raise
            except Exception as error:
                self._errors.labels(_kind(error)).inc()
                raise
            finally:
                if isinstance(answers, Generator):
                    answers.close()
            if answer is not None:
                self.observe(answer)

    def observe(self, answer: Answer) -> None:
        """Counts a whole answer."""
        self._questions.labels(answer.status.value, answer.mode.value, primary(answer.language) or "und").inc()
        for sentence in answer.sentences:
            self._sentences.labels(sentence.support.value).inc()
        self._removed.inc(answer.removed_citations)
        for step, milliseconds in answer.timings_ms.items():
            self._steps.labels(step).observe(milliseconds / 1000)

    def text(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry)


def _kind(error: Exception) -> str:
    return error_dict(error)["error"]["type"] if isinstance(error, IsnadError) else "failed"
