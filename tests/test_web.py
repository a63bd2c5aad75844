"""Addresses into pages: a real server on loopback, what is refused, what is retried, feeds and sitemaps."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import shutil
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.draft import Failure, Source
from ingest.fetch import Fetcher, GoneError, Page, unpack
from ingest.formats.html import load_html
from ingest.guard import is_public
from ingest.robots import parse_robots
from ingest.web import media_suffix, read_address
from rag.errors import ArticleError

HTML = "text/html; charset=utf-8"
STORIES = {
    "ar": "افتتحت البلدية حديقة جديدة على ضفة النهر، وقال العمدة إن الأشجار زُرعت قبل عامين.",
    "zh": "市政府在河边新建了一座公园。市长说,园中的树木两年前就已种下。",
    "en": "The town opened a park on the bank of the river, and its trees were planted two years ago.",
}
Answer = tuple[int, dict[str, str], bytes]


class Site:
    """A server on loopback: ``pages`` maps a path to an answer or a function that writes one; ``asked`` is the log."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, float, dict[str, str]]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append((self.path, time.monotonic(), {k.lower(): v for k, v in self.headers.items()}))
                found = site.pages.get(self.path, (404, {}, b"none"))
                if callable(found):
                    found(self)
                    return
                status, headers, body = found
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients that hang up are what some tests are about

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked if path != "/robots.txt"]

    def page(self, path: str, text: str, **headers: str) -> str:
        body = f"<html><head><title>{text[:10]}</title></head><body><p>{text}</p></body></html>".encode()
        self.pages[path] = (200, {"Content-Type": HTML, **headers}, body)
        return self.url + path

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(allow_private=True, interval=0, time_limit=20) as fetcher:
        yield fetcher


def _refusal(fetcher: Fetcher, url: str) -> str:
    with pytest.raises(ArticleError) as caught:
        fetcher.get(url)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Internet:
    """Host names, and public addresses that are really the server on loopback.

    No test may reach the network, so what is behind a public address has to be faked: ``resolve`` answers for DNS, and
    the one function with which httpcore opens a connection is replaced by one that notes the address it was asked for
    and goes to the server on loopback. What lies between the two, the check and which address it hands on, is real.
    """

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names, self.connected = names, []
        self._connect = httpcore.SyncBackend.connect_tcp

    def resolve(self, host: str, port: int) -> list[str]:
        if host not in self.names:
            raise OSError("unknown name")
        return list(self.names[host])

    def connect(self, backend: httpcore.SyncBackend, address: str, *rest: Any) -> httpcore.NetworkStream:
        self.connected.append(address)
        return self._connect(backend, "127.0.0.1", *rest)


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    internet = Internet({"news.example": ["93.184.216.34"], "inside.example": ["10.0.0.7"]})
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *given: internet.connect(*given))
    return internet


# --- one page


@pytest.mark.parametrize("language", STORIES)
def test_a_page_comes_with_its_address_and_type(language: str, site: Site, fetcher: Fetcher) -> None:
    """The bytes are the server's, the media type is kept whole, and the robot says who it is."""
    url = site.page("/خبر", STORIES[language])
    site.pages["/%D8%AE%D8%A8%D8%B1"] = site.pages.pop("/خبر")
    page = fetcher.get(url + "#part")
    assert STORIES[language] in page.body.decode()
    assert (page.url, page.media_type) == (site.url + "/%D8%AE%D8%A8%D8%B1", HTML)
    assert site.asked[-1][2]["user-agent"].startswith("isnad/")


def test_the_charset_in_the_header_reaches_the_loader(site: Site, fetcher: Fetcher) -> None:
    """An Arabic page that only its header says to be windows-1256 is read as such."""
    body = f"<html><body><p>{STORIES['ar']}</p></body></html>".encode("cp1256")
    site.pages["/a"] = (200, {"Content-Type": "text/html; charset=windows-1256"}, body)
    page = fetcher.get(site.url + "/a")
    draft = next(load_html(Source("a", io.BytesIO(page.body), page.media_type, page.url)))
    assert draft.text == STORIES["ar"]


