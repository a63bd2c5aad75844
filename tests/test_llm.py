"""The language model against a scripted server: the same text, patience, errors and cancellation at every provider."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

import rag.llm
from rag.errors import LanguageModelError, SettingsError
from rag.llm import LanguageModel, load_language_model, without_thoughts
from rag.ollama import ollama_models
from tests.scripted_server import Reply, Request, ScriptedServer

_KEY = "sk-very-secret"
_MESSAGES: list[BaseMessage] = [SystemMessage("Be brief."), HumanMessage("ماذا حدث؟")]
# Each with where its requests go on the server.
_PROVIDERS = {
    "openai:scripted": "url",
    "anthropic:scripted": "root",
    "google_genai:scripted": "root",
    "mistralai:scripted": "url",
    "ollama:scripted": "root",
}
_DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key or proxy of the machine plays a part, and tries follow each other quickly."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "OLLAMA_HOST", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(rag.llm, "_FIRST_WAIT", 0.02)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as opened:
        yield opened


@pytest.fixture(params=_PROVIDERS)
def model(request: pytest.FixtureRequest, server: ScriptedServer) -> Iterator[LanguageModel]:
    """A model of each provider in turn, at the server."""
    opened = _load(request.param, server)
    yield opened
    opened.close()


@pytest.fixture
def local(server: ScriptedServer) -> Iterator[LanguageModel]:
    """The model of an OpenAI-compatible server."""
    opened = load_language_model("qwen3:8b", base_url=server.url, timeout=1)
    yield opened
    opened.close()


def _load(llm: str, server: ScriptedServer, *, timeout: float = 1) -> LanguageModel:
    return load_language_model(llm, base_url=getattr(server, _PROVIDERS[llm]), api_key=_KEY, timeout=timeout)


def _failure(model: LanguageModel) -> str:
    with pytest.raises(LanguageModelError) as caught:
        model.complete(_MESSAGES)
    assert _KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pieces_arrive_as_they_are_written(server: ScriptedServer, model: LanguageModel) -> None:
    """The first piece is there while the server still writes, and the pieces are the text, in any script."""
    server.replies = [Reply(["حذّر ", "خامنئي ", "أردوغان", "。"], between=0.1)]
    begun = time.monotonic()
    stream = model.stream(_MESSAGES)
    pieces = [next(stream)]
    assert time.monotonic() - begun < 0.35
    pieces += stream
    assert "".join(pieces) == "حذّر خامنئي أردوغان。"
    assert len(pieces) == 4


def test_a_request_asks_for_the_likeliest_words_and_no_more_than_allowed(
    server: ScriptedServer, model: LanguageModel
) -> None:
    """Temperature 0, the limit on the reply and the key are sent in the provider's own way."""
    server.default = "OK"
    model.complete(_MESSAGES, max_tokens=77)
    (request,) = server.requests
    options = request.body.get("options") or request.body.get("generationConfig") or request.body
    assert options["temperature"] == 0
    assert 77 in (options.get("max_tokens"), options.get("num_predict"), options.get("maxOutputTokens"))
    assert any(_KEY in value for value in request.headers.values())


def test_closing_the_stream_closes_the_connection(server: ScriptedServer, model: LanguageModel) -> None:
    """A server that would write for ever sees its client go as soon as the stream is closed."""
    server.replies = [Reply("word ", endless=True, between=0.01)]
    stream = model.stream(_MESSAGES)
    next(stream)
    assert not server.requests[0].gone.is_set()
    stream.close()
    assert server.requests[0].gone.wait(1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(server: ScriptedServer, model: LanguageModel, status: int) -> None:
    """Rate limits and failures of the server are tried three times in all, by us and not by the package too."""
    server.replies = [Reply(status=status), Reply(status=status), "done"]
    assert model.complete(_MESSAGES) == "done"
    server.replies = [Reply(status=status)] * 4
    assert "it was scripted" in _failure(model)
    assert len(server.replies) == 1


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (401, "Incorrect API key provided: " + _KEY, "does not accept the key"),
        (403, "not in your country, " + _KEY, "may not be used with this key"),
        (404, "The model `scripted` does not exist", "The model `scripted` does not exist"),
        (400, "This model's maximum context length is 10 tokens", "ISNAD_LLM_CONTEXT"),
        (400, "messages: something is wrong", "messages: something is wrong"),
        (429, "You exceeded your quota (insufficient_quota)", "no credit left"),
    ],
)
def test_what_will_not_pass_is_said_at_once(
    server: ScriptedServer, model: LanguageModel, status: int, error: str, said: str
) -> None:
    """A wrong key, an unknown model, a prompt that is too long: one try, a message that names the cause, and no key."""
    server.replies = [Reply(status=status, error=error), "never"]
    assert said in _failure(model)
    assert len(server.replies) == 1


