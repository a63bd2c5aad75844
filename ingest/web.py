"""Addresses into pages: an article's own, or those that a feed or a sitemap lists."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree
from lxml.html import fromstring

from ingest.draft import Failure
from ingest.fetch import Fetcher, Page, unpack
from rag.errors import ArticleError

log = logging.getLogger(__name__)

# What a feed or sitemap says of an article, by the names of a Draft's fields, as written there.
Facts = dict[str, str]

# An index may list 50,000 sitemaps (sitemaps.org), and one made by a mistake of a site never ends.
_MOST_SITEMAPS = 200
# The protocol's own limit for a sitemap, unpacked.
_LARGEST_LIST = 50_000_000
_HEAD = 4096
# The first element, behind declarations, comments and a document type.
_ROOT = re.compile(r"\A\s*(?:<[?!][^>]*>\s*){0,20}<(?:[\w.-]+:)?([\w.-]+)")
_FEEDS = frozenset(("rss", "feed", "RDF"))
_SITEMAPS = frozenset(("urlset", "sitemapindex"))
# Elements of Google's news sitemaps, and where their texts go.
_NEWS = {"title": "title", "publication_date": "published", "name": "publisher", "language": "language"}

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "multipart/related": ".mhtml",
    "message/rfc822": ".mhtml",
    "application/x-mimearchive": ".mhtml",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    _WORD: ".docx",
    "application/epub+zip": ".epub",
    "application/vnd.oasis.opendocument.text": ".odt",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/x-jsonlines": ".jsonl",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.apache.parquet": ".parquet",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
}
# What servers say of every file that they do not know: the address tells more.
_VAGUE = frozenset(("", "application/octet-stream", "binary/octet-stream", "text/plain", "application/x-download"))


def media_suffix(media_type: str, url: str) -> str:
    """The suffix of files of this media type, such as ".html"; for types that say little, the address's own; or ""."""
    kind = media_type.partition(";")[0].strip().lower()
    name = urlsplit(url).path.rpartition("/")[2]
    own = "." + name.rpartition(".")[2].lower() if "." in name.strip(".") else ""
    if kind in _VAGUE and own in _SUFFIXES.values():
        return own
    return _SUFFIXES.get(kind, own)


def read_address(url: str, fetcher: Fetcher, *, max_articles: int) -> Iterator[tuple[Page, Facts] | Failure]:
    """The page at an address, or the pages that the feed or sitemap there lists, each with what the list says of it.

    At most ``max_articles`` listed addresses are tried, in the order of the feed, in a sitemap the last modified first;
    each once, and one that fails is a Failure that does not stop the others. A page that only links to articles is a
    page. Raises ArticleError (GoneError) when the address itself cannot be read, or lists nothing.
    """
    page = fetcher.get(url)
    listed = _listed(page, fetcher)
    if listed is None:
        yield page, {}
        return
    seen: set[str] = set()
    reached: set[str] = set()
    for found in listed:
        if isinstance(found, Failure):
            yield found
            continue
        address, facts = found
        if address in seen or address in reached:
            continue
        if len(seen) == max_articles:
            log.warning("%s lists more than %d articles; --max-articles reads more of them", url, max_articles)
            break
        seen.add(address)
        try:
            article = fetcher.get(address)
        except ArticleError as error:
            yield Failure(address, str(error))
            continue
        if article.url not in reached:  # two addresses may lead to one page
            reached.add(article.url)
            yield article, facts
    if not seen:
        raise ArticleError("the feed or sitemap there lists no articles.")


def _listed(page: Page, fetcher: Fetcher) -> Iterator[tuple[str, Facts] | Failure] | None:
    """The addresses that a page lists if it is a feed or a sitemap, with what it says of each; None for other pages."""
    page = _unpacked(page)
    root = _root(page.body)
    if root in _FEEDS:
        return _feed(page)
    if root in _SITEMAPS:
        return _sitemaps(page, fetcher)
    feed = _json_feed(page)
    return None if feed is None else _json_entries(page, feed)


def _unpacked(page: Page) -> Page:
    """The page with a gzipped body unpacked. Raises ArticleError when that cannot be done."""
    if not page.body.startswith(b"\x1f\x8b"):
        return page
    pieces = (page.body[at : at + _HEAD] for at in range(0, len(page.body), _HEAD))
    return Page(page.url, b"".join(unpack(pieces, largest=_LARGEST_LIST)), page.media_type)


def _root(body: bytes) -> str:
    """The name of the first element of XML or HTML without its prefix; "" for what is neither."""
    encoding = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    found = _ROOT.match(body[:_HEAD].decode(encoding, "replace"))
    return found[1] if found else ""


