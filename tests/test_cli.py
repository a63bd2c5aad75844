"""The command line: exit codes, one readable line for every error, and the JSON that others build on."""

from __future__ import annotations

import io
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
        "version", "question", "asked", "status", "mode", "model", "answer", "language", "confidence", "sentences",
        "notices", "removed_citations", "citations", "nearby", "timings_ms"
    ]  # fmt: skip
    assert (answer["status"], answer["mode"], answer["language"]) == ("answered", "extractive", "en")
    citation = answer["citations"][0]
    assert list(citation) == [
        "n", "article_id", "title", "publisher", "author", "published", "language", "url", "guessed", "page", "copies",
        "others", "passage", "start", "end", "score", "quotes",
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


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """A tiny model, for what does not depend on what the vectors mean."""
    monkeypatch.setenv("ISNAD_EMBEDDING_MODEL", str(tiny_model))
    monkeypatch.setenv("ISNAD_CACHE_DIR", str(tiny_model.parent))


def _records(path: Path, *records: dict[str, str]) -> Path:
    path.write_text("\n".join(json.dumps(record) for record in records), "utf-8")
    return path


_THREE = tuple(
    dict(zip(("title", "text", "source", "date", "lang"), values, strict=True))
    for values in (
        ("Harbour", "The harbour opened on Sunday.", "Saidar Post", "2022-07-19", "en"),
        ("ميناء", "افتُتح الميناء يوم الأحد بعد ست سنوات.", "Saidar Post", "2022-08-01", "ar"),
        ("Bridge", "The bridge is closed for repairs.", "The Echo", "2023-01-05", "en"),
    )
)


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (["--language", "ar"], ["ميناء"]),
        (["--publisher", "saidar"], ["Harbour", "ميناء"]),
        (["--before", "2022-08-01"], ["Harbour"]),
        (["--since", "2022-08-01"], ["ميناء", "Bridge"]),
        (["--text", "الميناء ست"], ["ميناء"]),
        (["--text", "bridge", "--publisher", "post"], []),
    ],
)
def test_articles_are_filtered(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, filters: list[str], titles: list[str]
) -> None:
    assert main(["ingest", str(_records(tmp_path / "three.jsonl", *_THREE)), "--quiet"]) == 0
    capsys.readouterr()
    assert main(["articles", "--json", *filters]) == 0
    assert [article["title"] for article in json.loads(capsys.readouterr().out)] == titles


