"""Questions over articles, as ragas' test-set generation has a language model write them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from langchain_core.documents import Document
from ragas.dataset_schema import SingleTurnSample
from ragas.executor import Executor
from ragas.run_config import RunConfig
from ragas.testset import TestsetGenerator
from ragas.testset.transforms import Parallel, default_transforms_for_prechunked
from ragas.testset.transforms.base import LLMBasedExtractor
from ragas.tokenizers import BaseTokenizer

from eval.judge import Asked, Embed
from eval.judge_model import JudgeModel
from eval.judge_ragas import Embeddings
from rag.errors import IsnadError, LanguageModelError
from rag.language import detect
from rag.sentences import split_sentences
from rag.types import Article

log = logging.getLogger(__name__)

# Characters of a context: some paragraphs, about as long as the passages that a question is answered from.
_CONTEXT_CHARACTERS = 1200
_LEAST_CHARACTERS = 200
# Contexts a question, each of which is summarised, rated and searched for themes and names by the model; and at least.
_CONTEXTS_PER_QUESTION = 2
_LEAST_CONTEXTS = 8
_INSTRUCTION = (
    "Write the question and the answer in the language of the context, whatever the language of these instructions. "
    "The context must state the answer. The question must make sense to somebody who does not have the context."
)


class _Characters(BaseTokenizer):
    """Characters for tokens: ragas' own tokenizer is downloaded, and the contexts are short enough for any model."""

    def encode(self, text: str) -> list[int]:
        """The code points of the text."""
        return [ord(character) for character in text]

    def decode(self, tokens: list[int]) -> str:
        """The text with those code points."""
        return "".join(map(chr, tokens))


def written(articles: Sequence[Article], n: int, *, asked: Asked, embed: Embed) -> list[dict[str, str | list[str]]]:
    """See ``eval.judge.generate_questions``."""
    llm = JudgeModel(asked)
    try:
        samples = _samples(_contexts(articles, n), n, llm, Embeddings(embed), asked.jobs)
    except IsnadError:
        raise
    except Exception as error:
        raise LanguageModelError(
            f"{asked.model} could not write questions over these articles: {error} What it replied so far is kept; try "
            f"again, with more or longer articles, or set {asked.setting} to a more able model."
        ) from error
    finally:
        llm.close()
    if llm.stopped and not samples:
        raise LanguageModelError(llm.stopped)
    if len(samples) < n:
        log.warning("%s wrote %d of %d questions", asked.model, len(samples), n)
    return [_record(sample) for sample in samples]


def _samples(
    contexts: Sequence[Document], n: int, llm: JudgeModel, embeddings: Embeddings, jobs: int
) -> list[SingleTurnSample]:
    generator = TestsetGenerator(llm=llm, embedding_model=embeddings, llm_context=_INSTRUCTION)  # type: ignore[arg-type]
    transforms: Any = default_transforms_for_prechunked(llm, embeddings)  # type: ignore[arg-type]
    for extractor in _extractors(transforms):
        extractor.tokenizer = _Characters()
    writing = generator.generate_with_chunks(
        list(contexts), n, transforms=transforms, run_config=RunConfig(max_workers=jobs), return_executor=True
    )
    if not isinstance(writing, Executor):
        raise TypeError(type(writing).__name__)
    # One question that cannot be written takes none of the others with it.
    writing.raise_exceptions = False
    results = asyncio.run(writing.aresults())
    return [each for each in results if isinstance(each, SingleTurnSample) and each.user_input][:n]


def _extractors(transforms: Iterable[object]) -> Iterator[LLMBasedExtractor]:
    for each in transforms:
        if isinstance(each, Parallel):
            yield from _extractors(each.transformations)
        elif isinstance(each, LLMBasedExtractor):
            yield each


def _record(sample: SingleTurnSample) -> dict[str, str | list[str]]:
    question = str(sample.user_input)
    return {
        "user_input": question,
        "reference": sample.reference or "",
        "reference_contexts": sample.reference_contexts or [],
        "language": detect(question),
    }


def _contexts(articles: Sequence[Article], n: int) -> list[Document]:
    """So many pieces of the articles as ``n`` questions need, the first of each article before the second of any."""
    wanted = max(_LEAST_CONTEXTS, n * _CONTEXTS_PER_QUESTION)
    pieces = [list(_pieces(article)) for article in articles]
    taken = [piece for turn in zip_longest(*pieces) for piece in turn if piece is not None]
    return taken[:wanted]


def _pieces(article: Article) -> Iterator[Document]:
    """Consecutive whole sentences of an article, verbatim."""
    begun: int | None = None
    end = 0
    for start, stop in split_sentences(article.text, article.language):
        if begun is not None and stop - begun > _CONTEXT_CHARACTERS:
            yield _document(article, begun, end)
            begun = None
        begun = start if begun is None else begun
        end = stop
    if begun is not None and (end - begun >= _LEAST_CHARACTERS or begun == 0 or not article.text[:begun].strip()):
        yield _document(article, begun, end)


def _document(article: Article, start: int, end: int) -> Document:
    return Document(page_content=article.text[start:end], metadata={"article_id": article.id})
