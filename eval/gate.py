"""Conditions that a run must meet, such as ``recall@5>=0.95, hallucination<=0.05, chrf@ar>=-0.01``.

    conditions = condition *("," condition)
    condition  = measure ["@" group] (">=" | "<=" | ">" | "<" | "==") value
    value      = number            an absolute value
               | ("+" | "-") number    relative to the baseline: -0.01 is the baseline's value less 0.01

A group is a language (``ar``), a pair of question's and article's language (``en→ar``, or ``en:ar`` where an arrow is
hard to type), or a tag (``numeric``).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import UsageError

Compare = Callable[[float, float], bool]

_OPERATORS: dict[str, Compare] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"(?P<name>[^<>=]+?)\s*(?P<operator>>=|<=|==|>|<)\s*(?P<sign>[+-]?)(?P<number>\d*\.?\d+)")
ALL = "all"
# Means are rounded where they are stored; what is equal to so many digits is equal.
_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: ``text`` as it was given, and what it says; ``relative`` values are added to the baseline's."""

    text: str
    measure: str
    group: str
    operator: str
    value: float
    relative: bool


def read_gate(text: str, measures: Collection[str]) -> list[Condition]:
    """The conditions of a gate, on the measures that there are. Raises UsageError for what cannot be understood."""
    conditions = [_condition(part.strip(), measures) for part in text.split(",") if part.strip()]
    if not conditions:
        raise UsageError("The gate is empty; expected conditions such as: recall@5>=0.95, hallucination<=0.05")
    return conditions


def _condition(text: str, measures: Collection[str]) -> Condition:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise UsageError(
            f"The condition {text!r} of the gate cannot be understood; expected a measure, one of "
            f"{' '.join(_OPERATORS)} and a number: recall@5>=0.95, or, relative to the baseline, with a sign: f1>=-0.01"
        )
    measure, group = _measure(found["name"].strip(), measures)
    number = float(found["number"])
    value = -number if found["sign"] == "-" else number
    return Condition(text, measure, group, found["operator"], value, relative=bool(found["sign"]))


def _measure(name: str, measures: Collection[str]) -> tuple[str, str]:
    """The measure and the group of ``recall@5@ar``: names of measures have an @ of their own."""
    folded = {measure.casefold(): measure for measure in measures}
    if name.casefold() in folded:
        return folded[name.casefold()], ALL
    measure, _, group = name.rpartition("@")
    if measure.casefold() in folded and group:
        return folded[measure.casefold()], group.replace(":", "→")
    known = ", ".join(sorted(measures))
    raise UsageError(f"Unknown measure {name!r} in the gate. The measures of this run are {known}.")


def settle(conditions: Sequence[Condition], baseline: Mapping[str, Any] | None) -> Sequence[Condition]:
    """The conditions. Raises UsageError where one is relative to what the baseline does not have."""
    for condition in conditions:
        if condition.relative:
            _baseline_value(condition, baseline)
    return conditions


def failures(
    conditions: Sequence[Condition], summary: Mapping[str, Any], baseline: Mapping[str, Any] | None
) -> list[str]:
    """Why the run does not pass, a sentence each; none where it does. Both are summaries as ``summary.json`` has them.

    Raises UsageError for a condition relative to a baseline that there is not, or on a group that there is not.
    """
    return [reason for condition in conditions if (reason := _failure(condition, summary, baseline))]


def _failure(condition: Condition, summary: Mapping[str, Any], baseline: Mapping[str, Any] | None) -> str:
    value = _value(summary, condition, "this run")
    limit, beside = condition.value, ""
    if condition.relative:
        before = _baseline_value(condition, baseline)
        limit, beside = before + condition.value, f" (the baseline has {before:.4f})"
    slack = _SLACK if condition.operator in ("<=", "<") else -_SLACK
    if condition.operator in (">=", "<="):
        limit += slack
    if _OPERATORS[condition.operator](value, limit):
        return ""
    return f"{condition.text}: the run has {value:.4f}, expected {condition.operator} {limit:.4f}{beside}"


def _baseline_value(condition: Condition, baseline: Mapping[str, Any] | None) -> float:
    if baseline is None:
        raise UsageError(
            f"The condition {condition.text!r} is relative to a baseline, and there is none. Give --baseline FILE, or "
            "a number without a sign."
        )
    return _value(baseline, condition, "the baseline")


def _value(summary: Mapping[str, Any], condition: Condition, whose: str) -> float:
    """The mean of the condition's measure. Raises UsageError where there is none."""
    groups = summary["measures"]
    if condition.group not in groups:
        known = ", ".join(group for group in groups if group != ALL)
        raise UsageError(f"There is no group {condition.group!r} in {whose}. The groups are {known}.")
    mean = groups[condition.group].get(condition.measure, {}).get("mean")
    if mean is None:
        raise UsageError(
            f"The condition {condition.text!r} cannot be checked: {condition.measure!r} was not measured in {whose}"
            f"{'' if condition.group == ALL else f' for {condition.group}'}."
        )
    return float(mean)
