"""What the commands of ``isnad`` do, wherever they run: options, a session and a console in, an exit code out."""

from __future__ import annotations

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from rag.errors import EmptyCollectionError, UsageError
from rag.phrases import notice, phrases, support_label
from rag.types import Answer, Article, Citation, Copy, Support
from ui.console import Console
from ui.session import Session

# Heavy imports (torch, chromadb) wait inside the commands that need them, so that usage errors are immediate.


def ask(options: Namespace, session: Session, console: Console) -> int:
    """Prints the answer to a question."""
    from rag.assistant import check_question
    from rag.build import build_assistant
    from rag.types import Filters

    question = check_question(options.question)
    filters = Filters(
        tuple(options.language), tuple(options.publisher), options.since, options.until, tuple(options.article)
    )
    model = session.model()
    with session.collection(model) as store:
        answer = build_assistant(session.settings, model, store).ask(question, filters)
    console.line(json.dumps(answer.to_dict(), ensure_ascii=False) if options.json else answer_text(answer))
    return 0


def answer_text(answer: Answer) -> str:
    """An answer and its sources as lines for a terminal; what the sources do not carry is marked in words."""
    text = answer.text
    for sentence in answer.sentences:
        if sentence.support in (Support.PARTLY, Support.UNSUPPORTED):
            label = support_label(sentence.support, answer.language)
            text = text.replace(sentence.text, f"{sentence.text} ({label})", 1)
    translations = [
        f"[{citation.n}] {phrases(answer.language).machine_translation}: {quote.translation}"
        for citation in answer.citations
        for quote in citation.quotes
        if quote.translation
    ]
    notices = [notice(each, answer.language, asked=answer.asked) for each in answer.notices]
    return "\n\n".join([*notices, text, *translations, *(_source_line(citation) for citation in answer.citations)])


def _source_line(citation: Citation) -> str:
    article = citation.article
    page = article.page(citation.passage.start)
    facts = [article.title, article.publisher, article.published, article.language, page and f"p. {page}", article.url]
    elsewhere: tuple[Article | Copy, ...] = (*article.copies, *citation.others)
    others = dict.fromkeys(other.publisher or other.url for other in elsewhere if other.publisher or other.url)
    also = f"also {', '.join(others)}" if others else ""
    return f"[{citation.n}] " + " · ".join(str(fact) for fact in (*facts, also) if fact)


def articles(options: Namespace, session: Session, console: Console) -> int:
    """Lists the articles that the filters let through."""
    chosen = sorted(_chosen(options, session), key=lambda article: (article.published, article.id))
    if options.json:
        values = [article.to_dict(with_text=False) for article in chosen]
        console.line(json.dumps(values, ensure_ascii=False))
        return 0
    for article in chosen:
        console.line(article_line(article))
    console.warn(_count(len(chosen)))
    return 0


def article_line(article: Article) -> str:
    """One line on an article: its id, date, language, title, and where else it stands."""
    more = f"  (+{len(article.copies)} copies)" if len(article.copies) > 1 else "  (+1 copy)" if article.copies else ""
    return f"{article.id}  {article.published[:10] or '-':<10}  {article.language or '-':<5}  {article.title}{more}"


def show(options: Namespace, session: Session, console: Console) -> int:
    """Prints one article with its passages."""
    with session.collection() as store:
        article = store.article(options.id)
        passages = store.passages(options.id)
        if article is None:
            raise UsageError(f"There is no article {options.id}. The ids are listed by: isnad articles")
        story = [other for other in store.articles(with_text=False) if article.story and other.story == article.story]
    others = [other for other in story if other.id != article.id]
    if options.json:
        spans = [{"id": each.id, "start": each.start, "end": each.end} for each in passages]
        values = {**article.to_dict(), "passages": spans, "similar": [other.id for other in others]}
        console.line(json.dumps(values, ensure_ascii=False))
        return 0
    fields = ("publisher", "author", "published", "language", "url", "origin", "added_at")
    console.line(article.title)
    for name in fields:
        value = getattr(article, name).replace("\t", " # ")
        console.line(f"{name}: {value}{' (guessed)' if name in article.guessed else ''}") if value else None
    for copy in article.copies:
        console.line("also: " + " · ".join(filter(None, (copy.publisher, copy.title, copy.url or copy.origin))))
    for other in others:
        console.line(f"similar: {article_line(other)}")
    for number, passage in enumerate(passages, start=1):
        page = article.page(passage.start)
        console.line(f"\n── passage {number} · {passage.start}–{passage.end}{f' · page {page}' if page else ''}")
        console.line(passage.text)
    return 0


