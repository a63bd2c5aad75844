"""The yardstick: what a LangChain tutorial builds, over the same articles.

RecursiveCharacterTextSplitter of 1,000 characters with 200 of overlap, HuggingFaceEmbeddings as it comes (no prompts),
langchain-chroma's store in memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rag.types import Article

if TYPE_CHECKING:
    from langchain_core.documents import Document

_CHUNK = 1000
_OVERLAP = 200
# What a tutorial puts into the prompt.
TOP = 4


class NaivePipeline:
    """A collection as a tutorial makes it; ``model`` is a sentence-transformers folder or hub name."""

    def __init__(self, model: str) -> None:
        from langchain_chroma import Chroma
        from langchain_huggingface import HuggingFaceEmbeddings

        self.embeddings = HuggingFaceEmbeddings(model_name=model, model_kwargs={"device": "cpu"})
        # Chroma keeps collections in memory by name, all of a process together.
        self._store = Chroma(f"naive-{uuid.uuid4()}", self.embeddings)

    def add(self, articles: Iterable[Article]) -> int:
        """Splits and embeds articles; how many chunks they make."""
        chunks = split(articles)
        self._store.add_documents(chunks)
        return len(chunks)

    def search(self, question: str, *, k: int) -> list[tuple[str, int, int]]:
        """The article, start and end of the ``k`` chunks nearest to a question, nearest first."""
        return [_place(document) for document in self._store.similarity_search(question, k=k)]


def split(articles: Iterable[Article]) -> list[Document]:
    """The chunks of articles, with where they begin."""
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=_CHUNK, chunk_overlap=_OVERLAP, add_start_index=True)
    return splitter.split_documents(
        [Document(article.text, metadata={"article": article.id}) for article in articles if article.text]
    )


def _place(document: Document) -> tuple[str, int, int]:
    start = int(document.metadata["start_index"])
    return str(document.metadata["article"]), start, start + len(document.page_content)
