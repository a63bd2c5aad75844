"""A message in the light of what was said before: a follow-up as a question that stands alone. By rule.

A follow-up takes along the question that opened its subject: "When was the Webb telescope launched? And how big is its
mirror?". That reads well and finds the right article as often as the best of the other forms tried: names and content
words alone, before or behind; the title of the article cited last; the whole chain of questions. What is taken along
counts half, so that the sentence that answers is not the last one again. docs/evaluation.md has the figures.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cache
from importlib import resources

import numpy as np
import regex

from rag.answer_language import answer_language
from rag.intents import Intent, Wish, fold, read_intent
from rag.language import primary
from rag.query import Query
from rag.types import Turn

# A message with one of the words that point back and so few words of its own cannot stand alone; with more it may.
_POINTS_BACK = 2
# Without such a word none, or one that is no name ("When did it end?" is one word in Spanish); up to so many it may.
_MAY_STAND_ALONE = 4
# So many words that mean something are a subject, where one is a name or there are no capitals to tell.
_NAMES_SOMETHING = 2
# … where the collection answers them with this confidence as they are.
_SURELY = 0.6
# A message of more words that points back does so within itself: "What did Tesla do with his money?"
_POINTS_WITHIN = 5
# What is taken along counts so much. On 51 follow-ups made for this, in 17 languages, the answer is among the quotes
# in 0.76 (0.67 at 1), the right article is first in 0.94 (0.92).
_CARRIED_WEIGHT = 0.5

_COPULAS = {"ar": (" من هو ", " من هي ", " من هم ", " ما هو ", " ما هي ", " ما هم ")}
# How many characters make a word where words are not parted.
_WORD_LENGTHS = {"zh": 2, "ja": 3, "th": 5}
_NOUNS_HAVE_CAPITALS = ("de",)
# Conjunctions that are written onto the next word.
_ATTACHED = {"ar": "وف", "he": "ו"}


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question to be put to the articles; ``own`` is where in it the message's own words begin.

    ``language`` (BCP 47) is the one to answer in, "" where it is that of the question; ``carried`` says whether it
    takes something from an earlier turn.
    """

    question: str
    language: str
    carried: bool = False
    own: int = 0


@dataclass(frozen=True, slots=True)
class Understood:
    """What a message wants, and where that is to know what articles say the question to be put to them."""

    wish: Wish
    question: Standalone


class _Dependence(Enum):
    NONE = auto()
    POSSIBLE = auto()
    CERTAIN = auto()


def understand(message: str, language: str, turns: Sequence[Turn], confidence: Callable[[str], float]) -> Understood:
    """What a message in that language (BCP 47) wants after those turns; ``confidence`` is as in ``standalone``.

    A message that only asks for another language wants what the last one wanted.
    """
    wish = read_intent(message, language)
    if wish.intent is not Intent.QUESTION:
        return Understood(wish, Standalone(wish.message, wish.language))
    question, wanted = answer_language(wish.message, language)
    if question:
        found = standalone(question, language, turns, confidence)
        return Understood(replace(wish, message=question), replace(found, language=wanted))
    last = next((turn for turn in reversed(turns) if _own_words(turn)), None)
    if last is None:
        return Understood(wish, Standalone(wish.message, wanted))
    asked = last.asked or last.question
    subject = _subject((last,))
    own = len(subject) + 1 if subject and subject != asked else 0
    return Understood(read_intent(asked, last.language), Standalone(asked, wanted, carried=own > 0, own=own))


def standalone(message: str, language: str, turns: Sequence[Turn], confidence: Callable[[str], float]) -> Standalone:
    """The question that a message in that language (BCP 47) asks after those turns, the last of them last.

    ``confidence`` tells how likely (0–1) the collection answers a question, 0 for one that it would refuse; it is asked
    at most twice, and not at all where the message says by itself whether it goes on with what was asked before.
    """
    alone = Standalone(message, language)
    subject = _subject(turns)
    if not subject:
        return alone
    spoken = primary(language)
    dependence = _dependence(message, spoken)
    if dependence is _Dependence.POSSIBLE and not _points(message, spoken):
        # Who goes on with what was asked does so in the same language, or says with a word that there is more to it.
        other = turns[-1].language and primary(turns[-1].language) != spoken
        dependence = _Dependence.NONE if other or _names_its_subject(message, spoken) else dependence
    if dependence is _Dependence.NONE:
        return alone
    carried = Standalone(f"{subject} {message}", language, carried=True, own=len(subject) + 1)
    if dependence is _Dependence.CERTAIN:
        return carried
    sure = confidence(message)
    if sure and (
        _has_name(message) or (sure >= _SURELY and not _is_cased(message) and _says_something(message, spoken))
    ):
        return alone  # it has a subject of its own, and an answer
    return carried if confidence(carried.question) > sure else alone


