"""Whether sources say what a sentence of an answer says: the check that every answer passes, without a language model.

First the words: a sentence that stands in a source is supported. Then what must be there to the letter: numbers, dates
and quotations (``rag/facts.py``, ``rag/quotations.py``). Then the meaning, by late interaction (``rag/match.py``), with
signs that the sentence turns its source round. Logistic regression makes one probability of it; the weights are in
``rag/assets/check.json``, fitted by ``eval/bench/check.py`` on the parallel text of ``assets/language_text``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import regex

from rag import facts, quotations
from rag.centring import LanguageMeans
from rag.embedding import Embedder, TokenStates
from rag.language import primary, script
from rag.match import Held, Match, Meaning, hold, match
from rag.names import likeness
from rag.nli import Nli
from rag.states import PackedStates
from rag.types import Article, Flaw, Passage, Problem, Quote, Support

_QUOTES = 3
# A further sentence is quoted when its match is within this of the best.
_WITHIN = 0.05
# Sentences that match this much worse than the best say nothing of the sentence's numbers and days.
_RELATED = 0.2
# A number, date or quotation that no source has leaves this share of the probability; a name from elsewhere, a negation
# on one side or actors the other way round this one. Of true pairs of the parallel text 3 % show such a sign, of those
# with a negation put in or names swapped half; but the regression, which also sees other ways of being wrong, gives
# them little weight.
_HARD = 0.05
_SOFT = 0.5
_SOFT_FLAWS = frozenset({Flaw.NAME, Flaw.NEGATION, Flaw.ACTORS})
_HARD_FLAWS = frozenset({Flaw.NUMBER, Flaw.DATE, Flaw.QUOTATION})
_LEAST_INFORMATION = 5.0
# The first word of a sentence is a name only if it is as rare as names are.
_NAME_INFORMATION = 9.0
_UNSURE = 0.07
# Within a script names are spelled alike: where a source has none like it, its meaning must be all the nearer.
_SAME_SCRIPT = 0.12
_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_MARKS = regex.compile(r"[\s\u200b-\u200f\"'«»“”„‹›‘’「」『』]")


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as a sentence is held against it, with its article and its token states, as they are kept."""

    article: Article
    passage: Passage
    states: PackedStates


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the sources say a sentence, and how probable that is (0–1); ``quotes`` are the sentences that carry it,
    best first, each with the index of its source; ``problems`` is what is wrong where they do not.
    """

    support: Support
    probability: float
    quotes: tuple[tuple[int, Quote], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """The fitted numbers of ``check.json``: weights and intercept of a regression, and where its verdicts part."""

    weights: Mapping[str, float]
    intercept: float
    supported: float
    partly: float
    translation: Mapping[str, float]
    quotation: float
    name: float

    def probability(self, features: Mapping[str, float]) -> float:
        """The estimated probability (0–1) that the sources say the sentence."""
        return _logistic(self.intercept + sum(weight * features[name] for name, weight in self.weights.items()))


@cache
def load_weights() -> Weights:
    """The weights shipped with Isnad."""
    return Weights(**json.loads((resources.files("rag") / "assets" / "check.json").read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """All that was found out about a sentence before the verdict: its ``features`` are what the regression weighs."""

    features: Mapping[str, float]
    problems: tuple[Problem, ...]
    signs: tuple[Problem, ...]
    match: Match | None


class Checker:
    """Checks sentences with the collection's embedding model. Threads may share one."""

    def __init__(self, embedder: Embedder, means: LanguageMeans, *, nli: Nli | None = None) -> None:
        self._embedder = embedder
        self._means = means
        self._nli = nli

    def check(self, sentence: str, language: str, sources: Sequence[Source]) -> Verdict:
        """The verdict on one sentence, in ``language`` (BCP 47), held against all sources together."""
        return self.check_all([sentence], language, sources)[0]

    def check_all(self, sentences: Sequence[str], language: str, sources: Sequence[Source]) -> list[Verdict]:
        """The verdict on each sentence; the model reads all of them in one go."""
        verdicts = {place: found for place, each in enumerate(sentences) if (found := verbatim(each, sources))}
        rest = [place for place in range(len(sentences)) if place not in verdicts]
        findings = self.examine([sentences[place] for place in rest], language, sources)
        for place, finding in zip(rest, findings, strict=True):
            verdicts[place] = self._judge(sentences[place], finding, sources)
        return [verdicts[place] for place in range(len(sentences))]

    def similarity(self, text: str, language: str, other: str, other_language: str) -> float:
        """The estimated probability (0–1) that one text is the other's translation, or says the same."""
        one, two = self._read([(text, language), (other, other_language)])
        return likely_same(one, two)

    def examine(self, sentences: Sequence[str], language: str, sources: Sequence[Source]) -> list[Finding]:
        """What is found out about each sentence."""
        foreign = any(primary(each.passage.language) != primary(language) for each in sources)
        asked = [quotations.read_quoted(each) for each in sentences]
        told = [(each.text, s.passage.language) for s in sources for each in quotations.read_quoted(s.passage.text)]
        told = told if foreign and any(asked) else []
        quoted = [(each.text, language) for found in asked for each in found if foreign]
        read = self._read([*((each, language) for each in sentences), *quoted, *told])
        held = hold([source.states for source in sources])
        known = [_known(source) for source in sources]
        spans = dict(zip((text for text, _ in quoted), read[len(sentences) :], strict=False))
        originals = read[len(sentences) + len(quoted) :]
        findings = []
        for sentence, tokens, found in zip(sentences, read, asked, strict=False):
            matched = match(tokens, held)
            quotes = [(each, self._quotation(each, spans, originals, language, sources, held)) for each in found]
            findings.append(_find(sentence, language, tokens, matched, quotes, sources, known))
        return findings

    def _judge(self, sentence: str, finding: Finding, sources: Sequence[Source]) -> Verdict:
        weights = load_weights()
        probability = weights.probability(finding.features)
        quotes = carrying(finding.match, sources)
        if self._nli and quotes:
            premise = " ".join(quote.text for _, quote in quotes)
            probability = (probability + float(self._nli.entailment([(premise, sentence)])[0])) / 2
        flaws = {problem.flaw for problem in finding.problems}
        if flaws & _HARD_FLAWS:
            probability *= _HARD
        elif (flaws | {sign.flaw for sign in finding.signs}) & _SOFT_FLAWS:
            probability *= _SOFT
        support = Support.UNSUPPORTED
        if probability >= weights.partly and not flaws & _HARD_FLAWS:
            support = Support.SUPPORTED if probability >= weights.supported and not flaws else Support.PARTLY
        problems = finding.problems
        if support is not Support.SUPPORTED:
            problems += finding.signs
            problems = problems or (Problem(Flaw.MEANING, sentence),)
        return Verdict(support, probability, quotes, problems)

    def _read(self, texts: Sequence[tuple[str, str]]) -> list[TokenStates]:
        """The centred token states of texts, each with its language; of equal ones once."""
        unique = list(dict.fromkeys(texts))
        read = {}
        for key, (_, tokens) in zip(unique, self._embedder.read_passages([text for text, _ in unique]), strict=True):
            states = self._means.centre_passage_tokens(tokens.states, primary(key[1]))
            read[key] = TokenStates(states, tokens.spans, tokens.weights)
        return [read[key] for key in texts]

    def _quotation(
        self,
        quoted: quotations.Quoted,
        spans: Mapping[str, TokenStates],
        originals: Sequence[TokenStates],
        language: str,
        sources: Sequence[Source],
        held: Held,
    ) -> float:
        """How sure it is that the sources have the quotation: 1 for the very words, else its likeness to a source's."""
        texts = [f"{source.article.title}\n{source.passage.text}" for source in sources]
        if any(quotations.stands_in(quoted.text, text) for text in texts):
            return 1.0
        if quoted.text not in spans:
            return 0.0
        best = max((likely_same(spans[quoted.text], original) for original in originals), default=0.0)
        if quoted.short:
            words = regex.findall(r"[\p{L}\p{M}\p{N}]+", quoted.text)
            alike = [max((likeness(word, text) for text in texts), default=0.0) for word in words]
            best = max(best, min(alike, default=0.0))
            found = match(spans[quoted.text], held)
            best = max(best, float(found.features[Meaning.ANYWHERE]) if found else 0.0)
        return best