def test_redirects_are_followed_to_the_last_address(site: Site, fetcher: Fetcher) -> None:
    """Relative and absolute redirects lead on, and the page has the address where it was found."""
    site.pages["/a"] = (301, {"Location": "b?x=1"}, b"")
    site.pages["/b?x=1"] = (307, {"Location": site.page("/c", STORIES["en"])}, b"")
    assert fetcher.get(site.url + "/a").url == site.url + "/c"


def test_redirects_in_circles_end(site: Site, fetcher: Fetcher) -> None:
    """Ten redirects are followed, not more."""
    site.pages["/a"] = (302, {"Location": "/b"}, b"")
    site.pages["/b"] = (302, {"Location": "/a"}, b"")
    assert "10 times" in _refusal(fetcher, site.url + "/a")
    assert len(site.paths()) == 11


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_compressed_pages_are_unpacked(packing: str, site: Site, fetcher: Fetcher) -> None:
    """gzip and deflate are what is asked for and what is understood."""
    packed = (gzip if packing == "gzip" else zlib).compress(STORIES["ar"].encode())
    site.pages["/a"] = (200, {"Content-Encoding": packing}, packed)
    assert fetcher.get(site.url + "/a").body.decode() == STORIES["ar"]


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({"Content-Encoding": "br"}, b"\x0b\x02\x80abc\x03", "'br' unasked"),
        ({"Content-Encoding": "gzip"}, b"not gzip at all", "damaged"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"text" * 999)[:-9], "ends early"),
        ({"Content-Length": "999"}, b"less than that", "connection broke"),
        ({"Location": "javascript:alert(1)"}, b"", "not an address"),
        ({"Location": "file:///etc/passwd"}, b"", "https://"),
        ({"Location": "http://[::1"}, b"", "Invalid URL in location"),
        ({"Location": "http://127.0.0.1:99999/"}, b"", "https://"),
        ({"Location": "mailto:a@b.example"}, b"", "not an address"),
        ({"Location": "http://user:secret@127.0.0.1/"}, b"", "password"),
    ],
)
def test_wrong_answers_are_refused(
    headers: dict[str, str], body: bytes, says: str, site: Site, fetcher: Fetcher
) -> None:
    """Damaged bodies and redirects to what is not the web each get their reason."""
    site.pages["/a"] = (302 if "Location" in headers else 200, {**headers, "Connection": "close"}, body)
    assert says in _refusal(fetcher, site.url + "/a")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\xff\xfe nonsense",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xd8\xae\xff:x/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + b"a" * 80_000 + b"/\r\n\r\n",
        b"HTTP/1.1 999 \xff\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nRetry-After: Tue, 99 Foo 99999 99:99:99 GMT\r\nContent-Length: x\r\n\r\n",
        b"",
    ],
)
def test_answers_that_are_no_http_are_refused(raw: bytes, site: Site, fetcher: Fetcher) -> None:
    """Whatever bytes come back, they end in a page or one line that says why there is none."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)
        handler.close_connection = True

    site.pages["/a"] = answer
    assert _refusal(fetcher, site.url + "/a")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://example.org/a", "https://"),
        ("example.org", "https://"),
        ("http:///a", "https://"),
        ("http://user:secret@example.org/", "password"),
        ("http://exa mple.org/", "cannot be resolved"),
        ("http://example.org:x/", "not an address"),
        ("http://127.0.0.1:99999/", "https://"),
        ("http://[::1", "not an address"),
        ("", "https://"),
        ("http://nowhere.invalid/", "nowhere.invalid cannot be resolved"),
        ("http://" + "a" * 80 + ".example/", "cannot be resolved"),
    ],
)
def test_addresses_that_cannot_be_fetched_are_refused(url: str, says: str) -> None:
    """What is no address of the web is said to be none before anything is asked."""
    with Fetcher(resolve=Internet({}).resolve) as fetcher:
        assert says in _refusal(fetcher, url)


@pytest.mark.parametrize("status", [404, 410])
def test_pages_that_are_gone_can_be_told(status: int, site: Site, fetcher: Fetcher) -> None:
    """404 and 410 are a GoneError, so that a pruning ingest may remove the article."""
    site.pages["/a"] = (status, {}, b"gone")
    with pytest.raises(GoneError, match=str(status)):
        fetcher.get(site.url + "/a")


@pytest.mark.parametrize(
    ("status", "says"), [(403, "403"), (401, "401"), (500, "try again"), (418, "418"), (304, "304")]
)
def test_other_refusals_are_not_gone(status: int, says: str, site: Site, fetcher: Fetcher) -> None:
    """A page behind a wall or a server in trouble is not a page that is gone."""
    site.pages["/a"] = (status, {}, b"")
    with pytest.raises(ArticleError, match=says) as caught:
        fetcher.get(site.url + "/a")
    assert not isinstance(caught.value, GoneError)


def test_nobody_there(fetcher: Fetcher) -> None:
    """A port where nothing listens is reported in one line."""
    site = Site()
    site.stop()
    assert "no connection" in _refusal(fetcher, site.url)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_a_certificate_that_nobody_vouches_for_is_refused(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """A self-signed certificate is named as the reason."""
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout key.pem -out cert.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    assert "certificate is not valid" in _refusal(fetcher, f"https://127.0.0.1:{site.port}/a")


# --- limits


def test_a_bomb_is_cut(site: Site) -> None:
    """A small body that unpacks to 300 MB is given up at the limit, long before it fills the memory."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join([*(packer.compress(bytes(1_000_000)) for _ in range(300)), packer.flush()])
    tracemalloc.start()
    site.pages["/a"] = (200, {"Content-Encoding": "gzip"}, packed)
    with Fetcher(allow_private=True, interval=0, largest=1_000_000) as fetcher:
        assert "larger than 1 MB" in _refusal(fetcher, site.url + "/a")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_large_page_is_cut(site: Site) -> None:
    """The limit holds for what is not compressed as well."""
    site.pages["/a"] = (200, {}, bytes(2_000_001))
    with Fetcher(allow_private=True, interval=0, largest=2_000_000) as fetcher:
        assert "larger than 2 MB" in _refusal(fetcher, site.url + "/a")
    with Fetcher(allow_private=True, interval=0, largest=2_000_001) as fetcher:
        assert len(fetcher.get(site.url + "/a").body) == 2_000_001


