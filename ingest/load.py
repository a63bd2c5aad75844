"""Files into articles: plain text and Markdown, each with optional YAML front matter."""

from __future__ import annotations

import datetime
import hashlib
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.errors import ArticleError, UsageError
from rag.language import detect
from rag.types import Article

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELDS = ("title", "publisher", "published", "url", "language")
# Enough for any article, far below what would be an archive by mistake.
_LARGEST_FILE = 20_000_000
_LONGEST_TITLE = 200
# Control characters that no text holds; a NUL or a run of these means the file is not text.
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")


def find_files(paths: list[Path]) -> Iterator[Path]:
    """The files to read: those named, and inside folders every file with a known suffix, in order.

    Hidden files and folders are passed over. Raises UsageError for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise UsageError(f"There is no file or folder {path}. Check the spelling, or give an absolute path.")
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for file in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.suffix.lower() in _READERS and not hidden and file.is_file():
                yield file


def load_article(path: Path) -> Article:
    """The article in one file. Raises ArticleError, in one line that says why, when it cannot be read.

    A missing title is the first line (Markdown: the first heading), a missing language is detected. The identity is
    the front matter's ``url``, else the file's absolute path.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ArticleError(f"{path}: expected one of {', '.join(_READERS)}, found {path.suffix or 'no suffix'}.")
    fields, body = _front_matter(path, _read_text(path))
    text, heading = reader(body)
    if not text.strip():
        raise ArticleError(f"{path}: there is no text in it.")
    title = fields["title"] or heading or _first_line(text)
    identity = fields["url"] or str(path.resolve())
    return Article(
        id=hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:12],
        title=title,
        text=text,
        url=fields["url"],
        publisher=fields["publisher"],
        published=fields["published"],
        language=fields["language"] or detect(f"{title}\n{text[:2000]}"),
    )


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ArticleError(f"{path}: cannot be read: it is not a file.")
        if status.st_size > _LARGEST_FILE:
            raise ArticleError(f"{path}: larger than {_LARGEST_FILE // 1_000_000} MB; split it into articles first.")
        raw = path.read_bytes()
    except OSError as error:
        raise ArticleError(f"{path}: cannot be read: {error.strerror or error}.") from error
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ArticleError(
            f"{path}: expected UTF-8 text, found byte 0x{raw[error.start]:02x} at {error.start}. "
            "Save it as UTF-8; binary files are not articles."
        ) from error
    if _BINARY.search(text):
        raise ArticleError(f"{path}: expected text, found control characters; binary files are not articles.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _front_matter(path: Path, text: str) -> tuple[dict[str, str], str]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return dict.fromkeys(_FIELDS, ""), text
    try:
        # BaseLoader leaves every value the text it is: a title "No" stays "No", a date stays as written.
        found = yaml.load(match.group(1) or "", Loader=yaml.BaseLoader) or {}  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark else ""
        raise ArticleError(
            f"{path}: the front matter is not valid YAML{where}; put values that hold a colon in quotes."
        ) from error
    if not isinstance(found, dict):
        raise ArticleError(f"{path}: expected “name: value” lines as front matter, found a {type(found).__name__}.")
    fields = {name: _one_line(path, name, found.get(name, "")) for name in _FIELDS}
    if fields["language"] and not _LANGUAGE.fullmatch(fields["language"]):
        raise ArticleError(f"{path}: language is {fields['language']!r}; expected a code such as ar or pt-BR.")
    if fields["url"] and not fields["url"].startswith(("http://", "https://")):
        raise ArticleError(f"{path}: url is {fields['url']!r}; expected an address that begins with https://.")
    fields["published"] = _iso_date(path, fields["published"])
    return fields, text[match.end() :]


def _one_line(path: Path, name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ArticleError(
            f"{path}: {name} in the front matter is a {type(value).__name__}; expected one line of text."
        )
    return " ".join(value.split())


def _iso_date(path: Path, text: str) -> str:
    if not text:
        return ""
    try:
        if len(text) <= len("2022-07-19"):
            return datetime.date.fromisoformat(text).isoformat()
        return datetime.datetime.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ArticleError(f"{path}: published is {text!r}; expected a date such as 2022-07-19.") from error


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0].strip()
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1].rstrip() + "…"


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


_READERS: dict[str, Callable[[str], tuple[str, str]]] = {".txt": _plain_text, ".md": _markdown_text}
