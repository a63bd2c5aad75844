"""Files with one article a record: JSON Lines, JSON, CSV, TSV and Parquet, read as they stream."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from ingest.decode import decode, sniff
from ingest.draft import Draft, Failure, Source
from ingest.formats.fields import check_mapping, record_draft
from rag.errors import ArticleError

# What tells the encoding and the delimiter of a file.
_HEAD = 262_144
# A record of more than this is no article.
_LONGEST_LINE = 50_000_000
_LONGEST_CELL = 20_000_000
# JSON is read whole, at some five times its size in memory.
_LARGEST_JSON = 200_000_000


def load_jsonl(source: Source) -> Iterator[Draft | Failure]:
    """One article a line."""
    encoding = _encoding(source)
    lines = _lines(source, encoding)
    for number, line in lines:
        where = f"line {number}"
        if line is None:
            yield Failure(where, f"longer than {_LONGEST_LINE // 1_000_000} MB; one record a line was expected.")
        elif line.strip():
            yield _json_record(line, where, source)


def _lines(source: Source, encoding: str) -> Iterator[tuple[int, str | None]]:
    """The lines with their numbers; None for one that is too long, which is not kept in memory."""
    if not encoding.startswith("utf-16") and not encoding.startswith("utf-32"):
        number = 0
        while raw := source.file.readline(_LONGEST_LINE):
            number += 1
            if len(raw) == _LONGEST_LINE and not raw.endswith(b"\n"):
                while (rest := source.file.readline(1 << 20)) and not rest.endswith(b"\n"):
                    pass
                yield number, None
                continue
            yield number, raw.decode(encoding, "replace")
        return
    text = io.TextIOWrapper(source.file, encoding=encoding, errors="replace")
    try:
        for number, line in enumerate(text, start=1):
            yield number, line
    finally:
        text.detach()


def _json_record(line: str, where: str, source: Source) -> Draft | Failure:
    import orjson

    if "\ufffd" in line:
        return Failure(where, "expected text in one encoding, found bytes that are not of it; save the file as UTF-8.")
    try:
        record = orjson.loads(line.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        return Failure(where, f"expected one JSON object, found what is not JSON: {str(error).splitlines()[0]}.")
    return _draft(record, where, source)


def load_json(source: Source) -> Iterator[Draft | Failure]:
    """One article for every object of a list, or the one that a single object holds."""
    import orjson

    raw = source.file.read(_LARGEST_JSON + 1)
    if len(raw) > _LARGEST_JSON:
        raise ArticleError(
            f"larger than {_LARGEST_JSON // 1_000_000} MB; write it as JSON Lines, one object a line, in a .jsonl file."
        )
    try:
        found = orjson.loads(decode(raw).text)
    except (ValueError, RecursionError) as error:
        raise ArticleError(f"expected JSON, found what is not: {str(error).splitlines()[0]}.") from error
    for number, record in enumerate(_records(found), start=1):
        yield _draft(record, f"record {number}", source)


def _records(found: Any) -> list[Any]:  # noqa: ANN401  # whatever a JSON file holds
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        # An article may have a list of its own, of authors or pictures; one with a text is an article.
        has_text = any(isinstance(value, str) and len(value) > 200 for value in found.values())
        found = lists[0] if len(lists) == 1 and not has_text else [found]
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
    text = io.TextIOWrapper(source.file, encoding=_encoding(source), errors="replace", newline="")
    try:
        first = text.readline(_HEAD)
        if not delimiter:
            delimiter = max(",;\t|", key=first.count)
        rows = csv.reader(_from(first, text), delimiter=delimiter, strict=True)
        header = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
        if not any(header):
            raise ArticleError("expected a first row with the names of the columns, found none.")
        check_mapping(header, source.fields)
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            if any(cell.strip() for cell in row):
                yield _row(header, row, line, source)
    except csv.Error as error:
        raise ArticleError(f"line {rows.line_num}: not valid CSV: {error}.") from error
    finally:
        text.detach()


def _from(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    yield first
    yield from rest


def _row(header: list[str], row: list[str], line: int, source: Source) -> Draft | Failure:
    where = f"line {line}"
    if len(row) != len(header):
        return Failure(where, f"expected {len(header)} cells ({', '.join(header)}), found {len(row)}.")
    if any("\ufffd" in cell for cell in row):
        return Failure(where, "expected text in one encoding, found bytes that are not of it; save the file as UTF-8.")
    return _draft(dict(zip(header, row, strict=True)), where, source)


def load_parquet(source: Source) -> Iterator[Draft | Failure]:
    """One article a row."""
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(source.file)
        check_mapping(table.schema_arrow.names, source.fields)
        number = 0
        for batch in table.iter_batches(batch_size=100):
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
