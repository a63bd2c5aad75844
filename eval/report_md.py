"""The report as Markdown: the same tables, the figures as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.failures import failures, worst
from eval.plots import fraction
from eval.report_tables import (
    HEAT,
    KINDS,
    PARTS,
    SYSTEMS,
    cases_of,
    date_of,
    facts,
    grouped_names,
    groups,
    known,
    latency_rows,
    line,
    lines,
    number,
    order_languages,
    span,
)
from eval.types import Outcome

_FAILURES = 40


def report_md(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The whole report."""
    counts = summary["counts"]
    parts = [
        f"# {cell(summary['name'])}",
        f"{SYSTEMS.get(summary['system'], summary['system'])} · {date_of(summary)} · {summary['models']['embedding']}",
        f"{counts['cases']} questions, {summary['articles']['count']} articles. {counts['answered']} answered, "
        f"{counts['not_found']} refused, {counts['error']} ended in an error. Means with 95 % bootstrap intervals, "
        "resampled by article; ↑ higher is better, ↓ lower is.",
        "## Measures",
        _measures(summary),
        "## Languages and kinds",
        *(f"### {KINDS[kind]}\n\n{shown}" for kind in KINDS if (shown := _groups(summary, kind))),
        *(f"### {known(name).title}, question in … of articles in …\n\n{shown}" for name in HEAT
          if (shown := _heat(summary, name))),
        *_curves(summary["curves"]),
        "## Latency (ms)",
        table(("step", "p50", "p95"), latency_rows(summary)),
        "## Failures",
        _failures(outcomes),
        "## How it was run",
        "\n".join(f"- {name}: {cell(value)}" for name, value in facts(summary)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(map(cell, heads)) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(cell, each)) + " |" for each in rows)])


def cell(text: str) -> str:
    """A text that stays within its cell and line."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _measures(summary: Mapping[str, Any]) -> str:
    rows = []
    part = ""
    for each in lines(summary):
        if each.measure.part != part:
            part = each.measure.part
            rows.append([f"**{PARTS.get(part, part)}**", "", "", "", ""])
        arrow = {"higher": " ↑", "lower": " ↓"}.get(each.measure.better, "")
        failed = str(each.failed or "")
        rows.append([f"{each.measure.title}{arrow}", number(each.mean), span(each), str(each.n), failed])
    return table(("measure", "mean", "95 % interval", "questions", "failed"), rows)


def _groups(summary: Mapping[str, Any], kind: str) -> str:
    names = grouped_names(summary, kind)
    rows = []
    for group in groups(summary, kind):
        found = [line(summary, name, group) for name in names]
        rows.append([group, str(cases_of(summary, group)), *(number(each.mean) if each else "" for each in found)])
    return table(("", "questions", *(known(name).title for name in names)), rows) if names else ""


def _heat(summary: Mapping[str, Any], name: str) -> str:
    values = {}
    counts: dict[str, int] = {}
    for pair in groups(summary, "pair"):
        if each := line(summary, name, pair):
            asked, _, held = pair.partition("→")
            values[asked, held] = number(each.mean)
            for language in (f"q {asked}", f"a {held}"):
                counts[language] = counts.get(language, 0) + each.n
    if not values:
        return ""
    asked_in = order_languages([each for each, _ in values], {k[2:]: n for k, n in counts.items() if k[0] == "q"})
    held_in = order_languages([each for _, each in values], {k[2:]: n for k, n in counts.items() if k[0] == "a"})
    rows = [[asked, *(values.get((asked, held), "") for held in held_in)] for asked in asked_in]
    return table(("", *held_in), rows)


def _curves(curves: Mapping[str, Any]) -> list[str]:
    parts = []
    if recall := curves["recall"]:
        depth = max(map(len, recall.values()))
        rows = [[str(k), *(fraction(each[k - 1]) for each in recall.values())] for k in range(1, depth + 1)]
        parts += ["## Recall at k", table(("k", *recall), rows)]
    if bins := curves["reliability"]:
        rows = [[fraction(mean), fraction(share), str(count)] for mean, share, count in bins]
        parts += ["## Reliability", table(("confidence", "right", "answers"), rows)]
    if curve := curves["risk_coverage"]:
        step = max(1, len(curve) // 10)
        rows = [[fraction(covered), fraction(risk)] for covered, risk in curve[step - 1 :: step]]
        parts += ["## Risk and coverage", table(("answered", "wrong"), rows)]
    return parts


def _failures(outcomes: Sequence[Outcome]) -> str:
    found = failures(outcomes)
    shown = worst(found, _FAILURES)
    if not shown:
        return "No answer failed."
    rows = [
        [each.kind, each.outcome.case.id, each.outcome.case.language, each.outcome.case.question, each.why]
        for each in shown
    ]
    heads = ("what", "id", "language", "question", "why")
    more = "" if len(shown) == len(found) else f"\n\n{len(found)} in all; results.jsonl has them."
    return table(heads, rows).replace("|---|---:|---:|---:|---:|", "|---|---|---|---|---|") + more
