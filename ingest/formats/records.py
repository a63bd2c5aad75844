"""Files with one article a record: JSON Lines, JSON, CSV, TSV and Parquet, read as they stream."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ingest.charset import known_name
from ingest.decode import decode, sniff
from ingest.draft import Draft, Failure, Source
from ingest.formats.fields import check_mapping, columns_used, has_text, record_draft
from rag.errors import ArticleError

# What tells the encoding and the delimiter of a file.
_HEAD = 262_144
# A record of more than this is no article.
_LONGEST_LINE = 50_000_000
_LONGEST_CELL = 20_000_000
# JSON is read whole, at some five times its size in memory.
_LARGEST_JSON = 200_000_000
# How "surrogateescape" marks bytes that are not of the encoding.
_UNDECODED = re.compile("[\udc80-\udcff]")
_NOT_OF_IT = "expected text in one encoding, found bytes that are not of it; save the file as UTF-8."


def load_jsonl(source: Source) -> Iterator[Draft | Failure]:
    """One article a line; a file that holds one JSON value over several lines is read as such."""
    encoding = _encoding(source)
    lines = _lines(source, encoding)
    first = next(((number, line) for number, line in lines if line is None or line.strip()), None)
    if first and first[1] and first[1].strip("\ufeff \t\r\n")[:2] in ("[", "{", "[{"):
        source.file.seek(0)
        yield from load_json(source)
        return
    yield from _noted(_json_lines(first, lines, source), encoding)


def _json_lines(
    first: tuple[int, str | None] | None, rest: Iterator[tuple[int, str | None]], source: Source
) -> Iterator[Draft | Failure]:
    for number, line in _with_first(first, rest):
        where = f"line {number}"
        if line is None:
            yield Failure(where, f"longer than {_LONGEST_LINE // 1_000_000} MB; one record a line was expected.")
        elif _UNDECODED.search(line):
            yield Failure(where, _NOT_OF_IT)
        elif line.strip():
            try:
                record = _parsed(line.lstrip("\ufeff"))
            except ArticleError as error:
                yield Failure(where, f"expected one JSON object, {error}")
            else:
                yield _draft(record, where, source)


def _with_first(
    first: tuple[int, str | None] | None, rest: Iterator[tuple[int, str | None]]
) -> Iterator[tuple[int, str | None]]:
    if first:
        yield first
    yield from rest


def _lines(source: Source, encoding: str) -> Iterator[tuple[int, str | None]]:
    """The lines with their numbers; None for one that is too long, which is not kept in memory."""
    if not encoding.startswith(("utf-16", "utf-32")):
        number = 0
        while raw := source.file.readline(_LONGEST_LINE):
            number += 1
            if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                while (rest := source.file.readline(1 << 20)) and not rest.endswith(b"\n"):
                    pass
                yield number, None
                continue
            yield number, raw.decode(encoding, "surrogateescape")
        return
    text = io.TextIOWrapper(source.file, encoding=encoding, errors="replace")
    try:
        for number, line in enumerate(text, start=1):
            yield number, line
    finally:
        text.detach()


def _parsed(text: str) -> Any:  # noqa: ANN401  # whatever JSON holds
    """The JSON value in a text. Raises ArticleError, to follow on what was expected."""
    import orjson

    try:
        return orjson.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
    try:  # Python's own writes NaN and halves of characters, and reads them
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ArticleError(f"found what is not JSON: {reason}.") from None


def load_json(source: Source) -> Iterator[Draft | Failure]:
    """One article for every object of a list, or the one that a single object holds; also JSON Lines by this name."""
    raw = source.file.read(_LARGEST_JSON + 1)
    if len(raw) > _LARGEST_JSON:
        raise ArticleError(
            f"larger than {_LARGEST_JSON // 1_000_000} MB; write it as JSON Lines, one object a line, in a .jsonl file."
        )
    decoded = decode(raw)
    try:
        found = _parsed(decoded.text)
    except ArticleError as error:
        first, _, rest = decoded.text.lstrip().partition("\n")
        if not rest.strip() or not first.rstrip().endswith("}") or not first.startswith("{"):
            raise ArticleError(f"expected JSON, {error}") from error
        lines = iter(enumerate(decoded.text.split("\n"), start=1))
        yield from _json_lines(None, lines, source)
        return
    for number, record in enumerate(_records(found, source), start=1):
        draft = _draft(record, f"record {number}", source)
        first_notes = decoded.notes if number == 1 and isinstance(draft, Draft) else ()
        yield replace(draft, notes=(*first_notes, *draft.notes)) if isinstance(draft, Draft) else draft


def _records(found: Any, source: Source) -> list[Any]:  # noqa: ANN401  # whatever a JSON file holds
    if isinstance(found, dict) and found.get("isnad") != 1:
        lists = [each for each in found.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        # An article may have lists of its own, of authors or pictures: what holds a text is an article.
        with_text = [each for each in lists if has_text(each[0], source.fields)]
        if len(with_text) == 1 and not has_text(found, source.fields, short=False):
            found = with_text[0]
        elif len(lists) == 1 and not has_text(found, source.fields):
            found = lists[0]
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise ArticleError(f"expected a list of objects, found a single {type(found).__name__}.")
    if not found:
        raise ArticleError("expected a list of objects, found an empty one.")
    return found


def load_csv(source: Source) -> Iterator[Draft | Failure]:
    """One article a row, below a row with the names of the columns; the delimiter is found out."""
    yield from _rows(source, "")


def load_tsv(source: Source) -> Iterator[Draft | Failure]:
    """As ``load_csv``, parted by tabs."""
    yield from _rows(source, "\t")


def _rows(source: Source, delimiter: str) -> Iterator[Draft | Failure]:
    csv.field_size_limit(_LONGEST_CELL)
    encoding = _encoding(source)
    wide = encoding.startswith(("utf-16", "utf-32"))  # which have no bytes to escape
    text = io.TextIOWrapper(source.file, encoding=encoding, errors="replace" if wide else "surrogateescape", newline="")
    try:
        lines = _Lines(text)
        rows = _records_of(lines, delimiter or _delimiter(lines.first))
        _, header = next(rows, (0, []))
        if isinstance(header, str):
            raise ArticleError(f"line 1: not valid CSV: {header}.")
        header = [name.strip().lstrip("\ufeff") for name in header]
        if not any(header):
            raise ArticleError("expected a first row with the names of the columns, found none.")
        check_mapping(header, source.fields)
        yield from _noted((_row(header, row, number, source) for number, row in rows), encoding)
    finally:
        text.detach()


def _delimiter(line: str) -> str:
    """Which delimiter parts the names of the columns; those within quotes do not count."""
    return max(",;\t|", key=lambda each: len(next(csv.reader([line], delimiter=each), [])))


class _Lines:
    """The lines of a file for the csv module, which can be given back those that it should not have taken."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self.first = file.readline()
        self._waiting = deque([self.first])
        self.taken: list[str] = []
        self.number = 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._file.readline()
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def next_record(self) -> None:
        """Begins a record: the lines taken so far are done with."""
        self.number += len(self.taken)
        self.taken.clear()

    def give_back(self) -> None:
        """All lines of this record but its first are read again."""
        self._waiting.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _records_of(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """The rows, each with the number of its first line; of a line that is not CSV the reason."""
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.next_record()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            # A quote that is not closed takes in what follows, which has nothing wrong with it.
            lines.give_back()
            yield lines.number, str(error)
        else:
            if any(cell.strip() for cell in row):
                yield lines.number, row


def _row(header: list[str], row: list[str] | str, line: int, source: Source) -> Draft | Failure:
    where = f"line {line}"
    if isinstance(row, str):
        return Failure(where, f"not valid CSV: {row}.")
    if len(row) != len(header):
        return Failure(where, f"expected {len(header)} cells ({', '.join(header)}), found {len(row)}.")
    if any(_UNDECODED.search(cell) for cell in row):
        return Failure(where, _NOT_OF_IT)
    return _draft(dict(zip(header, row, strict=True)), where, source)


def _noted(drafts: Iterator[Draft | Failure], encoding: str) -> Iterator[Draft | Failure]:
    """The drafts, with a note on the first of them where the encoding was guessed."""
    guessed = encoding.startswith(("utf", "ascii"))
    for draft in drafts:
        if not guessed and isinstance(draft, Draft):
            guessed = True
            draft = replace(draft, notes=(f"read as {known_name(encoding)}, guessed", *draft.notes))
        yield draft


def load_parquet(source: Source) -> Iterator[Draft | Failure]:
    """One article a row."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(source.file)
        names = table.schema_arrow.names
        check_mapping(names, source.fields)
        number = 0
        for batch in table.iter_batches(batch_size=100, columns=columns_used(names, source.fields)):
            for record in batch.to_pylist():
                number += 1
                yield _draft(record, f"record {number}", source)
    except (pyarrow.ArrowException, OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArticleError(f"expected a Parquet file, found what cannot be read as one: {reason[:200]}.") from error


def _draft(record: object, where: str, source: Source) -> Draft | Failure:
    return record_draft(record, where, source.fields)


def _encoding(source: Source) -> str:
    head = source.file.read(_HEAD)
    if not head.strip():
        raise ArticleError("there is nothing in it.")
    source.file.seek(0)
    return sniff(head, whole=len(head) < _HEAD)
