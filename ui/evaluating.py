"""The command ``isnad eval``: which questions are asked of what, what is said meanwhile, and where the report goes."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import EmptyCollectionError, LanguageModelError, SettingsError, UsageError
from rag.settings import Settings
from ui.console import Console, Progress
from ui.eval_options import COMPARE
from ui.session import Session

if TYPE_CHECKING:
    from eval.evaluate import Plan
    from eval.gate import Condition
    from eval.types import Dataset
    from rag.build import Model
    from rag.store import Store
    from rag.types import Article

# Question sets that bring their articles along.
_WITH_ARTICLES = ("squad", "beir")


def of_the_collection(options: Namespace) -> bool:
    """Whether the user's collection is asked, and not one that is made for the run. Raises UsageError."""
    from eval.dataset import form_of

    if options.paths[:1] == [COMPARE] or options.samples or options.folder:
        return False
    return bool(options.generate) or not options.paths or form_of(Path(options.paths[0])) not in _WITH_ARTICLES


@dataclass(frozen=True, slots=True)
class _Job:
    """What a command was given, and what its run must meet."""

    options: Namespace
    session: Session
    console: Console
    conditions: Sequence[Condition]
    baseline: Mapping[str, Any] | None


def evaluate(options: Namespace, session: Session, console: Console) -> int:
    """Asks, scores and reports; with ``--check`` only says what is wrong with the questions."""
    if options.paths[:1] == [COMPARE]:
        return _compare(options, console)
    from eval.collection import read_articles, sample_articles

    job = _job(options, session, console)
    if options.samples:
        return _work(job, sample_articles())
    if options.folder:
        return _work(job, read_articles(Path(options.folder)))
    if not of_the_collection(options):
        return _work(job, ())
    from rag.chroma import NO_ARTICLES

    model = None if options.check else session.model()
    with session.collection(model) as store:
        articles = tuple(store.articles())
        if not articles:
            raise EmptyCollectionError(NO_ARTICLES)
        return _work(job, articles, model, store)


def _job(options: Namespace, session: Session, console: Console) -> _Job:
    """The job. Raises UsageError for a slip that is better told before the work than after it."""
    from eval.gate import read_gate, settle
    from eval.report_tables import names
    from eval.summary import read_summary

    settings = session.settings
    judge = settings.judge or settings.judge_base_url
    if options.judging and judge and options.judge_model not in ("", judge):
        raise SettingsError("The process that has the collection open judges with another ISNAD_JUDGE; set it there.")
    if options.judging and not settings.judge:
        raise SettingsError(_unnamed("to judge with", "ISNAD_JUDGE", settings.judge_base_url))
    if options.generate and not settings.llm:
        raise SettingsError(_unnamed("to write questions", "ISNAD_LLM", settings.llm_base_url))
    if options.generate:
        from eval.generate import check_new

        check_new(_question_set(options, session))
    baseline = read_summary(Path(options.baseline)) if options.baseline else None
    conditions = settle(read_gate(options.gate, names()), baseline) if options.gate else []
    return _Job(options, session, console, conditions, baseline)


def _unnamed(task: str, setting: str, base_url: str) -> str:
    """What is said where a setting names no model."""
    example = f"the name of a model at {setting}_BASE_URL" if base_url else "a model, such as openai:gpt-4o-mini"
    return f"There is no model {task}. Set {setting} to {example}."


def _work(job: _Job, articles: Sequence[Article], model: Model | None = None, store: Store | None = None) -> int:
    """Does what is wanted with the articles, in ``store`` if they are there already."""
    options, session, console = job.options, job.session, job.console
    path = _question_set(options, session)
    if options.generate:
        return _generate(options, path, articles, model or session.model(), session.settings, console)
    if options.check:
        return _check(options, path, articles, console)
    dataset = _read(options, path, articles)
    _same_set(job, dataset)
    from eval.collection import collection_of

    model = model or session.model()
    plan = _plan(options, session, dataset, articles, model)
    if store is not None:
        return _run(job, plan, store)

    def told(done: int, total: int) -> None:
        console.progress(Progress(done, total, f"{done} of {total} articles embedded"))

    cache = session.settings.cache_dir
    with collection_of(plan.articles, model, cache=cache, waiting=console.warn, told=told) as made:
        return _run(job, plan, made)


def _same_set(job: _Job, dataset: Dataset) -> None:
    """Raises UsageError where the gate would compare two different sets of questions."""
    relative = any(condition.relative for condition in job.conditions)
    if job.baseline is None or not relative or job.options.force:
        return
    of = job.baseline["dataset"]
    if (of["digest"], of["cases"]) != (dataset.digest, len(dataset.cases)):
        raise UsageError(
            f"The baseline is of {of['cases']} questions with the digest {of['digest'][:12]}, this run of "
            f"{len(dataset.cases)} with {dataset.digest[:12]}. Make another with --save-baseline, or give --force."
        )


def _question_set(options: Namespace, session: Session) -> Path:
    if options.from_feedback:
        settings = session.settings
        own = settings.feedback or settings.data_dir / "feedback.jsonl"
        return own if options.from_feedback == "-" else Path(options.from_feedback)
    return Path(options.paths[0])


