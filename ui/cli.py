"""The command ``isnad``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rag.errors import EmptyCollectionError, IsnadError, UsageError
from rag.settings import Settings, load
from rag.types import Answer, Article, Citation

# Heavy imports (torch, chromadb, gradio) wait inside the commands that need them, so that --help and usage errors are
# immediate.


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code is 0, 1 for a failure, 2 for a usage or configuration error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    logging.getLogger("rag").setLevel(logging.INFO)
    try:
        flags = {name: value for name, value in vars(options).items() if name in Settings.model_fields}
        settings = load(**flags)
        return int(options.run(options, settings))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="isnad",
        description="Answers questions from a collection of articles, in any language, and quotes its sources.",
        epilog="Settings are ISNAD_* environment variables or a .env file; see the README.",
    )
    parser.add_argument("--version", action="version", version=f"isnad {version('isnad')}")
    parser.add_argument("--data-dir", type=Path, help="folder of the collection (ISNAD_DATA_DIR)")
    parser.add_argument("--verbose", action="store_true", help="say more, and show where unexpected errors come from")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    ask = commands.add_parser("ask", help="answer a question")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--json", action="store_true", help="print one JSON object")
    ask.set_defaults(run=_ask)

    ingest = commands.add_parser("ingest", help="add articles from .txt and .md files")
    ingest.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="files, or folders to search for them")
    ingest.set_defaults(run=_ingest)

    articles = commands.add_parser("articles", help="list the articles in the collection")
    articles.add_argument("--json", action="store_true", help="print a JSON list")
    articles.set_defaults(run=_articles)

    delete = commands.add_parser("delete", help="remove an article with its passages")
    delete.add_argument("ids", metavar="ID", nargs="+", help="as isnad articles prints it")
    delete.set_defaults(run=_delete)

    rebuild = commands.add_parser("rebuild", help="embed all articles anew, for another embedding model")
    rebuild.set_defaults(run=_rebuild)

    prepare = commands.add_parser("prepare", help="make the first start quick: convert the model, compile the packages")
    prepare.set_defaults(run=_prepare)

    chat = commands.add_parser("chat", help="serve the chat page")
    chat.add_argument("--samples", action="store_true", help="start an empty collection with the sample articles")
    chat.add_argument("--host", help="address to listen on (ISNAD_HOST)")
    chat.add_argument("--port", type=int, help="port to listen on (ISNAD_PORT)")
    chat.set_defaults(run=_chat)
    return parser


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    from rag.assistant import check_question
    from rag.build import build_assistant, build_model, build_store

    question = check_question(options.question)
    model = build_model(settings)
    with build_store(settings, model) as store:
        answer = build_assistant(settings, model, store).ask(question)
    print(json.dumps(answer.to_dict(), ensure_ascii=False) if options.json else answer_text(answer))
    return 0


def answer_text(answer: Answer) -> str:
    """An answer and its sources as lines for a terminal."""
    return "\n\n".join([answer.text, *(_source_line(citation) for citation in answer.citations)])


def _source_line(citation: Citation) -> str:
    article = citation.article
    facts = [article.title, article.publisher, article.published, article.language, article.url]
    return f"[{citation.n}] " + " · ".join(fact for fact in facts if fact)


def _ingest(options: argparse.Namespace, settings: Settings) -> int:
    from ingest.index import Outcome, ingest_files
    from ingest.load import find_files

    files = list(find_files(options.paths))
    if not files:
        raise UsageError("There are no .txt or .md files there. Name a file, or a folder that holds some.")
    from rag.build import build_model, build_store

    model = build_model(settings)
    counts: Counter[Outcome] = Counter()
    with build_store(settings, model, writing=True) as store:
        for done in ingest_files(files, store, model.embedder, model.means):
            counts[done.outcome] += 1
            if done.outcome is Outcome.FAILED:
                print(f"failed     {done.reason}", file=sys.stderr)
            else:
                print(f"{done.outcome:<10} {done.source}", flush=True)
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome))
    return 1 if counts[Outcome.FAILED] else 0


def _articles(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_existing_store

    try:
        with build_existing_store(settings) as store:
            found = list(store.articles(with_text=False))
    except EmptyCollectionError:
        found = []
    articles = sorted(found, key=lambda article: (article.published, article.id))
    if options.json:
        fields = ("id", "title", "publisher", "published", "language", "url", "added_at")
        print(json.dumps([{name: getattr(a, name) for name in fields} for a in articles], ensure_ascii=False))
        return 0
    for article in articles:
        print(_article_line(article))
    print(f"{len(articles)} articles", file=sys.stderr)
    return 0


def _article_line(article: Article) -> str:
    return f"{article.id}  {article.published[:10] or '-':<10}  {article.language or '-':<5}  {article.title}"


def _delete(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_existing_store

    missing = []
    with build_existing_store(settings, writing=True) as store:
        for article_id in options.ids:
            if store.delete(article_id):
                print(f"deleted {article_id}")
            else:
                missing.append(article_id)
    if missing:
        raise UsageError(f"There is no article {', '.join(missing)}. The ids are listed by: isnad articles")
    return 0


def _rebuild(options: argparse.Namespace, settings: Settings) -> int:
    from ingest.index import reembed
    from rag.build import build_existing_store, build_model

    with build_existing_store(settings, writing=True) as store:
        model = build_model(settings)
        count = reembed(store, model.embedder, model.means, stamp=model.stamp)
    print(f"{count} articles embedded anew with {model.embedder.name}")
    return 0


def _prepare(options: argparse.Namespace, settings: Settings) -> int:
    from rag.build import build_model
    from ui import web  # noqa: F401  # imported so that its packages are compiled now and not at the first start

    model = build_model(settings)
    print(f"ready: {model.embedder.name}, {model.embedder.dimension} dimensions")
    return 0


def _chat(options: argparse.Namespace, settings: Settings) -> int:
    from ui.web import serve

    serve(settings, samples=options.samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
