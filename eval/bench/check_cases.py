"""Sentences that sources say and do not say, made from parallel text: what ``eval/bench/check.py`` fits on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

import regex

import rag
from eval.bench.retrieval import half_of
from eval.bench.squad import find_squad
from ingest.split import one_passage
from rag.centring import LanguageMeans
from rag.check import Source
from rag.embedding import Embedder, TokenStates, Vectors
from rag.evidence import read_passages
from rag.names import read_names
from rag.quotations import read_quoted
from rag.sentences import split_sentences
from rag.types import Article

_TEXTS = Path(rag.__file__).parent / "assets" / "language_text"
# How many other languages each passage meets, and every which passage of a language is taken: some 1,500 cases, which
# the model reads in a minute or two.
_DRAWN = 1
_EVERY = 2
_SQUAD_LANGUAGES = ("en", "ar", "tr")
_SQUAD_EVERY = 4
_LEAST_CLAUSE = 5

# "Not" where it is a word of its own: what is taken out of a sentence, and what is put in behind.
_NOT = {
    "en": r" not(?= )| never(?= )",
    "ar": r"(?<= )(?:لم|لا|لن) |ولم ",
    "ru": r"(?<= )не ",
    "uk": r"(?<= )не ",
    "es": r"(?<= )no ",
    "it": r"(?<= )non ",
    "pt": r"(?<= )não ",
    "de": r" nicht(?=[ ,.])",
    "hi": r" नहीं",
    "id": r" tidak| belum",
    "zh": r"没有|不(?!到)",
    "he": r"(?<= )לא ",
    "fr": r"(?<= )(?:ne |n')|(?<= )pas ",
    "pl": r"(?<= )nie ",
    "nl": r" niet(?=[ ,.])",
    "sv": r" inte(?=[ ,.])",
    "ur": r" نہیں", "vi": r" không", "el": r"(?<= )δεν ", "tr": "",
}  # fmt: skip
_PUT_NOT = {
    "en": (r"\b(was|were|is|are|has|have|had|will|could|should|may)\b", r"\1 not"),
    "ru": (r"(?<= )(\w+(?:ил|ал|ел|ила|али|или|ают|ают|ует|ится|ет))\b", r"не \1"),
    "es": (r"\b(fue|ha|han|es|son|será|está|puede|dijo|tiene|costó)\b", r"no \1"),
    "it": (r"\b(è|ha|hanno|sono|sarà|era|può)\b", r"non \1"),
    "pt": (r"\b(foi|foram|é|são|será|tem|pode|disse|custou)\b", r"não \1"),
    "zh": (r"(将|会|能|是)", r"不\1"),
    "ar": (r"(?<= )(كان|كانت)\b", r"ما \1"),
    "id": (r"\b(akan|dapat|bisa)\b", r"tidak \1"),
    "de": (r"\b(wurde|wird|ist|hat|kann|war)\b", r"\1 nicht"),
    "nl": (r"\b(werd|wordt|is|heeft|zal|kan)\b", r"\1 niet"),
    "sv": (r"\b(har|är|ska|kan|var)\b", r"\1 inte"),
    "pl": (r"\b(jest|są|będzie|może|był|była)\b", r"nie \1"),
    "hi": (r" (है|हैं|था|थे|थी)(?=[।,])", r" नहीं \1"),
    "tr": (r"(\w{3,})(?:dı|di|du|dü|tı|ti|tu|tü)\.$", r"\1madı."),
    "fa": (r"(?<= )(شد|بود|کرد|داد)(?=[.،])", r"ن\1"),
    "uk": (r"(?<= )(\w+(?:ив|ав|ила|али|или|ють|ється))\b", r"не \1"),
}
# What comes before a reported statement.
_SAID = {
    "en": r"^.{0,80}?\b(?:said|found|ruled|announced|says|fear|expect|hope)\b(?: that)? ",
    "ar": r"^.{0,60}?(?:قال|وقال|ورأى|وأعلنت|ويقول|ويأمل|ويخشى).{0,40}?\b(?:إن|أن|إنها|أنها) ",
    "ru": r"^.{0,80}?(?:сказал|заявило|говорит|опасаются|надеются|постановил)[^,]{0,10}, что ",
    "uk": r"^.{0,80}?(?:сказав|заявило|каже|побоюються|сподіваються|постановив)[^,]{0,10}, що ",
    "de": r"^.{0,80}?(?:sagte|sagt|entschied|kündigte an|hoffen|befürchten|fürchten)[^,]{0,10}, dass ",
    "fr": r"^.{0,80}?(?:a déclaré|dit|affirme|a annoncé|espèrent|craignent|jugé|estimé) qu(?:e |')",
    "es": r"^.{0,80}?(?:dijo|dice|anunció|esperan|temen|dictaminó) que ",
    "it": r"^.{0,80}?(?:ha detto|dice|ha annunciato|sperano|temono|stabilito) che ",
    "pt": r"^.{0,80}?(?:disse|diz|anunciou|esperam|temem|decidiu) que ",
    "fa": r"^.{0,60}?(?:گفت|می‌گوید|اعلام کرد|نگران‌اند|امیدوارند) که ",
    "zh": r"^.{0,20}?(?:说|宣布|担心|希望|认定|裁定)，?",
    "hi": r"^.{0,60}?(?:कहा|कहना है|घोषणा की|उम्मीद है|डर है) कि ",
    "id": r"^.{0,60}?(?:mengatakan|berharap|khawatir|menyatakan|mengumumkan) bahwa ",
    "pl": r"^.{0,60}?(?:powiedział|mówi|ogłosiło|obawiają się|orzekł)[^,]{0,10}, że ",
    "nl": r"^.{0,60}?(?:zei|zegt|hopen|vrezen|oordeelde)[^,]{0,10} dat ",
    "sv": r"^.{0,60}?(?:sade|sa|säger|hoppas|befarar|meddelade) att ",
    "tr": "",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A sentence, the articles it is held against, whether they say it, and how it was made; ``original`` is the
    sentence it translates; ``without`` is the number of a sentence left out of the first article.
    """

    sentence: str
    language: str
    articles: tuple[Article, ...]
    supported: bool
    kind: str
    original: str = ""
    without: int = -1


