"""The page to sign in at, in every language that the chat page speaks, and the line that isnad hash-password makes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from rag.build import Model
from rag.settings import load
from tests.served import Served, serving
from ui.access import Access, Role, User
from ui.cli import main
from ui.login import _texts, accepted
from ui.texts import LANGUAGES

# Gradio leaves the sockets of event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

_HTML = {"Accept": "text/html,application/xhtml+xml"}
_RTL = ("ar", "fa")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server that one has to sign in to."""
    with serving(tmp_path_factory.mktemp("closed"), model, auth="زينب:كلمة:editor") as served:
        yield served


class _Elements(HTMLParser):
    """The elements of a page, each with its attributes, and the text of those that have some."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if data.strip():
            tag, attributes, _ = self.found[-1]
            self.found[-1] = (tag, attributes, data.strip())

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str | None], str]]:
        return [(has, said) for name, has, said in self.found if name == tag and attributes.items() <= has.items()]


def _get(served: Served, address: str = "/login", **headers: str) -> _Elements:
    answer = httpx.get(served.url + address, headers={**_HTML, **headers})
    assert answer.status_code == 200
    return _Elements(answer.text)


def test_every_language_has_every_text() -> None:
    """None is left in English, and none is empty."""
    texts = _texts()
    assert set(texts) == set(LANGUAGES)
    for language, words in texts.items():
        assert list(words) == list(texts["en"])
        assert all(each.strip() == each and each for each in words.values())
        assert "{" not in "".join(words.values())
        same = {key for key in words if words[key] == texts["en"][key]}
        assert same == (set(words) if language == "en" else {"name"} if language == "de" else set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_the_language_of_its_address(closed: Served, language: str) -> None:
    """It runs the way that the language does; every field has its label, and nothing comes from elsewhere."""
    page = _get(closed, f"/login?lang={language}")
    words = _texts()[language]
    ((html, _),) = page.all("html")
    assert (html["lang"], html["dir"]) == (language, "rtl" if language in _RTL else "ltr")
    assert [(label["for"], said) for label, said in page.all("label")] == [
        ("username", words["name"]), ("password", words["password"]),
    ]  # fmt: skip
    assert [field["id"] for field, _ in page.all("input") if field.get("type") != "hidden"] == ["username", "password"]
    assert page.all("button")[0][1] == words["sign_in"]
    assert page.all("title")[0][1] == f"{words['title']} · Isnad"
    assert not page.all("p", role="alert")
    assert not page.all("script") and not page.all("link") and not page.all("img")


@pytest.mark.parametrize(
    ("address", "header", "language"),
    [
        ("/login", "", "en"),
        ("/login", "ar-EG,ar;q=0.9,en;q=0.8", "ar"),
        ("/login", "sv, en;q=0.3, fa-IR;q=0.7", "fa"),
        ("/login", "zh-Hant-TW", "zh"),
        ("/login", "sv,ja", "en"),
        ("/login", "*;q=0.1, ;q=, tr;q=0, ru;q=x", "ru"),
        ("/login?lang=zh-CN", "ar", "zh"),
        ("/login?lang=sv", "ar", "ar"),
        ("/login?lang=%22%3E%3Cscript%3E", "", "en"),
        ("/login?next=%2F%3Flang%3Dar%26embed%3D1", "de", "ar"),
        ("/login?lang=de&next=%2F%3Flang%3Dar", "", "de"),
    ],
)
def test_the_language_is_chosen(closed: Served, address: str, header: str, language: str) -> None:
    """By the address, then by the one that the reader wanted to open, then by their browser; else it is English."""
    assert _get(closed, address, **{"Accept-Language": header}).all("html")[0][0]["lang"] == language


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("", []),
        (",;,", []),
        ("en", ["en"]),
        ("en;q=0.1,ar;q=0.9, zh", ["zh", "ar", "en"]),
        ("a;q=0,b;q=0.000,c;Q=0.5", ["c"]),
        ("x" * 100_000, ["x" * 1000]),
    ],
)
def test_the_most_wanted_language_is_first(header: str, languages: list[str]) -> None:
    """In the order of the weights, those of weight 0 left out."""
    assert accepted(header) == languages


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_what_is_wrong_is_announced_in_the_same_language(closed: Served, language: str) -> None:
    """As an alert, which the fields name too; with nothing of what was typed, not even the language."""
    form = _get(closed, f"/login?lang={language}").all("form")[0][0]
    data = {"username": "<b>x", "password": "غلط", "next": "/?a=1"}
    answer = httpx.post(f"{closed.url}{form['action']}", data=data, headers=_HTML)
    assert answer.status_code == 401
    assert "<b>" not in answer.text and "غلط" not in answer.text
    page = _Elements(answer.text)
    ((alert, said),) = page.all("p", role="alert")
    assert said == _texts()[language]["wrong"]
    for field in ("username", "password"):
        ((attributes, _),) = page.all("input", id=field)
        assert (attributes["aria-invalid"], attributes["aria-describedby"]) == ("true", alert["id"])
    assert page.all("html")[0][0]["dir"] == ("rtl" if language == "ar" else "ltr")
    assert page.all("input", name="next")[0][0]["value"] == "/?a=1"


def test_the_policy_of_the_page_allows_what_it_does(closed: Served) -> None:
    """It has a style and a form that is sent to the server itself, and no script."""
    answer = httpx.get(f"{closed.url}/login?lang=ar", headers=_HTML)
    policy = dict(each.split(None, 1) for each in answer.headers["content-security-policy"].split("; "))
    assert "'unsafe-inline'" in policy["style-src"]
    assert policy["form-action"] == "'self'"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"https?:|//|url\(|\son\w+=", answer.text)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example/?lang=ar", "/\\evil.example", "javascript:x"])
def test_signing_in_leads_to_no_other_site(closed: Served, path: str) -> None:
    """Neither the form nor the answer to it names an address that is not on this server."""
    with httpx.Client(base_url=closed.url, headers=_HTML) as browser:
        form = browser.get(f"/login?lang=ar&next={quote(path, safe='')}")
        assert "evil" not in form.text
        data = {"username": "زينب", "password": "كلمة", "next": path}
        answer = browser.post("/login?lang=ar", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert browser.get("/logout?lang=ar").headers["location"] == "/login?lang=ar"
        assert browser.get("/logout?lang=//evil.example").headers["location"] == "/login"


# isnad hash-password


def _typed(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


@pytest.mark.parametrize(
    ("name", "password", "role", "user"),
    [
        ("ben", "pass:word, with | signs ", [], User("ben", Role.EDITOR)),
        ("زينب", "كلمة السر", ["--role", "reader"], User("زينب", Role.READER)),
        ("李雷", "密码", ["--role", "editor"], User("李雷", Role.EDITOR)),
    ],
)
def test_a_line_is_one_of_the_file_of_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, password: str,
    role: list[str], user: User,
) -> None:  # fmt: skip
    """Of standard input the first line is the password, all of it; what is printed can be put at the file's end."""
    file = tmp_path / "users"
    for ending in ("\n", "\r\nmore\n", ""):
        _typed(monkeypatch, (password + ending).encode())
        assert main(["hash-password", name, *role]) == 0
        printed = capsys.readouterr()
        assert (printed.out.count("\n"), printed.err) == (1, "")
        assert password not in printed.out
        file.write_text(f"# users\n{printed.out}", "utf-8")
        access = Access.of(load(data_dir=tmp_path, auth=str(file)))
        assert access.verify(name, password) == user
        assert access.verify(name, password + "x") is None


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [(["سر", "سر"], 0, ""), (["سر", "شر"], 2, "not the same"), (["", ""], 2, "1 to 1,000 characters, got 0")],
)
def test_on_a_terminal_it_is_asked_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answers: list[str], code: int, said: str
) -> None:
    """Without showing it; two that differ make no line."""
    asked: list[Any] = []
    monkeypatch.setattr("sys.stdin", _Terminal())
    monkeypatch.setattr("ui.password.getpass", lambda prompt: asked.append(prompt) or answers[len(asked) - 1])
    assert main(["hash-password", "نور"]) == code
    assert len(asked) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("نور:$argon2id$") == (code == 0)
    assert said in printed.err and (code == 0 or printed.out == "")


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("ben", b"", "1 to 1,000 characters, got 0"),
        ("ben", b"\n", "1 to 1,000 characters, got 0"),
        ("ben", b"x" * 1001, "got 1,001"),
        ("ben", b"\xff\xfe", "UTF-8"),
        ("", b"pass", "cannot be the name"),
        ("two words", b"pass", "cannot be the name"),
        ("a:b", b"pass", "cannot be the name"),
        ("#ben", b"pass", "cannot be the name"),
    ],
)
def test_what_would_be_no_line_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, raw: bytes, said: str
) -> None:
    """In one line, with exit code 2 and nothing to be put into the file."""
    _typed(monkeypatch, raw)
    assert main(["hash-password", name]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err and printed.err.count("\n") == 1


def test_a_password_in_the_file_is_told_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command that makes the line stands in the message."""
    (tmp_path / "users").write_text("نور:pass", "utf-8")
    with pytest.raises(Exception, match="isnad hash-password نور"):
        Access.of(load(data_dir=tmp_path, auth=str(tmp_path / "users")))
