"""The benchmarks: their measures by hand, and both commands over a small question set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.bench.measures import recall, reciprocal_rank
from eval.bench.squad import find_squad
from eval.refusals import auroc, calibration_error, reliability
from rag.errors import UsageError
from ui.cli import main

_TOWNS = {
    "en": [
        ("Aldermouth", "The mayor of {0} is Ann Grey. The harbour opened in 1911.", "Who is the mayor of {0}?"),
        ("Berrick", "The bridge of {0} is made of stone. The mayor of {0} is Tom Reed.", "Who is the mayor of {0}?"),
    ],
    "de": [
        ("Aldermouth", "Die Bürgermeisterin von {0} ist Ann Grey. Der Hafen von {0} wurde 1911 eröffnet.", "Wer?"),
        ("Berrick", "Die Brücke von {0} ist aus Stein. Der Bürgermeister von {0} ist Tom Reed.", "Wer?"),
    ],
}  # fmt: skip


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    """Two articles of one paragraph in two languages, a question each and one without an answer (SQuAD 2.0)."""
    for language, towns in _TOWNS.items():
        data = []
        for number, (town, text, question) in enumerate(towns):
            text = text.format(town)
            name = "Ann Grey" if "Ann" in text else "Tom Reed"
            answers = [{"text": name, "answer_start": text.index(name)}]
            asked = [
                {"id": f"q{number}", "question": question.format(town), "answers": answers},
                {"id": f"n{number}", "question": "Why?", "answers": [], "is_impossible": True},
            ]
            data.append({"title": town, "paragraphs": [{"context": text, "qas": asked}]})
        (tmp_path / f"towns.{language}.json").write_text(json.dumps({"data": data}), "utf-8")
    return tmp_path


def test_measures() -> None:
    assert (recall([1, 0, 3, 6], 5), reciprocal_rank([1, 2, 0, 11], 10)) == (0.5, 0.375)
    right, wrong = np.array([0.9, 0.8, 0.95]), np.array([0.1, 0.85])
    assert auroc(right, wrong) == pytest.approx(5 / 6)
    assert reliability(right, wrong)[0] == (0.1, 0.0, 1)
    # In [.8, .9): mean .825, half right; in [.9, 1]: mean .925, all right.
    assert calibration_error(right, wrong) == pytest.approx((0.1 + 2 * 0.325 + 2 * 0.075) / 5)
    assert calibration_error(np.ones(4), np.zeros(4)) == 0


def test_retrieval_is_measured_beside_the_naive_pipeline(squad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every system has its row, passages and paragraphs theirs, and what cannot be missed is found."""
    command = ["bench", "retrieval", "--data", str(squad), "--questions", "en", "--articles", "en,de", "--beside", "de"]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["systems"]) == ["Isnad", "Isnad, paragraphs as passages", "naive, same model"]
    for pairs in report["systems"].values():
        assert list(pairs) == ["en→en", "en→de", "average"]
        assert pairs["average"]["questions"] == 4
        assert pairs["en→en"]["R@5"] == pairs["en→en"]["R@20"] == 1
    own = report["systems"]["Isnad"]["en→en"]
    assert (own["R@1"], own["sentence hit@1"], own["refused"]) == (1, 1, 0)
    assert sum(each["questions"] for each in report["reliability"]) == 8

    assert main([*command[:5], "en", "--articles", "en", "--no-naive", "--no-paragraphs"]) == 0
    printed = capsys.readouterr().out
    assert "| en→en | 2 | 1.000 |" in printed and "answerable" in printed and "naive" not in printed


def test_what_does_not_pair_or_is_not_there_is_an_error(squad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "retrieval", "--data", str(squad), "--questions", "en", "--articles", "fr"]) == 2
    assert "towns" not in (error := capsys.readouterr().err) and "xquad.fr.json" in error
    german = squad / "towns.de.json"
    german.write_text(german.read_text("utf-8").replace('"q1"', '"other"'), "utf-8")
    assert main(["bench", "retrieval", "--data", str(squad), "--questions", "en", "--articles", "de"]) == 2
    assert "do not pair" in capsys.readouterr().err
    (squad / "en.json").write_text('{"data": []}', "utf-8")
    with pytest.raises(UsageError, match=r"en\.json, towns\.en\.json"):
        find_squad(squad, "en")


def test_speed_is_measured_over_a_generated_collection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All parts have times, and a collection that is kept is taken again. What the times are is not tested."""
    command = ["bench", "speed", "--passages", "30", "--rounds", "2", "--keep", str(tmp_path / "kept")]
    assert main([*command, "--json"]) == 0
    speed = json.loads(capsys.readouterr().out)
    assert speed["passages"] == 30
    assert {"embedding", "dense", "lexical", "question to ranked hits", "embedding, stock"} <= set(speed["times_ms"])
    assert speed["passages_per_second"]["writing"] > 0 and speed["memory_mb"] > 0 and speed["startup_s"] > 0
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "### 30 passages" in printed and "| writing |" not in printed