class Remembered:
    """An Embedder's ``read_passages`` that reads each text once, and many of about the same length together."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._read: dict[str, tuple[Vectors, TokenStates]] = {}

    def read_passages(self, passages: Sequence[str]) -> list[tuple[Vectors, TokenStates]]:
        """As ``Embedder.read_passages``."""
        new = sorted({each for each in passages if each not in self._read}, key=len)
        self._read |= dict(zip(new, self._embedder.read_passages(new), strict=True))
        return [self._read[each] for each in passages]


class Reader:
    """Sources and token states by the embedding model, each text read once."""

    def __init__(self, embedder: Embedder, means: LanguageMeans) -> None:
        self.embedder = embedder
        self.means = means
        self.remembered = cast(Embedder, Remembered(embedder))

    def read_ahead(self, cases: Sequence[Case]) -> None:
        """Reads all that the cases are made of."""
        articles = [_left(each, case.without) for case in cases for each in case.articles]
        self.remembered.read_passages([case.sentence for case in cases] + [case.original for case in cases])
        self.remembered.read_passages([article.text for article in articles])

    def source(self, article: Article, without: int = -1) -> Source:
        """The article as one passage, without one of its sentences."""
        article = _left(article, without)
        passage = one_passage(article, "v", 0, 0, len(article.text))
        return Source(article, passage, read_passages([(article, passage)], self.remembered, self.means)[0][1])

    def read(self, text: str, language: str) -> TokenStates:
        """The centred token states of a text."""
        _, tokens = self.remembered.read_passages([text])[0]
        return TokenStates(self.means.centre_passage_tokens(tokens.states, language), tokens.spans, tokens.weights)


@cache
def _left(article: Article, without: int) -> Article:
    """The article without one of its sentences."""
    if without < 0:
        return article
    start, end = split_sentences(article.text, article.language)[without]
    return replace(article, text=(article.text[:start] + article.text[end:]).strip())


def language_cases(*, languages: Sequence[str] = ()) -> list[Case]:
    """Cases from the parallel text that comes with Isnad."""
    texts = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))["passages"] for path in sorted(_TEXTS.glob("*.json"))
    }
    texts = {language: texts[language] for language in languages or texts}
    articles = {
        language: [Article(f"{language}{n}", "", text, language=language) for n, text in enumerate(passages)]
        for language, passages in texts.items()
    }
    draw = random.Random(7)  # noqa: S311  # which languages meet; nothing secret
    cases: list[Case] = []
    for own in articles.values():
        for number in range(draw.randrange(_EVERY), len(own), _EVERY):
            for other in draw.sample(sorted(articles), min(_DRAWN, len(articles))):
                cases += _cases(own, articles[other], number, draw)
    return cases


def squad_cases(data: Path) -> list[Case]:
    """Cases from XQuAD articles 1–24, a paragraph an article, in English, Arabic and Turkish."""
    paragraphs: dict[str, list[Article]] = {}
    for language in _SQUAD_LANGUAGES:
        dataset = find_squad(data, language)
        half = half_of(dataset, 1)
        paragraphs[language] = [
            Article(f"{article.id}-{start}", "", article.text[start:end], language=language)
            for article in dataset.articles
            if article.id in half
            for start, end in dataset.paragraphs[article.id]
        ]
    draw = random.Random(7)  # noqa: S311
    cases: list[Case] = []
    for language in _SQUAD_LANGUAGES:
        for number in range(0, len(paragraphs[language]), _SQUAD_EVERY):
            for other in _SQUAD_LANGUAGES:
                cases += _cases(paragraphs[language], paragraphs[other], number, draw)
    return cases


def _cases(own: Sequence[Article], others: Sequence[Article], number: int, draw: random.Random) -> Iterator[Case]:
    """Cases of one sentence of an article against the same article in another language."""
    article, other = own[number], others[number]
    sentences, told = _sentences(article), _sentences(other)
    if len(sentences) != len(told):
        return
    at = draw.randrange(len(sentences))
    sentence, original = sentences[at], told[at]
    if min(len(sentence), len(original)) < 15:
        return
    language = article.language
    strangers = draw.sample([each for place, each in enumerate(others) if place != number], 2)
    apart = tuple(draw.sample([other, strangers[0]], 2))
    # Within a language the sentence stands there to the letter, and so does all that was not changed in it: the
    # regression would learn that what matches well is wrong.
    if language != other.language:
        yield Case(sentence, language, (other,), True, "same", original)
        yield Case(sentence, language, apart, True, "two passages")
    if clause := _clause(sentence):
        yield Case(clause, language, (other,), True, "clause")
    if len(told) > 1:
        yield Case(sentence, language, (other,), False, "beside", told[at - 1], without=at)
    yield Case(sentence, language, tuple(strangers), False, "other", _sentences(strangers[0])[0])
    foreign = draw.choice([each for each in own if each is not article])
    if language == other.language:
        return
    for kind, changed in (
        ("number", _other_number(sentence, draw)),
        ("affirmed", _affirmed(sentence, language)),
        ("negated", _negated(sentence, language)),
        ("name", _other_name(sentence, language, foreign)),
        ("actors", _swapped(sentence, language)),
        ("attribution", _unattributed(sentence, language)),
        ("quotation", _other_quotation(sentence, foreign)),
    ):
        if changed and changed != sentence:
            yield Case(changed, language, (other,), False, kind)


@cache
def _sentences(article: Article) -> list[str]:
    return [article.text[start:end] for start, end in split_sentences(article.text, article.language)]


def _clause(sentence: str) -> str:
    """The first clause of a sentence as a sentence, where it is long enough to be one."""
    first = regex.split(r"[,،;] | [–—] ", sentence)[0]
    long = len(first.split()) >= _LEAST_CLAUSE and len(first) < 0.8 * len(sentence)
    return first + "." if long and not read_quoted(sentence) else ""


def _other_number(sentence: str, draw: random.Random) -> str:
    found = list(regex.finditer(r"\d+", sentence))
    if not found:
        return ""
    match = draw.choice(found)
    changed = str(int(match.group()) + draw.choice([1, 2, 3, 11, 40]))
    return sentence[: match.start()] + changed + sentence[match.end() :]


def _affirmed(sentence: str, language: str) -> str:
    return str(regex.sub(_NOT[language], "", sentence, count=1)) if _NOT.get(language) else ""


def _negated(sentence: str, language: str) -> str:
    pattern, put = _PUT_NOT.get(language, ("(?!)", ""))
    return str(regex.sub(pattern, put, sentence, count=1))


def _other_name(sentence: str, language: str, foreign: Article) -> str:
    names = [name for name in read_names(sentence, language) if name.sure]
    others = [name for name in read_names(foreign.text, language) if name.sure and name.text not in sentence]
    if not names or not others or language == "de":
        return ""
    return sentence[: names[-1].start] + others[0].text + sentence[names[-1].end :]


def _swapped(sentence: str, language: str) -> str:
    names = [name for name in read_names(sentence, language) if name.sure and len(name.text) > 3]
    if len(names) < 2 or names[0].text == names[-1].text or language == "de":
        return ""
    one, two = names[0], names[-1]
    if len(sentence[one.end : two.start].split()) < 2:
        return ""
    return sentence[: one.start] + two.text + sentence[one.end : two.start] + one.text + sentence[two.end :]


def _unattributed(sentence: str, language: str) -> str:
    if quoted := [each for each in read_quoted(sentence) if not each.short]:
        return quoted[0].text + "."
    if pattern := _SAID.get(language):
        rest = regex.sub(pattern, "", sentence, count=1)
        return rest[:1].upper() + rest[1:] if rest != sentence and len(rest) > 15 else ""
    return ""


def _other_quotation(sentence: str, foreign: Article) -> str:
    quoted = [each for each in read_quoted(sentence) if not each.short]
    if not quoted:
        return ""
    inserted = _sentences(foreign)[0].rstrip(".。।")
    return sentence[: quoted[0].start] + inserted + sentence[quoted[0].end :]
