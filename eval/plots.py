"""Figures as SVG: no script, no font and no colour of their own, so that a page's style sheet fits them to its theme.

Colours are classes: ``s0`` … ``s3`` for series, ``grid``, ``axis``, ``cell``; text takes the colour of the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

Point = tuple[float, float]

_WIDTH, _HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 46
# Above these shares of the colour, text on a cell is told from it better in the other colour: in a dark theme, in both.
_MIDDLE, _FULL = 0.6, 0.8
_CELL_WIDTH, _CELL_HEIGHT = 58, 34


@dataclass(frozen=True, slots=True)
class Series:
    """A line with its points; ``band`` are (x, low, high) around it, ``sizes`` (0–1) make the points larger."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float, float]] = ()
    sizes: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows: its label, its ends and the values that are marked."""

    label: str
    low: float
    high: float
    ticks: Sequence[float]

    def place(self, value: float) -> float:
        """Where on the axis a value is, 0–1."""
        return (value - self.low) / (self.high - self.low)


UNIT_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def unit_axis(label: str) -> Axis:
    """An axis from 0 to 1."""
    return Axis(label, 0.0, 1.0, UNIT_TICKS)


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series], *, diagonal: bool = False) -> str:
    """Lines over a grid, named at a legend below the top where there are several; ``diagonal`` draws x = y."""

    def at(point: Point) -> tuple[float, float]:
        left = _LEFT + x.place(point[0]) * (_WIDTH - _LEFT - _RIGHT)
        return left, _HEIGHT - _BOTTOM - y.place(point[1]) * (_HEIGHT - _TOP - _BOTTOM)

    parts = _grid(x, y, at)
    if diagonal:
        (x1, y1), (x2, y2) = at((x.low, y.low)), at((x.high, y.high))
        parts.append(f'<line class="diagonal" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    for number, each in enumerate(series):
        parts += _line(each, number % 4, at)
    if len(series) > 1:
        parts += _legend(
            [each.name for each in series], lowest=min((p[1] for e in series for p in e.points), default=0)
        )
    return _svg(title, _WIDTH, _HEIGHT, parts)


def _grid(x: Axis, y: Axis, at: Callable[[Point], tuple[float, float]]) -> list[str]:
    left, bottom = at((x.low, y.low))
    right, top = at((x.high, y.high))
    parts = []
    for tick in y.ticks:
        _, level = at((x.low, tick))
        parts.append(f'<line class="grid" x1="{left:.1f}" y1="{level:.1f}" x2="{right:.1f}" y2="{level:.1f}"/>')
        parts.append(_text(left - 8, level + 4, short(tick), anchor="end", kind="tick"))
    for tick in x.ticks:
        place, _ = at((tick, y.low))
        parts.append(f'<line class="axis" x1="{place:.1f}" y1="{bottom:.1f}" x2="{place:.1f}" y2="{bottom + 4:.1f}"/>')
        parts.append(_text(place, bottom + 18, short(tick), anchor="middle", kind="tick"))
    parts.append(f'<line class="axis" x1="{left:.1f}" y1="{bottom:.1f}" x2="{right:.1f}" y2="{bottom:.1f}"/>')
    parts.append(_text((left + right) / 2, bottom + 38, x.label, anchor="middle", kind="label"))
    parts.append(
        f'<text class="label" text-anchor="middle" transform="translate(13 {(top + bottom) / 2:.1f}) rotate(-90)">'
        f"{escape(y.label)}</text>"
    )
    return parts


def _line(series: Series, colour: int, at: Callable[[Point], tuple[float, float]]) -> list[str]:
    parts = []
    if series.band:
        around = [at((x, high)) for x, _, high in series.band] + [at((x, low)) for x, low, _ in reversed(series.band)]
        parts.append(f'<polygon class="band s{colour}" points="{_points(around)}"/>')
    places = [at(point) for point in series.points]
    if len(places) > 1:
        parts.append(f'<polyline class="line s{colour} d{colour}" points="{_points(places)}"/>')
    sizes = series.sizes or ([0.2] * len(places) if len(places) <= 24 else [])
    for place, size, point in zip(places, sizes, series.points, strict=False):
        name = f"{series.name}: {short(point[0])}, {point[1]:.3f}"
        parts.append(
            f'<circle class="dot s{colour}" cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{2 + 6 * math.sqrt(size):.1f}">'
            f"<title>{escape(name)}</title></circle>"
        )
    return parts


def _legend(names: Sequence[str], *, lowest: float) -> list[str]:
    """Names of the lines, where there is room: at the bottom, or at the top where lines reach down."""
    top = _TOP + 12 if lowest < 0.25 else _HEIGHT - _BOTTOM - 12 - 18 * (len(names) - 1)
    left = _WIDTH - _RIGHT - 24 - max(len(name) for name in names) * 6.6
    parts = []
    for number, name in enumerate(names):
        level = top + 18 * number
        colour = f"s{number % 4} d{number % 4}"
        parts.append(f'<line class="line {colour}" x1="{left:.0f}" y1="{level}" x2="{left + 18:.0f}" y2="{level}"/>')
        parts.append(_text(left + 24, level + 4, name, kind="tick"))
    return parts


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Mapping[tuple[str, str], tuple[float, int]],
    *,
    row_label: str,
    column_label: str,
    lower_is_better: bool = False,
) -> str:
    """A table of (row, column) → (value from 0 to 1, how many questions) as cells, the value printed in each."""
    left, top = 66, 46
    width, height = left + len(columns) * _CELL_WIDTH + 8, top + len(rows) * _CELL_HEIGHT + 8
    parts = [
        _text(left + len(columns) * _CELL_WIDTH / 2, 14, column_label, anchor="middle", kind="label"),
        f'<text class="label" text-anchor="middle" transform="translate(13 {top + len(rows) * _CELL_HEIGHT / 2:.1f}) '
        f'rotate(-90)">{escape(row_label)}</text>',
    ]
    for across, column in enumerate(columns):
        place = left + (across + 0.5) * _CELL_WIDTH
        parts.append(_text(place, top - 10, column, anchor="middle", kind="tick"))
    for down, row in enumerate(rows):
        level = top + down * _CELL_HEIGHT
        parts.append(_text(left - 10, level + _CELL_HEIGHT / 2 + 4, row, anchor="end", kind="tick"))
        for across, column in enumerate(columns):
            parts += _cell(left + across * _CELL_WIDTH, level, values.get((row, column)), lower_is_better)
    return _svg(title, width, height, parts, kind="heat")


def _cell(x: float, y: float, value: tuple[float, int] | None, lower_is_better: bool) -> list[str]:
    size = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{_CELL_WIDTH - 2}" height="{_CELL_HEIGHT - 2}" rx="2"'
    if value is None or not math.isfinite(value[0]):
        return [f'<rect class="none" {size}/>']
    mean, count = value
    # Half of the scale's colour range lies above 0.6, where most figures are.
    share = max(0.0, min(1.0, 1 - mean if lower_is_better else mean)) ** 1.7
    colour = "s1" if lower_is_better else "s0"
    if lower_is_better:
        share = max(0.0, min(1.0, mean)) ** 0.8
    dark = " on" if share > _FULL else " mid" if share > _MIDDLE else ""
    return [
        f'<rect class="cell {colour}" {size} fill-opacity="{0.04 + 0.92 * share:.3f}">'
        f"<title>{mean:.3f} of {count}</title></rect>",
        _text(x + _CELL_WIDTH / 2, y + 16, fraction(mean), anchor="middle", kind=f"value{dark}"),
        _text(x + _CELL_WIDTH / 2, y + 27, str(count), anchor="middle", kind=f"count{dark}"),
    ]


def bars(title: str, rows: Sequence[tuple[str, float, float]], *, unit: str, names: tuple[str, str]) -> str:
    """A bar a row for (name, smaller, larger), the larger behind the smaller, both printed; on a linear scale."""
    left, step, right = 92, 30, 118
    most = max((each[2] for each in rows), default=1) or 1
    scale = (_WIDTH - left - right) / most
    parts = []
    for number, (name, small, large) in enumerate(rows):
        level = 12 + number * step
        parts.append(_text(left - 10, level + 13, name, anchor="end", kind="tick"))
        for kind, value in (("far", large), ("near", small)):
            inset = 0 if kind == "far" else 4
            parts.append(
                f'<rect class="bar {kind} s0" x="{left}" y="{level + inset}" width="{max(value * scale, 0.5):.1f}" '
                f'height="{18 - 2 * inset}"/>'
            )
        words = f"{milliseconds(small)} / {milliseconds(large)} {unit}"
        parts.append(_text(left + large * scale + 8, level + 13, words, kind="tick"))
    level = 12 + len(rows) * step + 10
    key = f"{names[0]} (dark) / {names[1]} (light)"
    parts.append(_text(left, level + 4, key, kind="label"))
    return _svg(title, _WIDTH, level + 14, parts)


def forest(title: str, rows: Sequence[tuple[str, float, float, float, str]], *, label: str) -> str:
    """Differences with their intervals around 0: (name, difference, low, high, ``better``, ``worse`` or ``same``)."""
    left, right, step = 190, 16, 24
    height = 16 + len(rows) * step + _BOTTOM
    most = max((abs(value) for _, _, low, high, _ in rows for value in (low, high)), default=0.0) or 0.01
    axis = nice_axis(label, most * 1.08)

    def at(value: float) -> float:
        return left + axis.place(max(axis.low, min(axis.high, value))) * (_WIDTH + 120 - left - right)

    bottom = 12 + len(rows) * step
    parts = []
    for tick in axis.ticks:
        kind = "axis" if not tick else "grid"
        parts.append(f'<line class="{kind}" x1="{at(tick):.1f}" y1="8" x2="{at(tick):.1f}" y2="{bottom}"/>')
        parts.append(_text(at(tick), bottom + 16, signed_tick(tick), anchor="middle", kind="tick"))
    for number, (name, difference, low, high, verdict) in enumerate(rows):
        level = 20 + number * step
        parts.append(_text(left - 12, level + 4, name, anchor="end", kind="tick"))
        parts.append(
            f'<line class="whisker {verdict}" x1="{at(low):.1f}" y1="{level}" x2="{at(high):.1f}" y2="{level}"/>'
            f'<circle class="dot {verdict}" cx="{at(difference):.1f}" cy="{level}" r="4"><title>'
            f"{escape(name)}: {signed(difference)} ({signed(low)} to {signed(high)})</title></circle>"
        )
    parts.append(_text((left + _WIDTH + 120 - right) / 2, bottom + 36, label, anchor="middle", kind="label"))
    return _svg(title, _WIDTH + 120, height, parts)


def nice_axis(label: str, most: float) -> Axis:
    """An axis around 0 that holds ``most`` on either side, marked at round values."""
    step = 10 ** math.floor(math.log10(most))
    step = next(factor * step for factor in (0.5, 1, 2, 5, 10) if most / (factor * step) <= 3)
    count = math.floor(most / step)
    return Axis(label, -most, most, [number * step for number in range(-count, count + 1)])


def interval(mean: float, low: float, high: float) -> str:
    """A mean with its interval on a scale from 0 to 1, small enough to stand in a line of a table."""
    place = [4 + 92 * max(0.0, min(1.0, value)) for value in (low, mean, high)]
    return (
        '<svg class="interval" viewBox="0 0 100 14" aria-hidden="true">'
        '<line class="grid" x1="4" y1="7" x2="96" y2="7"/>'
        f'<line class="whisker s0" x1="{place[0]:.1f}" y1="7" x2="{place[2]:.1f}" y2="7"/>'
        f'<circle class="dot s0" cx="{place[1]:.1f}" cy="7" r="3"/></svg>'
    )


def _svg(title: str, width: float, height: float, parts: Sequence[str], *, kind: str = "chart") -> str:
    # A heat map is as large as it has cells; a chart takes the room that there is.
    size = f' width="{width:.0f}"' if kind == "heat" else ""
    return (
        f'<svg class="{kind}"{size} viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def short(value: float) -> str:
    """A number without zeros that say nothing: 0.2, 5, 1,200."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:.3g}"


def fraction(value: float) -> str:
    """A share with three digits, as tables of such figures print it: .954, 1.000."""
    words = f"{value:.3f}"
    return words.removeprefix("0") if words.startswith("0.") else words.replace("-0.", "−.").replace("-", "−")


def signed(value: float) -> str:
    """A difference with its sign: +.012, −.300, .000."""
    words = fraction(abs(value))
    return words if float(words) == 0 else f"{'+' if value > 0 else '−'}{words}"


def signed_tick(value: float) -> str:
    """A difference with its sign and no zeros that say nothing: −.3, 0."""
    words = signed(value).rstrip("0").rstrip(".")
    return words or "0"


def milliseconds(value: float) -> str:
    """Milliseconds with as many digits as tell something."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
