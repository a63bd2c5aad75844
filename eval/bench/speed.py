"""Measures one question and its parts over a generated collection of any size, and bulk embedding, in one run.

The passages are words drawn as often as texts in many languages have them, with names among them; their vectors lie
around the point of their article. Up to ``_WITH_STATES`` of them have token states, those of real passages; of a larger
collection only the store's part is measured. Every figure stands beside what stock sentence-transformers and a
LangChain tutorial's pipeline take for the same.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from rag.chroma import PASSAGES, client_of
from rag.types import Article, Passage

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.build import Model
    from rag.records import Embedded
    from rag.settings import Settings
    from rag.store import Store

_WITH_STATES = 200_000
_OF_AN_ARTICLE = 10
_WORDS = 40
_NAMES = 200_000
_LONGEST_WORD = 25
_ARTICLES_AT_ONCE = 100
_BULK = 512
_TEXTS = Path(__file__).parents[2] / "rag" / "assets" / "language_text"

T = TypeVar("T")

# Median and 95th percentile, in milliseconds.
Times = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Speed:
    """What one run measured: times in milliseconds, rates in passages a second, resident memory in megabytes, and how
    much of that no file stands behind, so that it cannot be given back.
    """

    passages: int
    times: dict[str, Times]
    rates: dict[str, float]
    startup_s: float
    memory_mb: float
    anonymous_mb: float

    def ratios(self) -> dict[str, float]:
        """Ratios of this run's medians and rates."""
        median = {name: times[0] for name, times in self.times.items()}
        stock, own = median["embedding, stock"], median["embedding"]
        found = {"embedding, stock / own": stock / own}
        if "question to ranked hits" in median:
            found["question to ranked hits / embedding, stock"] = median["question to ranked hits"] / stock
            found["question to ranked hits / embedding"] = median["question to ranked hits"] / own
        found["bulk embedding, own / stock"] = (
            self.rates["bulk embedding with token states"] / self.rates["bulk embedding, stock"]
        )
        return found

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {
            "passages": self.passages,
            "times_ms": {name: {"p50": times[0], "p95": times[1]} for name, times in self.times.items()},
            "passages_per_second": self.rates,
            "ratios": self.ratios(),
            "startup_s": self.startup_s,
            "memory_mb": self.memory_mb,
            "anonymous_mb": self.anonymous_mb,
        }

    def markdown(self) -> str:
        """Tables of everything."""
        rows = [f"| {name} | {times[0]:.1f} | {times[1]:.1f} |" for name, times in self.times.items()]
        return "\n".join(
            [
                f"### {self.passages:,} passages",
                "| milliseconds | p50 | p95 |\n|---|---|---|",
                *rows,
                "\n| passages a second | |\n|---|---|",
                *(f"| {name} | {rate:.0f} |" for name, rate in self.rates.items()),
                "\n| ratio of medians | |\n|---|---|",
                *(f"| {name} | {ratio:.2f} |" for name, ratio in self.ratios().items()),
                f"\nStart-up to the first hits: {self.startup_s:.1f} s. Resident memory: {self.memory_mb:.0f} MB, "
                f"of it {self.anonymous_mb:.0f} MB anonymous; the rest are pages of files.",
            ]
        )


def measure(settings: Settings, *, passages: int, questions: int, folder: Path | None, peer: str = "") -> Speed:
    """Builds the collection and measures it, each in a process of its own, so that memory is that of the questions.

    In ``folder`` the collection is kept, and taken again if it is there; else it is thrown away.
    """
    with _folder(folder) as place:
        settings = settings.model_copy(update={"data_dir": place})
        rate = _in_process(_build, settings, passages)
        measured: Speed = _in_process(_measure, settings, questions, peer)
    return replace(measured, rates=({"writing": rate} if rate else {}) | measured.rates)


