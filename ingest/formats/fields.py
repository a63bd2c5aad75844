"""What the fields of a record mean: one record of a JSON, CSV or Parquet file into a draft."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ingest.draft import Draft, Failure
from rag.errors import ArticleError

# What others call Isnad's fields, the likeliest name first; case and separators do not count.
_NAMES = {
    "title": "title headline heading name",
    "text": "text body content article article_text full_text fulltext maintext article_body html description summary",
    "url": "url link canonical_url canonical href source_url web_url uri permalink",
    "publisher": "publisher source source_name site site_name outlet publication newspaper domain",
    "author": "author authors byline creator",
    "published": (
        "published published_at publish_date published_date date_published pub_date date datetime timestamp "
        "created_at time"
    ),
    "language": "language lang locale language_code",
    "id": "id guid uuid article_id doc_id _id",
}
_SEPARATORS = re.compile(r"[\W_]+")
_CLOSED_BLOCK = re.compile(r"</(?:p|div|article|section|h[1-6]|li|ul|ol|table|blockquote|body)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_BLOCK_END = re.compile(r"(?=<(?:p|div|article|section|h[1-6]|li|ul|ol|table|tr|blockquote|br)\b)", re.IGNORECASE)
# Numbers of seconds and of milliseconds since 1970 tell themselves apart by their size until the year 5138.
_MOST_SECONDS = 1e11
_LEAST_EPOCH = 1e8
# What introduces a list of articles is shorter than an article.
_SHORT_TEXT = 500
# Under one of these an object holds what it stands for: MongoDB's exports, XML turned into JSON.
_VALUES = ("name", "$date", "$oid", "$numberLong", "text", "#text", "value")
# So many of a record's fields are named to the user.
_SHOWN = 20
# What ``isnad export`` writes under the names that a Draft has.
_EXPORTED = ("text", "title", "url", "publisher", "author", "published", "language")


def record_draft(record: object, where: str, mapping: Mapping[str, str]) -> Draft | Failure:
    """The article in one record, or why there is none."""
    if not isinstance(record, Mapping):
        return Failure(where, f"expected an object with named fields, found {type(record).__name__}.")
    if record.get("isnad") == 1:
        return _exported(record, where)
    names = [str(name) for name in record]
    missing = [path for path in mapping.values() if _get(record, path) is None and path not in names]
    if missing:
        return Failure(where, f"there is no field {missing[0]!r}, only {_listed(names)}; correct --map.")
    paths = _paths(tuple(names), tuple(sorted(mapping.items())))
    if not paths["text"]:
        return Failure(where, _no_text(names))
    values = {name: _first(record, found) for name, found in paths.items()}
    text = _without_tags(values["text"]) if _CLOSED_BLOCK.search(values["text"]) else values["text"]
    if not text.strip():
        return Failure(where, "there is no text in it.")
    return Draft(
        text=text,
        title=values["title"],
        url=values["url"],
        publisher=values["publisher"],
        author=values["author"],
        published=_date(values["published"]),
        language=values["language"],
        key=values["id"],
        where=where,
    )


def check_mapping(columns: Sequence[str], mapping: Mapping[str, str]) -> None:
    """Raises ArticleError when a table has not the columns that are asked for, or none with a text."""
    missing = [name for name in mapping.values() if name.split(".", 1)[0] not in columns and name not in columns]
    if missing:
        raise ArticleError(f"there is no column {missing[0]!r}, only {_listed(columns)}; correct --map.")
    if not _paths(tuple(columns), tuple(sorted(mapping.items())))["text"]:
        raise ArticleError(_no_text(columns))


def has_text(record: object, mapping: Mapping[str, str], *, short: bool = True) -> bool:
    """Whether a field of the record is known to hold the text of an article, a long one if not ``short``."""
    if not isinstance(record, Mapping):
        return False
    paths = _paths(tuple(map(str, record)), tuple(sorted(mapping.items())))["text"]
    return len(_first(record, paths)) > (0 if short else _SHORT_TEXT)


def columns_used(columns: Sequence[str], mapping: Mapping[str, str]) -> list[str]:
    """Those columns of a table that an article is made from, and those that only Isnad's own export has."""
    if "isnad" in columns:
        return list(columns)
    found = _paths(tuple(columns), tuple(sorted(mapping.items())))
    used = {path if path in columns else path.split(".", 1)[0] for paths in found.values() for path in paths}
    return [name for name in columns if name in used]


def _no_text(names: Sequence[str]) -> str:
    return f"no field with the text was recognised among {_listed(names)}; name it with --map text=NAME."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "") if names else "none"


@lru_cache(maxsize=256)
def _paths(names: tuple[str, ...], mapping: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    """For each of Isnad's fields the record's that may hold it, the likeliest first."""
    by_name = {_plain(name): name for name in reversed(names)}
    given = dict(mapping)
    return {
        name: [given[name]]
        if name in given
        else [by_name[_plain(guess)] for guess in guesses.split() if _plain(guess) in by_name]
        for name, guesses in _NAMES.items()
    }


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


def _get(record: Mapping[object, object], path: str) -> object:
    """The value at a path such as ``source.name``; a field of just that name goes before."""
    if path in record:
        return record[path]
    value: object = record
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _first(record: Mapping[object, object], paths: Sequence[str]) -> str:
    return next((text for path in paths if (text := _text(_get(record, path)).strip())), "")


def _text(value: object) -> str:
    """A value as text: of an object its name, of a list its parts."""
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return next((text for name in _VALUES if (text := _text(value.get(name)))), "")
    if isinstance(value, list | tuple):
        parts = [text for each in value if (text := _text(each).strip())]
        return ("\n\n" if any(len(part) > 80 for part in parts) else ", ").join(parts)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _date(text: str) -> str:
    """A number of seconds or milliseconds since 1970 as ISO 8601; anything else as it is."""
    try:
        number = float(text)
    except ValueError:
        return text
    if not _LEAST_EPOCH <= number < math.inf or len(text.partition(".")[0]) == len("20220719"):
        return text
    seconds = number / 1000 if number > _MOST_SECONDS else number
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return text


def _without_tags(text: str) -> str:
    from lxml import etree
    from lxml.html import fromstring

    try:
        tree = fromstring(f"<div>{_BLOCK_END.sub(chr(10), text)}</div>")
    except (etree.LxmlError, ValueError):
        return text
    for hidden in list(tree.iter("script", "style")):
        hidden.text = ""
    # Tags nested thousands deep are more than the parser takes: what is between them is taken as it stands.
    found = str(tree.text_content())
    found = found if found.strip() else _TAG.sub(" ", text)
    lines = (line.strip() for line in found.split("\n"))
    return "\n".join(line for line in lines if line)


def _exported(record: Mapping[object, object], where: str) -> Draft | Failure:
    """An article as ``isnad export`` writes it: nothing is guessed."""
    if not all(isinstance(record.get(name, ""), str) for name in _EXPORTED):
        return Failure(where, f"expected text in {', '.join(_EXPORTED)}, as isnad export writes it.")
    pages, guessed = record.get("pages") or [], record.get("guessed") or []
    if not isinstance(pages, list) or not isinstance(guessed, list) or not all(isinstance(page, int) for page in pages):
        return Failure(where, "expected lists in pages and guessed, as isnad export writes them.")
    texts: dict[str, Any] = {name: record.get(name, "") for name in _EXPORTED}
    return Draft(
        **texts,
        pages=tuple(pages),
        guessed=tuple(map(str, guessed)),
        where=where,
        extra={str(name): value for name, value in record.items() if name not in _EXPORTED},
    )
