"""What both forms of the report print: the measures in their parts, groups of questions, facts of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.measures import MEASURES, Measure
from eval.plots import fraction, milliseconds

ALL = "all"
PARTS = {
    "retrieval": "Retrieval",
    "answers": "Answers",
    "citations": "Citations",
    "refusals": "Refusals and confidence",
    "judge": "Judged by a language model",
    "run": "Run",
}
_OWN = {
    "errors": Measure("Errors", "lower", "Share of questions that ended in an error; they are in no other mean.", "run")
}
# What tells a run from another at a glance.
KEY = ("recall@5", "right", "answer_in_quotes", "refusal_error", "hallucination", "auroc")
# Those of a group of questions.
GROUPED = ("recall@1", "recall@5", "right", "answer_in_quotes", "similarity", "refusal_error", "hallucination")
# Measures whose scale is not 0–1.
KINDS = {"language": "By language of the question", "pair": "By pair of languages", "tag": "By kind of question"}
HEAT = ("recall@5", "answer_in_quotes")


@dataclass(frozen=True, slots=True)
class Line:
    """A measure with what was measured: numbers, or None where there are none."""

    name: str
    measure: Measure
    mean: float | None
    low: float | None
    high: float | None
    n: int
    failed: int


_ALL = {**MEASURES, **_OWN}


def known(name: str) -> Measure:
    """What is known of a measure; of one that is not in the table only its name."""
    return _ALL.get(name) or Measure(name.replace("_", " "), "higher", "", "judge")


def names() -> list[str]:
    """All measures that there are."""
    return list(_ALL)


def lines(summary: Mapping[str, Any], group: str = ALL) -> list[Line]:
    """The measures of a group in the order of the table, each part together."""
    order = {part: place for place, part in enumerate(PARTS)}
    found = [_line(name, row) for name, row in summary["measures"].get(group, {}).items()]
    return sorted(found, key=lambda each: order.get(each.measure.part, len(order)))


def _line(name: str, row: Mapping[str, Any]) -> Line:
    return Line(name, known(name), row["mean"], row["low"], row["high"], row["n"], row["failed"])


def line(summary: Mapping[str, Any], name: str, group: str = ALL) -> Line | None:
    """One measure of a group, None where it was not measured."""
    row = summary["measures"].get(group, {}).get(name)
    return _line(name, row) if row else None


def groups(summary: Mapping[str, Any], kind: str) -> list[str]:
    """The groups of a kind, in order."""
    return [group for group, of in summary["groups"].items() if of == kind]


def grouped_names(summary: Mapping[str, Any], kind: str) -> list[str]:
    """The measures that a table of groups of this kind has a column for: those that any of them has."""
    of = groups(summary, kind)
    return [name for name in GROUPED if any(name in summary["measures"][group] for group in of)]


def number(value: float | None) -> str:
    """A mean as it is printed."""
    return "–" if value is None else fraction(value)


def span(each: Line) -> str:
    """The interval as it is printed, "" where there is none."""
    return "" if each.low is None or each.high is None else f"{fraction(each.low)}–{fraction(each.high)}"


def cases_of(summary: Mapping[str, Any], group: str) -> int:
    """How many questions of a group were asked: the most that any measure has."""
    return max((row["n"] + row["failed"] for row in summary["measures"].get(group, {}).values()), default=0)


def facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run was made with, as (name, value)."""
    dataset, speed, machine = summary["dataset"], summary["speed"], summary["machine"]
    shares = dataset["shares"]
    settings = {name: value for name, value in summary["settings"].items() if value not in ("", None)}
    return [
        ("Questions", f"{dataset['name']}: {dataset['cases']}, of them {dataset['unanswerable']} unanswerable "
         f"({dataset['close']} close to the subject) and {dataset['cross_language']} across languages"
         f" ({_percent(shares['cross_language'])} of the answerable)"),
        ("SHA-256 of the questions", dataset["digest"]),
        ("Articles", f"{summary['articles']['count']} in {_counts(summary['articles']['languages'])}"),
        ("System", SYSTEMS.get(summary["system"], summary["system"])),
        *((f"Model: {role}", name) for role, name in summary["models"].items()),
        *_judge_facts(summary),
        ("Speed", f"{speed['questions']} questions in {speed['seconds']:.0f} s, {speed['per_second']:.1f} a second, "
         f"{speed['jobs']} at once; at most {speed['peak_memory_mb']:,} MB of memory"),
        ("Machine", f"{machine['system']} {machine['machine']}, {machine['cores']} cores"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in summary["versions"].items())),
        ("Settings", ", ".join(f"{name}={value}" for name, value in settings.items())),
    ]  # fmt: skip


def _judge_facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    judge = summary.get("judge")
    if not judge:
        return []
    cost = "" if judge["cost"] is None else f", {judge['cost']:.2f} in the currency of the price"
    words = (
        f"{judge['replies']} replies and {judge['cached']} from earlier, {judge['tokens_in']:,} tokens read and "
        f"{judge['tokens_out']:,} written{cost}; {sum(judge['failed'].values())} judgements failed"
    )
    reasons = [("Failed judgements", f"{count}: {reason}") for reason, count in judge["reasons"].items()]
    return [("Judge", words), *reasons, *(("Judge", note) for note in judge["notes"])]


SYSTEMS = {"isnad": "Isnad", "naive": "the pipeline of a LangChain tutorial"}


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _counts(languages: Mapping[str, int]) -> str:
    return ", ".join(f"{language} {count}" for language, count in languages.items())


def latency_rows(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(step, median, 95th percentile) in milliseconds."""
    return [
        (step, milliseconds(each["p50"]), milliseconds(each["p95"])) for step, each in summary["latency_ms"].items()
    ]


def order_languages(languages: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    """Languages, those with the most questions first."""
    return sorted(dict.fromkeys(languages), key=lambda each: (-counts.get(each, 0), each))


def date_of(summary: Mapping[str, Any]) -> str:
    """The day and time of a run."""
    return str(summary["date"])[:16].replace("T", " ") + " UTC"
