"""Question sets in SQuAD's format (Rajpurkar et al. 2016, 2018): SQuAD, XQuAD, MLQA, ARCD; also across languages.

Questions pair by their id: the question of one language's file is asked of the articles of another's. A paragraph's
answers are characters of it; here all paragraphs of an entry are one article, without its title, since XQuAD's and
MLQA's titles would tell the language of the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from eval.jsonl import NEAR, UNANSWERABLE
from eval.reading import Scan, Wanted, kind, language_of
from eval.types import Case, Reference
from rag.errors import UsageError
from rag.language import is_code
from rag.types import Article

# MLQA names the languages of both: test-context-ar-question-en.json.
_MLQA = re.compile(r"context-([A-Za-z]{2,3})-question-([A-Za-z]{2,3})$")
_LANGUAGE = re.compile(r"(?:^|[._-])([A-Za-z]{2,3}(?:-[A-Z]{2})?)$")
_NUMBERED = re.compile(r"[A-Za-z]{2,3}(?:-[A-Z]{2})?-(\d{3,})")
_JOINT = "\n\n"
WITHOUT = "-without"


@dataclass(frozen=True, slots=True)
class _File:
    """A file with the languages of its articles and of its questions, and its entries."""

    path: Path
    corpus: str
    questions: str
    entries: Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Gold:
    """Where a question's answer is: its article, the first reference, and all answers; none for an impossible one."""

    article: str
    reference: Reference | None
    answers: tuple[str, ...]


@dataclass(slots=True)
class _Sets:
    """What the files hold: questions and answers by language and id, texts by language and article."""

    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    golds: dict[str, dict[str, _Gold]] = field(default_factory=dict)
    answers: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)


def article_number(article_id: str) -> str:
    """What an article and its translations in the other files of a set have in common: the number in their ids.

    Of other ids, the id itself.
    """
    numbered = _NUMBERED.fullmatch(article_id)
    return numbered[1] if numbered else article_id


def read_squad(path: Path, wanted: Wanted, scan: Scan) -> None:
    """Reads a file, or a folder with one a language or a pair of languages, into ``scan``.

    The languages are those of the names (``xquad.ar.json``, ``test-context-ar-question-en.json``), else what the texts
    are in. With articles in several languages, those that hold the same question in another language than the one it is
    asked of are taken out for it. Raises OSError, and UsageError when the languages asked for are not there.
    """
    files = [found for each in _paths(path) if (found := _open(each, wanted, scan))]
    if not files:
        return
    corpus, questions = _languages(files, wanted, path)
    sets = _Sets()
    counts = {language: sum(file.corpus == language for file in files) for language in corpus}
    for file in files:
        if file.corpus in corpus or file.questions in questions:
            _read(file, sets, scan, whole=counts.get(file.corpus, 0) <= 1)
    scan.articles += [
        Article(id=article, title="", text=text, language=language)
        for (language, article), text in sets.texts.items()
        if language in corpus
    ]
    twins = {
        language: {id_: gold.article for id_, gold in golds.items()}
        for language, golds in sets.golds.items()
        if language in corpus
    }
    for held in corpus:
        for asked in questions:
            scan.cases += _cases(asked, held, sets, twins, wanted.every, scan)


def _paths(path: Path) -> list[Path]:
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _open(path: Path, wanted: Wanted, scan: Scan) -> _File | None:
    try:
        value = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        scan.problem(path, error.lineno, f"expected a JSON file ({error.msg}, column {error.colno})")
        return None
    entries = value.get("data") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        scan.problem(path, 0, f"expected a SQuAD file, an object with a list 'data'; found {kind(value)}")
        return None
    if named := _MLQA.search(path.stem):
        return _File(path, named[1].lower(), named[2].lower(), entries)
    named = _LANGUAGE.search(path.stem)
    if named and is_code(named[1]):
        return _File(path, named[1], named[1], entries)
    context, question = _first(entries)
    alone = len(wanted.corpus) == 1, len(wanted.questions) == 1
    corpus = wanted.corpus[0] if alone[0] else language_of(context)
    asked = wanted.questions[0] if alone[1] else language_of(context if corpus == language_of(question) else question)
    return _File(path, corpus, asked, entries)


