"""How often a later turn of a conversation is answered from the right article: ``python -m eval.bench.conversation``.

The conversations of ``eval/datasets/conversations.jsonl`` are held over the sample articles, without a language model:
once with each message as a question of its own, once with what ``rag/conversation.py`` makes of it.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import mean

from ingest.complete import Overrides
from ingest.index import ingest, open_catalog
from ingest.load import find_files
from ingest.read import read
from rag.assistant import Assistant
from rag.build import Model, build_model
from rag.confidence import load_calibration
from rag.conversation import Standalone, understand, weigh
from rag.evidence import Evidence, choose_evidence
from rag.intents import Intent, read_intent
from rag.settings import load
from rag.store import Store, open_store
from rag.types import Turn


@dataclass(frozen=True, slots=True)
class Gold:
    """A message, what kind it is, the files that answer it, the words that do, and the language asked for, if any."""

    message: str
    kind: str
    files: frozenset[str]
    answer: str
    language: str


@dataclass(frozen=True, slots=True)
class Result:
    """Whether the best sentence is from a right article, its passage holds the answer, and a quote does; and whether
    the message was taken for going on with the last question, for the right language, and for a question at all.

    ``passage`` and ``quotes`` are None where no words are given that answer.
    """

    kind: str
    language: str
    article: bool
    passage: bool | None
    quotes: bool | None
    carried: bool
    heard: bool
    question: bool


def hold(
    language: str, conversation: Sequence[Gold], assistant: Assistant, *, passages: int, rewriting: bool
) -> Iterator[Result]:
    """The results of the turns of a conversation, one after the other; ``passages`` is how many there are."""
    turns: list[Turn] = []

    def answered(asked: Standalone) -> tuple[float, list[Evidence]]:
        query = weigh(assistant.read(asked.question, language), asked.own)
        ranked = assistant.rank(query, assistant.retrieve(query))
        return assistant.confidence(query, ranked, passages=passages), choose_evidence(ranked, language=language)

    def sure(question: str) -> float:
        found = answered(Standalone(question, ""))[0]
        return found if found >= load_calibration().min_confidence else 0.0

    for gold in conversation:
        asked = Standalone(gold.message, "")
        if rewriting:
            asked = understand(gold.message, language, turns, sure).question
        _, chosen = answered(asked)
        turns.append(Turn(gold.message, asked.question, language=language))
        yield Result(
            kind=gold.kind,
            language=language,
            article=Path(chosen[0].hit.article.origin).name in gold.files,
            passage=_holds(chosen[0].hit.passage.text, gold.answer) if gold.answer else None,
            quotes=any(_holds(each.quote.text, gold.answer) for each in chosen) if gold.answer else None,
            carried=asked.carried,
            heard=asked.language == gold.language,
            question=read_intent(gold.message, language).intent is Intent.QUESTION,
        )


def _holds(text: str, answer: str) -> bool:
    """Whether a text holds the answer, or is a sentence of a longer one."""
    return answer in text or text in answer


def read_conversations(path: Path) -> list[tuple[str, list[Gold]]]:
    """The language and the turns of each conversation in a file."""
    conversations = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        conversations.append((row["language"], [_gold(turn) for turn in row["turns"]]))
    return conversations


def _gold(turn: Mapping[str, str | list[str]]) -> Gold:
    texts = {name: str(turn.get(name, "")) for name in ("question", "kind", "answer", "answer_language")}
    files = frozenset([*turn.get("articles", ()), str(turn["article"])])
    return Gold(texts["question"], texts["kind"], files, texts["answer"], texts["answer_language"])


@contextmanager
def sample_store(model: Model) -> Iterator[Store]:
    """The sample articles in a collection that is gone afterwards."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(data_dir=Path(folder), chroma_url="", stamp=model.stamp, writing=True) as store,
    ):
        with resources.as_file(resources.files("ingest") / "sample_articles") as articles:
            readings = read(list(find_files([articles])), Overrides())
            for _ in ingest(readings, open_catalog(store), store, model.embedder, model.means):
                pass
        yield store


def table(title: str, groups: Mapping[str, Sequence[Result]], alone: Mapping[str, Sequence[Result]]) -> str:
    """A row a group: shares with rewriting, and after a stroke without."""
    names = ("article", "passage", "quotes")
    lines = [f"| {title} | turns | " + " | ".join(names) + " | carried |", "|---" * (len(names) + 3) + "|"]
    for group, results in groups.items():
        cells = [f"{_share(results, name)} / {_share(alone[group], name)}" for name in names]
        lines.append(f"| {group} | {len(results)} | {' | '.join(cells)} | {_share(results, 'carried')} |")
    return "\n".join(lines)


def _share(results: Iterable[Result], name: str) -> str:
    values = [value for value in (getattr(result, name) for result in results) if value is not None]
    return f"{mean(values):.2f}" if values else "–"


def _by(name: str, results: Iterable[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        groups[getattr(result, name)].append(result)
    return dict(sorted(groups.items()))


def main() -> None:
    """Prints a table by kind and one of the follow-ups by language; each figure with rewriting, then without."""
    conversations = read_conversations(Path(str(resources.files("eval") / "datasets" / "conversations.jsonl")))
    model = build_model(load())
    with sample_store(model) as store:
        assistant = Assistant(store, model.embedder, model.means)
        rewritten, alone = (
            [
                result
                for language, turns in conversations
                for result in hold(language, turns, assistant, passages=store.size()[1], rewriting=rewriting)
            ]
            for rewriting in (True, False)
        )
    print(table("kind", _by("kind", rewritten), _by("kind", alone)), end="\n\n")
    follow_ups, as_they_are = (
        _by("language", [result for result in results if result.kind == "follow-up"]) for results in (rewritten, alone)
    )
    print(table("follow-ups in", follow_ups, as_they_are), end="\n\n")
    print(f"Right about which language to answer in: {_share(rewritten, 'heard')} of {len(rewritten)}")
    print(f"Taken for a question: {_share(rewritten, 'question')} of {len(rewritten)}")


if __name__ == "__main__":
    main()
