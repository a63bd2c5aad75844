"""``results.jsonl``: one outcome a line, written as it comes, so that an interrupted run can go on."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from eval.types import Case, Found, Message, Outcome, Reference
from rag.errors import IsnadError, UsageError

RESULTS = "results.jsonl"


def outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON-ready values; a score that is not a number is null, as one that failed is."""
    return {
        "case": asdict(outcome.case),
        "found": [asdict(each) for each in outcome.found],
        "answer": outcome.answer,
        "error": outcome.error,
        "scores": {
            name: value if value is not None and math.isfinite(value) else None
            for name, value in outcome.scores.items()
        },
    }


def outcome_from_dict(values: Mapping[str, Any], passages: dict[str, str] | None = None) -> Outcome:
    """The outcome that ``outcome_to_dict`` made these values of; equal texts are one object where ``passages`` keeps
    them. Raises KeyError or TypeError where it did not.
    """
    known = {} if passages is None else passages
    found = tuple(
        Found(**{**each, "text": known.setdefault(each["passage_id"], each["text"])}) for each in values["found"]
    )
    return Outcome(_case(values["case"]), found, values["answer"], values["error"], values["scores"])


def _case(values: Mapping[str, Any]) -> Case:
    return Case(
        **{
            **values,
            "answers": tuple(values["answers"]),
            "references": tuple(Reference(**each) for each in values["references"]),
            "conversation": tuple(Message(**each) for each in values["conversation"]),
            **{name: tuple(values[name]) for name in ("tags", "languages", "without")},
        }
    )


def read_outcomes(path: Path) -> list[Outcome]:
    """The outcomes of a results file. Raises UsageError where it is missing or a line of it is none."""
    try:
        with path.open("rb") as file:
            return [outcome for outcome, _ in _lines(file, path)]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}. Give the folder of a finished run.") from (
            error
        )


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[Outcome, int]]:
    """The outcomes with where in the file the line of each ends."""
    passages: dict[str, str] = {}
    end = 0
    for number, line in enumerate(file, 1):
        end += len(line)
        try:
            yield outcome_from_dict(orjson.loads(line), passages), end
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"{path}:{number}: expected an outcome of isnad eval ({reason}).") from error


def mend(path: Path) -> list[Outcome]:
    """The outcomes that a run which was cut short has left, the half-written last line cut off; none without a file."""
    kept: list[Outcome] = []
    end = 0
    if not path.exists():
        return kept
    with path.open("r+b") as file:
        try:
            for outcome, end in _lines(file, path):  # noqa: B007  # where the last whole line ends
                kept.append(outcome)
        except UsageError:
            file.seek(end)
            rest = file.read()
            if rest.count(b"\n") > (1 if rest.endswith(b"\n") else 0):
                raise  # not the last line: that is no interruption
        file.truncate(end)
        file.seek(0, 2)
        if end:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")
    return kept


class Writer:
    """Appends outcomes to a results file, each on the disk before the next; threads may share one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> None:
        """Writes one outcome."""
        line = orjson.dumps(outcome_to_dict(outcome)) + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()


@contextmanager
def appending(path: Path) -> Iterator[Writer]:
    """A writer at the end of the file. Raises IsnadError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            yield Writer(file)
    except OSError as error:
        raise IsnadError(f"{path} cannot be written: {error.strerror or error}.") from error


def write_outcomes(path: Path, outcomes: Iterable[Outcome]) -> None:
    """Puts the outcomes in the place of what the file holds; a reader sees the old file or the new one."""
    write_atomically(path, (orjson.dumps(outcome_to_dict(each)) + b"\n" for each in outcomes))


def write_atomically(path: Path, parts: Iterable[bytes]) -> None:
    """Writes a file that is there whole or not at all. Raises IsnadError where it cannot be written."""
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            for part in parts:
                file.write(part)
        partial.replace(path)
    except OSError as error:
        raise IsnadError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def in_order(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> list[Outcome]:
    """The outcomes in the order of the cases, those of other cases left out."""
    by_id = {outcome.case.id: outcome for outcome in outcomes}
    return [by_id[case.id] for case in cases if case.id in by_id]
