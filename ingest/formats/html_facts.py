"""What a web page states about its article: title, author, publisher, date, address and language."""

from __future__ import annotations

import copy
import datetime
import email.utils
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml.html import HtmlElement

from ingest.dates import read_date
from ingest.draft import Draft

# The names under which pages state a fact in <meta>, the most reliable first.
_AUTHOR = ("author", "article:author", "og:article:author", "dc.creator", "dcterms.creator", "parsely-author")
_PUBLISHER = ("publisher", "dc.publisher", "dcterms.publisher", "article:publisher", "application-name")
_PUBLISHED = (
    "article:published_time og:article:published_time article:published datepublished dc.date.issued dcterms.issued "
    "dc.date dcterms.created dcterms.date parsely-pub-date sailthru.date publishdate publish_date publication_date "
    "pubdate date"
).split()
# Between a headline and the name of the site in <title>; a bar hardly ever stands within a headline, a dash often does.
_SEPARATOR = re.compile(r"\s+[-–—|·•»«:]+\s+|\s*[|｜]\s*|\s*_\s*(?=[^_]*\Z)")
_BAR = re.compile(r"\s*[|｜]\s*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_YEAR_FIRST = re.compile(r"(\d{4})\s?[-/.年년]\s?(\d{1,2})\s?[-/.月월]\s?(\d{1,2})(?!\d)")
# Outside these years a date is of another calendar (1401 is a Persian year) or a mistake.
_EARLIEST, _LATEST = 1800, 2100
# Where a page shows its date to people; what is longer than this holds more than a date.
_SHOWN = "contains(@class, 'date') or contains(@class, 'time') or contains(@class, 'publish') or contains(@id, 'date')"
_LONGEST_SHOWN = 60
# Of elements that may hold the date so many are tried: an article's own comes early.
_MOST_TRIED = 20
_LONGEST_NAME = 200
# Longer ones are no headlines, and taking them apart would take quadratic time.
_LONGEST_TITLE = 500
# Where a page links to other articles or shows what readers wrote, whose dates are not the article's.
_ELSEWHERE = (
    "//nav | //aside | //footer | //*[self::div or self::section or self::ul or self::ol][contains(@class, 'comment')]"
)


def read_facts(tree: HtmlElement, *, url: str) -> Draft:
    """A draft without text that has what the page states, and in ``guessed`` the fields that had to be inferred.

    ``url`` is the address the page came from, or "". The page's own statement wins over what can be inferred.
    """
    meta, nodes = _metas(tree), _json_ld(tree)
    publisher = meta.get("og:site_name") or _linked(nodes, "publisher") or _first(meta, _PUBLISHER)
    address = _canonical(tree, meta, url)
    author, author_guessed = _author(tree, meta, nodes)
    language = _language(tree, meta, nodes)
    published, published_guessed = _published(tree, meta, nodes, url=address, language=language)
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    guesses = (
        ("author", author_guessed),
        ("publisher", bool(host and not publisher)),
        ("published", published_guessed),
    )
    return Draft(
        text="",
        title=_title(tree, meta, nodes, publisher or host),
        url=address,
        publisher=publisher or host,
        author=author,
        published=published,
        language=language,
        guessed=tuple(field for field, guessed in guesses if guessed),
    )


def _metas(tree: HtmlElement) -> dict[str, str]:
    """What each name says in the page's <meta> elements, names in lower case; the first one counts."""
    found: dict[str, str] = {}
    for meta in tree.iter("meta"):
        content = _clean(meta.get("content") or "")
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            name = (meta.get(attribute) or "").strip().lower()
            if content and name:
                found.setdefault(name, content)
    return found


def _json_ld(tree: HtmlElement) -> list[dict[str, Any]]:
    """The page's JSON-LD objects, those that describe an article first; broken ones are passed over."""
    found: list[dict[str, Any]] = []
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        try:
            # Real pages have line ends within strings, and wrap the whole in a comment.
            waiting = [json.loads((script.text or "").strip().removeprefix("<!--").removesuffix("-->"), strict=False)]
        except (ValueError, RecursionError):
            continue
        while waiting:
            node = waiting.pop()
            if isinstance(node, list):
                waiting.extend(reversed(node))
            elif isinstance(node, dict):
                found.append(node)
                waiting.extend(node[key] for key in ("mainEntity", "@graph") if key in node)
    return sorted(found, key=_rank)


def _rank(node: dict[str, Any]) -> int:
    kinds = node.get("@type")
    names = [kind.lower() for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]
    if any(name.endswith(("article", "posting", "report")) for name in names):
        return 0
    return 1 if any(name.endswith("page") for name in names) else 2


def _stated(nodes: list[dict[str, Any]], key: str) -> Iterator[str]:
    """What the article's (else the page's) JSON-LD says under ``key``, as text."""
    for node in nodes:
        if _rank(node) < 2 and (text := _name(node.get(key), nodes)):
            yield text


def _linked(nodes: list[dict[str, Any]], key: str) -> str:
    return next(_stated(nodes, key), "")


def _name(value: object, nodes: list[dict[str, Any]]) -> str:
    """A JSON-LD value as one line: a text, the name of a person or organisation, or several of them."""
    if isinstance(value, str):
        return _clean(html.unescape(value))
    if isinstance(value, list):
        names = dict.fromkeys(_name(item, nodes) for item in value if not isinstance(item, list))
        return ", ".join(name for name in names if name)
    if not isinstance(value, dict):
        return ""
    name = value.get("name")
    if name is None and isinstance(value.get("@id"), str):  # described elsewhere on the page
        name = next((node.get("name") for node in nodes if node.get("@id") == value["@id"]), None)
    if isinstance(name, list) and name:
        name = name[0]
    return _clean(html.unescape(name)) if isinstance(name, str) else ""


def _title(tree: HtmlElement, meta: dict[str, str], nodes: list[dict[str, Any]], site: str) -> str:
    headings = [text for element in tree.iter("h1") if (text := _clean(element.text_content()))]
    stated = [
        meta.get("og:title", ""),
        _linked(nodes, "headline"),
        meta.get("headline", ""),
        next((_clean(element.text_content()) for element in tree.iter("title")), ""),
    ]
    for title in stated:
        if title and title != site:
            return _without_site(title, site, headings) if len(title) <= _LONGEST_TITLE else title
    return headings[0] if headings else ""


def _without_site(title: str, site: str, headings: list[str]) -> str:
    """The title without " - Name of the site" before or after it, where it can be told to be that."""
    for separator in _SEPARATOR.finditer(title):
        before, after = title[: separator.start()].strip(), title[separator.end() :].strip()
        for kept, dropped in ((before, after), (after, before)):
            if kept and (dropped.casefold() == site.casefold() or kept in headings):
                return kept
    parts = _BAR.split(title)
    return parts[0] if len(parts) == 2 and len(parts[0]) > len(parts[1]) else title


def _author(tree: HtmlElement, meta: dict[str, str], nodes: list[dict[str, Any]]) -> tuple[str, bool]:
    from trafilatura.metadata import extract_author

    marked = tree.xpath("//*[@itemprop='author']//*[@itemprop='name'] | //*[@itemprop='author'] | //a[@rel='author']")
    stated = [_linked(nodes, "author"), *(meta.get(name, "") for name in _AUTHOR)]
    stated += [_clean(element.text_content()) for element in marked[:2]]
    for name in stated:
        if name and len(name) <= _LONGEST_NAME and not name.startswith(("http://", "https://", "www.", "@")):
            return name, False
    try:
        guess = extract_author(tree)
    except Exception:  # whatever the byline patterns stumble over, the article is worth more than its author
        guess = None
    return (guess, True) if guess else ("", False)


def _published(
    tree: HtmlElement, meta: dict[str, str], nodes: list[dict[str, Any]], *, url: str, language: str
) -> tuple[str, bool]:
    """The date of publication in ISO 8601, with time and zone where the page states them, and whether it is guessed."""
    marked = tree.xpath("//*[@itemprop='datePublished'] | //time[@pubdate]")
    candidates = [
        *(meta[name] for name in _PUBLISHED if name in meta),
        *_stated(nodes, "datePublished"),
        *(element.get("datetime") or element.get("content") or element.text_content() for element in marked[:3]),
    ]
    dates = [date for candidate in candidates if (date := _iso(candidate))]
    if dates:
        # One place may give the day, another the same day with its time and zone.
        return max((date for date in dates if date[:10] == dates[0][:10]), key=len), False
    own = copy.deepcopy(tree)
    for element in own.xpath(_ELSEWHERE):
        element.drop_tree()
    times = [element.get("datetime") for element in own.xpath("//time[@datetime]")[:1]]
    if stated := "".join(map(_iso, times)) or _search_date(own, url, extensive=False):
        return stated, False
    guess = _shown_date(own, language) or _search_date(own, url, extensive=True)
    # The first of January is what a lone year, of a copyright line say, is turned into.
    return ("", False) if guess.endswith("-01-01") else (guess, bool(guess))


def _shown_date(tree: HtmlElement, language: str) -> str:
    """The date that the page shows in words or digits of its language, which htmldate knows few of; else ""."""
    for element in tree.xpath(f"//body//*[{_SHOWN}]")[:_MOST_TRIED]:
        text = _clean(element.text_content())
        if len(text) <= _LONGEST_SHOWN and any(character.isdigit() for character in text):
            date = _iso(text) or _iso(read_date(text, language=language.partition("-")[0]))
            if date:
                return date
    return ""


def _search_date(tree: HtmlElement, url: str, *, extensive: bool) -> str:
    from htmldate import find_date

    try:
        return find_date(tree, extensive_search=extensive, original_date=True, url=url or None) or ""
    except Exception:  # a date that cannot be searched for is a date that is not there
        return ""


def _iso(text: str) -> str:
    """A stated date in ISO 8601, as precise as it is stated; "" when it is not a date of the common calendar."""
    text = _clean(text)
    try:
        return _plausible(datetime.datetime.fromisoformat(text), day=len(text) <= len("2022-07-19"))
    except ValueError:
        pass
    if found := _YEAR_FIRST.match(text):
        try:
            date = datetime.datetime(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return ""
        return _plausible(date, day=True)
    try:
        return _plausible(email.utils.parsedate_to_datetime(text), day=False)
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _plausible(date: datetime.datetime, *, day: bool) -> str:
    if not _EARLIEST <= date.year <= _LATEST:
        return ""
    return date.date().isoformat() if day else date.isoformat()


def _canonical(tree: HtmlElement, meta: dict[str, str], url: str) -> str:
    """The address that the page gives as its own, made absolute, else the one it came from."""
    links = [link.get("href") or "" for link in tree.iter("link") if "canonical" in (link.get("rel") or "").lower()]
    for address in (*links, meta.get("og:url", "")):
        try:
            found = urlsplit(urldefrag(urljoin(url, address.strip())).url) if address.strip() else None
            if found is None or found.scheme not in ("http", "https") or not found.hostname:
                continue
            # Every page of some sites names the site's front page.
            if found.path in ("", "/") and not found.query and urlsplit(url).path not in ("", "/"):
                continue
        except ValueError:
            continue
        return str(found.geturl())
    return url


def _language(tree: HtmlElement, meta: dict[str, str], nodes: list[dict[str, Any]]) -> str:
    locale = meta.get("og:locale", "").replace("_", "-")
    language, _, region = locale.partition("-")
    if language.lower() == region.lower():  # ar_AR is Facebook's way to say Arabic, not Arabic of Argentina
        locale = language
    places: Iterable[HtmlElement] = [tree, *tree.xpath("//body | //main | //article")[:3]]
    stated = [
        *(place.get("lang") or place.get("xml:lang") or "" for place in places),
        locale,
        *_stated(nodes, "inLanguage"),
        *(meta.get(name, "") for name in ("content-language", "language", "dc.language", "dcterms.language")),
    ]
    for code in stated:
        first, *rest = code.strip().replace("_", "-").split(",")[0].split("-")
        tag = "-".join([first.lower(), *({2: part.upper(), 4: part.title()}.get(len(part), part) for part in rest)])
        if _LANGUAGE.fullmatch(tag) and tag not in ("und", "zxx", "mul"):
            return tag
    return ""


def _first(meta: dict[str, str], names: Iterable[str]) -> str:
    return next((meta[name] for name in names if name in meta and not meta[name].startswith("http")), "")


def _clean(text: str) -> str:
    return " ".join(text.split())
