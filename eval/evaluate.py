"""One run from questions to a folder with its results: asked, scored, summed up.

| file | holds |
|---|---|
| `results.jsonl` | one outcome a line: the case, passages found, the answer, scores; written as it goes |
| `summary.json` | what was asked of what, with which settings and versions; all means with their intervals |
| `report.html`, `report.md` | the same to be read |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.about import answering_settings, digest
from eval.metrics import answer_text, score
from eval.results import RESULTS, appending, in_order, mend, write_outcomes
from eval.run import IsnadSystem, System, Tally, run
from eval.summary import SUMMARY, begun, finished, is_begun, is_run, same_run, write_summary
from eval.types import Dataset, Outcome
from rag.embedding import Vectors
from rag.errors import LanguageModelError
from rag.records import article_version
from rag.settings import Settings
from rag.types import Article

if TYPE_CHECKING:
    from eval.judge import Asked
    from eval.metrics import Embed
    from rag.build import Model
    from rag.store import Store

# Texts that are embedded together for the similarity of answers.
_TEXTS = 256
# Requests to the judge that are under way together.
_JUDGED_AT_ONCE = 4

# Told how far the work is: done, of how many, a few words.
Told = Callable[[float, float, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run: the questions, the articles that they are asked of, what answers, and where results go.

    ``resume`` takes the answers that the folder has, those of a finished run too; ``fresh`` takes none.
    """

    dataset: Dataset
    articles: Sequence[Article]
    model: Model
    settings: Settings
    folder: Path
    system: str = "isnad"
    jobs: int = 1
    judge: bool = False
    resume: bool = False
    fresh: bool = False

    @property
    def digest(self) -> str:
        """What has to be the same for answers of an earlier run to count: questions, articles, settings, model."""
        answering = answering_settings(self.settings, system=self.system, model=str(self.model.stamp))
        articles = sorted(f"{article.id} {article_version(article)}" for article in self.articles)
        cases = [case.id for case in self.dataset.cases]
        return digest({**answering, "dataset": self.dataset.digest, "cases": cases, "articles": digest(articles)})


def new_folder(reports: Path, name: str, *, plan_digest: str, now: datetime) -> Path:
    """The folder of an interrupted run that this plan goes on with, or a new one named by the set and the time."""
    for each in sorted(reports.glob(f"*/{SUMMARY}"), reverse=True):
        if is_begun(each.parent) and is_run(each.parent, plan_digest):
            return each.parent
    place = reports / f"{name}-{now:%Y-%m-%d-%H%M%S}"
    count = 1
    while place.exists():
        count += 1
        place = reports / f"{name}-{now:%Y-%m-%d-%H%M%S}-{count}"
    return place


def execute(plan: Plan, store: Store, told: Told) -> tuple[dict[str, Any], list[Outcome]]:
    """The summary and the outcomes, scored and written to the plan's folder.

    Raises UsageError where the folder has another run's results, IsnadError where it cannot be written.
    """
    results = plan.folder / RESULTS
    kept = _kept(plan)
    if not kept:
        results.unlink(missing_ok=True)
    write_summary(plan.folder, begun(plan.digest, plan.dataset, datetime.now(UTC)))
    system = _system(plan, store)
    with appending(results) as writer:

        def done(outcome: Outcome, tally: Tally) -> None:
            writer.add(outcome)
            errors = f", {tally.errors} errors" if tally.errors else ""
            words = f"{tally.kept + tally.asked} of {tally.total} questions, {tally.per_second:.1f} a second{errors}"
            told(tally.kept + tally.asked, tally.total, words)

        outcomes, tally = run(plan.dataset.cases, system, jobs=plan.jobs, kept=kept, done=done)
    embed = _remembered(outcomes, plan.model, told)
    outcomes = scored(in_order(outcomes, plan.dataset.cases), plan, embed, told)
    judged = None
    if plan.judge:
        outcomes, judged = _judged(outcomes, plan, told)
    write_outcomes(results, outcomes)
    found = finished(plan, outcomes, tally, judge=judged, now=datetime.now(UTC))
    write_summary(plan.folder, found)
    return found, outcomes


def _kept(plan: Plan) -> list[Outcome]:
    """The outcomes of an earlier run in the folder that count for this one."""
    if plan.fresh or not (plan.folder / SUMMARY).exists():
        return []
    if plan.resume or is_begun(plan.folder):
        same_run(plan.folder, plan.digest)
        return mend(plan.folder / RESULTS)
    return []  # a finished run is begun anew