@pytest.mark.parametrize("part", ["headers", "body", "packed body"])
def test_a_dripping_server_runs_into_the_time_limit(part: str, site: Site) -> None:
    """Bytes that come one by one, each soon enough, do not keep a fetch alive."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        if part != "headers":
            handler.send_response(200)
            if part == "packed body":
                handler.send_header("Content-Encoding", "gzip")
            handler.end_headers()
        for _ in range(200):
            handler.wfile.write(b"a" if part != "packed body" else gzip.compress(b"a"))
            handler.wfile.flush()
            time.sleep(0.05)

    site.pages["/a"] = drip
    began = time.monotonic()
    with Fetcher(allow_private=True, interval=0, time_limit=0.5) as fetcher:
        assert "within 0.5 seconds" in _refusal(fetcher, site.url + "/a")
    assert time.monotonic() - began < 3


def test_members_of_gzip_are_joined() -> None:
    """Files made of several gzip members, with zeros at the end, unpack whole, in whatever pieces they come."""
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + bytes(30)
    for size in (1, 7, 1000):
        pieces = (packed[at : at + size] for at in range(0, len(packed), size))
        assert b"".join(unpack(pieces, largest=7)) == b"one two"


# --- private addresses


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1 255.255.255.255 "
    "198.18.0.1 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 fec0::1 ff02::1 ff0e::1 ::ffff:127.0.0.1 "
    "::ffff:192.168.0.1 ::127.0.0.1 2002:7f00:1:: 2002:c0a8:101::1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 "
    "2001:db8::1 2001::1 4000::1".split(),
)
def test_addresses_inside_are_not_public(address: str) -> None:
    """Loopback, private, link-local, multicast and reserved ranges are told, also inside other addresses."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", "93.184.216.34 8.8.8.8 2606:4700::1111 ::ffff:8.8.8.8 2002:808:808::1 64:ff9b::808:808".split()
)
def test_public_addresses_are_public(address: str) -> None:
    """The ranges of the internet, and those that only carry such an address."""
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "127.1"])
def test_the_own_machine_is_refused(host: str, site: Site) -> None:
    """However loopback is written, it is refused before a connection is made, and the way to allow it is named."""
    with Fetcher(interval=0) as fetcher:
        assert "--allow-private" in _refusal(fetcher, f"http://{host}:{site.port}/a")
    assert site.asked == []


