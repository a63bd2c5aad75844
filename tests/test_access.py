"""Who gets in, and who may change what: every address of the server, asked by nobody, by a reader and by an editor."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from rag.build import Model
from rag.errors import SettingsError
from rag.settings import Settings, load
from tests.served import Served, serving
from ui.access import SESSION, Access, Role, User, hash_password
from ui.gate import own_path
from ui.server import build_app
from ui.web import build_page

# Gradio leaves the sockets of event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

READER_KEY, EDITOR_KEY = "reader-key-0123456789", "editor-key-0123456789"
PASSWORDS = {"زينب": "كلمة:سر", "李雷": "密码", "ben": "pass"}
AUTH = "زينب:كلمة:سر:editor,李雷:密码:reader,ben:pass"
HTML = {"Accept": "text/html,application/xhtml+xml"}
OPEN = {"/healthz", "/readyz", "/login", "/logout", "/favicon.ico", "/manifest.json"}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server with accounts and keys."""
    folder = tmp_path_factory.mktemp("closed")
    keys = f"{READER_KEY}:reader,{EDITOR_KEY}:editor"
    with serving(folder, model, ("wentian-launch.zh.md",), auth=AUTH, api_keys=keys, metrics=True) as served:
        yield served


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def signed_in(served: Served, name: str) -> httpx.Client:
    """A browser in which somebody has signed in."""
    browser = httpx.Client(base_url=served.url, headers=HTML)
    answer = browser.post("/login", data={"username": name, "password": PASSWORDS[name]})
    assert answer.status_code == 303, answer.text
    return browser


