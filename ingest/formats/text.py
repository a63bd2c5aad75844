"""Plain text and Markdown, each with optional YAML front matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.dates import iso_date
from ingest.decode import decode
from ingest.draft import Draft, Source
from rag.errors import ArticleError
from rag.language import is_code

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELDS = ("title", "publisher", "author", "published", "url", "language")
# Enough for any article, far below what would be an archive by mistake.
_LARGEST_FILE = 20_000_000


def load_text(source: Source) -> Iterator[Draft]:
    """The one article of a plain text."""
    yield _load(source, _plain_text)


def load_markdown(source: Source) -> Iterator[Draft]:
    """The one article of a Markdown document, without its marks; the first heading is the title."""
    yield _load(source, _markdown_text)


def _load(source: Source, read: Callable[[str], tuple[str, str]]) -> Draft:
    raw = source.file.read(_LARGEST_FILE + 1)
    if len(raw) > _LARGEST_FILE:
        raise ArticleError(f"larger than {_LARGEST_FILE // 1_000_000} MB; split it into articles first.")
    _, _, charset = source.media_type.partition("charset=")
    decoded = decode(raw, declared=charset.strip(" \"'"))
    fields, body = _front_matter(decoded.text)
    text, heading = read(body)
    return Draft(
        text=text,
        title=fields["title"] or heading,
        url=fields["url"],
        publisher=fields["publisher"],
        author=fields["author"],
        published=fields["published"],
        language=fields["language"],
        notes=decoded.notes,
    )


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return dict.fromkeys(_FIELDS, ""), text
    try:
        # BaseLoader leaves every value the text it is: a title "No" stays "No", a date stays as written.
        found = yaml.load(match.group(1) or "", Loader=yaml.CBaseLoader) or {}  # noqa: S506
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ArticleError(
            f"the front matter is not valid YAML{where}; put values that hold a colon in quotes."
        ) from error
    if not isinstance(found, dict):
        raise ArticleError(f"expected “name: value” lines as front matter, found a {type(found).__name__}.")
    fields = {name: _one_line(name, found.get(name, "")) for name in _FIELDS}
    if fields["language"] and not is_code(fields["language"]):
        raise ArticleError(f"language is {fields['language']!r}; expected a code such as ar or pt-BR.")
    if fields["url"] and not fields["url"].startswith(("http://", "https://")):
        raise ArticleError(f"url is {fields['url']!r}; expected an address that begins with https://.")
    if fields["published"] and not iso_date(fields["published"]):
        raise ArticleError(f"published is {fields['published']!r}; expected a date such as 2022-07-19.")
    return fields, text[match.end() :]


def _one_line(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ArticleError(f"{name} in the front matter is a {type(value).__name__}; expected one line of text.")
    return " ".join(value.split())


def _plain_text(body: str) -> tuple[str, str]:
    return body.strip("\n"), ""


def _markdown_text(body: str) -> tuple[str, str]:
    """The text of a Markdown document without its marks, one block a paragraph, and its first heading."""
    blocks: list[str] = []
    row: list[str] | None = None
    heading = ""
    opened = Token("", "", 0)
    for token in MarkdownIt("commonmark").enable("table").parse(body):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            blocks.append("\t".join(row or []))
            row = None
        elif token.type in ("inline", "fence", "code_block"):
            text = _inline_text(token) if token.type == "inline" else token.content
            heading = heading or (text.strip() if opened.type == "heading_open" else "")
            if row is not None:
                row.append(text.strip())
            elif opened.hidden and blocks:  # an item of a list without blank lines: a line, not a paragraph
                blocks[-1] += "\n" + text.strip()
            else:
                blocks.append(text.strip())
        opened = token
    return "\n\n".join(block for block in blocks if block), heading


def _inline_text(token: Token) -> str:
    """The words of a paragraph: links and emphasis without their marks, pictures and HTML tags not at all."""
    breaks = {"softbreak": " ", "hardbreak": "\n", "image": "", "html_inline": ""}
    return "".join(breaks.get(child.type, child.content) for child in token.children or [])
