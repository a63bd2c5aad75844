"""A language model's server on loopback that says what a test wrote down, and fails as it is told to.

It speaks as OpenAI (``.url`` with ``/v1``), Anthropic, Google and Ollama do (``.root``), streaming or not, and keeps
every request with whether its client went away before the end.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import repeat
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: text, in words or in the pieces given; or an ``error`` with its status; or ``body`` as it is.

    ``before`` and ``between`` are seconds of silence before the first piece and each further one. ``end`` is how a
    streamed reply ends: in good order, in good order but without saying so (``cut``), or by a lost connection
    (``drop``). ``endless`` repeats the pieces until the client goes away. ``thoughts`` come as reasoning_content.
    """

    text: str | Sequence[str] = ""
    status: int = 200
    error: str = "it was scripted"
    headers: Mapping[str, str] = field(default_factory=dict)
    before: float = 0
    between: float = 0
    end: Literal["whole", "cut", "drop"] = "whole"
    endless: bool = False
    thoughts: str = ""
    body: bytes | None = None
    content_type: str = "text/event-stream"

    @property
    def pieces(self) -> list[str]:
        return re.findall(r"\S+\s*|\s+", self.text) if isinstance(self.text, str) else list(self.text)


@dataclass(slots=True)
class Request:
    """What a client sent. ``gone`` is set when it closed the connection before the reply was at its end."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    @property
    def prompt(self) -> str:
        """The text of all messages."""
        return "\n".join(str(message["content"]) for message in self.messages)


Script: TypeAlias = str | Reply | Callable[[Request], str | Reply]


class ScriptedServer:
    """The server, for use in ``with``. ``replies`` are given in turn, each once; then always ``default``.

    A reply may also be a function of the request. Without any left and no default, the status is 400.
    """

    def __init__(self, *replies: Script, default: Script | None = None) -> None:
        self.replies: list[Script] = list(replies)
        self.default = default
        self.requests: list[Request] = []
        self.models: dict[str, list[str]] = {}  # Ollama's, each with its capabilities
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.script = self

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def __enter__(self) -> ScriptedServer:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, request: Request) -> Reply:
        """Notes the request and takes the next reply."""
        with self._lock:
            self.requests.append(request)
            script = self.replies.pop(0) if self.replies else self.default
        if script is None:
            return Reply(status=400, error="no reply is scripted")
        reply = script(request) if callable(script) else script
        return Reply(reply) if isinstance(reply, str) else reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    script: ScriptedServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that went away."""


