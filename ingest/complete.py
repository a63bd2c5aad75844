"""From what a source gives to a whole article: cleaned, checked, and what it lacks detected and marked as guessed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ingest.clean import clean_text
from ingest.dates import is_ambiguous, iso_date, read_date
from ingest.decode import repair_mojibake
from ingest.draft import Draft
from rag.errors import ArticleError, UsageError
from rag.language import detect, is_code, primary, script
from rag.records import text_digest
from rag.types import Article, Copy

_LONGEST_TITLE = 200
# A text from one source may not be longer, in characters: this is a library by mistake, not an article.
_LONGEST_TEXT = 20_000_000
# Detection reads so much of the text.
_SAMPLE = 2000
# Latin is the script these are usually written in, not the only one.
_TWO_SCRIPTS = frozenset("az bs ha ku ms sr tk uz".split())


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user says of all articles; it wins over what the sources say. Raises UsageError for what cannot be."""

    publisher: str = ""
    language: str = ""
    published: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.language and not is_code(self.language):
            raise UsageError(f"The language is {self.language!r}; expected a code such as ar or pt-BR.")
        if self.published and not iso_date(self.published):
            raise UsageError(f"The date is {self.published!r}; expected one such as 2022-07-19.")


def complete(draft: Draft, *, identity: str, origin: str, overrides: Overrides) -> tuple[Article, tuple[str, ...]]:
    """The article and notes on what was repaired or not understood. Raises ArticleError for a text that is none.

    ``identity`` is the source's, for a draft that states no address of its own.
    """
    if len(draft.text) > _LONGEST_TEXT:
        raise ArticleError(f"its text is longer than {_LONGEST_TEXT:,} characters; split it into articles first.")
    text, mended = repair_mojibake(draft.text)
    text, cleaned = clean_text(text, language=draft.language)
    text = text.strip("\n")
    if not text.strip():
        raise ArticleError("there is no text in it.")
    notes = [*draft.notes, *mended, *cleaned]
    guessed = set(draft.guessed)
    title = _one_line(clean_text(repair_mojibake(draft.title)[0])[0])
    if not title:
        guessed.add("title")
        title = _one_line(text.strip().split("\n", 1)[0])
    language = overrides.language or _language(draft.language, f"{title}\n{text[:_SAMPLE]}", guessed, notes)
    published = overrides.published or _published(draft.published, language, guessed, notes)
    given = {name for name in ("publisher", "language", "published") if getattr(overrides, name)}
    identity = str(
        draft.extra.get("identity") or address_identity(draft.url) or identity or f"text {text_digest(text)}"
    )
    values: dict[str, Any] = {
        "title": title,
        "url": draft.url.strip(),
        "publisher": overrides.publisher or _one_line(draft.publisher),
        "author": _one_line(draft.author),
        "published": published,
        "language": language,
    }
    article = Article(
        id=digest(identity),
        text=text,
        guessed=tuple(sorted(name for name in guessed - given if values.get(name))),
        pages=draft.pages if text == draft.text else (),
        identity=identity,
        origin=str(draft.extra.get("origin") or origin),
        **values,
        **_exported(draft.extra),
    )
    return article, tuple(dict.fromkeys(notes))


def digest(identity: str) -> str:
    """The id of the article with this identity."""
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def address_identity(url: str) -> str:
    """The form of an address that is the same however it is written: no fragment, no tracking, parameters in order."""
    from courlan import normalize_url

    if not url.startswith(("http://", "https://")):
        return ""
    try:
        return str(normalize_url(url)).split("#", 1)[0].rstrip("/")
    except ValueError:
        return url


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1].rstrip() + "…"


def _language(stated: str, sample: str, guessed: set[str], notes: list[str]) -> str:
    stated = re.sub("_", "-", stated.strip())
    found = detect(sample)
    if stated and not is_code(stated):
        notes.append(f"the language {stated[:20]!r} is not a code such as ar or pt-BR; it was detected instead")
    elif stated and not _cannot_be(stated, found):
        return stated
    elif stated:
        notes.append(f"the source says {stated}, but the text is in another script; it was detected instead")
    guessed.add("language")
    return found


def _cannot_be(stated: str, found: str) -> bool:
    """Whether a page says "en", as templates do, over a text in a script that the language is not written in."""
    if not found or primary(stated) in _TWO_SCRIPTS:
        return False
    return script(stated) == "Latn" and script(found) not in ("Latn", "")


def _published(written: str, language: str, guessed: set[str], notes: list[str]) -> str:
    published = read_date(written, language=primary(language))
    if written.strip() and not published:
        notes.append(f"the date {written.strip()[:40]!r} was not understood; expected one such as 2022-07-19")
    if published and is_ambiguous(written):
        guessed.add("published")
    return published


def _exported(extra: Mapping[str, object]) -> dict[str, Any]:
    """What only ``isnad export`` writes. Raises ArticleError when it is not what that writes."""
    known = {each.name for each in fields(Copy)} - {"guessed"}
    try:
        copies: Any = extra.get("copies") or []
        return {
            "added_at": iso_date(str(extra.get("added_at") or "")),
            "story": str(extra.get("story") or ""),
            "copies": tuple(
                Copy(
                    **{name: str(copy.get(name, "")) for name in known},
                    guessed=tuple(map(str, copy.get("guessed", []))),
                )
                for copy in copies
            ),
        }
    except (TypeError, AttributeError) as error:
        raise ArticleError("the copies in it are not as isnad export writes them.") from error
