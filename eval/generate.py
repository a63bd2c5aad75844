"""A question set that a language model writes over the collection, of which only what passes the validator is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from eval.jsonl import case_of as own_case_of
from eval.ragas_set import Places, case_of
from eval.reading import Fields, Problem, Scan, Wanted
from eval.types import Case
from eval.validate import check_cases, problem_lines
from rag.errors import LanguageModelError, UsageError
from rag.types import Article

# Writes so many questions over articles, as records of ragas: user_input, reference, reference_contexts.
Ask = Callable[[Sequence[Article], int], Sequence[Mapping[str, Any]]]

_MULTI = "multi-article"


@dataclass(frozen=True, slots=True)
class Generated:
    """The cases that were written, and what is wrong with each of the rest: ``line`` is the number of the record."""

    cases: tuple[Case, ...]
    rejected: tuple[Problem, ...]

    def text(self, *, limit: int = 20) -> str:
        """How many were kept, how many not, and why."""
        dropped = len({problem.line for problem in self.rejected})
        lines = problem_lines(self.rejected, limit=limit)
        return "\n".join([*lines, f"{len(self.cases)} questions kept, {dropped} left out"])

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON-ready values, nothing cut."""
        rejected = [{"record": each.line, "message": each.message} for each in self.rejected]
        return {"kept": len(self.cases), "left_out": len({each.line for each in self.rejected}), "problems": rejected}


def generate(n: int, articles: Sequence[Article], path: Path, *, ask: Ask) -> Generated:
    """Has ``n`` questions written over the articles and keeps the sound ones in a new file of our own format.

    Raises UsageError when there is such a file already or there are no articles, LanguageModelError when no question
    is sound; the file is there only when there is something in it.
    """
    check_new(path)
    if not articles or n < 1:
        raise UsageError(f"Expected at least one article and one question; got {len(articles)} and {n}.")
    found = review(ask(articles, n), articles, name=path.stem)
    if not found.cases:
        raise LanguageModelError(f"None of the questions that were written can be used:\n{found.text()}")
    write_new(path, to_jsonl(found.cases))
    return found


def check_new(path: Path) -> None:
    """Nothing; raises UsageError where there is such a file."""
    if path.exists():
        raise UsageError(f"{path} is there already; name a new file, or remove it.")


def write_new(path: Path, content: bytes) -> None:
    """Writes a file that was not there. Raises UsageError where one has come meanwhile, or it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        check_new(path)
        raise
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}. Name another file.") from error


def review(records: Sequence[Mapping[str, Any]], articles: Sequence[Article], *, name: str) -> Generated:
    """The cases of ragas' records that are sound, in order, and why the others are not.

    Sound is a question not asked before, with an answer and quotes that stand in the articles. ids begin with ``name``.
    """
    wanted = Wanted(articles)
    places = Places(articles)
    kept: list[Case] = []
    rejected: list[Problem] = []
    asked: set[str] = set()
    for number, record in enumerate(records, start=1):
        scan = Scan()
        case = case_of(Fields(record, Path(name), number, scan), wanted, places)
        if case is not None and not scan.problems:
            scan.problems += _shortcomings(case, asked, name)
            case = replace(case, id=f"{name}-{number:03d}", tags=_tags(case))
            scan.problems += check_cases([case], wanted.by_id, path=name)
            if not scan.problems:
                scan.problems += _read_again(case, wanted, number)
        if case is not None and not scan.problems:
            kept.append(case)
            asked.add(case.question.casefold())
        rejected += [replace(problem, path=name, line=number) for problem in scan.problems]
    return Generated(tuple(kept), tuple(rejected))


def to_jsonl(cases: Sequence[Case]) -> bytes:
    """The cases as lines of our own format."""
    return b"".join(orjson.dumps(_record(case)) + b"\n" for case in cases)


def _record(case: Case) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": case.id,
        "question": case.question,
        "language": case.language,
        "answer": case.answers[0] if len(case.answers) == 1 else list(case.answers) or "",
        "quotes": [
            {"article_id": each.article_id, "start": each.start, "end": each.end, "text": each.text}
            for each in case.references
        ],
        "conversation": [{"role": each.role, "content": each.content} for each in case.conversation],
        "tags": list(case.tags),
    }
    return record | ({"without": list(case.without)} if case.without else {})


def _shortcomings(case: Case, asked: set[str], name: str) -> list[Problem]:
    """What a record of ragas may do without and a question of ours may not."""
    found = {
        "the answer ('reference') is missing": not case.answers,
        "the contexts ('reference_contexts') are missing": not case.references,
        f"the question {case.question!r} was asked before": case.question.casefold() in asked,
    }
    return [Problem(name, case.line, message) for message, is_so in found.items() if is_so]


def _tags(case: Case) -> tuple[str, ...]:
    return (_MULTI,) if len({each.article_id for each in case.references}) > 1 else ()


def _read_again(case: Case, wanted: Wanted, number: int) -> list[Problem]:
    """What the reader of our own format says of the case as it will stand in the file."""
    scan = Scan()
    own_case_of(Fields(_record(case), Path(), number, scan), wanted)
    return scan.problems