def addresses(routes: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Every method and path of an application and what is mounted in it, with something for each part that varies."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        path = getattr(route, "path", "")
        for method in getattr(route, "methods", None) or ():
            yield method, re.sub(r"\{[^}]*\}", "x", before + path)
        if getattr(inner, "routes", None) and not getattr(route, "methods", None):
            yield from addresses(inner.routes, before + path.rstrip("/"))
        elif not getattr(route, "methods", None):
            yield "GET", before + path + "/x"
            yield "POST", before + path + "/x"


def test_nobody_gets_to_any_address_without_signing_in(closed: Served) -> None:
    """Of all addresses, Gradio's own among them, only those for signing in and for health answer whom nobody knows."""
    settings, access = closed.backend.settings, Access.of(closed.backend.settings)
    app = build_app(settings, closed.backend, build_page(closed.backend, access, examples=[]), access)
    found = sorted(set(addresses(app.routes)))
    assert len(found) > 100
    assert {"/gradio_api/queue/join", "/gradio_api/upload", "/config", "/v1/models", "/metrics", "/"} <= {
        path for _, path in found
    }
    with httpx.Client(base_url=closed.url, timeout=10) as nobody:
        for method, path in found:
            if path in OPEN:
                continue
            answer = nobody.request(method, path)
            assert answer.status_code in (401, 404), f"{method} {path} answered {answer.status_code}"
            if method != "HEAD":
                assert sorted(answer.json()["error"]) == ["hint", "message", "type"], path
        assert nobody.get("/", headers=HTML).headers["location"] == "/login"


def test_a_reader_changes_nothing(closed: Served) -> None:
    """What adds or deletes is refused to a reader at every address at which it can be called."""
    body = {"data": ["an article"], "session_hash": "x"}
    with httpx.Client(base_url=closed.url, headers=bearer(READER_KEY)) as reader:
        for name in ("add_article", "delete_article", "add_text", "add_address"):
            for way in ("call/", "call/v2/", "run/", "api/"):
                answer = reader.post(f"/gradio_api/{way}{name}", json=body)
                assert answer.status_code == 403
                assert answer.json()["error"]["type"] == "forbidden"
        assert reader.post("/gradio_api/upload", files={"files": ("a.txt", b"text")}).status_code == 403
        assert reader.get("/v1/models").status_code == 200
    with httpx.Client(base_url=closed.url, headers=bearer(EDITOR_KEY)) as editor:
        assert editor.post("/gradio_api/upload", files={"files": ("a.txt", b"text")}).status_code == 200


@pytest.mark.parametrize(("name", "edits"), [("زينب", True), ("李雷", False), ("ben", True)])
def test_gradios_client_signs_in(closed: Served, name: str, edits: bool) -> None:
    """A program signs in with a name in any script, and may do what the account may."""
    client = Client(closed.url, auth=(name, PASSWORDS[name]), verbose=False, analytics_enabled=False)
    assert client.predict(api_name="/status")["read_only"] is not edits


@pytest.mark.parametrize(("key", "edits"), [(EDITOR_KEY, True), (READER_KEY, False)])
def test_gradios_client_shows_a_key(closed: Served, key: str, edits: bool) -> None:
    """A key in the header stands for its role."""
    client = Client(closed.url, headers=bearer(key), verbose=False, analytics_enabled=False)
    assert client.predict(api_name="/status")["read_only"] is not edits


@pytest.mark.parametrize("password", ["", "wrong", "كلمة", "密码密码", "x" * 5000, "pass:editor"])
def test_a_wrong_password_does_not_get_in(closed: Served, password: str) -> None:
    """Neither an empty one nor a part of the right one."""
    with pytest.raises(AuthenticationError):
        Client(closed.url, auth=("ben", password), verbose=False, analytics_enabled=False)


def test_a_browser_signs_in_and_out(closed: Served) -> None:
    """The cookie is no script's; who signs in goes on to where they wanted to, and a session that ended is over."""
    with httpx.Client(base_url=closed.url, headers=HTML) as browser:
        asked = browser.get("/?embed=1&x=a/b")
        assert asked.headers["location"] == "/login?next=/%3Fembed%3D1%26x%3Da/b"
        form = browser.get(asked.headers["location"])
        assert 'value="/?embed=1&amp;x=a/b"' in form.text
        answer = browser.post("/login", data={"username": "ben", "password": "pass", "next": "/?embed=1&x=a/b"})
        assert answer.headers["location"] == "/?embed=1&x=a/b"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert browser.get("/config").json()["username"] == "ben"
        session = {access_cookie(closed): browser.cookies[access_cookie(closed)]}
        assert browser.get("/logout").headers["location"] == "/login"
        assert browser.get("/").status_code == 303
    with httpx.Client(base_url=closed.url, cookies=session) as thief:
        assert thief.get("/config").status_code == 401


def access_cookie(served: Served) -> str:
    return Access.of(served.backend.settings).cookie


def test_over_https_the_cookie_is_sent_over_https_only(closed: Served) -> None:
    """A proxy in front says that the reader's connection is one."""
    data = {"username": "ben", "password": "pass"}
    answer = httpx.post(f"{closed.url}/login", data=data, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


def test_the_form_says_what_is_wrong(closed: Served) -> None:
    """In HTML, with nothing of what was typed in it."""
    data = {"username": "<b>x", "password": "<b>y", "next": '"><script>alert(1)</script>'}
    answer = httpx.post(f"{closed.url}/login", data=data, headers=HTML)
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert "<b>" not in answer.text
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "", "x",
     "/\t/evil.example", "/\n", "///evil.example", "/[::1"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(path: str) -> None:
    """An address that is not on this server is its start page."""
    assert own_path(path) in ("/", "/[::1")
    assert not own_path(path).startswith("//")


def test_guessing_is_slow(tmp_path: Path, model: Model) -> None:
    """After some wrong passwords an address has to wait, whoever it says it is; and after many wrong keys."""
    with serving(tmp_path, model, auth="ben:pass", api_keys=READER_KEY) as served:
        began = time.monotonic()
        for _ in range(3):
            assert httpx.post(f"{served.url}/login", data={"username": "ben", "password": "x"}).status_code == 401
        assert time.monotonic() - began > 1
        for _ in range(100):
            answer = httpx.get(f"{served.url}/v1/models", headers=bearer("guess"))
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_page_of_another_origin_sends_nothing(closed: Served) -> None:
    """A reader's browser cannot be made to ask or sign in by a page that somebody else wrote."""
    with httpx.Client(base_url=closed.url, headers=bearer(EDITOR_KEY)) as client:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": closed.url, "Sec-Fetch-Site": "cross-site"},
        ):
            assert client.post("/v1/chat/completions", json={}, headers=headers).status_code == 403
            assert client.post("/login", data={}, headers=headers).status_code == 403
        assert client.post("/v1/chat/completions", json={}, headers={"Origin": closed.url}).status_code == 400
        own = {"Origin": "https://isnad.example", "X-Forwarded-Host": "isnad.example"}
        assert client.post("/v1/chat/completions", json={}, headers=own).status_code == 400


@pytest.mark.parametrize(
    ("settings", "anonymous", "closed_to_all"),
    [
        ({}, True, False),
        ({"host": "localhost"}, True, False),
        ({"host": "::1"}, True, False),
        ({"host": "0.0.0.0"}, False, False),
        ({"host": "192.0.2.1"}, False, False),
        ({"read_only": True}, False, False),
        ({"auth": "ben:pass"}, False, True),
        ({"api_keys": READER_KEY}, False, True),
    ],
)
def test_who_may_edit_without_being_known(
    tmp_path: Path, settings: dict[str, Any], anonymous: bool, closed_to_all: bool
) -> None:
    """Everybody on this machine, nobody elsewhere; and nobody where one has to be known."""
    access = Access.of(load(data_dir=tmp_path, **settings))
    assert access.may_edit(SimpleNamespace()) is anonymous
    assert access.closed is closed_to_all


def test_read_only_holds_for_editors(tmp_path: Path) -> None:
    """The setting is above every role."""
    access = Access.of(load(data_dir=tmp_path, auth="ben:pass:editor", read_only=True))
    assert not access.may_user_edit(access.verify("ben", "pass"))


def test_passwords_in_a_file_are_hashes(tmp_path: Path) -> None:
    """A line has a name, an argon2 hash and perhaps a role; lines that begin with # say nothing."""
    file = tmp_path / "users"
    lines = ["# who", f"نور:{hash_password('سر')}:reader", "", f"ben:{hash_password('pass')}"]
    file.write_text("\n".join(lines), "utf-8")
    access = Access.of(load(data_dir=tmp_path, auth=str(file)))
    assert access.verify("نور", "سر") == User("نور", Role.READER)
    assert access.verify("ben", "pass") == User("ben", Role.EDITOR)
    assert access.verify("ben", "") is None
    assert access.verify("nobody", "pass") is None
    file.write_text("ben:pass", "utf-8")
    with pytest.raises(SettingsError, match="no argon2 hash"):
        Access.of(load(data_dir=tmp_path, auth=str(file)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"auth": "ben"}, "no entries, and no file"),
        ({"auth": "ben:"}, "expected user:password"),
        ({"auth": ":pass"}, "expected user:password"),
        ({"auth": "ben:a,ben:b"}, "twice"),
        ({"auth": "/no/such/file"}, "no file that can be read"),
        ({"api_keys": "/no/such/file"}, "no file that can be read"),
        ({"api_keys": "two words"}, "letters, digits and signs"),
        ({"api_keys": ":reader"}, "letters, digits and signs"),
    ],
)
def test_what_cannot_be_read_is_a_setting_to_be_put_right(tmp_path: Path, settings: dict[str, str], said: str) -> None:
    """The message says what was expected and never has a password in it."""
    with pytest.raises(SettingsError, match=said) as raised:
        Access.of(load(data_dir=tmp_path, **settings))
    assert "pass" not in str(raised.value).replace("password", "")


def test_a_session_outlasts_the_server_and_not_the_password(tmp_path: Path) -> None:
    """Its signature holds the user, the time and the password; another secret or a changed letter ends it."""

    def access(password: str) -> Access:
        return Access.of(Settings(data_dir=tmp_path, auth=f"李雷:{password}"))  # type: ignore[arg-type]

    session = access("密码").start_session(User("李雷", Role.EDITOR))
    assert access("密码").identify("", session) == User("李雷", Role.EDITOR)
    assert access("新密码").identify("", session) is None
    assert access("密码").identify("", session.replace(quote("李雷"), quote("韩梅"))) is None
    assert access("密码").identify("", session[:-1]) is None
    assert access("密码").identify("", "") is None
    past = access("密码").start_session(User("李雷", Role.EDITOR), now=time.time() - SESSION - 1)
    assert access("密码").identify("", past) is None
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0
    (tmp_path / "session.key").unlink()
    assert access("密码").identify("", session) is None