@pytest.mark.usefixtures("_tiny")
def test_what_is_shown_counted_and_deleted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """show has the text in its passages, stats the sums; delete by filter asks first, and says so where nobody is."""
    main(["ingest", str(_records(tmp_path / "three.jsonl", *_THREE)), "--quiet"])
    capsys.readouterr()
    main(["articles", "--language", "ar", "--json"])
    (listed,) = json.loads(capsys.readouterr().out)
    assert main(["show", listed["id"], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert "".join(shown["text"][each["start"] : each["end"]] for each in shown["passages"]) == _THREE[1]["text"]
    assert main(["stats", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["articles"], counted["languages"]) == (3, {"en": 2, "ar": 1})
    assert counted["publishers"] == {"Saidar Post": 2, "The Echo": 1}
    assert counted["published"] == {"first": "2022-07-19", "last": "2023-01-05"}

    assert main(["delete", "--publisher", "saidar"]) == 2
    said = capsys.readouterr().err
    assert "Harbour" in said and "Delete 2 articles of 3?" in said and "--yes" in said
    assert main(["delete", listed["id"], "--publisher", "saidar"]) == 2
    assert main(["delete", "--before", "2022-08-01", "--yes"]) == 0
    assert capsys.readouterr().out.startswith("deleted ")
    assert main(["delete", "--before", "2022-08-01", "--yes"]) == 0
    assert "no such article" in capsys.readouterr().err
    main(["stats", "--json"])
    assert json.loads(capsys.readouterr().out)["articles"] == 2


@pytest.mark.usefixtures("_tiny")
def test_pruning_more_than_half_asks_first(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"Report {number} of the harbour.", "utf-8")
    assert main(["ingest", str(folder), "--quiet"]) == 0
    for number in range(3):
        (folder / f"{number}.txt").unlink()
    assert main(["ingest", str(folder), "--prune", "--quiet"]) == 2
    assert "3 of the 4 articles" in capsys.readouterr().err
    assert main(["ingest", str(folder), "--prune", "--quiet", "--yes"]) == 0
    assert "3 removed" in capsys.readouterr().out


@pytest.mark.usefixtures("_tiny")
def test_bad_files_are_named_and_the_good_ones_are_in(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1; every reason names file and line; --json has one object for each and the sum."""
    folder = tmp_path / "articles"
    folder.mkdir()
    lines = [json.dumps({"title": f"Report {n}", "text": f"It rained on day {n} of the month."}) for n in range(10)]
    lines[2] = '{"title": "Report 2", "text": '
    (folder / "ten.jsonl").write_text("\n".join(lines), "utf-8")
    (folder / "columns.csv").write_text("headline,score\nA,1\n", "utf-8")
    (folder / "good.txt").write_text("The harbour opened.", "utf-8")
    assert main(["ingest", str(folder)]) == 1
    printed = capsys.readouterr()
    assert "10 added" in printed.out and "2 failed" in printed.out
    assert f"{folder / 'ten.jsonl'}, line 3: expected one JSON object" in printed.err
    assert f"{folder / 'columns.csv'}: no field with the text was recognised among headline, score" in printed.err
    assert main(["ingest", str(folder), "--json"]) == 1
    outcomes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert outcomes[-1] == {
        "summary": {"added": 0, "changed": 0, "unchanged": 10, "duplicate": 0, "removed": 0, "failed": 2}
    }
    assert {each["outcome"] for each in outcomes[:-1]} == {"unchanged", "failed"}


@pytest.mark.usefixtures("_tiny")
def test_overrides_win_and_are_not_guesses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The harbour opened on Sunday, after six years of work.", "utf-8")
    given = ["--publisher", "Saidar Post", "--language", "en-GB", "--published", "2022-07-19"]
    assert main(["ingest", str(tmp_path / "a.txt"), *given, "--quiet"]) == 0
    capsys.readouterr()
    main(["articles", "--json"])
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["publisher"], listed["language"], listed["published"]) == ("Saidar Post", "en-GB", "2022-07-19")
    assert listed["guessed"] == ["title"]
    for wrong in (["--language", "Klingon!"], ["--published", "soon"], ["--map", "headline"]):
        assert main(["ingest", str(tmp_path / "a.txt"), *wrong]) == 2


@pytest.mark.usefixtures("_tiny")
def test_standard_input_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the format it looks like, or the one that is named."""
    typed = "\n".join(json.dumps(record, ensure_ascii=False) for record in _THREE).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed)))
    assert main(["ingest", "-", "--format", "jsonl"]) == 0
    assert "3 added" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"<!doctype html><p>The bridge is open again.</p>")))
    assert main(["ingest", "-"]) == 0
    assert "1 added" in capsys.readouterr().out


def test_the_command_runs_as_a_process() -> None:
    """The installed command, with unknown arguments: exit code 2, no traceback; --help names every command."""
    command = [sys.executable, "-m", "ui.cli"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    wrong = subprocess.run([*command, "fly"], capture_output=True, text=True, env=environment)
    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    shown = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment).stdout
    for name in ("ask", "ingest", "articles", "delete", "rebuild", "prepare", "chat", "eval", "hash-password"):
        assert name in shown


def test_the_readme_names_every_setting_and_command() -> None:
    """The settings table and the commands in the README are those of the code."""
    from rag.settings import Settings

    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`ISNAD_{name.upper()}`" in readme
    for command in ("ask", "ingest", "articles", "delete", "rebuild", "prepare", "chat", "eval", "hash-password"):
        assert f"isnad {command}" in readme