@pytest.mark.parametrize("target", ["http://inside.example/a", "http://10.0.0.7/a", "http://[::ffff:10.0.0.7]/a"])
def test_a_redirect_into_the_own_network_is_refused(target: str, site: Site, internet: Internet) -> None:
    """A public page may not lead to a private address; with allow_private it may."""
    internet.names.update({"10.0.0.7": ["10.0.0.7"], "::ffff:10.0.0.7": ["::ffff:10.0.0.7"]})
    site.pages["/start"] = (302, {"Location": target}, b"")
    site.page("/a", "secret")
    with Fetcher(interval=0, resolve=internet.resolve) as fetcher:
        assert "--allow-private" in _refusal(fetcher, f"http://news.example:{site.port}/start")
    assert set(internet.connected) == {"93.184.216.34"}
    site.pages["/start"] = (302, {"Location": target.replace("/a", f":{site.port}/a")}, b"")
    with Fetcher(interval=0, resolve=internet.resolve, allow_private=True) as fetcher:
        assert b"secret" in fetcher.get(f"http://news.example:{site.port}/start").body


def test_one_private_address_among_public_ones_is_enough(site: Site, internet: Internet) -> None:
    """A name that means a public and a private address is refused whole."""
    internet.names["mixed.example"] = ["93.184.216.34", "192.168.0.9"]
    with Fetcher(interval=0, resolve=internet.resolve) as fetcher:
        assert "192.168.0.9" in _refusal(fetcher, f"http://mixed.example:{site.port}/a")
    assert internet.connected == []


def test_the_address_that_was_checked_is_the_one_connected_to(site: Site, internet: Internet) -> None:
    """A name server that says something else each time gains nothing: every connection goes where its check looked."""
    site.page("/a", STORIES["en"], Connection="close")
    site.pages["/robots.txt"] = (404, {"Connection": "close"}, b"")
    answers = [["93.184.216.34"], ["93.184.216.35"], ["127.0.0.1"]]
    with Fetcher(interval=0, resolve=lambda host, port: answers.pop(0)) as fetcher:
        fetcher.get(f"http://news.example:{site.port}/a")
        assert internet.connected == ["93.184.216.34", "93.184.216.35"]
        assert "--allow-private" in _refusal(fetcher, f"http://news.example:{site.port}/a")
    assert internet.connected == ["93.184.216.34", "93.184.216.35"]


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site, fetcher: Fetcher) -> None:
    """A host with an address that is out of order is reached by its other one."""
    url = f"http://news.example:{site.port}/a"
    site.page("/a", STORIES["en"])
    with Fetcher(allow_private=True, interval=0, resolve=lambda host, port: ["127.9.9.9", "127.0.0.1"]) as fetcher:
        assert fetcher.get(url).url == url


def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect to addresses that nobody checked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    url = site.page("/a", STORIES["en"])
    with Fetcher(allow_private=True, interval=0) as fetcher:
        assert fetcher.get(url).url == url


# --- politeness