def test_a_server_that_says_nothing_is_not_waited_for_longer_than_set(
    server: ScriptedServer, model: LanguageModel
) -> None:
    """The time limit is for the next piece, so a slow reply is read to its end and a silent one is an error."""
    server.replies = [Reply("one two three four", between=0.4)]
    assert model.complete(_MESSAGES) == "one two three four"
    server.replies = [Reply("late", before=5), "never"]
    assert "nothing for 1 seconds" in _failure(model)
    assert server.replies == ["never"]


@pytest.mark.parametrize("end", ["cut", "drop"])
def test_a_reply_that_breaks_off_is_an_error(server: ScriptedServer, model: LanguageModel, end: str) -> None:
    """Half a reply is never taken for a whole one, nor begun anew once the reader has seen some of it."""
    server.replies = [Reply("one two", end="cut" if end == "cut" else "drop"), "never"]
    pieces = []
    with pytest.raises(LanguageModelError, match="broke off in the middle"):
        pieces.extend(model.stream(_MESSAGES))
    assert server.replies == ["never"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body=b"<html>Welcome</html>", content_type="text/html"), "no answer that can be read"),
        (Reply(body=b"data: {broken\n\n"), "no answer that can be read"),
        (Reply(body=b""), "no answer that can be read"),
        (Reply(""), "wrote nothing"),
        (Reply("<think>Only thoughts.</think>"), "wrote nothing"),
    ],
)
def test_what_is_no_answer_is_an_error(server: ScriptedServer, model: LanguageModel, reply: Reply, said: str) -> None:
    """A page of some other server, broken JSON, nothing at all and nothing but thoughts are told apart from text."""
    server.replies = [reply]
    assert said in _failure(model)


@pytest.mark.parametrize("llm", _PROVIDERS)
def test_a_server_that_is_not_there_is_named(llm: str) -> None:
    """Where nothing listens, the message has the address and what to look at."""
    with closing(load_language_model(llm, base_url=f"{_DEAD}/v1", api_key=_KEY)) as model:
        message = _failure(model)
    assert f"{_DEAD}/v1" in message
    assert "Is the server running" in message


def test_the_server_says_when_to_come_back(server: ScriptedServer, local: LanguageModel) -> None:
    """Retry-After is kept to; where it is longer than a reader waits, the error comes at once."""
    server.replies = [Reply(status=429, headers={"Retry-After": "0.5"}), "done"]
    begun = time.monotonic()
    assert local.complete(_MESSAGES) == "done"
    assert time.monotonic() - begun > 0.5
    server.replies = [Reply(status=429, headers={"Retry-After": "3600"}), "never"]
    assert "more requests than it allows" in _failure(local)
    assert server.replies == ["never"]


def test_a_model_without_a_temperature_is_asked_without(server: ScriptedServer, local: LanguageModel) -> None:
    """Where the server refuses the temperature, the request is made again without, and so are all later ones."""
    server.replies = [Reply(status=400, error="Unsupported value: 'temperature' does not support 0.0"), "one", "two"]
    assert local.complete(_MESSAGES) == "one"
    assert local.complete(_MESSAGES) == "two"
    assert ["temperature" in request.body for request in server.requests] == [True, False, False]


def test_an_address_alone_is_an_openai_compatible_server(server: ScriptedServer, local: LanguageModel) -> None:
    """A name with a colon in it is taken whole, no key is needed, and thoughts of their own field are no text."""
    server.replies = [Reply("Yes.", thoughts="Hm, let me think.")]
    assert local.complete(_MESSAGES) == "Yes."
    (request,) = server.requests
    assert request.body["model"] == "qwen3:8b"
    assert [message["role"] for message in request.messages] == ["system", "user"]
    assert (local.name, local.place) == ("qwen3:8b", server.url)


