"""Whether a question set is sound, and how its questions are spread over languages and kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eval.expectations import Expectation, expectation
from eval.jsonl import CROSS_LANGUAGE, NEAR
from eval.reading import Problem
from eval.types import Case, Dataset, Reference
from rag.language import primary
from rag.types import Article

# So many problems are printed.
PRINTED = 20
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Balance:
    """How many questions there are of each language, tag, and pair of question's and article's language ("en→ar").

    ``unanswerable`` counts those that are to be refused, ``close`` those of them about something that the articles do
    write of, ``answerable`` those to be answered, ``cross_language`` those of them that articles in other languages
    answer and none in their own.
    """

    cases: int
    languages: Mapping[str, int]
    tags: Mapping[str, int]
    pairs: Mapping[str, int]
    answerable: int
    unanswerable: int
    close: int
    cross_language: int

    def to_dict(self) -> dict[str, Any]:
        """The counts and the shares (0–1; None of nothing) as JSON-ready values."""
        return {
            "cases": self.cases,
            "languages": dict(self.languages),
            "tags": dict(self.tags),
            "pairs": dict(self.pairs),
            "answerable": self.answerable,
            "unanswerable": self.unanswerable,
            "close": self.close,
            "cross_language": self.cross_language,
            "shares": {
                "unanswerable": _share(self.unanswerable, self.cases),
                "close": _share(self.close, self.unanswerable),
                "cross_language": _share(self.cross_language, self.answerable),
            },
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What ``isnad eval --check`` says of a question set: all its problems in order, what was left out, its balance."""

    name: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    balance: Balance

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return not self.problems

    def text(self, *, limit: int = PRINTED) -> str:
        """The report in lines: at most ``limit`` problems and how many more there are, notes, balance."""
        lines = problem_lines(self.problems, limit=limit)
        lines += self.notes
        lines += _balance_lines(self.balance)
        found = f"{len(self.problems)} problem{'' if len(self.problems) == 1 else 's'}" if self.problems else "sound"
        return "\n".join([*lines, f"{self.name}: {self.balance.cases} questions, {found}"])

    def to_dict(self) -> dict[str, Any]:
        """The whole report as JSON-ready values."""
        return {
            "name": self.name,
            "ok": self.ok,
            "problems": [{"file": each.path, "line": each.line, "message": each.message} for each in self.problems],
            "notes": list(self.notes),
            "balance": self.balance.to_dict(),
        }


def check_dataset(dataset: Dataset, articles: Sequence[Article] | None) -> Report:
    """The report on a question set that was read, held against its own articles and those of the collection.

    Without either, nothing is said of the articles that it refers to. ``eval.dataset.check_file`` reports on a file,
    with what could not be read of it.
    """
    known = {article.id: article for article in (*(articles or ()), *dataset.articles)}
    held = known if dataset.articles or articles is not None else None
    problems = tuple(check_cases(dataset.cases, held, path=dataset.name))
    return Report(dataset.name, problems, (), balance(dataset.cases, known))


def check_cases(cases: Sequence[Case], articles: Mapping[str, Article] | None, *, path: str) -> Iterator[Problem]:
    """Every problem of the cases, in their order; of those of a set without cases, one. ``articles`` are by their id,
    None where they are not known. ``path`` is the name of the file, for the problems.
    """
    if not cases:
        yield Problem(path, 0, "expected at least one question, found none")
    first: dict[str, int] = {}
    for number, case in enumerate(cases, start=1):
        for message in _case_problems(case, articles):
            yield Problem(path, case.line, message)
        if case.id in first:
            other = first[case.id]
            where = f"line {other}" if case.line else f"question {other}"
            yield Problem(path, case.line, f"the id {case.id!r} is also that of {where}")
        elif case.id:
            first[case.id] = case.line or number


def _case_problems(case: Case, articles: Mapping[str, Article] | None) -> Iterator[str]:
    of = f" (question {case.id!r})" if not case.line else ""
    if expectation(case) is Expectation.REFUSAL and case.references:
        yield f"an unanswerable question has quotes{of}"
    if CROSS_LANGUAGE in case.tags and case.languages and not is_cross_language(case):
        yield f"the tag {CROSS_LANGUAGE!r} is there, and the articles quoted are in {', '.join(case.languages)}{of}"
    for reference in case.references:
        if not 0 <= reference.start < reference.end:
            yield f"a quote goes from {reference.start} to {reference.end}: expected 0 ≤ start < end{of}"
        elif articles is not None:
            message = _reference_problem(reference, articles)
            if message:
                yield message + of
    if articles is not None:
        yield from (message + of for message in _without_problems(case, articles))