def test_robots_txt_is_respected(site: Site, fetcher: Fetcher) -> None:
    """What it forbids is not asked for, it is read once a site, and a redirect does not lead around it."""
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /private\n")
    site.pages["/way"] = (302, {"Location": "/private/b"}, b"")
    site.page("/private/a", "no")
    site.page("/a", "yes")
    assert "robots.txt" in _refusal(fetcher, site.url + "/private/a")
    assert "robots.txt" in _refusal(fetcher, site.url + "/way")
    assert b"yes" in fetcher.get(site.url + "/a").body
    assert [path for path, _, _ in site.asked] == ["/robots.txt", "/way", "/a"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_without_robots_txt_may_be_read(status: int, site: Site, fetcher: Fetcher) -> None:
    """RFC 9309: where the file is not available nothing is forbidden."""
    site.pages["/robots.txt"] = (status, {}, b"")
    assert fetcher.get(site.page("/a", "yes")).body


def test_a_site_whose_robots_txt_fails_is_left_alone(site: Site, fetcher: Fetcher) -> None:
    """RFC 9309: where the server fails all is forbidden; it is asked once, and the reason says so each time."""
    site.pages["/robots.txt"] = (500, {}, b"")
    url = site.page("/a", "no")
    assert "robots.txt cannot be read" in _refusal(fetcher, url)
    assert "500" in _refusal(fetcher, url)
    assert [path for path, _, _ in site.asked] == ["/robots.txt"]


ROBOTS = b"""\xef\xbb\xbf# rules
User-agent: other
User-Agent: Isnad # us
Disallow: /
Allow: /news/
Disallow: /news/*/print$
Disallow: /*?session=
Allow: /%D8%AE%D8%A8%D8%B1
Crawl-delay: 2.5

User-agent: isnad
Disallow: /news/drafts

User-agent: *
Allow: /
"""


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", False),
        ("/news/a", True),
        ("/news/a/print", False),
        ("/news/a/print/2", True),
        ("/news/a?session=1", False),
        ("/news/drafts/1", False),
        ("/%d8%ae%d8%a8%d8%b1/1", True),
        ("/newsroom", False),
    ],
)
def test_the_longest_rule_decides(path: str, allowed: bool) -> None:
    """Groups of one name are joined, wildcards and ends are understood, and the more exact pattern wins."""
    rules = parse_robots(ROBOTS, "isnad")
    assert (rules.allow(path), rules.pause) == (allowed, 2.5)
    assert parse_robots(ROBOTS, "someone").allow(path)