def _first(entries: Sequence[Any]) -> tuple[str, str]:
    """The first paragraphs and questions of a file, for their language; what is no such thing is passed over here."""
    contexts, questions = [], []
    for entry in entries[:20]:
        paragraphs = entry.get("paragraphs") if isinstance(entry, dict) else None
        for paragraph in paragraphs[:5] if isinstance(paragraphs, list) else []:
            if isinstance(paragraph, dict):
                contexts.append(str(paragraph.get("context", ""))[:200])
                asked = paragraph.get("qas")
                questions += (
                    [str(each.get("question", "")) for each in asked if isinstance(each, dict)]
                    if isinstance(asked, list)
                    else []
                )
    return " ".join(contexts), " ".join(questions)


def _languages(files: Sequence[_File], wanted: Wanted, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The languages of the articles and of the questions that are wanted."""
    corpora = tuple(sorted({file.corpus for file in files}))
    asked = tuple(sorted({file.questions for file in files}))
    corpus = wanted.corpus or (corpora if len(corpora) == 1 else wanted.questions)
    questions = wanted.questions or (asked if len(asked) == 1 else corpus)
    if not corpus:
        raise UsageError(
            f"{path.name} has articles in {', '.join(corpora)} and questions in {', '.join(asked)}: say which to take, "
            f"such as --questions {asked[0]} --articles {corpora[0]}."
        )
    for name, chosen, there in (("articles", corpus, corpora), ("questions", questions, asked)):
        if missing := [language for language in chosen if language not in there]:
            raise UsageError(f"{path.name} has no {name} in {', '.join(missing)}; it has some in {', '.join(there)}.")
    return tuple(dict.fromkeys(corpus)), tuple(dict.fromkeys(questions))


def _read(file: _File, sets: _Sets, scan: Scan, *, whole: bool) -> None:
    """Adds a file's texts, questions and answers.

    Articles are numbered as in the file where it is the only ``whole`` one of its language, so that the same number is
    the same article in every language; else they are known by their title, and get each paragraph once.
    """
    questions = sets.questions.setdefault(file.questions, {})
    golds = sets.golds.setdefault(file.corpus, {})
    own = sets.answers.setdefault(file.questions, {})
    seen: set[str] = set()
    for number, title, context, asked, place in _paragraphs(file, scan):
        article = f"{file.corpus}-{number:03d}" if whole else f"{file.corpus}-{_slug(title) or f'{number:03d}'}"
        text = sets.texts.get((file.corpus, article), "")
        at = text.find(context) if not whole else -1
        if at < 0:
            text += _JOINT if text else ""
            at = len(text)
            text += context
            sets.texts[file.corpus, article] = text
        for index, each in enumerate(asked):
            where = f"{place}.qas[{index}]"
            read = _question(each, context, article, at, file, scan, where)
            if read is None:
                continue
            id_, question, gold = read
            if id_ in seen:
                scan.problem(file.path, 0, f"{where}: the id {id_!r} is there twice")
            seen.add(id_)
            questions[id_] = question
            golds[id_] = gold
            if file.corpus == file.questions:
                own[id_] = gold.answers


def _paragraphs(file: _File, scan: Scan) -> Iterator[tuple[int, str, str, list[Any], str]]:
    """Each paragraph: the number and title of its entry, its text, its questions, its place in the file."""
    for number, entry in enumerate(file.entries):
        place = f"data[{number}]"
        paragraphs = entry.get("paragraphs") if isinstance(entry, dict) else None
        if not isinstance(paragraphs, list):
            scan.problem(file.path, 0, f"{place}: expected an object with a list 'paragraphs'")
            continue
        for index, paragraph in enumerate(paragraphs):
            where = f"{place}.paragraphs[{index}]"
            context = paragraph.get("context") if isinstance(paragraph, dict) else None
            asked = paragraph.get("qas") if isinstance(paragraph, dict) else None
            if not isinstance(context, str) or not context.strip() or not isinstance(asked, list):
                scan.problem(file.path, 0, f"{where}: expected a text 'context' and a list 'qas'")
            else:
                yield number, str(entry.get("title", "")), context, asked, where


def _question(
    value: object, context: str, article: str, at: int, file: _File, scan: Scan, where: str
) -> tuple[str, str, _Gold] | None:
    """The id, the question, and where its answer is; None and a problem where something is missing."""
    if not isinstance(value, dict):
        scan.problem(file.path, 0, f"{where}: expected an object, found {kind(value)}")
        return None
    id_, question, answers = value.get("id"), value.get("question"), value.get("answers", [])
    if not isinstance(id_, str | int) or not str(id_) or not isinstance(question, str) or not question.strip():
        scan.problem(file.path, 0, f"{where}: expected an 'id' and a 'question'")
        return None
    if not isinstance(answers, list) or (not answers and value.get("is_impossible") is False):
        scan.problem(
            file.path, 0, f"{where}: expected a list of 'answers', found {kind(answers) if answers else 'none'}"
        )
        return None
    spans = []
    for answer in answers if not value.get("is_impossible") else []:
        text, start = (answer.get("text"), answer.get("answer_start")) if isinstance(answer, dict) else (None, None)
        if not isinstance(text, str) or not text.strip() or not isinstance(start, int):
            scan.problem(file.path, 0, f"{where}: expected an answer with 'text' and 'answer_start'")
        elif context[start : start + len(text)] != text or start < 0:
            found = context[max(start, 0) : max(start, 0) + len(text)]
            scan.problem(file.path, 0, f"{where}: expected the answer {text!r} at {start}, found {found!r}")
        else:
            spans.append((start, text))
    if answers and not spans and not value.get("is_impossible"):
        return None
    reference = (
        Reference(article, at + spans[0][0], at + spans[0][0] + len(spans[0][1]), spans[0][1]) if spans else None
    )
    return str(id_), question.strip(), _Gold(article, reference, tuple(dict.fromkeys(text for _, text in spans)))


def _cases(
    asked: str, held: str, sets: _Sets, twins: Mapping[str, Mapping[str, str]], every: int, scan: Scan
) -> Iterator[Case]:
    """The cases of a pair of languages, each with its twin behind it where it has one."""
    golds, questions = sets.golds.get(held, {}), sets.questions.get(asked, {})
    unpaired = golds.keys() - questions.keys()
    if len(unpaired) == len(golds):
        raise UsageError(
            f"The questions in {asked!r} and {held!r} do not pair: they have no id in common. Give files that "
            "translate each other, or one language."
        )
    if unpaired:
        scan.notes.append(
            f"{len(unpaired)} of {len(golds)} questions over the articles in {held!r} are left out, since they are not "
            f"there in {asked!r} (such as {min(unpaired)!r})"
        )
    answerable = 0
    for id_, gold in golds.items():
        if id_ not in questions:
            continue
        beside = tuple(of[id_] for language, of in twins.items() if language != held and id_ in of)
        answers = tuple(dict.fromkeys((*gold.answers, *sets.answers.get(asked, {}).get(id_, ()))))
        case = Case(
            id=f"{asked}-{held}-{id_}",
            question=questions[id_],
            language=asked,
            answers=answers if gold.reference else (),
            references=(gold.reference,) if gold.reference else (),
            tags=() if gold.reference else (UNANSWERABLE, NEAR),
            languages=(held,),
            without=beside,
        )
        yield case
        if gold.reference:
            if every and answerable % every == 0:
                yield Case(
                    id=case.id + WITHOUT,
                    question=case.question,
                    language=asked,
                    tags=(UNANSWERABLE,),
                    languages=(held,),
                    without=(*beside, gold.article),
                )
            answerable += 1


def _slug(title: str) -> str:
    return "-".join(re.findall(r"\w+", title.casefold()))
