"""The server around the page: health, figures, limits, headers, and one shape for every error."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from rag.build import Model
from rag.errors import IsnadError, SettingsError, StoreError
from rag.types import Answer, Mode, Status
from tests.served import Served, serving
from ui.access import Access
from ui.backend import Stage, State
from ui.errors import refusal_of
from ui.headers import origins
from ui.limits import RateLimit
from ui.server import address, build_app, free_port
from ui.web import build_page

# Gradio leaves the sockets of event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

QUESTION = "ممّ حذّر خامنئي أردوغان؟"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server over an Arabic and a Chinese article that shows its figures and lets two origins in."""
    samples = ("tehran-summit-warning.ar.md", "wentian-launch.zh.md")
    with serving(
        tmp_path_factory.mktemp("served"),
        model,
        samples,
        metrics=True,
        max_upload_mb=1,
        frame_origins="https://news.example https://*.example.org",
        cors_origins="https://app.example",
    ) as served:
        yield served


@pytest.fixture(scope="module")
def http(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


def ask(http: httpx.Client, question: str) -> httpx.Response:
    body = {"model": "isnad", "messages": [{"role": "user", "content": question}]}
    return http.post("/v1/chat/completions", json=body)


def test_health_tells_the_process_from_the_collection(server: Served, http: httpx.Client) -> None:
    """The process works from the beginning; whether and when questions can be answered is another thing."""
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json()["status"] == "ready"
    state = server.backend.state
    try:
        server.backend.state = State(Stage.SAMPLES, done=3, total=53)
        answer = http.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers.get_list("retry-after") == ["5"]
        assert answer.json()["state"] == {"stage": "samples", "done": 3, "total": 53}
        assert answer.json()["error"]["type"] == "loading"
        server.backend.state = State(Stage.FAILED, "/secret/path is locked")
        answer = http.get("/readyz")
        assert answer.json()["error"]["type"] == "failed"
        assert "secret" not in answer.text
        assert http.get("/healthz").status_code == 200
    finally:
        server.backend.state = state


def figure(http: httpx.Client, name: str) -> float:
    lines = [line for line in http.get("/metrics").text.splitlines() if line.startswith(name)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_figures_count_answers_refusals_errors_and_steps(http: httpx.Client) -> None:
    """In Prometheus' text format, by language and status."""
    answered = 'isnad_questions_total{language="ar",mode="extractive",status="answered"}'
    refused = 'isnad_questions_total{language="zh",mode="extractive",status="not_found"}'
    names = (answered, refused, 'isnad_errors_total{type="question"}', 'isnad_step_seconds_count{step="total"}')
    before = [figure(http, name) for name in names]
    assert ask(http, QUESTION).status_code == 200
    assert ask(http, "红烧肉怎么做?").status_code == 200
    assert ask(http, "").status_code == 400
    assert [figure(http, name) for name in names] == [before[0] + 1, before[1] + 1, before[2] + 1, before[3] + 2]
    assert figure(http, 'isnad_sentences_total{support="supported"}') >= 1
    assert figure(http, "isnad_questions_in_flight") == 0
    assert figure(http, "isnad_ready") == 1
    assert http.get("/metrics").headers["content-type"].startswith("text/plain; version=")


def test_every_answer_has_the_headers(http: httpx.Client) -> None:
    """The page's own, an error's, and a file's: nothing from elsewhere, and in frames of the named origins only."""
    for path in ("/", "/nowhere", "/healthz", "/gradio_api/file=/etc/passwd", "/theme.css"):
        headers = http.get(path).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'self' https://news.example https://*.example.org" in policy
        assert "connect-src 'self';" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "x-frame-options" not in headers  # it knows one origin only


@pytest.mark.parametrize(
    "value", ["example.org", "https://a;script-src *", "https://a/path", "'none'", "https://", "*"]
)
def test_an_origin_that_is_none_is_a_setting_to_be_put_right(value: str) -> None:
    """Else it would get into a header."""
    with pytest.raises(SettingsError, match="ISNAD_FRAME_ORIGINS"):
        origins(value, "ISNAD_FRAME_ORIGINS")
    assert origins(" https://a.example http://[::1]:80, https://例.example ".replace("例", "x"), "") != []


def test_other_origins_read_nothing(http: httpx.Client) -> None:
    """But the one that is set, at our addresses and at Gradio's."""
    for path in ("/v1/models", "/config", "/gradio_api/info"):
        assert "access-control-allow-origin" not in http.get(path, headers={"Origin": "https://evil.example"}).headers
        allowed = http.get(path, headers={"Origin": "https://app.example"}).headers
        assert allowed["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in allowed
        asked = {"Access-Control-Request-Method": "POST", "Origin": "https://evil.example"}
        assert http.options(path, headers=asked).status_code == 400


ERRORS = [
    ("GET", "/nowhere", b"", 404),
    ("GET", "/v1/nowhere", b"", 404),
    ("POST", "/v1/models", b"", 405),
    ("DELETE", "/healthz", b"", 405),
    ("POST", "/v1/chat/completions", b"", 400),
    ("POST", "/v1/chat/completions", b"\xff\xfe", 400),
    ("POST", "/v1/chat/completions", b"[" * 100_000, 400),
    ("POST", "/v1/chat/completions", b'{"model":"isnad","messages":[{"role":"user","content":"\\ud800"}]}', None),
    ("POST", "/gradio_api/queue/join", b"null", 400),
    ("POST", "/gradio_api/queue/join", b'{"data":[],"fn_index":0}', 400),
    ("POST", "/gradio_api/queue/join", b'{"data":[],"fn_index":99999,"session_hash":"x"}', 400),
    ("POST", "/gradio_api/call/nowhere", b'{"data":[]}', 404),
    ("POST", "/gradio_api/call/v2/nowhere", b"{}", 400),
    ("POST", "/gradio_api/call/v2/ask", b'{"what":"\xd8\xa3"}', 400),
    ("POST", "/gradio_api/run/nowhere", b'{"data":[]}', 404),
    ("POST", "/gradio_api/component_server", b"{}", 400),
    ("POST", "/gradio_api/component_server", b'{"data":1,"component_id":9999,"session_hash":"x","fn_name":"y"}', 400),
    ("GET", "/gradio_api/file=/etc/passwd", b"", 403),
    ("GET", "/gradio_api/file=https://example.org/", b"", 404),
    ("GET", "/gradio_api/file/https://example.org/", b"", 404),
    ("GET", "/gradio_api/proxy=https://a.hf.space/x", b"", 404),
    ("GET", "/gradio_api/deep_link?session_hash=x", b"", 404),
    ("POST", "/gradio_api/vibe-edit", b"{}", 404),
    ("GET", "/monitoring", b"", 404),
    ("GET", "/static/../../../etc/passwd", b"", None),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ERRORS)
def test_every_error_has_one_shape(http: httpx.Client, method: str, path: str, body: bytes, status: int | None) -> None:
    """And says nothing of the server's inside, whoever made it."""
    answer = http.request(method, path, content=body, headers=JSON)
    assert answer.status_code == status or (status is None and answer.status_code < 500)
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert sorted(error) == ["hint", "message", "type"]
        assert all(isinstance(value, str) and value for value in error.values())
        for inside in ("Traceback", "site-packages", "/work", "/root", ".py", "Error("):
            assert inside not in answer.text
    assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize("error", [StoreError("/secret is locked"), IsnadError("/secret"), RuntimeError("/secret")])
def test_what_is_not_the_askers_doing_is_told_in_general(error: Exception) -> None:
    """The log has the rest."""
    refusal = refusal_of(error)
    assert refusal.status == 500
    assert "secret" not in str(refusal.body)


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b" " * 100_000


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/login", "/nowhere", "/gradio_api/cancel"])
def test_a_large_body_is_refused_with_and_without_its_length(http: httpx.Client, path: str) -> None:
    """It is not read to its end."""
    for content in (b" " * 1_100_000, chunks(11)):
        answer = http.post(path, content=content, headers=JSON)
        assert answer.status_code == 413
        assert answer.json()["error"]["type"] == "too_large"


def test_uploads_are_limited_while_they_arrive(http: httpx.Client, server: Served) -> None:
    """A file as large as allowed is taken; a larger one, or many, are not and leave nothing behind."""
    taken = http.post("/gradio_api/upload", files={"files": ("مقال.txt", "نص".encode() * 1000)})
    assert taken.status_code == 200
    folder = Path(taken.json()[0]).parents[1]
    before = set(folder.iterdir())
    assert http.post("/gradio_api/upload", files={"files": ("a.txt", b"x" * 1_200_000)}).status_code == 413
    many = [("files", (f"{place}.txt", b"x" * 900_000)) for place in range(5)]
    assert http.post("/gradio_api/upload", files=many).status_code == 413
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}

    def unannounced() -> Iterator[bytes]:
        yield head
        yield from chunks(45)

    assert http.post("/gradio_api/upload", content=unannounced(), headers=headers).status_code == 413
    assert set(folder.iterdir()) == before


def test_so_many_requests_a_minute_spread_out_or_at_once() -> None:
    """Each client has its own; whoever has used them up gets one back after a share of the minute."""
    now = [0.0]
    limit = RateLimit(3, clock=lambda: now[0])
    for _ in range(3):
        limit.take("ليلى")
    assert limit.wait("ليلى") == pytest.approx(20, abs=0.01)
    assert limit.wait("李雷") == 0
    now[0] = 20.0
    limit.take("ليلى")
    assert limit.wait("ليلى") > 0
    now[0] = 90.0
    for _ in range(3):
        limit.take("ليلى")
    assert limit.wait("ليلى") > 0
    free = RateLimit(0)
    for _ in range(1000):
        free.take("")


def test_one_client_asks_so_often_a_minute(server: Served) -> None:
    """At whatever address; the page and its files are not counted, nor what it does by itself."""
    settings = server.backend.settings.model_copy(update={"rate_limit": 3})
    page = build_page(server.backend, Access(), examples=[])
    app = build_app(settings, server.backend, page, Access())
    submit = next(number for number, each in page.fns.items() if each.api_name == "submit")
    tick = next(number for number, each in page.fns.items() if {event for _, event in each.targets} == {"tick"})

    async def asking(where: str) -> list[int]:
        transport = httpx.ASGITransport(app, client=(where, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://isnad") as http:
            counted = [
                await http.post("/v1/chat/completions", json={}),
                await http.post("/gradio_api/call/ask", json={}),
                await http.post("/gradio_api/queue/join", json={"data": [], "fn_index": submit}),
                await http.post("/gradio_api/queue/join", json={"data": [], "fn_index": submit}),
                await http.post("/gradio_api/call/ask", json={"fn_index": tick}),
            ]
            assert int(counted[3].headers["retry-after"]) in (19, 20)
            others = [
                await http.post("/gradio_api/queue/join", json={"data": [], "fn_index": tick}),
                await http.get("/v1/models"),
                await http.get("/theme.css"),
            ]
        return [answer.status_code for answer in [*counted, *others]]

    for where in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
        assert asyncio.run(asking(where)) == [400, 400, 400, 429, 429, 400, 200, 200]


def test_very_many_clients_are_not_remembered_for_ever() -> None:
    """Whoever may ask again at once is forgotten, and then whoever may do so first."""
    limit = RateLimit(60, clock=lambda: 0.0)
    for place in range(10_050):
        limit.take(f"client {place}")
    assert len(limit._free) <= 10_000


def test_the_queue_streams_and_can_be_cancelled(
    server: Served, http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call gives its answers as they grow, and one that is cancelled is stopped."""
    client = Client(server.url, verbose=False, analytics_enabled=False)
    assert list(client.submit(QUESTION, api_name="/ask_stream"))[-1]["status"] == "answered"
    stopped = threading.Event()

    def endless(*_: object, **__: object) -> Iterator[Answer]:
        try:
            while True:
                yield Answer("?", Status.ANSWERED, Mode.EXTRACTIVE, "x", "en", 1.0, draft=True)
                time.sleep(0.02)
        finally:
            stopped.set()

    monkeypatch.setattr(server.backend.isnad(), "stream", endless)
    job = client.submit(QUESTION, api_name="/ask_stream")
    while not job.outputs():
        time.sleep(0.05)
    job.cancel()
    assert stopped.wait(20)


def test_a_failure_on_the_page_says_nothing_of_its_inside(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio would tell a client what the exception says."""

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(server.backend.isnad(), "search", failing)
    client = Client(server.url, verbose=False, analytics_enabled=False)
    with pytest.raises(AppError) as raised:
        client.predict("x", api_name="/search")
    assert "secret" not in str(raised.value)


def test_addresses_and_ports() -> None:
    """An IPv6 address stands in brackets; all addresses are this machine's from inside; taken ports are passed over."""
    assert address("127.0.0.1", 1) == "http://127.0.0.1:1"
    assert address("::1", 1) == "http://[::1]:1"
    assert address("0.0.0.0", 1, inside=True) == "http://127.0.0.1:1"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) > port
    with pytest.raises(SettingsError, match="ISNAD_HOST"):
        free_port("192.0.2.1", 0)


def test_it_is_served_until_it_is_stopped(tmp_path: Path) -> None:
    """It says where it is, warns where others can reach it, and ends in good order."""
    environment = {**os.environ, "ISNAD_DATA_DIR": str(tmp_path), "ISNAD_HOST": "0.0.0.0", "PYTHONUNBUFFERED": "1"}
    program = "import logging; logging.basicConfig(format='%(message)s'); from rag.settings import load; "
    program += "from ui.server import serve; serve(load(port=0), samples=False)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, env=environment, cwd=Path(__file__).parents[1], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = []
        for line in process.stderr:
            said.append(line)
            if "Isnad is at http://0.0.0.0:" in line:
                break
        process.terminate()
        said += process.stderr.readlines()
        assert process.wait(30) == 0, said
    assert any("nobody may add or delete" in line for line in said)
    assert not any("Traceback" in line for line in said)