@given(st.binary(max_size=300), st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_robots(raw: bytes, path: str) -> None:
    """A robots.txt that is none has no rules, or odd ones, but is no error."""
    parse_robots(b"User-agent: *\nDisallow: " + raw, "isnad").allow("/" + path)


def test_wildcards_take_linear_time() -> None:
    """A pattern made to stall matchers does not."""
    began = time.monotonic()
    rules = parse_robots(b"User-agent: *\nDisallow: /" + b"*a" * 5000 + b"b$", "isnad")
    assert rules.allow("/" + "a" * 4000)
    assert time.monotonic() - began < 1


def test_a_host_is_asked_slowly(site: Site) -> None:
    """Between two requests to a host lies the pause, or the longer one that its robots.txt asks for."""
    urls = [site.page(f"/{n}", "yes") for n in range(3)]
    with Fetcher(allow_private=True, interval=0.2) as fetcher:
        for url in urls:
            fetcher.get(url)
    site.pages["/robots.txt"] = (200, {}, b"User-agent: *\nCrawl-delay: 0.4\n")
    with Fetcher(allow_private=True, interval=0.2) as fetcher:
        for url in urls[:2]:
            fetcher.get(url)
    times = [at for path, at, _ in site.asked if path != "/robots.txt"]
    assert all(later - earlier > 0.18 for earlier, later in itertools.pairwise(times[:3]))
    assert times[4] - times[3] > 0.38


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(status: int, site: Site, fetcher: Fetcher) -> None:
    """Retry-After is waited for, in seconds or as a date; after two retries it is given up."""
    answers = [("1", status), (formatdate(usegmt=True), status)]

    def busy(handler: BaseHTTPRequestHandler) -> None:
        wait, code = answers.pop(0) if answers else ("", 200)
        handler.send_response(code)
        if wait:
            handler.send_header("Retry-After", wait)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.pages["/a"] = busy
    began = time.monotonic()
    assert fetcher.get(site.url + "/a").body == b""
    assert 1 <= time.monotonic() - began < 5
    answers = [("0", status)] * 3
    assert str(status) in _refusal(fetcher, site.url + "/a")
    assert len(site.paths()) == 6


def test_a_server_that_wants_a_long_pause_is_left(site: Site, fetcher: Fetcher) -> None:
    """An hour is not waited for."""
    site.pages["/a"] = (503, {"Retry-After": "3600"}, b"")
    assert "3600 seconds" in _refusal(fetcher, site.url + "/a")


# --- feeds and sitemaps


def _read(site: Site, fetcher: Fetcher, path: str, *, most: int = 100) -> tuple[list[str], list[dict], list[Failure]]:
    """The paths of the pages found, what was said of each, and the failures."""
    found = list(read_address(site.url + path, fetcher, max_articles=most))
    pages = [each for each in found if not isinstance(each, Failure)]
    failures = [each for each in found if isinstance(each, Failure)]
    return [page.url.removeprefix(site.url) for page, _ in pages], [facts for _, facts in pages], failures


def _rss(items: str, language: str = "ar") -> bytes:
    head = f"<title>أخبار</title><link>/</link><language>{language}</language>"
    return f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def _five(site: Site) -> str:
    for n in (1, 2, 4, 5):
        site.page(f"/{n}", STORIES["ar"] + str(n))
    return "".join(
        f"<item><title>خبر &lt;b&gt;{n}&lt;/b&gt; &amp;amp;</title><link>/{n}</link></item>" for n in range(1, 6)
    )


def test_a_page_that_links_to_articles_is_a_page(site: Site, fetcher: Fetcher) -> None:
    """Only feeds and sitemaps are followed."""
    site.pages["/front"] = (
        200,
        {"Content-Type": HTML},
        b"<!DOCTYPE html><html><body><a href='/1'>one</a></body></html>",
    )
    assert _read(site, fetcher, "/front") == (["/front"], [{}], [])
    assert site.paths() == ["/front"]


@pytest.mark.parametrize("kind", ["application/rss+xml", "text/xml; charset=utf-8", "text/html", ""])
def test_a_feed_with_a_broken_entry_gives_the_others(kind: str, site: Site, fetcher: Fetcher) -> None:
    """Whatever the server calls a feed, its articles come in order, and the missing one is a failure by its address."""
    site.pages["/feed"] = (200, {"Content-Type": kind}, _rss(_five(site)))
    paths, facts, failures = _read(site, fetcher, "/feed")
    assert paths == ["/1", "/2", "/4", "/5"]
    assert facts[0] == {"title": "خبر 1 &", "language": "ar"}
    assert [failure.where for failure in failures] == [site.url + "/3"]
    assert "404" in failures[0].reason


def test_no_more_articles_than_wanted(site: Site, fetcher: Fetcher) -> None:
    """The addresses that are tried are counted, so that a feed of dead links ends too."""
    site.pages["/feed"] = (200, {}, _rss(_five(site)))
    paths, _, failures = _read(site, fetcher, "/feed", most=3)
    assert (paths, len(failures)) == (["/1", "/2"], 1)
    assert site.paths() == ["/feed", "/1", "/2", "/3"]


def test_what_a_feed_says_of_an_article_comes_with_it(site: Site, fetcher: Fetcher) -> None:
    """Atom's title, author, date and language, for what the page itself lacks."""
    site.page("/1", STORIES["zh"])
    entry = (
        "<entry><title type='html'>公园&lt;i&gt;开放&lt;/i&gt;</title><link href='/1'/><id>urn:1</id>"
        "<author><name>林晓梅</name></author><published>2022-07-24T14:22:00+08:00</published></entry>"
    )
    feed = f"<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='zh-CN'><title>新闻</title>{entry}</feed>"
    site.pages["/feed"] = (200, {}, feed.encode())
    _, facts, _ = _read(site, fetcher, "/feed")
    stated = {"title": "公园开放", "author": "林晓梅", "published": "2022-07-24T14:22:00+08:00"}
    assert {name: facts[0].get(name) for name in stated} == stated


def test_a_json_feed_is_a_feed(site: Site, fetcher: Fetcher) -> None:
    """Its items are fetched; an item without a link is a failure; other JSON is a page."""
    site.page("/1", STORIES["en"])
    items = [
        {
            "id": "1",
            "url": "/1",
            "title": "A park",
            "date_published": "2022-07-24T14:22:00Z",
            "authors": [{"name": "Ann"}],
        },
        {"id": 7},
        "no item",
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "x", "language": "en-GB", "items": items}
    site.pages["/feed"] = (200, {"Content-Type": "application/feed+json"}, json.dumps(feed).encode())
    paths, facts, failures = _read(site, fetcher, "/feed")
    assert paths == ["/1"]
    assert facts == [{"title": "A park", "author": "Ann", "published": "2022-07-24T14:22:00Z", "language": "en-GB"}]
    assert [failure.where for failure in failures] == [f"{site.url}/feed, entry 2", f"{site.url}/feed, entry 3"]
    site.pages["/data"] = (200, {"Content-Type": "application/json"}, b'[{"title": "x"}]')
    assert _read(site, fetcher, "/data")[0] == ["/data"]


def test_each_article_comes_once(site: Site, fetcher: Fetcher) -> None:
    """Links that are listed twice, differ in the fragment, or lead to one page by a redirect are one article."""
    site.page("/1", STORIES["en"])
    site.pages["/short"] = (301, {"Location": "/1"}, b"")
    links = "".join(f"<item><link>{link}</link></item>" for link in ("/1", "/1#top", "/short", "/1"))
    site.pages["/feed"] = (200, {}, _rss(links))
    assert _read(site, fetcher, "/feed")[0] == ["/1"]
    assert site.paths() == ["/feed", "/1", "/short", "/1"]


def _sitemap(places: list[str], root: str = "urlset", item: str = "url") -> bytes:
    inner = "".join(f"<{item}>{place}</{item}>" for place in places)
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{root}>'.encode()


def test_sitemaps_within_sitemaps_are_read(site: Site, fetcher: Fetcher) -> None:
    """An index of an index, one of them compressed and one missing: the last modified first, no circles."""
    for n in range(1, 5):
        site.page(f"/{n}", STORIES["ar"] + str(n))
    loc = f"<loc>{site.url}/{{}}</loc>"
    index = [loc.format("old.xml"), loc.format("index.xml"), loc.format("missing.xml")]
    dates = ["2020-01-01", "2022-07-01", "2021-01-01"]
    index = [place + f"<lastmod>{date}</lastmod>" for place, date in zip(index, dates, strict=True)]
    site.pages["/sitemap.xml"] = (200, {}, _sitemap(index, "sitemapindex", "sitemap"))
    again = [loc.format("sitemap.xml"), loc.format("new.xml.gz")]
    site.pages["/index.xml"] = (200, {}, _sitemap(again, "sitemapindex", "sitemap"))
    new = [loc.format("1") + "<lastmod>2022-06-01</lastmod>", loc.format("2") + "<lastmod>2022-06-02T10:00Z</lastmod>"]
    site.pages["/new.xml.gz"] = (200, {"Content-Type": "application/gzip"}, gzip.compress(_sitemap(new)))
    site.pages["/old.xml"] = (200, {}, _sitemap([loc.format("3"), loc.format("2"), loc.format("4")]))
    paths, _, failures = _read(site, fetcher, "/sitemap.xml")
    assert paths == ["/2", "/1", "/3", "/4"]
    assert [failure.where for failure in failures] == [site.url + "/missing.xml"]
    site.asked.clear()
    assert _read(site, fetcher, "/sitemap.xml", most=1)[0] == ["/2"]
    assert "/old.xml" not in site.paths()


def test_what_a_news_sitemap_says_comes_with_the_article(site: Site, fetcher: Fetcher) -> None:
    """Google's news elements are facts; the caption of a picture is not."""
    site.page("/1", STORIES["ar"])
    news = (
        "<loc>/1</loc><i:image xmlns:i='http://www.google.com/schemas/sitemap-image/1.1'><i:title>صورة</i:title></i:image>"
        "<n:news xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><n:publication><n:name>النهر</n:name>"
        "<n:language>ar</n:language></n:publication><n:publication_date>2022-07-24</n:publication_date>"
        "<n:title>حديقة جديدة</n:title></n:news>"
    )
    site.pages["/sitemap.xml"] = (200, {}, _sitemap([news]))
    _, facts, _ = _read(site, fetcher, "/sitemap.xml")
    assert facts == [{"title": "حديقة جديدة", "publisher": "النهر", "language": "ar", "published": "2022-07-24"}]


@pytest.mark.parametrize("root", ["rss", "urlset"])
def test_entities_are_not_followed(root: str, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    """A feed or sitemap cannot make us read a file, ask an address or unfold a bomb."""
    (tmp_path / "secret").write_text("TOP-SECRET")
    entity = f"<!ENTITY x SYSTEM '{(tmp_path / 'secret').as_uri()}'><!ENTITY y SYSTEM '{site.url}/asked'>"
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    where = (
        "<channel><item><link>/1?&x;&y;&l9;</link></item></channel>"
        if root == "rss"
        else "<url><loc>/1?&x;&y;&l9;</loc></url>"
    )
    body = f"<{root}>{where}</{root}><!-- <!DOCTYPE {root} [<!ENTITY l0 'ha'>{laughs}{entity}]> -->"
    hostile = f"<!DOCTYPE {root} [<!ENTITY l0 'ha'>{laughs}{entity}]>{body}"
    for text in (body, hostile):
        site.pages["/list"] = (200, {}, text.encode())
        began = time.monotonic()
        with contextlib.suppress(ArticleError):
            list(read_address(site.url + "/list", fetcher, max_articles=5))
        assert time.monotonic() - began < 5
        assert "/asked" not in site.paths()
        assert not any("SECRET" in path or "hahaha" in path for path in site.paths())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (_rss(""), "lists no articles"),
        (_sitemap([]), "lists no articles"),
        (b"<rss>\x00\xff<<<", "feed"),
        (_sitemap(["<loc/><a:b:c:/>"]), "lists no articles"),
        (gzip.compress(_sitemap([]))[:30], "ends early"),
    ],
)
def test_lists_of_nothing_are_refused(body: bytes, says: str, site: Site, fetcher: Fetcher) -> None:
    """A feed without entries or one that cannot be read is an error, not silence."""
    site.pages["/list"] = (200, {}, body)
    with pytest.raises(ArticleError, match=says):
        list(read_address(site.url + "/list", fetcher, max_articles=5))


