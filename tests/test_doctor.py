"""``isnad doctor``: a line for every part, what to do, and an exit code that a script can rely on."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.chroma import ModelStamp
from rag.settings import load
from rag.store import open_store
from tests.scripted_server import Reply, ScriptedServer
from ui.cli import main
from ui.console import Terminal
from ui.doctor import doctor

_DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISNAD_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as opened:
        yield opened


def _examined(
    capsys: pytest.CaptureFixture[str], *, ollama: str = _DEAD, **settings: object
) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and the findings by part."""
    code = doctor(Namespace(json=True), load(**settings), Terminal(), ollama=ollama)
    report = json.loads(capsys.readouterr().out)
    assert report["works"] is (code == 0)
    return code, {finding["part"]: finding for finding in report["findings"]}


def test_with_nothing_set_all_is_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A fresh installation has nothing broken; it is said what would come next, and no folder is made."""
    code, found = _examined(capsys)
    assert code == 0
    assert "chromadb" in found["Python"]["text"]
    assert (found["articles"]["state"], found["articles"]["advice"].partition(" F")[0]) == (
        "note",
        "Add some with: isnad ingest",
    )
    assert "quotations" in found["language model"]["text"]
    assert not (tmp_path / "data").exists()


def test_every_line_has_a_sign_and_a_word(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of a part is told by sign and word, and never by colour; a failure exits with 1."""
    monkeypatch.setenv("ISNAD_LLM", "nobody:model")
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0]: line.split()[1] for line in lines} == {"✓": "works", "!": "note", "✗": "fails"}
    assert "\033" not in "".join(lines)
    assert next(line for line in lines if "language model" in line).startswith("✗ fails  language model: There is no")


def test_a_language_model_is_tried(capsys: pytest.CaptureFixture[str], server: ScriptedServer) -> None:
    """The model is asked a question of three words, which is said before; its key is printed nowhere."""
    server.replies = ["OK"]
    code = doctor(
        Namespace(json=False),
        load(llm="openai:scripted", llm_base_url=server.url, llm_api_key="sk-very-secret"),
        Terminal(),
    )
    printed = capsys.readouterr()
    assert code == 0
    assert "began to reply" in printed.out
    assert f"Asking openai:scripted at {server.url}: Reply with OK." in printed.err
    assert [message["content"] for message in server.requests[0].messages] == ["Reply with OK."]
    assert "sk-very-secret" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"llm": "scripted", "llm_base_url": _DEAD}, "cannot be reached"),
        ({"llm": "openai:gpt-4o"}, "needs a key"),
        ({"llm": "model.gguf"}, "No such file"),
    ],
)
def test_a_language_model_that_does_not_work_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    """Whatever keeps the model from answering is one line, and the exit code is 1."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, found = _examined(capsys, **settings)
    assert code == 1
    assert found["language model"]["state"] == "fails"
    assert said in found["language model"]["text"]
    assert "Ollama" not in found


def test_a_wrong_key_fails(capsys: pytest.CaptureFixture[str], server: ScriptedServer) -> None:
    """A key that the server does not accept fails, with the setting to change and without the key."""
    server.replies = [Reply(status=401, error="Incorrect API key provided: sk-very-secret")]
    code, found = _examined(capsys, llm="scripted", llm_base_url=server.url, llm_api_key="sk-very-secret")
    assert code == 1
    assert "ISNAD_LLM_API_KEY" in found["language model"]["text"]
    assert "sk-very-secret" not in str(found)


def test_an_ollama_is_offered(capsys: pytest.CaptureFixture[str], server: ScriptedServer) -> None:
    """Where Ollama runs and nothing is set, the setting that would use it is given; no question is sent to it."""
    server.models = {"aya:8b": ["completion"], "bge-m3": ["embedding"]}
    code, found = _examined(capsys, ollama=server.root)
    assert code == 0
    assert found["Ollama"]["advice"].endswith("ISNAD_LLM=ollama:aya:8b")
    assert "/api/chat" not in {request.path for request in server.requests}


def test_a_collection_that_a_page_has_open_is_no_failure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Articles are counted, and while another process has them open that is said instead."""
    with open_store(data_dir=tmp_path / "data", chroma_url="", stamp=ModelStamp("any", 3, "none"), writing=True):
        code, found = _examined(capsys)
        assert code == 0
        assert "another process" in found["articles"]["text"]
    _, found = _examined(capsys)
    assert "none yet" in found["articles"]["text"]


def test_a_chroma_server_that_is_not_there_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """The address is named, and the other parts are looked at all the same."""
    code, found = _examined(capsys, chroma_url=_DEAD)
    assert code == 1
    assert _DEAD in found["articles"]["text"]
    assert found["embedding model"]["state"] != "fails"


@pytest.mark.parametrize("setting", ["embedding_model", "reranker", "nli"])
def test_models_are_looked_at_where_they_are(capsys: pytest.CaptureFixture[str], tmp_path: Path, setting: str) -> None:
    """A folder that is missing or holds no model fails; a name on the hub is noted, and nothing is fetched."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "missing"):
        code, found = _examined(capsys, **{setting: str(folder)})
        assert code == 1
        assert any(str(folder) in finding["text"] for finding in found.values() if finding["state"] == "fails")
    code, found = _examined(capsys, **{setting: "someone/some-model"})
    assert code == 0
    assert any("someone/some-model" in finding["text"] for finding in found.values() if finding["state"] == "note")


def test_a_model_that_does_not_tell_entailment_fails(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder with other labels than entailment's is not accepted for it; one with them is."""
    file = tmp_path / "config.json"
    file.write_text('{"id2label": {"0": "positive", "1": "negative"}}')
    code, found = _examined(capsys, nli=str(tmp_path))
    assert (code, "positive, negative" in found["entailment model"]["text"]) == (1, True)
    file.write_text('{"id2label": {"0": "entailment", "1": "neutral", "2": "contradiction"}}')
    code, found = _examined(capsys, nli=str(tmp_path))
    assert (code, found["entailment model"]["state"]) == (0, "works")
