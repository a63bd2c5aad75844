"""The command ``isnad``."""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.errors import IsnadError, UsageError
from rag.settings import Settings, load
from ui.console import Terminal, terminal
from ui.eval_options import add_eval, settled

# Heavy imports (torch, chromadb, gradio) wait inside the functions that need them, so that --help and usage errors are
# immediate.


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0, 1 for a failure, 2 for a usage or configuration error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    logging.getLogger("rag").setLevel(logging.INFO)
    logging.getLogger("ingest").setLevel(logging.INFO)
    try:
        flags = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
        settings = load(**flags)
        with terminal() as console:
            return int(options.run(options, settings, console))
    except IsnadError as error:
        print(f"isnad: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("isnad: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (isnad articles | head); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if options.verbose:
            raise
        reason = (str(error) or type(error).__name__).strip().splitlines()[0]
        print(f"isnad: unexpected {type(error).__name__}: {reason} (run with --verbose for more)", file=sys.stderr)
        return 1


def _command(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    """Carries out a command, in the process that has the collection open if there is one."""
    from ui.commands import COMMANDS
    from ui.control import hand_over
    from ui.session import OwnSession

    with ExitStack() as opened:
        if "-" in getattr(options, "paths", ()):
            from ingest.gather import spooled

            options.typed = str(opened.enter_context(spooled(sys.stdin.buffer)))
        given = {name: _absolute(name, value) for name, value in vars(options).items() if name != "run"}
        code = None if settings.chroma_url else hand_over(settings, options.command, given, console)
        if code is None:
            code = COMMANDS[options.command](options, OwnSession(settings, console.warn), console)
    return code


def _eval(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    """Evaluates, in the process that has the collection open where that is what is asked."""
    _require_evaluation()
    from ui.control import hand_over
    from ui.evaluating import evaluate, of_the_collection
    from ui.session import OwnSession

    settled(options, settings)
    given = {name: value for name, value in vars(options).items() if name not in ("run", "data_dir")}
    if not settings.chroma_url and of_the_collection(options):
        code = hand_over(settings, options.command, given, console)
        if code is not None:
            return code
    return evaluate(argparse.Namespace(**given), OwnSession(settings, console.warn), console)


def _absolute(name: str, value: Any) -> Any:  # noqa: ANN401  # whatever argparse makes of an option
    """An option as it means the same in another process: paths from the root."""
    if name == "paths":
        return [path if path == "-" or "://" in path else os.path.abspath(path) for path in value]
    if name in ("file", "data_dir") and value:
        return os.path.abspath(value)
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="isnad",
        description="Answers questions from a collection of articles, in any language, and quotes its sources.",
        epilog="Settings are ISNAD_* environment variables or a .env file; see the README.",
    )
    parser.add_argument("--version", action="version", version=f"isnad {version('isnad')}")
    parser.add_argument("--data-dir", type=Path, help="folder of the collection (ISNAD_DATA_DIR)")
    parser.add_argument("--verbose", action="store_true", help="say more, and show where unexpected errors come from")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    def add(name: str, text: str, *, as_json: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if as_json:
            command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=_command)
        return command

    ask = add("ask", "answer a question")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--language", action="append", default=[], help="of articles in this language, such as ar")
    ask.add_argument("--publisher", action="append", default=[], help="of articles of this publisher, its whole name")
    ask.add_argument("--article", metavar="ID", action="append", default=[], help="of this article")
    ask.add_argument("--since", metavar="DATE", type=_date, default="", help="published on or after this day")
    ask.add_argument("--until", metavar="DATE", type=_date, default="", help="published on or before this day")
    _add_ingest(add("ingest", "add articles from files, folders, web pages, feeds and sitemaps"))

    articles = add("articles", "list the articles in the collection")
    _add_filters(articles)
    articles.add_argument("--since", metavar="DATE", type=_date, default="", help="published on or after this day")
    articles.add_argument("--text", metavar="WORDS", default="", help="with all these words in title or text")

    show = add("show", "print an article with the boundaries of its passages")
    show.add_argument("id", metavar="ID", help="as isnad articles prints it")

    delete = add("delete", "remove articles with their passages", as_json=False)
    delete.add_argument("ids", metavar="ID", nargs="*", help="as isnad articles prints it")
    _add_filters(delete)
    delete.add_argument("--yes", action="store_true", help="do not ask")

    export = add("export", "write all articles to a file that isnad ingest reads again, nothing lost", as_json=False)
    export.add_argument("file", metavar="FILE.jsonl")

    add("stats", "say what the collection holds")
    add("rebuild", "embed all articles anew, for another embedding model", as_json=False)

    _add_benches(
        commands.add_parser("bench", help="measure retrieval or speed, beside what a LangChain tutorial gives")
    )

    evaluation = add("eval", "measure retrieval, answers, citations and refusals on a question set, and report")
    add_eval(evaluation)
    evaluation.set_defaults(run=_eval)

    hashing = commands.add_parser("hash-password", help="make the line of a user for the file that ISNAD_AUTH names")
    hashing.description = (
        "Asks for a password twice, or reads a line of standard input, and prints the line of that user for the file "
        "that ISNAD_AUTH names: isnad hash-password NAME >> FILE."
    )
    hashing.add_argument("name", metavar="NAME", help="of the user, without spaces and the signs : , |")
    hashing.add_argument("--role", choices=("reader", "editor"), default="", help="what the user may do (editor)")
    hashing.set_defaults(run=_hash_password)

    prepare = commands.add_parser("prepare", help="make the first start quick: convert the model, compile the packages")
    prepare.set_defaults(run=_prepare)

    doctor = add("doctor", "say what is set up, whether it works, and what to do where it does not")
    doctor.set_defaults(run=_doctor)

    chat = commands.add_parser("chat", help="serve the chat page")
    chat.add_argument("--samples", action="store_true", help="start an empty collection with the sample articles")
    chat.add_argument("--host", help="address to listen on (ISNAD_HOST)")
    chat.add_argument("--port", type=int, help="port to listen on (ISNAD_PORT)")
    chat.set_defaults(run=_chat)
    return parser


def _add_ingest(ingest: argparse.ArgumentParser) -> None:
    ingest.add_argument("paths", metavar="PATH", nargs="+", help="file, folder, http(s) address, or - (standard input)")
    ingest.add_argument("--map", metavar="NAME=FIELD,…", default="", help="record fields: title=headline,text=body")
    ingest.add_argument("--publisher", default="", help="the publisher of all these articles")
    ingest.add_argument("--language", default="", help="the language of all these articles, such as ar or pt-BR")
    ingest.add_argument("--published", metavar="DATE", default="", help="the date of all these articles")
    ingest.add_argument("--prune", action="store_true", help="remove the articles from there that are there no more")
    ingest.add_argument("--yes", action="store_true", help="do not ask, even when --prune removes more than half")
    ingest.add_argument("--max-articles", metavar="N", type=_positive, default=100, help="of a feed or sitemap (100)")
    ingest.add_argument("--allow-private", action="store_true", help="fetch from private and loopback addresses too")
    ingest.add_argument("--format", metavar="SUFFIX", type=_suffix, default="", help="of standard input, such as jsonl")
    ingest.add_argument("--quiet", action="store_true", help="say only what failed, and the sum")
    ingest.set_defaults(typed="")


def _add_filters(command: argparse.ArgumentParser) -> None:
    command.add_argument("--publisher", default="", help="of publishers with this in their name")
    command.add_argument("--language", default="", help="in this language, such as ar")
    command.add_argument("--before", metavar="DATE", type=_date, default="", help="published before this day")


def _date(text: str) -> str:
    from ingest.dates import iso_date

    if text and not iso_date(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2022-07-19")
    return iso_date(text)[:10]


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _suffix(text: str) -> str:
    if not text:
        return ""
    from ingest.load import SUFFIXES

    suffix = "." + text.lower().lstrip(".")
    if suffix not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(each[1:] for each in SUFFIXES)}")
    return suffix


def _prepare(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    from rag.build import build_model
    from ui import server  # noqa: F401  # imported so that its packages are compiled now and not at the first start

    model = build_model(settings)
    console.line(f"ready: {model.embedder.name}, {model.embedder.dimension} dimensions")
    return 0


def _hash_password(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    from ui.password import make_line

    return make_line(options, settings, console)


def _doctor(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    from ui.doctor import doctor

    return doctor(options, settings, console)


def _chat(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    from ui.server import serve

    serve(settings, samples=options.samples)
    return 0


def _add_benches(bench: argparse.ArgumentParser) -> None:
    kinds = bench.add_subparsers(required=True, metavar="KIND", dest="kind")
    retrieval = kinds.add_parser(
        "retrieval",
        help="how often the right passage and sentence come first, and how sure the confidence is",
        description="Asks the questions of SQuAD-format files, in a collection made of their articles.",
    )
    retrieval.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder with files NAME.LANG.json")
    retrieval.add_argument("--questions", metavar="LANG[,LANG]", type=_languages, required=True)
    retrieval.add_argument("--articles", metavar="LANG[,LANG]", type=_languages, required=True)
    retrieval.add_argument(
        "--half", type=int, choices=(0, 1, 2), default=0, help="only of the first or second half of the articles"
    )
    retrieval.add_argument(
        "--beside",
        metavar="LANG[,LANG]",
        type=_languages,
        default=(),
        help="languages whose articles are in the collection too, but for the one that is asked about",
    )
    retrieval.add_argument("--no-paragraphs", action="store_true", help="leave out the set's paragraphs as passages")
    retrieval.add_argument("--no-naive", action="store_true", help="leave out the naive pipeline")
    _add_peer(retrieval)
    retrieval.set_defaults(run=_bench_retrieval)

    speed = kinds.add_parser(
        "speed",
        help="how long a question and its parts take in a collection of any size, bulk embedding, memory, start-up",
        description="Generates a collection of that size and asks it questions.",
    )
    speed.add_argument("--passages", metavar="N", type=int, default=100_000, help="how many (100,000)")
    speed.add_argument("--rounds", metavar="N", type=int, default=200, help="how many questions (200)")
    speed.add_argument("--keep", metavar="DIR", type=Path, help="keep the collection there, or use the one that is")
    _add_peer(speed)
    speed.set_defaults(run=_bench_speed)


def _add_peer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--peer-model",
        metavar="MODEL",
        default="",
        help="another model for the naive pipeline: a folder or hub name, such as all-MiniLM-L6-v2",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _languages(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise argparse.ArgumentTypeError("expected language codes such as en,ar")
    return found


def _require_evaluation() -> None:
    if not all(importlib.util.find_spec(name) for name in ("langchain_chroma", "langchain_huggingface")):
        raise UsageError("Benchmarks and evaluations need more packages. Install them with: pip install 'isnad[eval]'")


def _bench_retrieval(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    _require_evaluation()
    from eval.bench.retrieval import Options, markdown, measure
    from rag.build import build_model

    report = measure(
        Options(
            options.data,
            options.questions,
            options.articles,
            half=options.half,
            beside=options.beside,
            paragraphs=not options.no_paragraphs,
            naive=not options.no_naive,
            peer=options.peer_model,
        ),
        build_model(settings),
    )
    console.line(json.dumps(report.to_dict(), ensure_ascii=False) if options.json else markdown(report))
    return 0


def _bench_speed(options: argparse.Namespace, settings: Settings, console: Terminal) -> int:
    _require_evaluation()
    from eval.bench.speed import measure

    speed = measure(
        settings, passages=options.passages, questions=options.rounds, folder=options.keep, peer=options.peer_model
    )
    console.line(json.dumps(speed.to_dict(), ensure_ascii=False) if options.json else speed.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
