"""The options of ``isnad eval``, and what they come to."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from rag.errors import UsageError
from rag.settings import Settings

COMPARE = "compare"
_SYSTEMS = ("isnad", "naive")
_EPILOG = """\
examples:
  isnad eval                                   the sample questions over the sample articles, nothing to set up
  isnad eval questions.jsonl                   of the articles in your collection
  isnad eval questions.jsonl --articles FOLDER of the articles in a folder, without adding them to your collection
  isnad eval XQUAD --questions en,ar --articles ar    Arabic articles asked in two languages (SQuAD, MLQA, BEIR too)
  isnad eval questions.jsonl --check           only say whether the questions fit the articles
  isnad eval --baseline FILE --gate "recall@5>=0.95, hallucination<=0.05, chrf>=-0.01"
  isnad eval compare reports/A reports/B

A condition of the gate is a measure, for one group with @ (recall@5@ar, chrf@en:ar), an operator and a number; a number
with a sign is relative to the baseline. Exit code: 0, 1 when the gate is not passed, 2 for bad input."""


def add_eval(parser: ArgumentParser) -> None:
    """Adds the options of ``isnad eval``."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.usage = "isnad eval [DATASET] [options]\n       isnad eval compare A B [--out FOLDER] [--force]"
    parser.epilog = _EPILOG
    parser.add_argument("paths", metavar="DATASET", nargs="*", help="file or folder with questions (the sample set)")
    what = parser.add_argument_group("questions")
    what.add_argument(
        "--articles",
        metavar="WHAT",
        default="",
        help="a folder or file of articles to ask; of a set with several languages, those of the articles: ar,tr",
    )
    what.add_argument("--questions", metavar="LANG,…", type=_languages, default=[], help="of the questions: en,tr")
    what.add_argument("--languages", metavar="LANG,…", type=_languages, default=[], help="keep questions in these")
    what.add_argument("--limit", metavar="N", type=_count, default=0, help="so many questions, spread over the set")
    what.add_argument(
        "--twins", metavar="N", type=_count, default=0,
        help="ask every N-th question of a SQuAD set also without its article: unanswerable",
    )  # fmt: skip
    what.add_argument("--samples", action="store_true", help="of the sample articles, instead of the collection")
    what.add_argument("--check", action="store_true", help="ask nothing: report what is wrong, and the balance")
    what.add_argument(
        "--from-feedback", metavar="FILE", nargs="?", const="-", help="what readers rated on the page (its own file)"
    )
    what.add_argument(
        "--generate", metavar="N", type=_count, default=0,
        help="have ISNAD_LLM write N questions on the articles into the new file DATASET, and ask nothing",
    )  # fmt: skip
    how = parser.add_argument_group("run")
    how.add_argument("--system", choices=_SYSTEMS, default="isnad", help="what is asked; naive: a LangChain tutorial's")
    how.add_argument("--jobs", metavar="N", type=_count, default=1, help="questions at once (1)")
    how.add_argument(
        "--judge", dest="judging", action="store_true", help="judge the answers with the model that ISNAD_JUDGE names"
    )
    again = how.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="keep the answers of --out, finished or not; score anew")
    again.add_argument("--fresh", action="store_true", help="ask all anew, though an interrupted run could go on")
    result = parser.add_argument_group("result")
    result.add_argument("--out", metavar="FOLDER", default="", help="of the report (a new one in reports/)")
    result.add_argument(
        "--save-baseline", metavar="FILE", default="", help="keep the means there, to compare with later"
    )
    result.add_argument("--baseline", metavar="FILE", default="", help="summary.json, or folder, of an earlier run")
    result.add_argument("--gate", metavar="CONDITIONS", default="", help="what must hold, else the exit code is 1")
    result.add_argument("--force", action="store_true", help="compare runs, or a baseline, of different questions")


def _languages(text: str) -> list[str]:
    from rag.language import is_code

    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found or not all(is_code(each) for each in found):
        raise ArgumentTypeError(f"{text!r} is not a list of language codes such as en,ar")
    return found


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def settled(options: Namespace, settings: Settings) -> None:
    """Makes the options mean the same in any process: paths from the root, the default question set named.

    Raises UsageError where options contradict each other.
    """
    comparing = options.paths[:1] == [COMPARE]
    if comparing and len(options.paths) != 3:
        raise UsageError("Give two runs to compare, folders or summary.json files: isnad eval compare A B")
    if not comparing and len(options.paths) + bool(options.from_feedback) > 1:
        raise UsageError("Give one question set, a file or a folder.")
    start = 1 if comparing else 0
    options.paths[start:] = [str(Path(path).absolute()) for path in options.paths[start:]]
    if options.generate and (comparing or len(options.paths) != 1):
        raise UsageError("Name the file that the questions are to be written to: isnad eval NEW.jsonl --generate N")
    if not options.paths and not options.from_feedback:
        options.paths = [str(_sample_set())]
        options.samples = options.samples or not options.articles
    options.folder = ""
    if options.articles and Path(options.articles).exists():
        options.folder, options.articles = str(Path(options.articles).absolute()), ""
    options.corpus = _corpus(options.articles)
    for name in ("out", "baseline", "save_baseline", "from_feedback"):
        value = getattr(options, name)
        if value and value != "-":
            setattr(options, name, str(Path(value).absolute()))
    options.reports = str((settings.reports or Path("reports")).absolute())
    options.judge_model = settings.judge or settings.judge_base_url


def _corpus(text: str) -> list[str]:
    try:
        return _languages(text) if text else []
    except ArgumentTypeError:
        raise UsageError(
            f"--articles {text}: there is no such file or folder, and it is not a list of languages such as ar,tr."
        ) from None


def _sample_set() -> Path:
    import eval as package

    return Path(package.__path__[0]) / "datasets" / "sample.jsonl"
