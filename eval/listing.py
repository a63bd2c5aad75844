"""The reports of a folder as a fragment of HTML, for a page that shows them to readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from eval.report_tables import date_of, known, line, number, span
from eval.summary import SUMMARY, read_summary
from rag.errors import IsnadError

# What a list has room for.
_COLUMNS = ("recall@5", "right", "refusal_error", "hallucination")


def results_html(folder: Path) -> str:
    """The finished reports in a folder, the latest first: name, date, questions, key figures. Nothing but a table.

    What is not finished or cannot be read is left out. There are no links, since what serves the page need not serve
    the folder, and everything is escaped.
    """
    found = sorted(summaries(folder), key=lambda each: str(each[1]["date"]), reverse=True)
    if not found:
        return "<p>There are no evaluation reports yet. They are written by: isnad eval</p>"
    heads = ("Report", "Date", "Questions", *(known(name).title for name in _COLUMNS))
    cells = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    rows = "".join(_row(name, summary) for name, summary in found)
    return f'<table class="reports"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>'


def summaries(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the folder, summary) of each finished run one below the folder, or in it."""
    for path in sorted({*folder.glob(SUMMARY), *folder.glob(f"*/{SUMMARY}")}):
        try:
            yield path.parent.name, read_summary(path)
        except IsnadError:
            continue


def _row(name: str, summary: Mapping[str, Any]) -> str:
    found = [line(summary, each) for each in _COLUMNS]
    figures = [
        f"<td>{escape(number(each.mean))} <small>{escape(span(each))}</small></td>" if each else "<td></td>"
        for each in found
    ]
    return (
        f'<tr><th scope="row" dir="auto">{escape(name)}</th><td>{escape(date_of(summary))}</td>'
        f"<td>{int(summary['counts']['cases'])}</td>{''.join(figures)}</tr>"
    )