def _without_problems(case: Case, articles: Mapping[str, Article]) -> Iterator[str]:
    quoted = {reference.article_id for reference in case.references}
    for article_id in case.without:
        if article_id not in articles:
            yield f"unknown article {article_id!r} in 'without'"
        elif article_id in quoted:
            yield f"the article {article_id!r} is quoted and taken out ('without')"


def _reference_problem(reference: Reference, articles: Mapping[str, Article]) -> str:
    article = articles.get(reference.article_id)
    if article is None:
        return f"unknown article {reference.article_id!r}: it is not in the collection (isnad articles lists what is)"
    if reference.end > len(article.text):
        found = f"the article has {len(article.text)} characters"
    elif (there := article.text[reference.start : reference.end]) != reference.text:
        found = f"there stands {_short(there)!r}"
    else:
        return ""
    places = _places(reference.text, article.text)
    advice = f"; that text is at {places}" if places else "; that text is nowhere in it"
    return (
        f"expected {_short(reference.text)!r} at {reference.start} to {reference.end} of the article {article.id!r}: "
        f"{found}{advice}"
    )


def _places(text: str, within: str) -> str:
    """Where a text stands, as "3 to 9, 20 to 26"; of many places the first three."""
    places: list[str] = []
    at = within.find(text) if text else -1
    while at >= 0 and len(places) < 3:
        places.append(f"{at} to {at + len(text)}")
        at = within.find(text, at + 1)
    return ", ".join(places)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} … {text[-_SHOWN // 2 :]}"


def problem_lines(problems: Sequence[Problem], *, limit: int = PRINTED) -> list[str]:
    """The first ``limit`` problems as lines, and one that says how many more there are."""
    lines = [str(problem) for problem in problems[:limit]]
    return [*lines, f"… and {len(problems) - limit} more problems"] if len(problems) > limit else lines


def pairs_of(case: Case) -> list[str]:
    """The pairs "question→article" of a case's languages; none where no article is referred to."""
    return [f"{case.language or '?'}→{language or '?'}" for language in case.languages]


def balance(cases: Sequence[Case], articles: Mapping[str, Article] | None = None) -> Balance:
    """How the cases are spread; ``articles``, by their id, give the languages that the cases do not state."""
    cases = [_with_languages(case, articles or {}) for case in cases]
    expected = Counter(expectation(case) for case in cases)
    answerable = [case for case in cases if expectation(case) is Expectation.ANSWER]
    return Balance(
        cases=len(cases),
        languages=_sorted(Counter(case.language or "?" for case in cases)),
        tags=_sorted(Counter(tag for case in cases for tag in dict.fromkeys(case.tags))),
        pairs=_sorted(Counter(pair for case in answerable for pair in pairs_of(case))),
        answerable=len(answerable),
        unanswerable=expected[Expectation.REFUSAL],
        close=sum(NEAR in case.tags for case in cases if expectation(case) is Expectation.REFUSAL),
        cross_language=sum(is_cross_language(case) for case in answerable),
    )


def is_cross_language(case: Case) -> bool:
    """Whether articles answer it, and none of them is in its own language."""
    return bool(case.languages) and primary(case.language) not in {primary(each) for each in case.languages}


def _with_languages(case: Case, articles: Mapping[str, Article]) -> Case:
    if case.languages:
        return case
    ids = dict.fromkeys(each.article_id for each in case.references)
    return replace(case, languages=tuple(dict.fromkeys(articles[each].language for each in ids if each in articles)))


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _balance_lines(found: Balance) -> list[str]:
    shares = [
        ("unanswerable", found.unanswerable, found.cases, "all"),
        ("of these close to the subject", found.close, found.unanswerable, "unanswerable"),
        ("asked across languages", found.cross_language, found.answerable, "answerable"),
    ]
    lines = [f"{name}: {part} ({part / whole:.0%} of {of})" for name, part, whole, of in shares if whole]
    for name, counts in (("languages", found.languages), ("pairs", found.pairs), ("tags", found.tags)):
        if counts:
            lines.append(f"{name}: " + ", ".join(f"{key} {count}" for key, count in counts.items()))
    return lines
