"""Question sets in the format of BEIR (Thakur et al. 2021, arXiv 2104.08663): documents, queries, judgements.

What is referred to are whole documents, and there are no answers, so only retrieval, citations and refusals have
measures.
"""

from __future__ import annotations

from pathlib import Path

from eval.reading import Fields, Scan, Wanted, json_lines, language_of, languages_of
from eval.types import Case, Reference
from rag.errors import UsageError
from rag.types import Article

# The tag of questions whose references are whole documents: passages of one count once.
DOCUMENTS = "documents"
_SPLIT = "test"


def read_beir(path: Path, wanted: Wanted, scan: Scan) -> None:
    """Reads a folder with corpus.jsonl, queries.jsonl and qrels/*.tsv into ``scan``.

    Of several judgement files the one called test is taken. A document is relevant when its score is above 0. Languages
    are the field "language" or "lang", the one that is wanted when it is only one, else detected. Raises OSError, and
    UsageError where there are no judgements.
    """
    known = wanted.corpus[0] if len(wanted.corpus) == 1 else ""
    by_id: dict[str, Article] = {}
    for line, record in json_lines(path / "corpus.jsonl", scan):
        fields = Fields(record, path / "corpus.jsonl", line, scan)
        article = _article(fields, known)
        if article and article.id in by_id:
            fields.problem(f"the document {article.id!r} is there twice")
        elif article:
            by_id[article.id] = article
    scan.articles += by_id.values()
    relevant = _judgements(_qrels(path), by_id, scan)
    known = wanted.questions[0] if len(wanted.questions) == 1 else ""
    unjudged = 0
    for line, record in json_lines(path / "queries.jsonl", scan):
        fields = Fields(record, path / "queries.jsonl", line, scan)
        id_, question = fields.text("_id"), fields.text("text")
        if id_ not in relevant:
            unjudged += 1
        elif question:
            scan.cases.append(_case(id_, question, _spoken(record, question, known), relevant.pop(id_), by_id, line))
    for id_, (_, line) in relevant.items():
        scan.problem(_qrels(path), line, f"the query {id_!r} is not in queries.jsonl")
    if unjudged:
        scan.notes.append(f"{unjudged} queries without a relevant document in {_qrels(path).name} are left out")


def _article(fields: Fields, known: str) -> Article | None:
    id_ = fields.text("_id")
    title, text = fields.text("title", needed=False), fields.text("text", needed=False)
    if not (title or text):
        fields.problem("the document has neither 'text' nor 'title'")
    if not id_ or not (title or text):
        return None
    language = _spoken(fields.values, text or title, known)
    return Article(id=id_, title=title, text=text or title, language=language)


def _spoken(record: object, text: str, known: str) -> str:
    stated = (record.get("language") or record.get("lang")) if isinstance(record, dict) else ""
    return language_of(text, known=known or (stated if isinstance(stated, str) else ""))


def _case(
    id_: str, question: str, language: str, judged: tuple[list[str], int], by_id: dict[str, Article], line: int
) -> Case:
    documents = [by_id[each] for each in judged[0]]
    return Case(
        id=id_,
        question=question,
        language=language,
        references=tuple(Reference(each.id, 0, len(each.text), each.text) for each in documents),
        tags=(DOCUMENTS,),
        languages=languages_of(judged[0], by_id),
        line=line,
    )


def _qrels(path: Path) -> Path:
    """The file of judgements. Raises UsageError where there is none, or several and none called test."""
    found = sorted((path / "qrels").glob("*.tsv"))
    named = [each for each in found if each.stem == _SPLIT]
    if len(named or found) != 1:
        there = ", ".join(each.name for each in found) or "none"
        raise UsageError(f"Expected one file of judgements such as qrels/{_SPLIT}.tsv in {path}, found: {there}.")
    return (named or found)[0]


def _judgements(path: Path, by_id: dict[str, Article], scan: Scan) -> dict[str, tuple[list[str], int]]:
    """The relevant documents of each query, and the line of the first; columns are query, document, score."""
    relevant: dict[str, tuple[list[str], int]] = {}
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            columns = line.rstrip("\r\n").split("\t")
            if not line.strip() or (number == 1 and columns[-1].strip().lower() == "score"):
                continue
            if len(columns) != 3 or not columns[2].strip().lstrip("-").isdecimal():
                scan.problem(
                    path, number, f"expected query, document and a whole score, with tabs; found {line.strip()!r}"
                )
            elif int(columns[2]) > 0:
                if columns[1] not in by_id:
                    scan.problem(path, number, f"the document {columns[1]!r} is not in corpus.jsonl")
                else:
                    found, _ = relevant.setdefault(columns[0], ([], number))
                    if columns[1] not in found:
                        found.append(columns[1])
    return relevant
