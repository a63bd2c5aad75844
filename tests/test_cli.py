"""The command line: exit codes, one readable line for every error, and the JSON that others build on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ui.cli import main


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ISNAD_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ask", " "], 2, "question is empty"),
        (["ask", "why " * 5000], 2, "19,999 characters; at most 2,000"),
        (["ingest", "nowhere"], 2, "no file or folder nowhere"),
        (["delete", "0123"], 1, "no articles yet"),
    ],
)
def test_errors_are_one_line_with_the_right_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    """Usage errors exit with 2 and failures with 1; standard error has one line and standard output nothing."""
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("isnad: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("ISNAD_COLOUR", "red", "Unknown setting ISNAD_COLOUR"), ("ISNAD_PORT", "door", "ISNAD_PORT is 'door'"),
     ("ISNAD_MIN_CONFIDENCE", "2", "ISNAD_MIN_CONFIDENCE"), ("ISNAD_CHROMA_URL", "localhost", "ISNAD_CHROMA_URL")],
)  # fmt: skip
def test_wrong_settings_are_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """An unknown name and a value that cannot be used exit with 2 and name the variable."""
    monkeypatch.setenv(name, value)
    assert main(["articles"]) == 2
    assert said in capsys.readouterr().err


def test_an_empty_collection_lists_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Listing an empty collection is no error."""
    assert main(["articles", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_articles_go_in_answer_and_go_out(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """ingest, ask --json, a refusal, articles and delete, as README describes them."""
    article = tmp_path / "harbour.md"
    article.write_text(
        "---\ntitle: ميناء صور\npublisher: P\npublished: 2022-07-19\nurl: https://example.org/1\nlanguage: ar\n---\n"
        "افتتحت مدينة صور ميناءها الجديد يوم الأحد. وبلغت كلفة المشروع 42 مليون دولار.",
        "utf-8",
    )
    (tmp_path / "bad.txt").write_bytes(b"\x00")
    assert main(["ingest", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "1 added, 0 changed, 0 unchanged, 0 duplicate, 0 removed, 1 failed" in printed.out
    assert "bad.txt" in printed.err

    assert main(["ask", "How many million dollars did the new harbour cost?", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [
        "question", "status", "mode", "answer", "language", "confidence", "citations", "timings_ms"
    ]  # fmt: skip
    assert (answer["status"], answer["mode"], answer["language"]) == ("answered", "extractive", "en")
    citation = answer["citations"][0]
    assert list(citation) == [
        "n", "article_id", "title", "publisher", "author", "published", "language", "url", "guessed", "page", "copies",
        "passage", "start", "end", "score", "quotes",
    ]  # fmt: skip
    for quote in citation["quotes"]:
        offset = quote["start"] - citation["start"]
        assert citation["passage"][offset : offset + len(quote["text"])] == quote["text"]

    assert main(["ask", "Who is the chief executive of Apple?", "--json"]) == 0
    refusal = json.loads(capsys.readouterr().out)
    assert (refusal["status"], refusal["citations"]) == ("not_found", [])

    assert main(["articles", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["title"] == "ميناء صور"
    assert main(["delete", "nope"]) == 2
    assert main(["delete", listed["id"]]) == 0
    assert main(["articles"]) == 0
    assert main(["ask", "Who?"]) == 1
    assert "isnad ingest" in capsys.readouterr().err


def test_the_command_runs_as_a_process() -> None:
    """The installed command, with unknown arguments: exit code 2, no traceback; --help names every command."""
    command = [sys.executable, "-m", "ui.cli"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    wrong = subprocess.run([*command, "fly"], capture_output=True, text=True, env=environment)
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment).stdout
    for name in ("ask", "ingest", "articles", "delete", "rebuild", "prepare", "chat"):
        assert name in shown


def test_the_readme_names_every_setting_and_command() -> None:
    """The settings table and the commands in the README are those of the code."""
    from rag.settings import Settings

    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`ISNAD_{name.upper()}`" in readme
    for command in ("ask", "ingest", "articles", "delete", "rebuild", "prepare", "chat"):
        assert f"isnad {command}" in readme