def verbatim(sentence: str, sources: Sequence[Source]) -> Verdict | None:
    """Full support for a sentence that is one or more whole sentences of a source, white space and marks aside."""
    wanted = _plain(sentence)
    for place, source in enumerate(sources):
        plain = [_plain(source.passage.sentence(number)) for number in range(len(source.passage.sentences))]
        for first in range(len(plain)):
            joined, last = plain[first], first
            while wanted.startswith(joined) and joined != wanted and last + 1 < len(plain):
                last += 1
                joined += plain[last]
            if joined == wanted and wanted:
                quotes = tuple((place, _quote(source, number)) for number in range(first, last + 1))
                return Verdict(Support.SUPPORTED, 1.0, quotes[:_QUOTES], ())
    return None


def _plain(text: str) -> str:
    return str(_MARKS.sub("", text)).casefold()


def _quote(source: Source, number: int) -> Quote:
    start, end = source.passage.sentences[number]
    return Quote(source.passage.sentence(number), start, end)


def carrying(found: Match | None, sources: Sequence[Source]) -> tuple[tuple[int, Quote], ...]:
    """The sentences that a sentence rests on, best first: those it was made of, then those nearly as near."""
    if found is None:
        return ()
    best = found.ranked[0][1]
    near = [place for place, score in found.ranked if place in found.window or score > best - _WITHIN]
    chosen = sorted(near, key=lambda place: place not in found.window)[:_QUOTES]
    return tuple((owner, _quote(sources[owner], number)) for owner, number in chosen)