def test_a_providers_key_stays_with_the_provider(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key in OPENAI_API_KEY is not sent to another address."""
    monkeypatch.setenv("OPENAI_API_KEY", _KEY)
    server.default = "OK"
    for llm in ("openai:scripted", "scripted"):
        with closing(load_language_model(llm, base_url=server.url)) as model:
            model.complete(_MESSAGES)
    assert len(server.requests) == 2
    assert not any(_KEY in value for request in server.requests for value in request.headers.values())


def test_a_password_in_the_address_is_not_shown() -> None:
    """What readers see of the address has no password in it."""
    with closing(load_language_model("scripted", base_url="http://someone:secret@127.0.0.1:9/v1")) as model:
        assert model.place == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize("llm", ["openai:scripted", "ollama:scripted"])
def test_what_runs_on_this_machine_is_not_looked_for_behind_a_proxy(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, llm: str
) -> None:
    """With a proxy in the environment, a server on loopback is reached all the same."""
    monkeypatch.setenv("HTTP_PROXY", _DEAD)
    server.default = "OK"
    with closing(_load(llm, server)) as model:
        assert model.complete(_MESSAGES) == "OK"


def test_ollama_is_told_how_long_the_context_is(server: ScriptedServer) -> None:
    """Ollama, which would silently cut a prompt to its default, gets the context's length, and is not to think."""
    server.default = "OK"
    with closing(load_language_model("ollama:scripted", base_url=server.root, context=5000)) as model:
        model.complete(_MESSAGES)
    assert server.requests[0].body["options"]["num_ctx"] == 5000
    assert server.requests[0].body["think"] is False


def test_threads_share_a_model(server: ScriptedServer, local: LanguageModel) -> None:
    """Eight readers at once each get the reply to their own question."""
    together = threading.Barrier(8)

    def reply(request: Request) -> Reply:
        together.wait(5)
        return Reply(["You ", "said ", request.messages[-1]["content"]], between=0.01)

    server.default = reply
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: local.complete([HumanMessage(f"number {n}")]), range(8)))
    assert replies == [f"You said number {n}" for n in range(8)]


@pytest.mark.parametrize(
    ("llm", "said"),
    [
        ("", "expected provider:model"),
        ("gpt-4o", "expected provider:model"),
        ("nobody:model", "no provider nobody"),
        ("openai:gpt-4o", "ISNAD_LLM_API_KEY or OPENAI_API_KEY"),
        ("groq:llama", "pip install langchain-groq"),
        ("/nowhere/model.gguf", "No such file"),
        (__file__, "expected provider:model"),
    ],
)
def test_what_cannot_be_loaded_says_what_to_do(llm: str, said: str) -> None:
    """A name without a provider, an unknown one, a missing key, package or file are errors of the settings."""
    with pytest.raises(SettingsError, match=said):
        load_language_model(llm)


@pytest.mark.parametrize(
    ("package", "llm", "extra"),
    [("langchain_anthropic", "anthropic:claude", "anthropic"), ("langchain_google_genai", "google_genai:g", "google")],
)
def test_a_missing_package_is_named_with_its_extra(package: str, llm: str, extra: str) -> None:
    """Without the integration's package the error has the command that installs it."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from rag.llm import load_language_model\n"
        f"try: load_language_model({llm!r}, api_key='k')\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=_root())
    assert f"pip install 'isnad[{extra}]'" in done.stdout


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    """Importing the module loads neither LangChain nor a provider's package nor llama.cpp."""
    code = (
        "import sys, rag.llm, rag.gguf, rag.ollama\n"
        "print({name.partition('.')[0] for name in sys.modules} & "
        "{'langchain', 'langchain_core', 'openai', 'anthropic', 'xllamacpp', 'torch'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=_root(), check=True)
    assert done.stdout.strip() == "set()"


def _root() -> str:
    return str(rag.llm.__file__).rpartition("/rag/")[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>Hm. </think>\n\nنعم.", "نعم."),
        ("Yes. <think>sure?</think>Yes.", "Yes. Yes."),
        ("<think>never ends", ""),
        ("3 < 4 <thin air", "3 < 4 <thin air"),
        ("<think></think>\n 是。", "是。"),
        ("a<", "a<"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out_wherever_the_pieces_are_cut(text: str, shown: str) -> None:
    """However the text is cut into pieces, the same is left of it and no piece is empty."""
    for size in range(1, len(text) + 2):
        pieces = list(without_thoughts(text[at : at + size] for at in range(0, len(text), size)))
        assert "".join(pieces) == shown
        assert all(pieces)


def test_ollamas_models_that_write_are_offered(server: ScriptedServer) -> None:
    """Models that only embed are left out, and nothing but the two questions is sent."""
    server.models = {"qwen3:8b": ["completion", "tools"], "bge-m3": ["embedding"]}
    assert ollama_models(server.root) == ["qwen3:8b"]
    assert [request.path for request in server.requests] == ["/api/tags", "/api/show", "/api/show"]
    assert [request.body for request in server.requests] == [{}, {"model": "qwen3:8b"}, {"model": "bge-m3"}]


def test_without_an_ollama_nothing_is_offered_and_nobody_waits(server: ScriptedServer) -> None:
    """A port where nothing or something else listens gives no models, in less than a second."""
    begun = time.monotonic()
    assert ollama_models(_DEAD) == ollama_models(server.root) == []
    assert time.monotonic() - begun < 1
