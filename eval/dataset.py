"""Question sets, read from files in any of the formats that are known.

| there is | read as |
|---|---|
| `corpus.jsonl` and `queries.jsonl` in a folder | BEIR (Thakur et al. 2021) |
| `*.json` in a folder; a `.json` file with "data" | SQuAD, XQuAD, MLQA, ARCD |
| `.csv`, or JSON lines or a JSON list with "user_input" | ragas |
| JSON lines with "rating" | the feedback of the page |
| other JSON lines | our own format |
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from eval.beir import read_beir
from eval.feedback import read_feedback
from eval.jsonl import read_jsonl
from eval.ragas_set import read_ragas
from eval.reading import Problem, Scan, Wanted
from eval.squad import read_squad
from eval.types import Case, Dataset
from eval.validate import Report, balance, check_cases, problem_lines
from rag.errors import UsageError
from rag.language import primary
from rag.types import Article

log = logging.getLogger(__name__)

Reader = Callable[[Path, Wanted, Scan], None]

_READERS: dict[str, Reader] = {
    "isnad": read_jsonl,
    "squad": read_squad,
    "beir": read_beir,
    "ragas": read_ragas,
    "feedback": read_feedback,
}
FORMATS = tuple(_READERS)
_WITH_LANGUAGES = ("squad", "beir")
# So much of a file tells what is in it.
_PEEK = 1 << 16


def read_dataset(
    path: Path,
    *,
    articles: Sequence[Article] | None = None,
    languages: Sequence[str] = (),
    limit: int = 0,
    questions: Sequence[str] = (),
    corpus: Sequence[str] = (),
    every: int = 0,
    form: str = "",
) -> Dataset:
    """The question set of a file or folder, checked.

    ``articles`` are those of the collection, which sets without articles of their own are held against. ``languages``
    keeps the questions in these languages, ``limit`` so many of them, evenly spread over the set (0 keeps all).
    ``questions`` and ``corpus`` choose the languages of questions and articles of a set that has several; ``every``
    adds to every n-th question of it a twin without its article, unanswerable. ``form`` is one of FORMATS, "" tells by
    what is there. Raises UsageError when there is nothing such, naming every problem of the set, with file and line.
    """
    wanted = Wanted(articles, tuple(questions), tuple(corpus), every)
    scan = _scan(path, wanted, form)
    problems = [*scan.problems, *_check(path, scan, wanted)]
    if problems:
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        lines = problem_lines(sorted(problems, key=_place))
        raise UsageError("\n".join([f"{path.name} cannot be used, {count}:", *lines]))
    for note in scan.notes:
        log.warning("%s: %s", path.name, note)
    cases = _chosen(scan.cases, languages, limit)
    if not cases:
        raise UsageError(
            f"{path.name} has no questions in {', '.join(languages)}; it has some in "
            f"{', '.join(balance(scan.cases).languages)}."
        )
    return Dataset(path.name, tuple(cases), tuple(scan.articles), digest(path))


def check_file(
    path: Path,
    *,
    articles: Sequence[Article] | None = None,
    questions: Sequence[str] = (),
    corpus: Sequence[str] = (),
    every: int = 0,
    form: str = "",
) -> Report:
    """The report on a file or folder: what ``read_dataset`` would raise, and the balance; arguments as there.

    Raises UsageError only when there is no such file, or it cannot be told what is in it.
    """
    wanted = Wanted(articles, tuple(questions), tuple(corpus), every)
    scan = _scan(path, wanted, form)
    problems = sorted([*scan.problems, *_check(path, scan, wanted)], key=_place)
    known = {article.id: article for article in (*(articles or ()), *scan.articles)}
    return Report(path.name, tuple(problems), tuple(scan.notes), balance(scan.cases, known))


def form_of(path: Path) -> str:
    """Which of FORMATS a file or folder has. Raises UsageError when it has none of them, or is not there."""
    if path.is_dir():
        if (path / "corpus.jsonl").is_file() or (path / "queries.jsonl").is_file():
            return "beir"
        if any(path.glob("*.json")):
            return "squad"
        raise UsageError(
            f"{path} is a folder with neither corpus.jsonl and queries.jsonl (BEIR) nor *.json files (SQuAD) in it."
        )
    try:
        with path.open("rb") as file:
            begin = file.read(_PEEK)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    if path.suffix.lower() == ".csv":
        return "ragas"
    if path.suffix.lower() == ".json":
        return "ragas" if begin.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") else "squad"
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return _form_of_lines(begin)
    raise UsageError(f"{path}: expected a folder or a .jsonl, .json or .csv file.")


def _form_of_lines(begin: bytes) -> str:
    """By the first line that is an object; a line longer than what was read is told by the names in it."""
    for line in begin.removeprefix(b"\xef\xbb\xbf").splitlines():
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(record, dict):
            names = set(record)
            break
    else:
        names = {name for name in ("user_input", "rating") if f'"{name}"'.encode() in begin}
    if "user_input" in names:
        return "ragas"
    return "feedback" if "rating" in names else "isnad"


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; of a folder that of its files' names and contents."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for each in sorted(path.rglob("*")):
        if each.is_file() and each.suffix.lower() in {".json", ".jsonl", ".tsv"}:
            whole.update(f"{each.relative_to(path).as_posix()} {digest(each)}\n".encode())
    return whole.hexdigest()


def _scan(path: Path, wanted: Wanted, form: str) -> Scan:
    if form and form not in _READERS:
        raise UsageError(f"Unknown format {form!r} of a question set; there are {', '.join(FORMATS)}.")
    form = form or form_of(path)
    _check_choice(form, wanted)
    scan = Scan()
    try:
        _READERS[form](path, wanted, scan)
    except OSError as error:
        raise UsageError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    return scan


def _check_choice(form: str, wanted: Wanted) -> None:
    """Raises UsageError where something is chosen that sets of the format do not have: it would be left unsaid."""
    if (wanted.questions or wanted.corpus) and form not in _WITH_LANGUAGES:
        raise UsageError(
            "The languages of questions and articles can be chosen of SQuAD and BEIR sets only; of others choose the "
            "language of the questions (--languages)."
        )
    if wanted.every and form != "squad":
        raise UsageError("Questions without their article can be added to SQuAD sets only.")


def _check(path: Path, scan: Scan, wanted: Wanted) -> list[Problem]:
    own = {article.id: article for article in scan.articles}
    held = own if own else (wanted.by_id if wanted.articles is not None else None)
    if not scan.cases and scan.problems:
        return []  # what was wrong is why there are none
    return list(check_cases(scan.cases, held, path=path.name))


def _place(problem: Problem) -> tuple[str, int]:
    return (problem.path, problem.line)


def _chosen(cases: Sequence[Case], languages: Sequence[str], limit: int) -> list[Case]:
    spoken = {primary(language) for language in languages}
    kept = [case for case in cases if not spoken or primary(case.language) in spoken]
    if not limit or limit >= len(kept):
        return kept
    # One of each of as many parts. Which one its id decides: every n-th may be of one kind, as twins are.
    parts = [kept[place * len(kept) // limit : (place + 1) * len(kept) // limit] for place in range(limit)]
    return [min(part, key=lambda case: hashlib.sha256(case.id.encode("utf-8", "replace")).digest()) for part in parts]
