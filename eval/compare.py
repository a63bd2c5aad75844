"""Two runs side by side, on the questions that both were asked: a difference is called one only when it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

from eval.measures import MEASURES
from eval.metrics import cluster_of
from eval.plots import forest, fraction, signed
from eval.report_html import figure, page, table
from eval.report_md import table as md_table
from eval.report_tables import PARTS, SYSTEMS, date_of, facts, known
from eval.results import RESULTS, read_outcomes, write_atomically
from eval.statistics import Difference, paired_difference
from eval.summary import read_summary
from eval.types import Outcome
from rag.errors import UsageError

# In a figure; a table has all.
_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: the name it goes by, its summary and its outcomes."""

    name: str
    summary: Mapping[str, Any]
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure in both runs on the questions that both have it for, and their difference, second less first."""

    measure: str
    first: float
    second: float
    difference: Difference

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` when there is a difference and it is known which way is better; else ``same``, or
        ``other`` for a difference that is neither.
        """
        if not self.difference.is_difference:
            return "same"
        better = known(self.measure).better
        if not better:
            return "other"
        return "better" if (self.difference.difference > 0) == (better == "higher") else "worse"

    @property
    def words(self) -> str:
        """The verdict as a reader needs it."""
        return {
            "same": "no difference shown",
            "better": "the second is better",
            "worse": "the second is worse",
            "other": "differs",
        }[self.verdict]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs and what is compared: how many questions both were asked, how many only one of them."""

    first: Run
    second: Run
    common: int
    only_first: int
    only_second: int
    measures: tuple[Compared, ...]

    @property
    def name(self) -> str:
        """A name for its folder."""
        return f"{self.first.name}-{self.second.name}"

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return {
            "first": self.first.name,
            "second": self.second.name,
            "common": self.common,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "measures": {
                each.measure: {
                    "first": each.first, "second": each.second, **asdict(each.difference), "verdict": each.verdict,
                }
                for each in self.measures
            },
        }  # fmt: skip


def read_run(place: Path) -> Run:
    """A finished run, given its folder or a file in it. Raises UsageError."""
    folder = place if place.is_dir() else place.parent
    summary = read_summary(place)
    return Run(folder.name, summary, read_outcomes(folder / RESULTS))


def compare(first: Run, second: Run, *, force: bool = False) -> Comparison:
    """The comparison of two runs. Raises UsageError when they are of different sets and this is not forced, or have no
    question in common.
    """
    digests = [run.summary["dataset"]["digest"] for run in (first, second)]
    if digests[0] != digests[1] and not force:
        raise UsageError(
            f"{first.name} and {second.name} are of different question sets ({digests[0][:12]} and {digests[1][:12]}). "
            "Give --force to compare them on the questions with the same ids."
        )
    a, b = ({outcome.case.id: outcome for outcome in run.outcomes} for run in (first, second))
    common = [name for name in a if name in b]
    if not common:
        raise UsageError(f"{first.name} and {second.name} have no question in common.")
    pairs = [(a[name], b[name]) for name in common]
    found = [each for name in _names(pairs) if (each := _compared(name, pairs))]
    return Comparison(first, second, len(common), len(a) - len(common), len(b) - len(common), tuple(found))


def _names(pairs: Sequence[tuple[Outcome, Outcome]]) -> list[str]:
    there = {name: None for pair in pairs for outcome in pair for name in outcome.scores}
    return [*(name for name in MEASURES if name in there), *(name for name in there if name not in MEASURES)]


def _compared(name: str, pairs: Sequence[tuple[Outcome, Outcome]]) -> Compared | None:
    """One measure over the pairs that both have it for; None where there are none."""
    both = [pair for pair in pairs if all(outcome.scores.get(name) is not None for outcome in pair)]
    lost = sum(all(name in outcome.scores for outcome in pair) for pair in pairs) - len(both)
    if not both:
        return None
    values = [[float(outcome.scores[name] or 0.0) for outcome in side] for side in zip(*both, strict=True)]
    found = paired_difference(values[0], values[1], groups=[cluster_of(each.case) for each, _ in both])
    difference = Difference(found.difference, found.low, found.high, found.p, found.n, lost)
    means = [math.fsum(side) / len(side) for side in values]
    return Compared(name, means[0], means[1], difference)


def table_lines(found: Comparison) -> list[str]:
    """The comparison as lines for a terminal."""
    lines = [_about(found), f"{'measure':<26} {'first':>6} {'second':>6}  difference with its interval"]
    for each in found.measures:
        lines.append(
            f"{each.measure:<26} {fraction(each.first):>6} {fraction(each.second):>6}  "
            f"{_change(each):<24} {_p(each.difference.p):<8} {each.words}"
        )
    return lines


def _about(found: Comparison) -> str:
    alone = ""
    if found.only_first or found.only_second:
        alone = f"; {found.only_first} only in the first and {found.only_second} only in the second are left out"
    return f"{found.first.name} (first) and {found.second.name} (second), {found.common} questions in common{alone}"


def _change(each: Compared) -> str:
    at = each.difference
    return f"{signed(at.difference)} ({signed(at.low)} to {signed(at.high)})"


def _p(value: float) -> str:
    return "p<.001" if value < 0.001 else f"p={fraction(value)}"


def write_comparison(folder: Path, found: Comparison) -> None:
    """Writes ``compare.html`` and ``compare.md``. Raises IsnadError where they cannot be written."""
    write_atomically(folder / "compare.html", [compare_html(found).encode()])
    write_atomically(folder / "compare.md", [compare_md(found).encode()])


_METHOD = (
    "Paired: each question against itself. Intervals are the bootstrap's at 95 %, resampled by article; p is of the "
    "two-sided randomisation test. A difference is called one when the test says so at 5 % and its interval does not "
    "contain 0. Of many measures, one in twenty differs by chance."
)


def compare_html(found: Comparison) -> str:
    """The comparison as an HTML file that needs nothing else."""
    header = (
        f"<h1>{escape(found.first.name)} and {escape(found.second.name)}</h1>"
        f"<p class='soft'>{escape(_about(found))}.<br>{escape(_systems(found))}</p><p>{escape(_counted(found))}</p>"
    )
    shown = [each for each in found.measures if each.difference.low != each.difference.high][:_SHOWN]
    rows = [
        (known(each.measure).title, each.difference.difference, each.difference.low, each.difference.high,
         "same" if each.verdict == "other" else each.verdict)
        for each in shown
    ]  # fmt: skip
    plot = ""
    if rows:
        svg = forest("Differences", rows, label="second less first").replace('class="chart"', 'class="chart wide"')
        plot = figure(svg, "Differences", "95 % intervals; green where the second is better, red where it is worse.")
    runs = "".join(f"<h3>{word}: {escape(run.name)}</h3>{_facts(run)}" for word, run in _runs(found))
    body = (
        f"<section><h2>Differences</h2>{plot}{_table(found)}<p class='note'>{_METHOD}</p></section>"
        f"<section><h2>The runs</h2>{runs}</section>"
    )
    return page(f"{found.first.name} and {found.second.name}", header, body)


def _runs(found: Comparison) -> tuple[tuple[str, Run], tuple[str, Run]]:
    return ("First", found.first), ("Second", found.second)


def _systems(found: Comparison) -> str:
    """What each run is of."""
    return " · ".join(
        f"{word}: {SYSTEMS.get(run.summary['system'], run.summary['system'])}, {date_of(run.summary)}"
        for word, run in _runs(found)
    )


def _counted(found: Comparison) -> str:
    verdicts = [each.verdict for each in found.measures]
    counts = {word: verdicts.count(word) for word in ("better", "worse", "same")}
    return (
        f"Of {len(found.measures)} measures the second is better in {counts['better']} and worse in {counts['worse']}; "
        f"in {counts['same']} no difference is shown."
    )


def _facts(run: Run) -> str:
    about = [("Date", date_of(run.summary)), *facts(run.summary)]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in about)
    return f'<dl class="facts">{items}</dl>'


def _table(found: Comparison) -> str:
    rows = []
    part = ""
    for each in found.measures:
        measure = known(each.measure)
        if measure.part != part:
            part = measure.part
            rows.append(f'<tr class="family"><th colspan="8" scope="colgroup">{PARTS.get(part, part)}</th></tr>')
        at = each.difference
        arrow = {"higher": " ↑", "lower": " ↓"}.get(measure.better, "")
        cells = (fraction(each.first), fraction(each.second), signed(at.difference),
                 f"{signed(at.low)} to {signed(at.high)}", _p(at.p).lstrip("p="), str(at.n))  # fmt: skip
        numbers = "".join(f'<td class="number">{escape(cell)}</td>' for cell in cells)
        rows.append(
            f'<tr><th scope="row">{escape(measure.title)}{arrow}</th>{numbers}'
            f'<td class="verdict-{each.verdict}">{each.words}</td></tr>'
        )
    heads = ("Measure", "First", "Second", "Difference", "95 % interval", "p", "Questions", "")
    return table("Both runs on the questions they have in common", heads, rows)


def compare_md(found: Comparison) -> str:
    """The comparison as Markdown."""
    rows = [
        [known(each.measure).title, fraction(each.first), fraction(each.second), _change(each), _p(each.difference.p),
         str(each.difference.n), each.words]
        for each in found.measures
    ]  # fmt: skip
    heads = ("measure", "first", "second", "difference (95 % interval)", "p", "questions", "")
    return "\n\n".join(
        [f"# {found.first.name} and {found.second.name}", _about(found) + ".", _systems(found), _counted(found),
         md_table(heads, rows), _METHOD]
    ) + "\n"  # fmt: skip