def _generate(
    options: Namespace, path: Path, articles: Sequence[Article], model: Model, settings: Settings, console: Console
) -> int:
    """Has questions written; says how many were kept and why others were not."""
    from functools import partial

    from eval.generate import generate
    from eval.judge import TIMEOUT, Asked, generate_questions

    asked = Asked(
        settings.llm, settings.cache_dir / "judge", base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value(), jobs=options.jobs, timeout=max(TIMEOUT, settings.llm_timeout),
        context=settings.llm_context, setting="ISNAD_LLM",
    )  # fmt: skip
    ask = partial(generate_questions, asked=asked, embed=model.embedder.embed_passages)
    found = generate(options.generate, articles, path, ask=ask)
    if options.json:
        console.line(json.dumps({**found.to_dict(), "file": str(path)}, ensure_ascii=False))
    else:
        console.line(found.text())
        console.line(f"questions: {path}")
    return 0


def _form(options: Namespace) -> str:
    return "feedback" if options.from_feedback else ""


def _check(options: Namespace, path: Path, articles: Sequence[Article], console: Console) -> int:
    """Prints the validator's report; 2 where something is wrong."""
    from eval.dataset import check_file

    report = check_file(
        path, articles=articles or None, questions=options.questions, corpus=options.corpus, every=options.twins,
        form=_form(options),
    )  # fmt: skip
    console.line(json.dumps(report.to_dict(), ensure_ascii=False) if options.json else report.text())
    return 0 if report.ok else UsageError.exit_code


def _read(options: Namespace, path: Path, articles: Sequence[Article]) -> Dataset:
    from eval.dataset import read_dataset

    return read_dataset(
        path, articles=articles or None, languages=options.languages, limit=options.limit,
        questions=options.questions, corpus=options.corpus, every=options.twins, form=_form(options),
    )  # fmt: skip


def _plan(options: Namespace, session: Session, dataset: Dataset, articles: Sequence[Article], model: Model) -> Plan:
    from datetime import UTC, datetime

    from eval.evaluate import Plan, new_folder

    plan = Plan(
        dataset=dataset,
        articles=dataset.articles or tuple(articles),
        model=model,
        settings=session.settings,
        folder=Path(options.out or "."),
        system=options.system,
        jobs=options.jobs,
        judge=options.judging,
        resume=options.resume,
        fresh=options.fresh,
    )
    if options.out:
        return plan
    if options.resume:
        raise UsageError("--resume needs --out, the folder of the run whose answers are kept.")
    name = Path(dataset.name).stem + ("" if options.system == "isnad" else f"-{options.system}")
    folder = new_folder(
        Path(options.reports), name, plan_digest="" if options.fresh else plan.digest, now=datetime.now(UTC)
    )
    return replace(plan, folder=folder)


def _run(job: _Job, plan: Plan, store: Store) -> int:
    from eval.evaluate import check_judge, execute, write_report
    from eval.gate import failures
    from eval.results import RESULTS
    from eval.summary import baseline_of, write_json

    options, console = job.options, job.console
    if plan.judge:
        check_judge(plan)
    try:
        summary, outcomes = execute(plan, store, lambda *far: console.progress(Progress(*far)))
    except (KeyboardInterrupt, LanguageModelError):
        if (plan.folder / RESULTS).exists():
            console.warn(f"What was answered so far is kept in {plan.folder}; the same command goes on from there.")
        raise
    write_report(plan.folder, summary, outcomes)
    if options.save_baseline:
        write_json(Path(options.save_baseline), baseline_of(summary))
    if options.json:
        console.line(json.dumps({**summary, "folder": str(plan.folder)}, ensure_ascii=False))
    else:
        _say(summary, plan.folder, console)
    reasons = failures(job.conditions, summary, job.baseline)
    for reason in reasons:
        console.warn(f"gate: {reason}")
    if job.conditions and not reasons:
        console.warn(f"gate: passed, {len(job.conditions)} conditions")
    return 1 if reasons else 0


def _say(summary: Mapping[str, Any], folder: Path, console: Console) -> None:
    """Prints the measures as lines, the errors and where the report is."""
    from eval.report_tables import lines, number, span

    counts = summary["counts"]
    console.line(
        f"{counts['cases']} questions: {counts['answered']} answered, {counts['not_found']} refused, "
        f"{counts['error']} errors"
    )
    for each in lines(summary):
        failed = f"  {each.failed} failed" if each.failed else ""
        console.line(f"{each.name:<26} {number(each.mean):>6}  {span(each):<12}{failed}".rstrip())
    console.line(f"report: {folder / 'report.html'}")


def _compare(options: Namespace, console: Console) -> int:
    """Compares two runs; prints a line for each measure."""
    from eval.compare import compare, read_run, table_lines, write_comparison

    found = compare(read_run(Path(options.paths[1])), read_run(Path(options.paths[2])), force=options.force)
    if options.json:
        console.line(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        for text in table_lines(found):
            console.line(text)
    folder = Path(options.out) if options.out else Path(options.reports) / f"compare-{found.name}"
    write_comparison(folder, found)
    console.warn(f"report: {folder / 'compare.html'}")
    return 0