def _system(plan: Plan, store: Store) -> System:
    from rag.build import build_assistant, build_language_model

    if plan.system == "naive":
        from eval.naive_pipeline import NaiveSystem

        return NaiveSystem(plan.model.embedder.source, plan.articles, llm=build_language_model(plan.settings))
    assistant = build_assistant(plan.settings, plan.model, store)
    return IsnadSystem(assistant, tuple(article.id for article in plan.articles))


def scored(outcomes: Sequence[Outcome], plan: Plan, embed: Embed, told: Told) -> list[Outcome]:
    """The outcomes with their deterministic scores: our own and those of ragas that need no language model."""
    from eval.citations import entailment_by
    from eval.judge import ragas_measures
    from rag.check import Checker
    from rag.nli import load_nli

    model = plan.model
    nli = load_nli(plan.settings.nli) if plan.settings.nli else None
    entails = entailment_by(Checker(model.embedder, model.means, nli=nli), model.embedder, model.means)
    told(0, len(outcomes), "scoring")
    plain = ragas_measures(outcomes)
    found = []
    for number, outcome in enumerate(outcomes, 1):
        own = score(outcome, checker=entails, embed=embed)
        found.append(replace(outcome, scores={**plain[number - 1], **own}))
        told(number, len(outcomes), f"{number} of {len(outcomes)} answers scored")
    return found


def _judged(outcomes: Sequence[Outcome], plan: Plan, told: Told) -> tuple[list[Outcome], dict[str, Any]]:
    """The outcomes with the scores of a language model too, and what judging took.

    Raises LanguageModelError where it judged nothing: means of no judgements are no report.
    """
    from eval.judge import judge

    asked = _asked(plan)
    found = judge(outcomes, asked=asked, embed=plan.model.embedder.embed_questions, progress=told)
    if found.failures and not (found.replies or found.cached):
        raise LanguageModelError(
            f"{asked.model} judged nothing; the first of {len(found.failures)} failures: {found.failures[0].reason}. "
            f"Try again, or set {asked.setting} to another model."
        )
    both = [
        replace(outcome, scores={**outcome.scores, **scores})
        for outcome, scores in zip(outcomes, found.scores, strict=True)
    ]
    return both, found.to_dict()


def check_judge(plan: Plan) -> None:
    """Nothing; raises SettingsError, LanguageModelError, UsageError for a judge that cannot be asked.

    The plan needs it only after all questions are answered, which may take hours.
    """
    from eval.judge import load_ragas

    asked = _asked(plan)
    load_ragas()
    from eval.judge_model import JudgeModel

    JudgeModel(asked).close()


def _asked(plan: Plan) -> Asked:
    from eval.judge import TIMEOUT, Asked

    settings = plan.settings
    return Asked(
        settings.judge,
        settings.cache_dir / "judge",
        base_url=settings.judge_base_url,
        api_key=settings.judge_api_key.get_secret_value(),
        jobs=max(plan.jobs, _JUDGED_AT_ONCE),
        # The setting is for the next words of a reply; here the whole of it is waited for.
        timeout=max(TIMEOUT, settings.llm_timeout),
        context=settings.llm_context,
    )


def _remembered(outcomes: Sequence[Outcome], model: Model, told: Told) -> Embed:
    """Vectors of texts; those of answers and references are computed beforehand, in batches of all at once."""
    import numpy as np

    texts = list(dict.fromkeys(_texts(outcomes)))
    vectors: dict[str, Vectors] = {}
    for start in range(0, len(texts), _TEXTS):
        some = texts[start : start + _TEXTS]
        vectors.update(zip(some, model.embedder.embed_passages(some), strict=True))
        told(start, len(texts), f"{start} of {len(texts)} texts compared")

    def embed(wanted: Sequence[str]) -> Vectors:
        missing = [text for text in dict.fromkeys(wanted) if text not in vectors]
        if missing:
            vectors.update(zip(missing, model.embedder.embed_passages(missing), strict=True))
        return np.stack([vectors[text] for text in wanted])

    return embed


def _texts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        if outcome.answer is not None and outcome.case.answers and (text := answer_text(outcome.answer)):
            yield text
            yield from outcome.case.answers


def write_report(folder: Path, summary: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Writes ``report.html`` and ``report.md`` beside the results."""
    from eval.report_html import report_html
    from eval.report_md import report_md
    from eval.results import write_atomically

    write_atomically(folder / "report.html", [report_html(summary, outcomes).encode()])
    write_atomically(folder / "report.md", [report_md(summary, outcomes).encode()])
