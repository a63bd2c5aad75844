"""The reports of isnad eval: what they show, that it is safe to open, and when a difference is called one."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from lxml import html

from eval.compare import Comparison, Run, compare, compare_html, compare_md, read_run, table_lines
from eval.evaluate import Plan
from eval.failures import Kind, failures, worst
from eval.listing import results_html
from eval.metrics import score
from eval.plots import Axis, Series, forest, fraction, heat_map, line_chart, signed, unit_axis
from eval.report_html import report_html
from eval.report_md import report_md
from eval.results import write_outcomes
from eval.run import Tally
from eval.summary import finished, write_summary
from eval.types import Case, Dataset, Found, Message, Outcome, Reference
from rag.chroma import ModelStamp
from rag.errors import UsageError
from rag.settings import load
from rag.types import Answer, AnswerSentence, Article, Citation, Mode, Passage, Quote, Status, Support

EVIL = '<script>alert("x")</script> & "quotes"'
TEXTS = {
    "ar": "افتتح الوزير سد الوادي يوم الاثنين. بلغت كلفة السد ثلاثين مليون دولار.",
    "zh": "青山大桥于七月三日正式通车。大桥全长十二公里。",
    "en": f"The harbour was opened on 4 May. It cost 80 million. {EVIL}",
}
ARTICLES = {
    language: Article(f"{language}-1", f"Title {EVIL}", text, language=language) for language, text in TEXTS.items()
}


def outcome(
    name: str,
    question: str,
    language: str,
    *,
    article: str = "en",
    quoted: tuple[int, int] | None = (0, 20),
    gold: tuple[int, int] | None = (0, 20),
    confidence: float = 0.8,
    support: Support = Support.SUPPORTED,
    **more: Any,
) -> Outcome:
    """An outcome with scores: what is quoted of the article, or a refusal; what should be, or nothing."""
    held = ARTICLES[article]
    passage = Passage(f"{held.id}:0", held.id, held.text, 0, len(held.text), article, ((0, len(held.text)),))
    answer = Answer(
        question, Status.NOT_FOUND, Mode.EXTRACTIVE, "No.", language, confidence, timings_ms={"total": 12.0}
    )
    if quoted:
        quote = Quote(held.text[slice(*quoted)], *quoted)
        answer = replace(
            answer,
            status=Status.ANSWERED,
            text=quote.text,
            sentences=(AnswerSentence(quote.text, (1,), support),),
            citations=(Citation(1, held, passage, (quote,), confidence),),
        )
    references = (Reference(held.id, *gold, held.text[slice(*gold)]),) if gold else ()
    case = Case(
        name, question, language, answers=("It was.",) if gold else (), references=references,
        languages=(article,) if gold else (), tags=("factoid",) if gold else ("unanswerable",), **more,
    )  # fmt: skip
    found = (Found(passage.id, held.id, article, 0, len(held.text), held.text, 0.9),)
    made = Outcome(case, found, answer.to_dict())
    return replace(made, scores=score(made))


OUTCOMES = [
    outcome("en-1", f"When? {EVIL}", "en"),
    outcome("ar-1", "كم بلغت كلفة السد؟", "ar", article="ar", quoted=None, confidence=0.2),
    outcome("ar-2", "من افتتح السد؟", "ar", article="ar", quoted=(30, 60), gold=(0, 20)),
    outcome("zh-1", "大桥全长多少公里？", "zh", article="zh", gold=(14, 22), quoted=(14, 22),
            conversation=(Message("user", "青山大桥何时通车？"), Message("assistant", "七月三日。"))),
    outcome("en-2", "Who won?", "en", gold=None, confidence=0.9),
    outcome("en-3", "Who lost?", "en", quoted=(0, 20), support=Support.UNSUPPORTED),
    replace(outcome("en-4", "Who drew?", "en"), answer=None, error=f"It broke {EVIL}", scores={"right": None}),
]  # fmt: skip


def summary_of(outcomes: list[Outcome], name: str = "set.jsonl", **settings: Any) -> dict[str, Any]:
    """The summary of a run with these outcomes."""
    dataset = Dataset(name, tuple(each.case for each in outcomes), digest="d" * 64)
    model: Any = SimpleNamespace(stamp=ModelStamp("model", 3, "c"))
    plan = Plan(dataset, list(ARTICLES.values()), model, load(**settings), Path())
    tally = Tally(len(outcomes), 1, asked=len(outcomes), seconds=2.0)
    return finished(plan, outcomes, tally, judge=None, now=datetime(2022, 7, 19, 12, tzinfo=UTC))


def report(outcomes: list[Outcome] = OUTCOMES) -> str:
    return report_html(summary_of(outcomes), outcomes)


def test_the_report_needs_nothing_from_elsewhere() -> None:
    """No address is loaded, and the policy lets in exactly the styles and the script that are inside."""
    whole = report()
    tree = html.document_fromstring(whole)
    assert not [each for each in tree.xpath("//@src | //@href") if not each.startswith(("#", "data:"))]
    assert "http:" not in whole.replace("http://www.w3.org", "")
    assert "url(" not in whole
    policy = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    for element in ("style", "script"):
        inside = tree.xpath(f"//{element}")
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not tree.xpath("//@style | //@onclick")


def test_texts_are_escaped_and_run_their_own_way() -> None:
    """What articles and questions say cannot become markup; each text has its language and direction."""
    tree = html.document_fromstring(report())
    assert len(tree.xpath("//script")) == 1
    assert any(EVIL in each.text_content() for each in tree.xpath("//details[@class='case']"))
    for language, way in (("ar", "rtl"), ("zh", "ltr"), ("en", "ltr")):
        texts = tree.xpath(f"//*[contains(@class, 'text')][@lang='{language}']")
        assert texts or language == "zh"  # the Chinese one is right and so not shown
        assert {each.get("dir") for each in texts} <= {way}
    assert tree.xpath("//details[@data-language='ar'][@data-kind='refused-though-answerable']")


def test_every_failure_is_told_with_its_reason() -> None:
    """Each kind is recognised, the worst first, and right answers are none of them."""
    found = failures(OUTCOMES)
    assert [(each.outcome.case.id, each.kind) for each in found] == [
        ("en-4", Kind.ERROR),
        ("en-2", Kind.HALLUCINATED),
        ("en-3", Kind.UNSUPPORTED),
        ("ar-2", Kind.WRONG_SENTENCE),
        ("ar-1", Kind.REFUSED),
    ]
    assert "It broke" in found[0].why
    assert "confidence 0.90" in found[1].why
    assert "rank 1" in found[3].why
    other = outcome("zh-9", "谁？", "zh", article="zh", gold=(0, 5))
    moved = replace(other, case=replace(other.case, references=(Reference("ar-1", 0, 5, TEXTS["ar"][:5]),)))
    assert [each.kind for each in failures([moved])] == [Kind.WRONG_ARTICLE]
    assert failures([]) == []


def test_the_worst_are_of_every_kind() -> None:
    """Where not all failures have room, each kind has some."""
    many = [replace(OUTCOMES[4], case=replace(OUTCOMES[4].case, id=f"h{number}")) for number in range(50)]
    shown = worst(failures([*many, OUTCOMES[1]]), 10)
    assert len(shown) == 10
    assert {each.kind for each in shown} == {Kind.HALLUCINATED, Kind.REFUSED}


@pytest.mark.parametrize("outcomes", [OUTCOMES[:1], OUTCOMES[1:2], OUTCOMES[4:5], OUTCOMES[6:], OUTCOMES])
def test_a_report_can_be_written_of_anything(outcomes: list[Outcome]) -> None:
    """One answer, one refusal, nothing but unanswerable questions or errors: there is a report of it."""
    summary = summary_of(outcomes)
    whole, plain = report_html(summary, outcomes), report_md(summary, outcomes)
    assert html.document_fromstring(whole).xpath("//h2")
    assert plain.startswith("# set.jsonl\n")
    assert "nan" not in re.sub(r"<script.*", "", whole).replace("unanswerable", "")
    assert ("No answer failed" in whole) == (not failures(outcomes))


def test_markdown_has_the_same_figures() -> None:
    """Every mean of the summary stands in the Markdown report, and no text breaks out of its table."""
    summary = summary_of(OUTCOMES)
    plain = report_md(summary, OUTCOMES)
    assert f"| Recall at 5 ↑ | {fraction(summary['measures']['all']['recall@5']['mean'])} |" in plain
    assert "<script" not in plain
    widths = {line.count(" | ") for line in plain.splitlines() if line.startswith("| ") and "refused though" in line}
    assert widths == {4}


def test_secrets_and_folders_stay_out(tmp_path: Path) -> None:
    """The summary names the models and settings, not keys, folders or a password in an address."""
    summary = summary_of(
        OUTCOMES, llm="openai:small", llm_api_key="sesame", data_dir=tmp_path, llm_base_url="http://me:sesame@host:1/v1"
    )
    assert summary["settings"]["llm_base_url"] == "http://host:1/v1"
    assert summary["models"]["language model"] == "openai:small"
    assert "sesame" not in str(summary)
    assert str(tmp_path) not in str(summary)


def test_figures_are_sound_and_print_their_values() -> None:
    """Figures are well-formed SVG with a name; a heat map prints every value, and an empty cell where there is none."""
    heat = heat_map("Recall", ["ar", "zh"], ["ar"], {("ar", "ar"): (0.954, 12)}, row_label="q", column_label=EVIL)
    lines = line_chart("Curve", Axis("k", 1, 5, [1, 5]), unit_axis("y"), [Series(EVIL, [(1, 0.5)]), Series("سد", [])])
    trees = [ElementTree.fromstring(each) for each in (heat, lines, forest("Differences", [], label="x"))]
    assert all(tree.get("aria-label") for tree in trees)
    words = list(trees[0].itertext())
    assert {".954", "12", "zh", EVIL} <= set(words)
    assert len([each for each in trees[0].iter() if each.get("class") == "none"]) == 1
    assert all("fill" not in each.attrib and "stroke" not in each.attrib for tree in trees for each in tree.iter())


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, ".000"), (-0.0301, "−.030"), (0.3, "+.300"), (1.0, "+1.000"), (1e-9, ".000")]
)
def test_differences_are_printed_with_their_sign(value: float, words: str) -> None:
    """A difference that rounds to nothing has no sign."""
    assert signed(value) == words


def runs(changed: int, of: int = 60) -> tuple[Run, Run]:
    """Two runs on the same questions, in so many of which the second has the answer and the first has not."""
    cases = [replace(OUTCOMES[3].case, id=f"zh-{number}") for number in range(of)]
    first = [Outcome(case, scores={"right": 0.0, "recall@5": 1.0, "hallucination": 1.0}) for case in cases]
    second = [
        replace(
            each, scores={**each.scores, "right": float(number < changed), "hallucination": float(number >= changed)}
        )
        for number, each in enumerate(first)
    ]
    return Run("a", summary_of(OUTCOMES), first), Run("b", summary_of(OUTCOMES), second)


def verdicts(found: Comparison) -> dict[str, str]:
    return {each.measure: each.verdict for each in found.measures}


def test_a_difference_is_called_one_only_when_it_is() -> None:
    """Half of the questions are a difference, in the direction that is better; one question of sixty is none."""
    found = compare(*runs(30))
    assert verdicts(found) == {"right": "better", "recall@5": "same", "hallucination": "better"}
    assert verdicts(compare(*reversed(runs(30)))) == {"right": "worse", "recall@5": "same", "hallucination": "worse"}
    chance = compare(*runs(1))
    assert set(verdicts(chance).values()) == {"same"}
    for text in ("\n".join(table_lines(chance)), compare_html(chance), compare_md(chance)):
        assert "no difference shown" in text
    assert "the second is better" in compare_html(found)
    assert found.to_dict()["measures"]["right"]["difference"] == 0.5


def test_a_failed_score_is_left_out_of_both_runs() -> None:
    """A question whose score failed in one run counts in neither, and is counted as failed."""
    first, second = runs(30)
    second = replace(second, outcomes=[replace(second.outcomes[0], scores={"right": None}), *second.outcomes[1:]])
    right = next(each for each in compare(first, second).measures if each.measure == "right")
    assert (right.difference.n, right.difference.failed) == (59, 1)
    assert right.second == pytest.approx(29 / 59)


def test_runs_on_other_questions_are_compared_only_when_forced() -> None:
    """Two sets have questions of the same id that are not the same: told so, the common ones are compared."""
    first, second = runs(30)
    second = replace(
        second, summary={**second.summary, "dataset": {**second.summary["dataset"], "digest": "other"}},
        outcomes=second.outcomes[:20],
    )  # fmt: skip
    with pytest.raises(UsageError, match="--force"):
        compare(first, second)
    found = compare(first, second, force=True)
    assert (found.common, found.only_first, found.only_second) == (20, 40, 0)
    with pytest.raises(UsageError, match="no question in common"):
        compare(first, replace(second, outcomes=[]), force=True)


def stored(folder: Path, outcomes: list[Outcome], **more: Any) -> Path:
    """The folder of a finished run."""
    folder.mkdir(parents=True)
    write_summary(folder, {**summary_of(outcomes), **more})
    write_outcomes(folder / "results.jsonl", outcomes)
    return folder


def test_a_run_is_read_from_its_folder_or_a_file_in_it(tmp_path: Path) -> None:
    """All three forms give the same run; one that was interrupted, or is none, is refused with its name."""
    folder = stored(tmp_path / "run", OUTCOMES)
    assert read_run(folder) == read_run(folder / "summary.json") == read_run(folder / "results.jsonl")
    assert list(read_run(folder).outcomes) == OUTCOMES
    for broken, said in (("{}", "not a summary"), ("[", "cannot be read"), ('{"version": 1}', "was interrupted")):
        (folder / "summary.json").write_text(broken)
        with pytest.raises(UsageError, match=said):
            read_run(folder)


def test_the_list_of_reports_shows_the_latest_first(tmp_path: Path) -> None:
    """Name, date and key figures of each finished run, escaped; what is not one is passed over."""
    assert "no evaluation reports" in results_html(tmp_path)
    assert "no evaluation reports" in results_html(tmp_path / "nowhere")
    stored(tmp_path / "old", OUTCOMES)
    stored(tmp_path / "تقرير <b>", OUTCOMES, date="2022-08-01T10:00:00+00:00")
    stored(tmp_path / "unfinished", OUTCOMES, finished=False)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "summary.json").write_text("nonsense")
    fragment = html.fragment_fromstring(results_html(tmp_path))
    assert fragment.xpath(".//tbody/tr/th/text()") == ["تقرير <b>", "old"]
    assert fragment.xpath(".//tbody/tr[1]/td[1]/text()") == ["2022-08-01 10:00 UTC"]
    assert not fragment.xpath(".//b | .//a | .//script")
