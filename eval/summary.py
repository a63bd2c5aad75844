"""``summary.json``: all that is known of a run but its answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from eval.about import machine, shown_settings, versions
from eval.failures import Kind, failures
from eval.metrics import summary as rows_of
from eval.ranking import gains, recall_at
from eval.refusals import answered_bins, risk_coverage, sureness
from eval.results import write_atomically
from eval.run import DEPTH, Tally, peak_memory_mb
from eval.types import Dataset, Outcome
from eval.validate import balance, is_cross_language
from rag.errors import UsageError

if TYPE_CHECKING:
    from eval.evaluate import Plan

SUMMARY = "summary.json"
# Raised when a field goes or changes its meaning.
VERSION = 1
_DIGITS = 5
# Points of a curve that a plot can show.
_POINTS = 200
ERRORS = "errors"


def begun(run: str, dataset: Dataset, now: datetime) -> dict[str, Any]:
    """What stands in the file while questions are still being asked; ``run`` is the digest of the plan."""
    return {
        "version": VERSION, "finished": False, "run": run, "name": dataset.name, "date": now.isoformat("T", "seconds"),
    }  # fmt: skip


def finished(
    plan: Plan, outcomes: Sequence[Outcome], tally: Tally, *, judge: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any]:
    """The whole summary of a run, JSON-ready; ``judge`` is what judging took, where there was one."""
    dataset = plan.dataset
    counts = balance(dataset.cases)
    languages = Counter(article.language or "?" for article in plan.articles)
    return {
        **begun(plan.digest, dataset, now),
        "finished": True,
        "system": plan.system,
        "dataset": {"name": dataset.name, "digest": dataset.digest, **counts.to_dict()},
        "articles": {"count": len(plan.articles), "languages": dict(languages.most_common())},
        "models": models(plan),
        "settings": shown_settings(plan.settings),
        "versions": versions(),
        "machine": machine(),
        "counts": _counts(outcomes),
        **_measures(outcomes),
        "curves": _curves(outcomes),
        **({"judge": dict(judge)} if judge else {}),
        "latency_ms": latency(outcomes),
        "speed": {
            "questions": tally.asked,
            "seconds": round(tally.seconds, 1),
            "per_second": round(tally.per_second, 2),
            "jobs": plan.jobs,
            "peak_memory_mb": round(peak_memory_mb()),
        },
    }


def models(plan: Plan) -> dict[str, str]:
    """The names of all models that took part."""
    stamp, settings = plan.model.stamp, plan.settings
    found = {
        "embedding": f"{Path(stamp.model).name}, {stamp.dimension} dimensions, centring {stamp.centring}",
        "reranker": settings.reranker,
        "language model": settings.llm or (settings.llm_base_url and "the server's"),
        "entailment": settings.nli,
        "judge": (settings.judge or settings.judge_base_url) if plan.judge else "",
    }
    return {name: value for name, value in found.items() if value}


def _counts(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    statuses = Counter(outcome.answer["status"] if outcome.answer else "error" for outcome in outcomes)
    kinds = Counter(each.kind for each in failures(outcomes))
    return {
        "cases": len(outcomes),
        **{name: statuses[name] for name in ("answered", "not_found", "error")},
        "failures": {str(kind): kinds[kind] for kind in Kind if kinds[kind]},
    }


def _measures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """``measures``: by group and name, with their intervals; ``groups``: what kind each group is of."""
    measures: dict[str, dict[str, Any]] = {}
    groups: dict[str, str] = {}
    for row in rows_of(outcomes):
        groups[row.group] = row.kind
        measures.setdefault(row.group, {})[row.measure] = {
            "mean": _rounded(row.mean),
            "low": _rounded(row.low),
            "high": _rounded(row.high),
            "n": row.n,
            "failed": row.failed,
        }
    share = sum(bool(outcome.error) for outcome in outcomes) / len(outcomes) if outcomes else 0.0
    errors = {"mean": _rounded(share), "low": None, "high": None, "n": len(outcomes), "failed": 0}
    measures.setdefault("all", {})[ERRORS] = errors
    groups.setdefault("all", "all")
    return {"groups": groups, "measures": measures}


def _rounded(value: float) -> float | None:
    return round(float(value), _DIGITS) if math.isfinite(value) else None


def _curves(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    sure = sureness(outcomes)
    curve = risk_coverage(sure)
    step = max(1, math.ceil(len(curve) / _POINTS))
    kept = [*curve[:-1:step], *curve[-1:]]
    return {
        "recall": {
            name: [_rounded(value) for value in recalls]
            for name, recalls in (
                ("same language", recall_curve(outcomes, lambda case: not is_cross_language(case))),
                ("across languages", recall_curve(outcomes, is_cross_language)),
            )
            if recalls
        },
        "reliability": [[_rounded(mean), _rounded(share), count] for mean, share, count in answered_bins(sure)],
        "risk_coverage": [[_rounded(covered), _rounded(risk)] for covered, risk in kept],
    }


def recall_curve(outcomes: Sequence[Outcome], wanted: Any) -> list[float]:  # noqa: ANN401  # a predicate of cases
    """Mean recall at 1 … DEPTH of the wanted cases that have references; none where there are none."""
    counted = [
        gains(each.case, each.found)
        for each in outcomes
        if each.case.references and not each.error and wanted(each.case)
    ]
    if not counted:
        return []
    return [float(np.mean([recall_at(*each, k) for each in counted])) for k in range(1, DEPTH + 1)]


def latency(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of the milliseconds of each step, in the order of the steps."""
    steps: dict[str, list[float]] = {}
    for outcome in outcomes:
        for step, milliseconds in (outcome.answer or {}).get("timings_ms", {}).items():
            steps.setdefault(step, []).append(float(milliseconds))
    whole = steps.pop("total", None)
    if whole:
        steps["total"] = whole
    return {
        step: {"p50": round(float(np.percentile(each, 50)), 1), "p95": round(float(np.percentile(each, 95)), 1)}
        for step, each in steps.items()
    }