def generate(count: int, model: Model, *, seed: int = 0) -> Iterator[list[Embedded]]:
    """Batches of articles with their passages, ``count`` passages in all."""
    from ingest.index import split
    from rag.evidence import read_passages
    from rag.records import Embedded, article_version

    draw = random.Random(seed)  # noqa: S311  # the same collection each time
    numbers = np.random.default_rng(seed)
    words = _Words(draw)
    pool = []
    for language, text in words.texts[:200]:
        article, _, passages = split(Article(id="", title="", text=text, language=language), "", model.embedder)
        pool += [(article, passage) for passage in passages[:1]]
    states = [packed for _, packed in read_passages(pool, model.embedder, model.means)] if count <= _WITH_STATES else []
    batch: list[Embedded] = []
    for number in range(-(-count // _OF_AN_ARTICLE)):
        made = min(_OF_AN_ARTICLE, count - number * _OF_AN_ARTICLE)
        language = words.language(number)
        texts = [" ".join(words.draw(language, _WORDS)) + "." for _ in range(made)]
        article = Article(id=f"{number:07d}", title="", text="\n".join(texts), language=language)
        version = article_version(article)
        found, start = [], 0
        for index, text in enumerate(texts):
            passage = _whole(text, article.id, f"{article.id}:{version}:{index}", language)
            found.append(replace(passage, start=start, end=start + len(text), sentences=((start, start + len(text)),)))
            start += len(text) + 1
        centre = numbers.standard_normal(model.embedder.dimension)
        vectors = centre + numbers.standard_normal((made, len(centre)))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        batch.append(Embedded(article, version, found, vectors, draw.choices(states, k=made) if states else []))
        if len(batch) == _ARTICLES_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


class _Words:
    """Words of texts in many languages, drawn as often as they are there, and names, the rarer the more there are."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self.texts: list[tuple[str, str]] = []
        self._words: dict[str, list[str]] = {}
        for file in sorted(_TEXTS.glob("*.json")):
            passages = json.loads(file.read_text("utf-8"))["passages"]
            self.texts += [(file.stem, passage) for passage in passages]
            # Where there are no spaces between words, four characters stand for one.
            words = " ".join(passages).split()
            self._words[file.stem] = [
                part
                for word in words
                for part in ([word] if len(word) < _LONGEST_WORD else [word[i : i + 4] for i in range(0, len(word), 4)])
            ]
        draw.shuffle(self.texts)

    def language(self, number: int) -> str:
        return list(self._words)[number % len(self._words)]

    def draw(self, language: str, count: int) -> list[str]:
        common = self._draw.choices(self._words[language], k=count - count // 8)
        names = [f"Nam{int(_NAMES ** self._draw.random())}" for _ in range(count // 8)]
        return [*common, *names]


def _build(settings: Settings, passages: int) -> float:
    """Passages written a second, 0 where they were there already."""
    from rag.build import build_model, build_store

    model = build_model(settings)
    with build_store(settings, model, writing=True) as store:
        there = store.count_passages()
        if there >= passages:
            return 0.0
        began = time.perf_counter()
        done = 0
        for batch in generate(passages, model):
            done += sum(len(each.passages) for each in batch)
            if done > there:  # what an earlier run wrote stays
                store.put(batch)
            if done % 10_000 == 0:
                print(f"{done:,} of {passages:,} passages written", file=sys.stderr, flush=True)
        return (passages - there) / (time.perf_counter() - began)


def _measure(settings: Settings, questions: int, peer: str) -> Speed:
    began = time.perf_counter()
    from rag.build import build_assistant, build_model, build_store

    model = build_model(settings)
    with build_store(settings, model) as store:
        assistant = build_assistant(settings, model, store)
        passages = store.size()[1]
        with_states = passages <= _WITH_STATES
        words = _Words(random.Random(1))  # noqa: S311  # the same questions each time
        asked = [" ".join(words.draw(words.language(number), 8)) + "?" for number in range(questions + 5)]
        if with_states:
            assistant.search(asked[0])
        startup = time.perf_counter() - began
        _parts(assistant, store, asked[:5], with_states=with_states)
        times = _parts(assistant, store, asked[5:], with_states=with_states)
        memory, anonymous = _memory("VmRSS"), _memory("RssAnon")
        times |= _naive(settings, model.embedder.source, asked[5:], peer)
        rates = _bulk(model, [text for _, text in words.texts][:_BULK])
    return Speed(passages, times, rates, startup, memory, anonymous)


def _parts(assistant: Assistant, store: Store, asked: Sequence[str], *, with_states: bool) -> dict[str, Times]:
    from rag.retrieve import CANDIDATES

    laps = _Laps()
    for number, question in enumerate(asked):
        query = laps.timed("embedding", partial(assistant.read, question, "en"))
        if number % 2:
            laps.timed("dense", partial(store.nearest, query.vector, k=CANDIDATES))
            laps.timed("lexical", partial(store.matching, query.words, k=CANDIDATES))
        else:  # not the same question again, which finds everything in memory
            laps.timed("store", partial(store.candidates, query.vector, query.words, k=CANDIDATES))
    if with_states:
        for question in asked:
            query = assistant.read(f"And {question}", "en")
            hits = laps.timed("store, fusing and loading", partial(assistant.retrieve, query))
            laps.timed("evidence", partial(assistant.rank, query, hits))
        for question in asked:
            laps.timed("question to ranked hits", partial(assistant.search, f"So {question}"))
        for question in asked:
            laps.timed("answer", partial(assistant.ask, f"But {question}"))
    return laps.times()


class _Laps:
    """Times of what is done again and again, by name."""

    def __init__(self) -> None:
        self._laps: dict[str, list[float]] = {}

    def timed(self, name: str, do: Callable[[], T]) -> T:
        """Does it and keeps how long it took."""
        began = time.perf_counter()
        result = do()
        self._laps.setdefault(name, []).append((time.perf_counter() - began) * 1000)
        return result

    def times(self) -> dict[str, Times]:
        """Median and 95th percentile of each."""
        return {name: (float(np.median(each)), float(np.percentile(each, 95))) for name, each in self._laps.items()}


def _naive(settings: Settings, source: str, asked: Sequence[str], peer: str) -> dict[str, Times]:
    """Stock sentence-transformers alone, and LangChain's search for the first four in the same Chroma collection."""
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    from eval.bench.naive import TOP

    stock = HuggingFaceEmbeddings(model_name=source, model_kwargs={"device": "cpu"})
    chroma = Chroma(
        client=client_of(settings.data_dir, settings.chroma_url), collection_name=PASSAGES, embedding_function=stock
    )
    ways: dict[str, Callable[[str], object]] = {
        "embedding, stock": stock.embed_query,
        "naive: question to four chunks": partial(chroma.similarity_search, k=TOP),
    }
    if peer:
        other = HuggingFaceEmbeddings(model_name=peer, model_kwargs={"device": "cpu"})
        ways[f"embedding, {Path(peer).name}"] = other.embed_query
    laps = _Laps()
    for way, do in ways.items():
        do("The first is slower.")
        for question in asked:
            laps.timed(way, partial(do, question))
    return laps.times()


def _bulk(model: Model, texts: Sequence[str]) -> dict[str, float]:
    """Passages embedded a second: with their token states as an ingest does, vectors alone, and stock."""
    from langchain_huggingface import HuggingFaceEmbeddings

    stock = HuggingFaceEmbeddings(model_name=model.embedder.source, model_kwargs={"device": "cpu"})
    ways: dict[str, Callable[[list[str]], object]] = {
        "bulk embedding with token states": model.embedder.read_passages,
        "bulk embedding": model.embedder.embed_passages,
        "bulk embedding, stock": stock.embed_documents,
    }
    rates = {}
    for name, embed in ways.items():
        embed(list(texts[:32]))
        began = time.perf_counter()
        embed(list(texts))
        rates[name] = len(texts) / (time.perf_counter() - began)
    return rates


def _whole(text: str, article_id: str, passage_id: str, language: str) -> Passage:
    return Passage(passage_id, article_id, text, 0, len(text), language, ((0, len(text)),))


def _memory(kind: str) -> float:
    """Memory of the process in megabytes, of a kind that Linux tells: ``VmRSS`` or ``RssAnon``; elsewhere 0."""
    if not Path("/proc/self/status").exists():
        return 0.0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(kind):
            return int(line.split()[1]) / 1000
    return 0.0


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    made = Path(tempfile.mkdtemp(prefix="isnad-bench-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _in_process(do: Callable[..., T], *arguments: object) -> T:
    """The result of a function in a new process, so that one does not measure what another has left in memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(do, arguments)
