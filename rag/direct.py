"""Answers that Isnad gives itself, in the reader's language: of itself, of its articles, of a day, of its last sources.

They come from what is known of the articles, or quote them; none is searched for as evidence of an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from rag.central import central_sentences
from rag.embedding import Vectors
from rag.index import Selection
from rag.intents import Intent, Wish
from rag.language import name, primary
from rag.markers import attributions
from rag.mentions import mentions, on_day
from rag.phrases import listed, phrases, spoken
from rag.store import Store
from rag.types import Answer, AnswerSentence, Article, Citation, Hit, Mode, Passage, Quote, Status, Support, Turn

# Passages at least this good for a topic, and within so much of the best, are about it. Of 38 topics in 14 languages
# over the sample articles, the best passage for one they cover scores 0.42 to 0.76, for one they do not 0.29 to 0.46
# (but for the Persian new year, which is near the flood in Iran).
_ABOUT = 0.48
_WITHIN = 0.25
# What a list shows of articles, and a greeting of their titles.
_MOST = 10
_EXAMPLES = 3


def newest_first(store: Store, selection: Selection | None) -> list[Article]:
    """The articles of the selection, or all without one, without their texts, newest first."""
    found = list(store.articles(with_text=False))
    if selection is not None:
        let_through = {revision.rpartition(":")[0] for revision in selection.revisions}
        found = [article for article in found if article.id in let_through]
    return sorted(found, key=lambda article: (article.published, article.added_at, article.id), reverse=True)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a direct answer is made from. ``search`` gives the best passages for a topic, best first; ``embed`` unit
    vectors of sentences; ``selection`` are the articles that the reader's filters let through, all without one.
    """

    store: Store
    search: Callable[[str], Sequence[Hit]]
    embed: Callable[[Sequence[str]], Vectors]
    selection: Selection | None = None

    def articles(self) -> list[Article]:
        """The articles without their texts, newest first."""
        return newest_first(self.store, self.selection)

    def about(self, topic: str) -> list[Hit]:
        """The best passage of each article about a topic, best first."""
        best: dict[str, Hit] = {}
        for hit in self.search(topic):
            best.setdefault(hit.article.id, hit)
        found = sorted(best.values(), key=lambda hit: -hit.score)
        return [hit for hit in found if hit.score >= max(_ABOUT, found[0].score - _WITHIN)]


@dataclass(slots=True)
class _Draft:
    """An answer as it is put together: lines of Isnad's own and cited ones, each citation numbered as it comes."""

    lines: list[str] = field(default_factory=list)
    sentences: list[AnswerSentence] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)

    def say(self, text: str, number: int = 0, *, verbatim: bool = False) -> None:
        """Adds a line, of that citation if it has a number."""
        self.lines.append((f"“{text}”" if verbatim else text) + (f" [{number}]" if number else ""))
        self.sentences.append(AnswerSentence(text, (number,) if number else (), Support.SUPPORTED))

    def cite(self, text: str, article: Article, passage: Passage) -> None:
        """Adds a line of what is known of an article."""
        self.citations.append(Citation(len(self.citations) + 1, article, passage, (), 1.0))
        self.say(text, len(self.citations))

    def quote(self, quote: Quote, article: Article, passage: Passage) -> None:
        """Adds a sentence of a passage; those of one passage have one citation."""
        for place, known in enumerate(self.citations):
            if known.quotes and known.article.id == article.id and (quote.start, quote.end) in known.passage.sentences:
                quotes = tuple(sorted((*known.quotes, quote), key=lambda each: each.start))
                self.citations[place] = replace(known, quotes=quotes)
                break
        else:
            known = Citation(len(self.citations) + 1, article, passage, (quote,), 1.0)
            self.citations.append(known)
        self.say(quote.text, known.n, verbatim=True)

    def answer(self, question: str, language: str, mode: Mode = Mode.DIRECT) -> Answer:
        return Answer(
            question=question,
            status=Status.ANSWERED,
            mode=mode,
            text="\n\n".join(self.lines),
            language=language,
            confidence=1.0,
            sentences=tuple(self.sentences),
            citations=tuple(self.citations),
            asked=question,
        )


def answer_directly(
    wish: Wish, question: str, *, language: str, turns: Sequence[Turn], holdings: Holdings
) -> Answer | None:
    """The answer, in that language (BCP 47), to a message that is no question of what articles say; None for one."""
    answerer = _ANSWERERS.get(wish.intent)
    return answerer(wish, question, language, turns, holdings) if answerer else None