def write_summary(folder: Path, summary: Mapping[str, Any]) -> None:
    """Writes the file. Raises IsnadError where it cannot."""
    write_json(folder / SUMMARY, summary)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a JSON file that a reader can read, too. Raises IsnadError where it cannot."""
    write_atomically(path, [orjson.dumps(values, option=orjson.OPT_INDENT_2) + b"\n"])


def baseline_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What a gate needs of a summary, small enough to be kept beside the code: the measures of all and by language."""
    kept = [group for group, kind in summary["groups"].items() if kind in ("all", "language")]
    about = ("version", "finished", "run", "name", "date", "system", "dataset", "articles", "models", "versions")
    return {
        **{name: summary[name] for name in about},
        "counts": summary["counts"],
        "groups": {group: summary["groups"][group] for group in kept},
        "measures": {group: summary["measures"][group] for group in kept},
    }


def read_summary(place: Path) -> dict[str, Any]:
    """The summary of a finished run, given its folder, its summary.json or its results.jsonl. Raises UsageError."""
    path = place / SUMMARY if place.is_dir() else place
    if path.suffix == ".jsonl":
        path = path.with_name(SUMMARY)
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read as the summary of a run ({reason}). Give its folder.") from error
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise UsageError(f"{path} is not a summary that this version of isnad eval wrote.")
    if not found.get("finished"):
        raise UsageError(f"The run in {path.parent} was interrupted; the same command goes on with it.")
    return found


def is_begun(folder: Path) -> bool:
    """Whether the folder has an unfinished run."""
    return _peek(folder).get("finished") is False


def is_run(folder: Path, run: str) -> bool:
    """Whether the folder has a run of that digest."""
    return _peek(folder).get("run") == run


def same_run(folder: Path, run: str) -> None:
    """Raises UsageError where the folder has a run of another digest."""
    if not is_run(folder, run):
        raise UsageError(
            f"The run in {folder} is of other questions, articles, settings or another model, so its answers cannot be "
            "kept. Give --fresh to ask anew, or another --out."
        )


def _peek(folder: Path) -> dict[str, Any]:
    try:
        found = orjson.loads((folder / SUMMARY).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