def likely_same(one: TokenStates, other: TokenStates) -> float:
    """The estimated probability (0–1) that two texts say the same, their token states centred."""
    if not len(one.states) or not len(other.states):
        return 0.0
    weights = load_weights().translation
    features = both_ways(one, other)
    return _logistic(weights["intercept"] + sum(weights[name] * value for name, value in features.items()))


def both_ways(one: TokenStates, other: TokenStates) -> dict[str, float]:
    """How two texts match: the worse and the better covered by the other, and the cosine of their means."""
    cosines = one.states @ other.states.T
    ways = [
        float(cosines.max(axis=1) @ one.weights / one.weights.sum()),
        float(cosines.max(axis=0) @ other.weights / other.weights.sum()),
    ]
    means = [each.weights @ each.states / each.weights.sum() for each in (one, other)]
    cosine = float(means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1]))
    return {"worse": min(ways), "better": max(ways), "cosine": cosine}


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))


def _known(source: Source) -> facts.Known:
    text = f"{source.article.title}\n{source.passage.text}"
    return facts.read_known(text, source.passage.language, source.article.published)


def _related(matched: Match | None, sources: Sequence[Source]) -> list[facts.Known]:
    """What the sentences tell that match about as well as the best: a number from any other is not the sentence's."""
    if matched is None:
        return []
    best = matched.ranked[0][1]
    near: dict[int, list[int]] = {}
    for (owner, number), score in matched.ranked:
        if score >= best - _RELATED or (owner, number) in matched.window:
            near.setdefault(owner, []).append(number)
    known = []
    for owner, numbers in near.items():
        source = sources[owner]
        text = "\n".join([source.article.title, *(source.passage.sentence(number) for number in sorted(numbers))])
        known.append(facts.read_known(text, source.passage.language, source.article.published))
    return known