def delete(options: Namespace, session: Session, console: Console) -> int:
    """Removes articles by id, or those that the filters let through, after saying which."""
    filtered = options.publisher or options.before or options.language
    if bool(options.ids) == bool(filtered):
        raise UsageError("Give either ids, as isnad articles prints them, or --publisher, --language or --before.")
    with session.collection(writing=True) as store:
        found = list(store.articles(with_text=False))
        known = {article.id for article in found}
        missing = [article_id for article_id in options.ids if article_id not in known]
        chosen = [
            article for article in found if (article.id in options.ids if options.ids else _passes(article, options))
        ]
        if not options.ids and chosen and not options.yes:
            for article in chosen:
                console.warn(article_line(article))
            if not console.confirm(f"Delete {_count(len(chosen))} of {len(found)}?"):
                console.warn("Nothing was deleted.")
                return 1
        for article_id in store.delete([article.id for article in chosen]):
            console.line(f"deleted {article_id}")
    if missing:
        raise UsageError(f"There is no article {', '.join(missing)}. The ids are listed by: isnad articles")
    if not chosen:
        console.warn("There is no such article; nothing was deleted.")
    return 0


def export(options: Namespace, session: Session, console: Console) -> int:
    """Writes all articles to a file that ``isnad ingest`` reads again with nothing lost."""
    count = 0
    target = Path(options.file)
    partial = target.with_name(target.name + ".part")
    try:
        with session.collection() as store, partial.open("w", encoding="utf-8") as file:
            for article in store.articles():
                file.write(json.dumps({"isnad": 1, **article.to_dict()}, ensure_ascii=False) + "\n")
                count += 1
        partial.replace(target)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    console.line(f"{_count(count)} written to {target}")
    return 0


def stats(options: Namespace, session: Session, console: Console) -> int:
    """Prints what the collection holds, counted."""
    try:
        with session.collection() as store:
            found = list(store.articles(with_text=False))
            passages = store.count_passages()
    except EmptyCollectionError:
        found, passages = [], 0
    stories = Counter(article.story for article in found if article.story)
    dates = sorted(article.published for article in found if article.published)
    values = {
        "articles": len(found),
        "passages": passages,
        "copies": sum(len(article.copies) for article in found),
        "stories": len(stories),
        "languages": dict(Counter(article.language or "unknown" for article in found).most_common()),
        "publishers": dict(Counter(article.publisher or "unknown" for article in found).most_common()),
        "published": {"first": dates[0], "last": dates[-1]} if dates else {},
    }
    if options.json:
        console.line(json.dumps(values, ensure_ascii=False))
        return 0
    for name, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items()) or "-"
        console.line(f"{name}: {value}")
    return 0


def rebuild(options: Namespace, session: Session, console: Console) -> int:
    """Embeds all articles anew; the old vectors answer until that is done."""
    from ingest.index import reembed
    from ui.console import Progress

    with session.collection(writing=True) as store:
        model = session.new_model()
        total = store.count()
        count = 0
        for count in reembed(store, model.embedder, model.means, stamp=model.stamp):
            console.progress(Progress(count, total, f"{count} of {total} articles"))
        session.rebuilt(model)
    console.line(f"{_count(count)} embedded anew with {model.embedder.name}")
    return 0


def _chosen(options: Namespace, session: Session) -> Iterator[Article]:
    words = (options.text or "").casefold().split()
    try:
        with session.collection() as store:
            for article in store.articles(with_text=bool(words)):
                text = f"{article.title}\n{article.text}".casefold()
                if _passes(article, options) and all(word in text for word in words):
                    yield article
    except EmptyCollectionError:
        return


def _passes(article: Article, options: Namespace) -> bool:
    from rag.language import primary

    day = article.published[:10]
    return (
        (not options.publisher or options.publisher.casefold() in article.publisher.casefold())
        and (not options.language or primary(options.language) == primary(article.language))
        and (not options.before or (bool(day) and day < options.before))
        and (not getattr(options, "since", "") or day >= options.since)
    )


def _count(articles: int) -> str:
    return "1 article" if articles == 1 else f"{articles} articles"


def _commands() -> dict[str, Callable[[Namespace, Session, Console], int]]:
    from ui.evaluating import evaluate
    from ui.ingesting import ingest

    every = (ask, ingest, articles, show, delete, export, stats, rebuild)
    return {**{each.__name__: each for each in every}, "eval": evaluate}


COMMANDS = _commands()
