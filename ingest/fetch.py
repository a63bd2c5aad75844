"""Pages from the web: asked for politely, and never from inside the own network unless that is allowed."""

from __future__ import annotations

import datetime
import email.utils
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType

import httpx

from ingest.guard import Guard, GuardedTransport, NoConnectionError, Resolver, resolve
from ingest.robots import Rules, parse_robots
from rag.errors import ArticleError

# The name that robots.txt files know us by.
_ROBOT = "isnad"
# Above any article with its pictures, below what fills the memory.
_LARGEST_PAGE = 50_000_000
# From the first connection to the last byte, redirects included, polite waiting not.
_TIME_LIMIT = 60.0
# One request a second is what news sites ask of crawlers when they ask anything.
_INTERVAL = 1.0
# A site that wants longer pauses than this is asked for every 30 seconds nevertheless, else a feed takes a day.
_LONGEST_PAUSE = 30.0
_MOST_REDIRECTS = 10
_RETRIES = 2
# A site that is silent for so long will stay silent.
_SILENCE = httpx.Timeout(15.0, connect=10.0)
_PIECE = 65_536


class GoneError(ArticleError):
    """There is no such page any more (404, 410); asking again will not help."""


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: its address after redirects, the unpacked bytes, the Content-Type header as sent."""

    url: str
    body: bytes
    media_type: str


def unpack(chunks: Iterable[bytes], *, largest: int) -> Iterator[bytes]:
    """The bytes that gzip or zlib data holds, in small pieces so that a bomb is noticed before it fills the memory.

    Raises ArticleError past ``largest`` bytes and for damaged data.
    """
    unpacker, total = zlib.decompressobj(zlib.MAX_WBITS | 32), 0
    try:
        for chunk in chunks:
            while chunk:
                if unpacker.eof:  # zeros that fill up the last block, or another member
                    chunk = chunk.lstrip(b"\0")
                    if not chunk:
                        break
                    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
                piece = unpacker.decompress(chunk, _PIECE)
                total += len(piece)
                if total > largest:
                    raise _too_large(largest)
                yield piece
                chunk = unpacker.unconsumed_tail or unpacker.unused_data
        yield unpacker.flush()
    except zlib.error as error:
        raise ArticleError("the compressed data is damaged.") from error
    if not unpacker.eof:
        raise ArticleError("the compressed data ends early; try again.")


class Fetcher:
    """Fetches pages one after the other, for use in one thread and in a ``with`` statement.

    ``allow_private`` admits addresses inside the own network; ``interval`` is the pause between two requests to a host,
    ``time_limit`` the longest a page may take, both in seconds; ``largest`` bounds a page in bytes once unpacked.
    ``resolve`` finds the addresses of a host.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        interval: float = _INTERVAL,
        time_limit: float = _TIME_LIMIT,
        largest: int = _LARGEST_PAGE,
        resolve: Resolver = resolve,
    ) -> None:
        self._interval, self._time_limit, self._largest = interval, time_limit, largest
        self._guard = Guard(resolve, allow_private=allow_private)
        agent = f"{_ROBOT}/{version('isnad')} (+news reader; respects robots.txt)"
        self._client = httpx.Client(
            transport=GuardedTransport(self._guard),
            headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate", "Accept": "text/html,*/*;q=0.8"},
            timeout=_SILENCE,
            trust_env=False,  # no proxy from the environment: it would connect to addresses that nobody checked
        )
        self._robots: dict[str, Rules | ArticleError] = {}
        self._free_at: dict[str, float] = {}

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str) -> Page:
        """The page at an address. Raises GoneError when there is none any more, ArticleError when it cannot be had."""
        return self._follow(_address(url), polite=True)

    def _follow(self, url: httpx.URL, *, polite: bool) -> Page:
        """The page at an address or where it redirects to; ``polite`` asks robots.txt first and keeps the pause."""
        left = self._time_limit
        for _ in range(_MOST_REDIRECTS + 1):
            for attempt in range(_RETRIES + 1):
                if polite:
                    self._take_turn(url)
                began = time.monotonic()
                found = self._ask(url, left, attempt)
                left -= time.monotonic() - began
                if not isinstance(found, float):
                    break
                time.sleep(found)
            if isinstance(found, Page):
                return found
            assert isinstance(found, httpx.URL)  # the last attempt gives no pause
            url = found
        raise ArticleError(f"redirected more than {_MOST_REDIRECTS} times; the address leads in circles.")

    def _ask(self, url: httpx.URL, left: float, attempt: int) -> Page | httpx.URL | float:
        """What one request brings: the page, where it is instead, or the seconds after which to ask again."""
        self._guard.deadline = time.monotonic() + left
        try:
            with self._client.stream("GET", url) as response:
                if response.has_redirect_location:
                    return _address(response.headers["Location"], url)
                if response.status_code in (429, 503) and attempt < _RETRIES:
                    return _pause(response.headers.get("Retry-After", ""), attempt)
                _check_status(response)
                body = b"".join(self._pieces(response))
        except httpx.TimeoutException as error:
            if self._guard.overdue():
                raise ArticleError(f"not finished within {self._time_limit:g} seconds; try again later.") from error
            raise NoConnectionError("the host does not answer; try again later.") from error
        except httpx.InvalidURL as error:  # httpx looks at redirects, also at those that it is not to follow
            raise ArticleError(f"redirected to what is not an address of the web ({error}).") from error
        except httpx.ConnectError as error:
            raise NoConnectionError(_why_not_connected(error)) from error
        except (httpx.RequestError, httpx.StreamError) as error:
            raise ArticleError(f"the connection broke ({error or type(error).__name__}); try again later.") from error
        return Page(str(url.copy_with(fragment=None)), body, response.headers.get("Content-Type", ""))

    def _pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The bytes of a page as they come, unpacked by hand because httpx unpacks whole chunks, bombs included."""
        packing = response.headers.get("Content-Encoding", "").strip().lower()
        chunks = response.iter_raw(_PIECE)
        if packing in ("gzip", "x-gzip", "deflate"):
            chunks = unpack(chunks, largest=self._largest)
        elif packing not in ("", "identity"):
            raise ArticleError(f"expected gzip or no compression, the server sent {packing[:20]!r} unasked.")
        total = 0
        for chunk in chunks:
            total += len(chunk)
            if total > self._largest:
                raise _too_large(self._largest)
            if self._guard.overdue():  # bytes that come one by one never run into the timeout of one read
                raise ArticleError(f"not finished within {self._time_limit:g} seconds; try again later.")
            yield chunk

    def _take_turn(self, url: httpx.URL) -> None:
        """Returns when the host may be asked for this address. Raises ArticleError when its robots.txt forbids it."""
        rules = self._rules_of(url)
        if not rules.allow(url.raw_path.decode("ascii")):
            raise ArticleError("the site's robots.txt asks programs not to read this address.")
        pause = min(max(self._interval, rules.pause), _LONGEST_PAUSE)
        now = time.monotonic()
        turn = max(now, self._free_at.get(url.host, now))
        self._free_at[url.host] = turn + pause
        time.sleep(turn - now)

    def _rules_of(self, url: httpx.URL) -> Rules:
        address = url.join("/robots.txt")
        origin = str(address)
        if origin not in self._robots:
            try:
                self._robots[origin] = self._read_robots(address)
            except ArticleError as error:
                self._robots[origin] = error
        found = self._robots[origin]
        if isinstance(found, ArticleError):
            raise type(found)(str(found))
        return found

    def _read_robots(self, address: httpx.URL) -> Rules:
        """The rules of a site (RFC 9309): none where it has no robots.txt; where that fails, nothing is to be read."""
        try:
            return parse_robots(self._follow(address, polite=False).body, _ROBOT)
        except (_NoAccessError, GoneError):
            return Rules()
        except NoConnectionError:
            raise
        except ArticleError as error:
            raise ArticleError(f"the site's robots.txt cannot be read, so the site is left alone: {error}") from error


class _NoAccessError(ArticleError):
    """The server refuses this request (any other 4xx)."""


def _address(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """A checked address. Raises ArticleError for one that is not http, holds a password or is no address at all."""
    try:
        url = base.join(text) if base else httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise ArticleError(f"{text[:200]!r} is not an address ({error}).") from error
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65_536:
        raise ArticleError(f"{text[:200]!r} is not an address that begins with https:// or http://.")
    if url.userinfo:
        raise ArticleError("the address holds a user name or password; only open pages are read.")
    return url


def _check_status(response: httpx.Response) -> None:
    code = response.status_code
    if 200 <= code < 300:
        return
    said = f"the server answered {code} {response.reason_phrase}".strip()
    if code in (404, 410):
        raise GoneError(f"{said}: there is no such page.")
    if 400 <= code < 500 and code != 429:
        raise _NoAccessError(f"{said}: it does not give this page to programs.")
    raise ArticleError(f"{said}; try again later.")


def _pause(retry_after: str, attempt: int) -> float:
    """The seconds to wait before asking again. Raises ArticleError when the server wants more than is bearable."""
    seconds = float(2**attempt)
    if retry_after.strip().isdecimal():
        seconds = float(retry_after)
    elif retry_after:
        try:
            moment = email.utils.parsedate_to_datetime(retry_after)
            seconds = moment.timestamp() - datetime.datetime.now(datetime.UTC).timestamp()
        except (ValueError, OverflowError, OSError):
            pass
    if seconds > _LONGEST_PAUSE:
        raise ArticleError(f"the server is busy and wants to be asked again in {seconds:.0f} seconds.")
    return max(seconds, 0.0)


def _why_not_connected(error: BaseException | None) -> str:
    reason = str(error)
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"the site's certificate is not valid ({error.verify_message})."
        error = error.__cause__ or error.__context__
    return f"no connection to the host ({reason}); try again later."


def _too_large(largest: int) -> ArticleError:
    return ArticleError(f"larger than {largest / 1_000_000:g} MB, which no article is.")