def weigh(query: Query, own: int) -> Query:
    """The query with tokens before the character ``own`` counting half."""
    if not own:
        return query
    weights = np.where(query.tokens.spans[:, 0] < own, query.tokens.weights * _CARRIED_WEIGHT, query.tokens.weights)
    return replace(query, tokens=replace(query.tokens, weights=weights.astype(np.float32)))


def _subject(turns: Sequence[Turn]) -> str:
    """The question that the last turn took along, or else its own; "" where nothing was asked."""
    for turn in reversed(turns):
        asked, own = turn.asked or turn.question, _own_words(turn)
        if own and read_intent(asked, turn.language).intent is Intent.QUESTION:
            return asked.removesuffix(own).strip() or asked
    return ""


def _own_words(turn: Turn) -> str:
    """What a turn asks in its own words; "" where it only asks for another language."""
    return answer_language(read_intent(turn.question, turn.language).message, turn.language)[0]


def _dependence(message: str, language: str) -> _Dependence:
    """Whether a message needs what was said before, by the words it has."""
    words = _load_words().get(language)
    if words is None:
        return _Dependence.POSSIBLE
    text = _spaced(message, language)
    begins = _begins(text, words, language)
    # "Who is" has a pronoun in Arabic that points at nobody.
    told = functools.reduce(lambda rest, copula: rest.replace(copula, " "), _COPULAS.get(language, ()), text)
    points = begins or any(word in told for word in words["pointers"])
    content = _content(text, words, language)
    if points:
        if content <= _POINTS_BACK:
            # "How hot did it get in England?" has a subject of its own; "And in England?" has not.
            return _Dependence.CERTAIN if begins or not _has_name(message) else _Dependence.POSSIBLE
        return _Dependence.POSSIBLE if content <= _POINTS_WITHIN else _Dependence.NONE
    if content == 0 or (content == 1 and _is_cased(message) and not _has_name(message)):
        return _Dependence.CERTAIN
    return _Dependence.POSSIBLE if content <= _MAY_STAND_ALONE else _Dependence.NONE


def _points(message: str, language: str) -> bool:
    """Whether a message has a word that points back, or begins with a connective."""
    words = _load_words().get(language)
    text = _spaced(message, language)
    return words is not None and (_begins(text, words, language) or any(word in text for word in words["pointers"]))


def _names_its_subject(message: str, language: str) -> bool:
    """Whether a message has a name and says something of it; in German every noun has a capital."""
    return language not in _NOUNS_HAVE_CAPITALS and _has_name(message) and _says_something(message, language)


def _says_something(message: str, language: str) -> bool:
    """Whether a message has two words that mean something."""
    words = _load_words().get(language)
    return words is not None and _content(_spaced(message, language), words, language) >= _NAMES_SOMETHING


def _begins(text: str, words: Mapping[str, Sequence[str]], language: str) -> bool:
    """Whether a text begins with a connective."""
    if any(text.startswith(word) for word in words["openers"]):
        return True
    attached, rest = text[1:2], f" {text[2:]}"
    known = (*words["questions"], *words["pointers"], *words["little"])
    return attached in _ATTACHED.get(language, ()) and any(rest.startswith(word) for word in known)


def _content(text: str, words: Mapping[str, Sequence[str]], language: str) -> int:
    """How many words a text has that are not among those that any text has."""
    known = [word for kind in words.values() for word in kind]
    if language in _WORD_LENGTHS:
        for word in sorted(known, key=len, reverse=True):
            text = text.replace(word, " ")
        return -(-len("".join(text.split())) // _WORD_LENGTHS[language])
    little = {word.strip() for word in known}
    tokens = text.split()
    if tokens and tokens[0][0] in _ATTACHED.get(language, ()) and tokens[0][1:] in little:
        tokens = tokens[1:]
    return sum(token not in little and len(token) > 1 for token in tokens)


def _is_cased(message: str) -> bool:
    return any(each.islower() for each in message)


def _has_name(message: str) -> bool:
    """Whether a word that is not the first begins with a capital, or there is a number."""
    return regex.search(r"(?<=\w[^\w.?!]+)\p{Lu}|\d", message) is not None


def _spaced(text: str, language: str) -> str:
    """The words of a text, folded, each between spaces; where words are not parted, its letters."""
    found = regex.findall(r"\w+", fold(text))
    return "".join(found) if language in _WORD_LENGTHS else f" {' '.join(found)} "


@cache
def _load_words() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """By language: connectives at the beginning, words that point back, words of questions, and other common words.

    They are as ``_spaced`` makes them.
    """
    table = json.loads((resources.files("rag") / "assets" / "follow_ups.json").read_text(encoding="utf-8"))
    return {
        language: {kind: tuple(_spaced(word, language) for word in words.split(" | ")) for kind, words in kinds.items()}
        for language, kinds in table.items()
    }