def _find(
    sentence: str,
    language: str,
    tokens: TokenStates,
    matched: Match | None,
    quotes: Sequence[tuple[quotations.Quoted, float]],
    sources: Sequence[Source],
    known: Sequence[facts.Known],
) -> Finding:
    claims = facts.read_claims(sentence, language)
    problems = facts.missing(claims, _related(matched, sources))
    problems += [Problem(Flaw.QUOTATION, each.text) for each, score in quotes if score < load_weights().quotation]
    missing_names, worst_name = _names(claims, language, tokens, matched, known)
    problems += [Problem(Flaw.NAME, name) for name in missing_names]
    turns = _turns(sentence, language, matched, sources)
    signs = [
        *(Problem(Flaw.NEGATION, " ".join(words)) for words in (turns.negation, turns.dropped) if words),
        *([Problem(Flaw.ACTORS, " – ".join(turns.actors))] if turns.actors else []),
        *(
            [Problem(Flaw.ATTRIBUTION, " ".join(turns.attribution or turns.doubt))]
            if turns.attribution or turns.doubt
            else []
        ),
    ]
    same = matched is not None and primary(sources[matched.window[0][0]].passage.language) == primary(language)
    features = {name.name.lower(): float(matched.features[name]) if matched else -1.0 for name in Meaning} | {
        "same_language": float(same),
        "worst_word": _worst_word(sentence, tokens, matched, known),
        "worst_name": worst_name,
        "names_missing": float(bool(missing_names)),
        "negation": float(bool(turns.negation)),
        "dropped_negation": float(bool(turns.dropped)),
        "attribution": float(bool(turns.attribution)),
        "doubt": float(bool(turns.doubt)),
        "actors": float(bool(turns.actors)),
        "quotation": min((score for _, score in quotes), default=1.0),
    }
    return Finding(features, tuple(problems), tuple(signs), matched)


def _turns(sentence: str, language: str, matched: Match | None, sources: Sequence[Source]) -> facts.Turns:
    if matched is None:
        return facts.Turns()
    (owner, number), _ = matched.ranked[0]
    passage = sources[owner].passage
    around = " ".join(passage.sentence(each) for _, each in matched.window)
    return facts.compare(sentence, language, passage.sentence(number), passage.language, around)


def _names(
    claims: facts.Claims, language: str, tokens: TokenStates, matched: Match | None, known: Sequence[facts.Known]
) -> tuple[list[str], float]:
    """The names that no source has, by spelling, sound, country or meaning, and how well the worst is found."""
    missing, worst = [], 1.0
    least = load_weights().name
    if any(script(source.language) == script(language) for source in known):
        least += _SAME_SCRIPT
    for words, sure in facts.name_words(claims):
        scores = []
        for word, start, end in words:
            score = max((likeness(word, source.text) for source in known), default=0.0)
            if score < facts.SAME_WORD:
                score = (
                    1.0
                    if facts.same_country(word, language, known)
                    else max(score if score > facts.SAME_WORD else 0.0, _matched(tokens, matched, start, end))
                )
            scores.append(score)
        certain = sure or _information(tokens, *words[-1][1:]) >= _NAME_INFORMATION
        if certain and scores[-1] < least - (not sure) * _UNSURE:
            missing.append(" ".join(word for word, _, _ in words))
        worst = min(worst, scores[-1])
    return missing, worst


def _matched(tokens: TokenStates, matched: Match | None, start: int, end: int) -> float:
    """How well the tokens of some characters of the sentence are matched anywhere in the sources."""
    within = (tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start)
    if matched is None or not within.any():
        return 0.0
    return float(np.average(matched.anywhere[within], weights=tokens.weights[within]))


def _information(tokens: TokenStates, start: int, end: int) -> float:
    """How much the tokens of some characters of the sentence say, in nats above a common word's."""
    return float(tokens.weights[(tokens.spans[:, 0] < end) & (tokens.spans[:, 1] > start)].sum())


def _worst_word(sentence: str, tokens: TokenStates, matched: Match | None, known: Sequence[facts.Known]) -> float:
    """How well the worst matched word that says something is found, by meaning or by sound."""
    scores = []
    for word in _WORDS.finditer(sentence):
        if _information(tokens, word.start(), word.end()) >= _LEAST_INFORMATION:
            scores.append((_matched(tokens, matched, word.start(), word.end()), word.group()))
    for score, word in sorted(scores)[:1]:
        alike = max((likeness(word, source.text) for source in known), default=0.0)
        rest = sorted(scores)[1][0] if len(scores) > 1 else 1.0
        return rest if alike >= facts.SAME_WORD else score
    return 1.0