def test_an_address_that_is_gone_is_raised(site: Site, fetcher: Fetcher) -> None:
    """There is nothing to go on with when the address itself cannot be read."""
    with pytest.raises(GoneError):
        list(read_address(site.url + "/none", fetcher, max_articles=5))


class _Offline:
    """A fetcher that has one page and refuses every other."""

    def __init__(self, body: bytes) -> None:
        self._page = Page("http://news.example/list", body, "")

    def get(self, url: str) -> Page:
        if url != self._page.url:
            raise ArticleError("not there")
        return self._page


@given(
    st.sampled_from(range(4)), st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)))
)
@settings(max_examples=150, deadline=None)
def test_damaged_lists_end_in_failures(kind: int, length: int, flips: list[tuple[int, int]]) -> None:
    """Feeds and sitemaps, cut off and with bits turned over, raise nothing but an ArticleError."""
    items = "".join(f"<item><title>خبر {n}</title><link>/{n}</link><author>a@b (c)</author></item>" for n in range(9))
    feed = {"version": "https://jsonfeed.org/version/1", "items": [{"url": f"/{n}"} for n in range(9)]}
    sitemap = _sitemap([f"<loc>/{n}</loc>" for n in range(9)])
    body = bytearray([_rss(items), sitemap, gzip.compress(sitemap), json.dumps(feed).encode()][kind])
    for at, bit in flips[:20]:
        body[at % len(body)] ^= 1 << bit
    try:
        for found in read_address("http://news.example/list", _Offline(bytes(body[:length])), max_articles=50):  # type: ignore[arg-type]
            assert isinstance(found, Failure | tuple)
    except ArticleError as error:
        assert "\n" not in str(error)


# --- suffixes


@pytest.mark.parametrize(
    ("media_type", "url", "suffix"),
    [
        ("text/html; charset=windows-1256", "http://x.example/a.pdf", ".html"),
        ("application/xhtml+xml", "http://x.example/", ".html"),
        ("Application/PDF", "http://x.example/report", ".pdf"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "http://x.example/a", ".docx"),
        ("text/plain; charset=utf-8", "http://x.example/a", ".txt"),
        ("text/plain", "http://x.example/a.md?raw=1", ".md"),
        ("text/plain", "http://x.example/a.php", ".txt"),
        ("application/octet-stream", "http://x.example/خبر.docx#p", ".docx"),
        ("application/x-ndjson", "http://x.example/a", ".jsonl"),
        ("", "http://x.example/a.PDF", ".pdf"),
        ("image/png", "http://x.example/a.png", ".png"),
        ("", "http://x.example.org", ""),
        ("application/octet-stream", "http://x.example/.hidden", ""),
    ],
)
def test_the_media_type_decides_the_suffix(media_type: str, url: str, suffix: str) -> None:
    """A server's statement wins, except where it says nothing; then the address's own suffix does."""
    assert media_suffix(media_type, url) == suffix