def _feed(page: Page) -> Iterator[tuple[str, Facts] | Failure]:
    """The entries of an RSS or Atom feed. Raises ArticleError when it cannot be read."""
    import feedparser

    # Feeds are served as HTML, text and worse; only the character set in the header means something.
    kind = ";".join(["application/xml", *page.media_type.split(";")[1:]])
    headers = {"content-type": kind, "content-location": page.url}
    try:
        # A stream: feedparser takes a text that looks like an address or a path for one, and opens it.
        found = feedparser.parse(
            io.BytesIO(page.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
        entries, language = found.entries, _text(found.feed.get("language"))
    except Exception as error:  # it promises never to raise, which broken feeds do not honour
        raise ArticleError(f"the feed cannot be read ({type(error).__name__}).") from error
    if found.bozo and not entries:
        raise ArticleError(f"the feed cannot be read ({_text(str(found.bozo_exception))[:200]}).")
    for number, entry in enumerate(entries, start=1):
        facts = {
            "title": _text(entry.get("title")),
            "author": _text((entry.get("author_detail") or {}).get("name") or entry.get("author")),
            "published": _text(entry.get("published")),
            "language": language,
        }
        yield _entry(page, number, entry.get("link") or entry.get("id"), facts)


def _json_feed(page: Page) -> dict[str, Any] | None:
    """The JSON Feed (jsonfeed.org) in a page; None when there is none."""
    if not page.body[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or b"jsonfeed.org" not in page.body:
        return None
    try:
        feed = json.loads(page.body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    named = (
        isinstance(feed, dict) and "jsonfeed.org" in str(feed.get("version")) and isinstance(feed.get("items"), list)
    )
    return feed if named else None


def _json_entries(page: Page, feed: dict[str, Any]) -> Iterator[tuple[str, Facts] | Failure]:
    for number, item in enumerate(feed["items"], start=1):
        item = item if isinstance(item, dict) else {}
        authors = item.get("authors") or feed.get("authors") or [item.get("author") or feed.get("author")]
        names = (
            [_text(each.get("name")) for each in authors if isinstance(each, dict)] if isinstance(authors, list) else []
        )
        facts = {
            "title": _text(item.get("title")),
            "author": ", ".join(name for name in names if name),
            "published": _text(item.get("date_published")),
            "language": _text(item.get("language") or feed.get("language")),
        }
        yield _entry(page, number, item.get("url") or item.get("id"), facts)


def _entry(page: Page, number: int, link: object, facts: Facts) -> tuple[str, Facts] | Failure:
    address = _absolute(page.url, link)
    if not address:
        return Failure(
            f"{page.url}, entry {number}", "expected a link to the article, found none that begins with http."
        )
    return address, {name: text for name, text in facts.items() if text}


def _sitemaps(page: Page, fetcher: Fetcher) -> Iterator[tuple[str, Facts] | Failure]:
    """The addresses in a sitemap, or in those that an index lists, the last modified first."""
    waiting, seen = [page.url], {page.url}
    pages = {page.url: page}
    while waiting:
        address = waiting.pop()
        try:
            current = pages.pop(address, None) or _unpacked(fetcher.get(address))
            root, places = _places(current)
        except ArticleError as error:
            if address == page.url:
                raise
            yield Failure(address, str(error))
            continue
        if root != "sitemapindex":
            yield from ((found, facts) for found, facts in places if found)
            continue
        new = [found for found, _ in places if found and found not in seen]
        if len(seen) + len(new) > _MOST_SITEMAPS:
            yield Failure(address, f"lists more than {_MOST_SITEMAPS} sitemaps; the others are left out.")
            new = new[: max(0, _MOST_SITEMAPS - len(seen))]
        seen.update(new)
        waiting.extend(reversed(new))


def _places(page: Page) -> tuple[str, list[tuple[str, Facts]]]:
    """The root of a sitemap and what it lists, the last modified first. Raises ArticleError when it is none."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True
    )
    try:
        root = etree.fromstring(page.body, parser=parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ArticleError("expected a sitemap, found no XML.") from error
    name = _tag(root)[1] if root is not None else ""
    if name not in _SITEMAPS:
        raise ArticleError(f"expected a sitemap, found {name or 'nothing'}.")
    dated: list[tuple[str, str, Facts]] = []
    for child in root.iterchildren(etree.Element):
        address = modified = ""
        facts: Facts = {}
        for element in child.iter(etree.Element):
            (namespace, tag), text = _tag(element), " ".join((element.text or "").split())
            if tag == "loc" and element.getparent() is child:
                address = _absolute(page.url, text)
            elif tag == "lastmod":
                modified = text
            elif tag in _NEWS and "news" in namespace and text:
                facts[_NEWS[tag]] = text
        dated.append((modified or facts.get("published", ""), address, facts))
    dated.sort(key=lambda place: place[0], reverse=True)
    return name, [(address, facts) for _, address, facts in dated]


def _tag(element: etree._Element) -> tuple[str, str]:
    """The namespace and the name of an element; lxml's own QName fails for the names of broken XML."""
    namespace, _, name = element.tag.rpartition("}")
    return namespace, name


def _absolute(base: str, link: object) -> str:
    """A link as a whole address without its fragment; "" for one that is not of the web."""
    try:
        address = urldefrag(urljoin(base, link.strip())).url if isinstance(link, str) and link.strip() else ""
    except ValueError:
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _text(value: object) -> str:
    """A text of a feed as one line without its HTML."""
    if not isinstance(value, str):
        return ""
    if "<" in value:
        with contextlib.suppress(etree.LxmlError, ValueError):
            value = fromstring(f"<div>{value}</div>").text_content()
    return " ".join(str(value).split())
