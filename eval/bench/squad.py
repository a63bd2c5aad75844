"""Question sets in SQuAD's format as the benchmarks read them: one language a file, one gold answer a question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag.errors import UsageError
from rag.types import Article


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question and its gold answer: the characters ``start`` to ``end`` of the article ``article_id``."""

    id: str
    text: str
    article_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SquadSet:
    """Articles and the questions asked about them, in the order of the file; ``paragraphs`` are the (start, end) of
    those that an article is made of, by its id.
    """

    language: str
    articles: tuple[Article, ...]
    questions: tuple[SquadQuestion, ...]
    paragraphs: Mapping[str, tuple[tuple[int, int], ...]]


def find_squad(folder: Path, language: str) -> SquadSet:
    """The one SQuAD-format file of a language in a folder, named such as ``xquad.ar.json`` or ``ar.json``.

    Raises UsageError when there is none, more than one, or it has no questions.
    """
    found = sorted({*folder.glob(f"*.{language}.json"), *folder.glob(f"{language}.json")})
    if len(found) != 1:
        what = ", ".join(path.name for path in found) or "none"
        raise UsageError(f"Expected one file such as xquad.{language}.json in {folder}, found: {what}.")
    dataset = read_squad(found[0], language=language)
    if not dataset.questions:
        raise UsageError(f"{found[0]}: no questions with answers in it.")
    return dataset


def read_squad(path: Path, *, language: str) -> SquadSet:
    """A SQuAD file (Rajpurkar et al. 2016), such as XQuAD's.

    Each of its articles becomes one article, the paragraphs joined by blank lines and without its title: XQuAD's titles
    are English in every language. Articles are numbered, so that the same number means the same article in every
    language. Raises UsageError when the file is missing or not in that format.
    """
    articles, questions, paragraphs = [], [], {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        for number, entry in enumerate(data):
            article_id = f"{number:03d}"
            text = ""
            spans = []
            for paragraph in entry["paragraphs"]:
                text += "\n\n" if text else ""
                spans.append((len(text), len(text) + len(paragraph["context"])))
                for asked in paragraph["qas"]:
                    if not asked["answers"]:  # SQuAD 2.0 has questions without
                        continue
                    gold = asked["answers"][0]
                    start = len(text) + int(gold["answer_start"])
                    end = start + len(gold["text"])
                    questions.append(SquadQuestion(asked["id"], asked["question"], article_id, start, end))
                text += paragraph["context"]
            paragraphs[article_id] = tuple(spans)
            articles.append(Article(id=article_id, title="", text=text, language=language))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(f"{path}: expected a SQuAD v1.1 JSON file ({type(error).__name__}: {error}).") from error
    return SquadSet(language, tuple(articles), tuple(questions), paragraphs)