class _GoneError(Exception):
    pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class calls it so
        pass

    def do_GET(self) -> None:
        script = self.server.script
        script.requests.append(Request(self.path, dict(self.headers), {}))
        if self.path == "/api/tags" and script.models:
            self._send_json(200, {"models": [{"name": name} for name in script.models]})
        else:
            self._send_json(404, {"error": {"message": "there is nothing here"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        if self.path == "/api/show":
            self.server.script.requests.append(request)
            self._send_json(200, {"capabilities": self.server.script.models[body["model"]], "details": {}})
            return
        wire = next((wire for pattern, wire in _WIRES.items() if re.fullmatch(pattern, self.path)), None)
        if wire is None:
            self._send_json(404, {"error": {"message": "there is nothing here"}})
            return
        reply = self.server.script.reply_to(request)
        try:
            self._answer(request, reply, wire)
        except (_GoneError, OSError):
            self.close_connection = True
            request.gone.set()

    def _answer(self, request: Request, reply: Reply, wire: _Wire) -> None:
        if reply.status != 200:
            self._pause(reply.before)
            error = {"message": reply.error, "type": "scripted", "code": reply.status}
            self._send_json(reply.status, {"error": reply.error if wire.plain_error else error}, reply.headers)
        elif reply.body is not None:
            self._pause(reply.before)
            self._send(200, reply.body, reply.content_type, reply.headers)
        elif not (request.body.get("stream") or "stream" in request.path.lower()):
            self._pause(reply.before + reply.between * len(reply.pieces))
            self._send_json(200, wire.whole("".join(reply.pieces)))
        else:
            self._stream(reply, wire)

    def _stream(self, reply: Reply, wire: _Wire) -> None:
        self.send_response(200)
        self.send_header("Content-Type", wire.content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._pause(reply.before)
        for event in wire.beginning:
            self._chunk(wire.frame(event))
        if reply.thoughts:
            self._chunk(wire.frame(_openai_chunk({"reasoning_content": reply.thoughts})))
        for pieces in repeat(reply.pieces) if reply.endless else [reply.pieces]:
            for piece in pieces:
                self._chunk(wire.frame(wire.piece(piece)))
                self._pause(reply.between)
        if reply.end == "drop":
            self.close_connection = True
            return
        for event in wire.ending if reply.end == "whole" else ():
            self._chunk(wire.frame(event))
        self.wfile.write(b"0\r\n\r\n")

    def _pause(self, seconds: float) -> None:
        """Waits, or raises _GoneError as soon as the client has closed the connection."""
        ends = time.monotonic() + seconds
        waiting = select.poll()  # select itself knows no descriptor above 1,023
        waiting.register(self.connection, select.POLLIN)
        while True:
            readable = waiting.poll(1000 * max(0.0, min(0.05, ends - time.monotonic())))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _GoneError
            if time.monotonic() >= ends:
                return

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _send_json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers or {})

    def _send(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@dataclass(frozen=True, slots=True)
class _Wire:
    """How a provider writes a reply: whole, and as events of a stream."""

    whole: Callable[[str], dict[str, Any]]
    piece: Callable[[str], dict[str, Any]]
    beginning: tuple[dict[str, Any], ...] = ()
    ending: tuple[dict[str, Any] | str, ...] = ()
    content_type: str = "text/event-stream"
    plain_error: bool = False

    def frame(self, event: dict[str, Any] | str) -> bytes:
        text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
        if self.content_type == "application/x-ndjson":
            return f"{text}\n".encode()
        name = event.get("type") if isinstance(event, dict) else None
        return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


_FACTS = {"id": "chatcmpl-1", "created": 1, "model": "scripted"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _openai_chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_FACTS, "object": "chat.completion.chunk", "choices": [choice]}


def _openai_whole(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {**_FACTS, "object": "chat.completion", "choices": [choice], "usage": _USAGE}


def _anthropic_whole(text: str, stop: str | None = "end_turn") -> dict[str, Any]:
    content = [{"type": "text", "text": text}] if text else []
    return {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": content,
        "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip


def _google(text: str, finish: str | None = None) -> dict[str, Any]:
    return {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish}]
    }


def _ollama(text: str, done: bool = False) -> dict[str, Any]:
    said = {"model": "scripted", "created_at": "2026-01-01T00:00:00Z", "done": done}
    return {**said, "message": {"role": "assistant", "content": text}, **({"done_reason": "stop"} if done else {})}


_WIRES = {
    r"/v1/chat/completions": _Wire(
        _openai_whole,
        lambda text: _openai_chunk({"content": text}),
        beginning=(_openai_chunk({"role": "assistant", "content": ""}),),
        ending=(_openai_chunk({}, "stop"), "[DONE]"),
    ),
    r"/v1/messages": _Wire(
        _anthropic_whole,
        lambda text: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        beginning=(
            {"type": "message_start", "message": _anthropic_whole("", None)},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ),
        ending=(
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        ),
    ),
    r"/v1beta/models/[^/:]+:\w*[gG]enerateContent(\?alt=sse)?": _Wire(
        lambda text: _google(text, "STOP"), _google, ending=(_google("", "STOP"),)
    ),
    r"/api/chat": _Wire(
        lambda text: _ollama(text, True),
        _ollama,
        ending=(_ollama("", True),),
        content_type="application/x-ndjson",
        plain_error=True,
    ),
}
