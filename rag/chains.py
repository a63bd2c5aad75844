"""The collection as a LangChain retriever, to plug into other people's chains."""

from __future__ import annotations

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.assistant import Assistant
from rag.retrieve import TOP_K
from rag.types import Filters


class IsnadRetriever(BaseRetriever):
    """Gives the passages nearest to a question, whatever its language and theirs, best first.

    At most ``k``, of the articles that ``filters`` let through; ``assistant`` is that of an ``Isnad``.

    A document holds a passage's text; its metadata the article's id, title, publisher, published, language and url, the
    passage's ``start`` and ``end`` in the article's text, and the ``score``.
    """

    assistant: Assistant
    k: int = TOP_K
    filters: Filters = Filters()

    model_config = ConfigDict(arbitrary_types_allowed=True)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        documents = []
        for hit in self.assistant.search(query, k=self.k, filters=self.filters):
            article = hit.article
            metadata = {
                "article_id": article.id,
                "title": article.title,
                "publisher": article.publisher,
                "published": article.published,
                "language": article.language,
                "url": article.url,
                "start": hit.passage.start,
                "end": hit.passage.end,
                "score": hit.score,
            }
            documents.append(Document(id=hit.passage.id, page_content=hit.passage.text, metadata=metadata))
        return documents
