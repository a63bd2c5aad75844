"""Quotations in the reader's language, by the language model, each checked like any sentence of an answer.

The original always stays; a translation that does not say what the original says is withheld.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rag import facts
from rag.check import Checker, Source
from rag.errors import LanguageModelError
from rag.language import primary
from rag.prompts import translating
from rag.states import PackedStates
from rag.text import without_controls
from rag.types import Answer, Citation, Flaw, Quote, Support

if TYPE_CHECKING:
    from rag.evidence import PassageReader
    from rag.llm import LanguageModel

log = logging.getLogger(__name__)

_LINE = re.compile(r"^\s*(\d+)\s*[.):．、:]\s*(.+?)\s*$", re.MULTILINE)
_REPLY = 1024
# By this likeness translations in the parallel text are told from other sentences with an area under ROC of .99.
_ALIKE = 0.7


class Translator:
    """Translates the quotes of an answer. Threads may share one."""

    def __init__(self, llm: LanguageModel, checker: Checker, reader: PassageReader) -> None:
        self._llm = llm
        self._checker = checker
        self._reader = reader

    def translate(self, answer: Answer) -> Answer:
        """The answer with translations of those of its quotes that are in another language than it is.

        Without them where the model fails, which is no reason to withhold the answer.
        """
        wanted = [
            (citation, quote)
            for citation in answer.citations
            for quote in citation.quotes
            if primary(citation.article.language) != primary(answer.language)
        ]
        if not wanted:
            return answer
        try:
            messages = translating([quote.text for _, quote in wanted], answer.language)
            lines = self._llm.complete(messages, max_tokens=_REPLY)
        except LanguageModelError as error:
            log.warning("The quotations could not be translated: %s", error)
            return answer
        written = {int(n): without_controls(text) for n, text in _LINE.findall(lines)}
        translations = {
            (citation.n, quote.start): written[place]
            for place, (citation, quote) in enumerate(wanted, start=1)
            if place in written and self._says_the_same(written[place], answer.language, citation, quote)
        }
        return replace(answer, citations=tuple(_with(citation, translations) for citation in answer.citations))

    def _says_the_same(self, translation: str, language: str, citation: Citation, quote: Quote) -> bool:
        """Whether the translation says what the quote alone says, with its numbers, dates, names and negation."""
        (states,) = self._reader.read([citation.passage.id])
        index = citation.passage.sentences.index((quote.start, quote.end))
        own = states.sentences == index
        alone = PackedStates(states.codes[own], states.scales[own], np.zeros(int(own.sum()), np.uint16))
        passage = replace(
            citation.passage, text=quote.text, start=quote.start, end=quote.end, sentences=((quote.start, quote.end),)
        )
        # The title may have the numbers and names of the sentence, and a translation is not made of it.
        article = replace(citation.article, title="")
        verdict = self._checker.check(translation, language, [Source(article, passage, alone)])
        if verdict.support is Support.UNSUPPORTED or {each.flaw for each in verdict.problems} - {Flaw.MEANING}:
            return False
        original = facts.read_claims(quote.text, article.language)
        if facts.missing(original, [facts.read_known(translation, language, article.published)]):
            return False
        return self._checker.similarity(translation, language, quote.text, article.language) >= _ALIKE


def _with(citation: Citation, translations: dict[tuple[int, int], str]) -> Citation:
    quotes: Sequence[Quote] = [
        replace(quote, translation=translations.get((citation.n, quote.start), "")) for quote in citation.quotes
    ]
    return replace(citation, quotes=tuple(quotes))