def _introduce(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    """A greeting or what Isnad can do, and what there is to ask about."""
    say = phrases(language)
    draft = _Draft()
    draft.say(say.greeting if wish.intent is Intent.GREETING else say.ability)
    articles = holdings.articles()
    counts: dict[str, int] = {}
    for article in articles:
        if article.language:
            counts[primary(article.language)] = counts.get(primary(article.language), 0) + 1
    dates = sorted(article.published[:10] for article in articles if article.published)
    facts = [say.count.format(count=len(articles))]
    if counts:
        facts.append(say.languages.format(languages=listed(sorted(counts, key=lambda code: -counts[code]), language)))
    if dates:
        facts.append(
            say.published.format(since=written_day(dates[0], language), until=written_day(dates[-1], language))
        )
    for fact in facts:
        draft.say(fact)
    draft.say(say.subjects)
    # Titles that the reader can read come first.
    readable = sorted(articles, key=lambda article: primary(article.language) != primary(language))
    for article in readable[:_EXAMPLES]:
        _list(draft, article, language, holdings)
    return draft.answer(question, language)


def _welcome(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    draft = _Draft()
    draft.say(phrases(language).thanks)
    return draft.answer(question, language)


def _list_articles(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    """The articles about a topic, best first, or all, newest first: at most ten and the number of the others."""
    say = phrases(language)
    draft = _Draft()
    if wish.topic:
        hits = holdings.about(wish.topic)
        if not hits:
            return _none(say.about_none.format(topic=wish.topic), question, language)
        draft.say(say.about.format(topic=wish.topic))
        for hit in hits[:_MOST]:
            draft.cite(_facts(hit.article, language), hit.article, hit.passage)
        total = len(hits)
    else:
        articles = holdings.articles()
        draft.say(say.count.format(count=len(articles)))
        draft.say(say.newest)
        for article in articles[:_MOST]:
            _list(draft, article, language, holdings)
        total = len(articles)
    if total > _MOST:
        draft.say(say.more.format(count=total - _MOST))
    return draft.answer(question, language)


def _summarise(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    """The first and the most central sentences of the article about a topic, or of the one cited last; verbatim."""
    say = phrases(language)
    if wish.topic:
        hits = holdings.about(wish.topic)
        if not hits:
            return _none(say.about_none.format(topic=wish.topic), question, language)
        article = hits[0].article
    else:
        cited = [citation.article for turn in reversed(turns) for citation in turn.citations]
        if not cited:
            return _list_articles(wish, question, language, turns, holdings)
        article = cited[0]
    draft = _Draft()
    draft.say(say.summary.format(title=article.title))
    for quote, passage in central_sentences(article, holdings.store.passages(article.id), holdings.embed):
        draft.quote(quote, article, passage)
    return draft.answer(question, language, Mode.EXTRACTIVE)


def _tell_day(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    """What the articles say of a day, and which were published on it."""
    say = phrases(language)
    day = written_day(wish.day, language)
    articles = holdings.articles()
    draft = _Draft()
    said = mentions(wish.day, articles, holdings.store, holdings.selection)
    said.sort(key=lambda found: primary(found[2].language) != primary(language))
    if said:
        draft.say(say.day_said.format(day=day))
    for quote, passage, article in said:
        draft.quote(quote, article, passage)
    published = on_day(wish.day, articles)
    if published:
        draft.say(say.day.format(day=day))
    for article in published[:_MOST]:
        _list(draft, article, language, holdings)
    if len(published) > _MOST:
        draft.say(say.more.format(count=len(published) - _MOST))
    return draft.answer(question, language) if draft.lines else _none(say.day_none.format(day=day), question, language)


def _name_sources(wish: Wish, question: str, language: str, turns: Sequence[Turn], holdings: Holdings) -> Answer:
    """Where the last answer that cites something comes from: who published it, and who is quoted as saying it."""
    say = phrases(language)
    last = next((turn for turn in reversed(turns) if turn.citations), None)
    if last is None:
        return _none(say.source_none, question, language)
    draft = _Draft()
    draft.say(say.source)
    for citation in last.citations:
        quotes = _with_speaker(citation)
        draft.citations.append(replace(citation, quotes=quotes))
        draft.say(_facts(citation.article, language, link=True), citation.n)
        for quote in quotes:
            draft.say(quote.text, citation.n, verbatim=True)
    return draft.answer(question, language)


def _with_speaker(citation: Citation) -> tuple[Quote, ...]:
    """The quotes, and where none says who is speaking the nearest sentence before them that does."""
    language = citation.article.language
    if not citation.quotes or any(attributions(quote.text, language) for quote in citation.quotes):
        return citation.quotes
    passage = citation.passage
    before = [span for span in passage.sentences if span[1] <= citation.quotes[0].start]
    for start, end in reversed(before):
        text = passage.text[start - passage.start : end - passage.start]
        if attributions(text, language):
            return (Quote(text, start, end), *citation.quotes)
    return citation.quotes


_ANSWERERS: Mapping[Intent, Callable[[Wish, str, str, Sequence[Turn], Holdings], Answer]] = {
    Intent.GREETING: _introduce,
    Intent.ABILITY: _introduce,
    Intent.THANKS: _welcome,
    Intent.ARTICLES: _list_articles,
    Intent.SUMMARY: _summarise,
    Intent.DAY: _tell_day,
    Intent.SOURCE: _name_sources,
}


def _none(text: str, question: str, language: str) -> Answer:
    return Answer(question, Status.NOT_FOUND, Mode.DIRECT, text, language, 0.0, asked=question)


def _list(draft: _Draft, article: Article, language: str, holdings: Holdings) -> None:
    """Adds a line about an article, cited with its beginning."""
    if passages := holdings.store.passages(article.id):
        draft.cite(_facts(article, language), holdings.store.article(article.id) or article, passages[0])


def _facts(article: Article, language: str, *, link: bool = False) -> str:
    """Title, who published and wrote it, when, in which language, as far as it is known."""
    facts = [
        article.title,
        ", ".join(article.publishers),
        article.author if link else "",
        written_day(article.published[:10], language) if article.published else "",
        name(article.language, reader=spoken(language)) if article.language else "",
        article.url if link else "",
    ]
    return " · ".join(fact for fact in facts if fact)


def written_day(day: str, language: str) -> str:
    """A day (ISO 8601, or --MM-DD) as it is written in a language; as it came where it is no day."""
    from babel.dates import format_date, format_skeleton

    try:
        if day.startswith("--"):
            return str(format_skeleton("MMMMd", date.fromisoformat(f"2000{day[1:]}"), locale=spoken(language)))
        return str(format_date(date.fromisoformat(day), "long", locale=spoken(language)))
    except ValueError:
        return day
