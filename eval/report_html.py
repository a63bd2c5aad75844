"""The report as one HTML file that needs nothing else: no network, its styles and figures inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from typing import Any

from eval.failures import failures, worst
from eval.plots import Axis, Series, bars, fraction, heat_map, interval, line_chart, milliseconds, unit_axis
from eval.report_cases import MOST, browser
from eval.report_tables import (
    HEAT,
    KEY,
    KINDS,
    PARTS,
    SYSTEMS,
    Line,
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

# Rows of a table beyond which it has to be opened.
_LONG = 24
# Columns of a heat map that find room beside another figure.
_NARROW = 7
_SECTIONS = {
    "measures": "Measures",
    "figures": "Figures",
    "groups": "Languages and kinds",
    "failures": "Failures",
    "run": "How it was run",
}


def report_html(summary: Mapping[str, Any], outcomes: Sequence[Outcome]) -> str:
    """The whole report."""
    found = failures(outcomes)
    name = str(summary["name"])
    bodies = {
        "measures": _measures(summary),
        "figures": _figures(summary),
        "groups": "".join(_group_table(summary, kind) for kind in KINDS),
        "failures": browser(found, worst(found, MOST)),
        "run": _facts(summary),
    }
    links = "".join(f'<li><a href="#{anchor}">{title}</a></li>' for anchor, title in _SECTIONS.items())
    counts = summary["counts"]
    lead = (
        f"{counts['cases']} questions, {summary['articles']['count']} articles. {counts['answered']} answered, "
        f"{counts['not_found']} refused, {counts['error']} ended in an error. Means with 95 % bootstrap intervals, "
        "resampled by article."
    )
    header = (
        f"<h1>{escape(name)}</h1><p class='soft'>{escape(SYSTEMS.get(summary['system'], summary['system']))} · "
        f"{escape(date_of(summary))} · {escape(_model(summary))}</p><p>{lead}</p>"
        f"<nav aria-label='Sections'><ul>{links}</ul></nav>{_tiles(summary)}"
    )
    sections = "".join(
        f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{title}</h2>{bodies[anchor]}</section>'
        for anchor, title in _SECTIONS.items()
    )
    return page(f"Evaluation of {name}", header, sections)


def _model(summary: Mapping[str, Any]) -> str:
    """The models that a reader of figures wants to know of first."""
    found = summary["models"]
    return " · ".join(filter(None, (found["embedding"].partition(",")[0], found.get("language model", ""))))


def page(title: str, header: str, body: str) -> str:
    """A whole HTML document around a header and a body; nothing from elsewhere is let in."""
    style, script = asset("report.css"), asset("report.js")
    policy = (
        f"default-src 'none'; style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{style}</style></head><body>"
        f'<header class="top">{header}</header><main>{body}</main>'
        f"<footer>Written by isnad eval.</footer><script>{script}</script></body></html>\n"
    )


@cache
def asset(name: str) -> str:
    """A file of ``eval/assets``."""
    return (resources.files("eval") / "assets" / name).read_text("utf-8")


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _tiles(summary: Mapping[str, Any]) -> str:
    tiles = [
        (each.measure.title, number(each.mean), span(each))
        for name in KEY
        if (each := line(summary, name)) and each.mean is not None
    ]
    if total := summary["latency_ms"].get("total"):
        tiles.append(("Latency, median", f"{milliseconds(total['p50'])} ms", f"p95 {milliseconds(total['p95'])} ms"))
    return f'<dl class="tiles">{"".join(_tile(*each) for each in tiles)}</dl>'


def _tile(title: str, figure: str, below: str) -> str:
    parts = f"<dd class='figure'>{escape(figure)}</dd><dd class='range'>{escape(below)}</dd>"
    return f"<div><dt>{escape(title)}</dt>{parts}</div>"


def table(caption: str, heads: Sequence[str], rows: Sequence[str], *, numbers_from: int = 1) -> str:
    """A table that scrolls by itself where the page is narrow; ``rows`` are HTML, columns from that one on numbers."""
    cells = "".join(
        f'<th scope="col"{" class=number" if place >= numbers_from else ""}>{escape(head)}</th>'
        for place, head in enumerate(heads)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(name: str, cells: Sequence[str], *, explain: str = "") -> str:
    """A line of a table: its name and what is in its cells, numbers as text."""
    below = f'<span class="explain">{escape(explain)}</span>' if explain else ""
    numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
    return f'<tr><th scope="row">{escape(name)}{below}</th>{numbers}</tr>'


def _measures(summary: Mapping[str, Any]) -> str:
    rows = []
    part = ""
    for each in lines(summary):
        if each.measure.part != part:
            part = each.measure.part
            rows.append(f'<tr class="family"><th colspan="6" scope="colgroup">{PARTS.get(part, part)}</th></tr>')
        rows.append(_measure_row(each))
    heads = ("Measure", "", "Mean", "95 % interval", "Questions", "Failed")
    return table("All questions", heads, rows, numbers_from=2) + (
        '<p class="note">↑ higher is better, ↓ lower is. Failed: tried without a result, and in no mean.</p>'
    )


def _measure_row(each: Line) -> str:
    arrow = {"higher": " ↑", "lower": " ↓"}.get(each.measure.better, "")
    drawn = ""
    if each.mean is not None and each.low is not None and each.high is not None:
        drawn = interval(each.mean, each.low, each.high)
    cells = (number(each.mean), span(each), str(each.n), str(each.failed or ""))
    numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
    return (
        f'<tr><th scope="row">{escape(each.measure.title)}{arrow}'
        f'<span class="explain">{escape(each.measure.explanation)}</span></th><td>{drawn}</td>{numbers}</tr>'
    )


def _group_table(summary: Mapping[str, Any], kind: str) -> str:
    names = grouped_names(summary, kind)
    if not names:
        return ""
    rows = []
    for group in groups(summary, kind):
        found = [line(summary, name, group) for name in names]
        cells = [number(each.mean) if each else "" for each in found]
        rows.append(row(group, [str(cases_of(summary, group)), *cells]))
    shown = table(KINDS[kind], ("", "Questions", *(known(name).title for name in names)), rows)
    if len(rows) <= _LONG:
        return shown
    return f'<details class="plain"><summary>{KINDS[kind]}: {len(rows)} rows</summary>{shown}</details>'


def _figures(summary: Mapping[str, Any]) -> str:
    curves = summary["curves"]
    figures = [heat_figure(summary, name) for name in HEAT]
    figures.append(_recall_figure(curves["recall"]))
    figures.append(_reliability_figure(curves["reliability"]))
    figures.append(_risk_figure(curves["risk_coverage"]))
    figures.append(_latency_figure(summary))
    return f'<div class="figures">{"".join(figures)}</div>'


def figure(
    svg: str, title: str, words: str, heads: Sequence[str] = (), rows: Sequence[str] = (), *, broad: bool = False
) -> str:
    """A figure with its caption, and its numbers as a table that can be opened; a broad one has a row to itself."""
    shown = ""
    if rows:
        shown = f'<details class="plain"><summary>Numbers</summary>{table(title, heads, rows)}</details>'
    kind = ' class="broad"' if broad else ""
    return f"<figure{kind}>{svg}<figcaption><b>{escape(title)}.</b> {escape(words)}</figcaption>{shown}</figure>"


def heat_figure(summary: Mapping[str, Any], name: str) -> str:
    """The heat map of a measure by the languages of question and article; "" where there are no pairs."""
    values: dict[tuple[str, str], tuple[float, int]] = {}
    counts_q: dict[str, int] = {}
    counts_a: dict[str, int] = {}
    for pair in groups(summary, "pair"):
        if (each := line(summary, name, pair)) and each.mean is not None:
            asked, _, held = pair.partition("→")
            values[asked, held] = (each.mean, each.n)
            counts_q[asked] = counts_q.get(asked, 0) + each.n
            counts_a[held] = counts_a.get(held, 0) + each.n
    if not values:
        return ""
    rows = order_languages(list(counts_q), counts_q)
    columns = order_languages(list(counts_a), counts_a)
    title = f"{known(name).title} by languages"
    svg = heat_map(title, rows, columns, values, row_label="question in", column_label="article in")
    words = f"{known(name).explanation} Below each figure, how many questions it is of."
    return figure(svg, title, words, broad=len(columns) > _NARROW)


def _recall_figure(recall: Mapping[str, Sequence[float]]) -> str:
    if not recall:
        return ""
    depth = max(len(values) for values in recall.values())
    low = min(values[0] for values in recall.values())
    floor = min(0.8, (low * 10 // 2) * 0.2)
    ticks = [each / 10 for each in range(round(floor * 10), 11, 1 if floor >= 0.6 else 2)]
    series = [Series(name, [(k, value) for k, value in enumerate(values, 1)]) for name, values in recall.items()]
    x = Axis("passages looked at (k)", 1, depth, [k for k in (1, 5, 10, 15, 20) if k <= depth])
    svg = line_chart("Recall at k", x, Axis("recall", floor, 1.0, ticks), series)
    rows = [row(str(k + 1), [fraction(values[k]) for values in recall.values()]) for k in range(depth)]
    return figure(
        svg, "Recall at k", "Share of the reference quotes that the first k passages hold.", ("k", *recall), rows
    )


def _reliability_figure(bins: Sequence[tuple[float, float, int]]) -> str:
    if not bins:
        return ""
    most = max(count for _, _, count in bins)
    series = Series("answers", [(mean, share) for mean, share, _ in bins], sizes=[count / most for _, _, count in bins])
    svg = line_chart("Reliability", unit_axis("confidence"), unit_axis("share right"), [series], diagonal=True)
    rows = [row(fraction(mean), [fraction(share), str(count)]) for mean, share, count in bins]
    return figure(
        svg,
        "Reliability",
        "Of answers shown with this confidence, the share that is right; on the dotted line it is as sure as it says. "
        "Larger points are of more answers.",
        ("Confidence", "Right", "Answers"),
        rows,
    )


def _risk_figure(curve: Sequence[tuple[float, float]]) -> str:
    if not curve:
        return ""
    most = max(risk for _, risk in curve)
    top = next(each for each in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0) if each >= most)
    y = Axis("share wrong", 0.0, top, [top * each / 4 for each in range(5)])
    svg = line_chart("Risk and coverage", unit_axis("share of questions answered"), y, [Series("risk", curve)])
    step = max(1, len(curve) // 10)
    rows = [row(fraction(covered), [fraction(risk)]) for covered, risk in curve[step - 1 :: step]]
    return figure(
        svg,
        "Risk and coverage",
        "Were only the surest answered, so many of them would be wrong; the line ends where the rest is refused.",
        ("Answered", "Wrong"),
        rows,
    )


def _latency_figure(summary: Mapping[str, Any]) -> str:
    steps = summary["latency_ms"]
    if not steps:
        return ""
    svg = bars(
        "Latency",
        [(step, each["p50"], each["p95"]) for step, each in steps.items()],
        unit="ms",
        names=("median", "95th percentile"),
    )
    rows = [row(step, [median, tail]) for step, median, tail in latency_rows(summary)]
    jobs = summary["speed"]["jobs"]
    words = f"Milliseconds of each step, {'one question' if jobs == 1 else f'{jobs} questions'} at a time."
    return figure(svg, "Latency", words, ("Step", "p50", "p95"), rows)


def _facts(summary: Mapping[str, Any]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(summary))
    return f'<dl class="facts">{items}</dl>'
