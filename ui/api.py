"""The endpoints of the page for programs: Gradio's API, and the same functions as tools of MCP.

The docstrings below become the API's documentation and the tools' descriptions; docs/api.md has the whole of it. There
is no ``from __future__ import annotations`` here: Gradio reads what comes back from the annotation itself.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gradio as gr

from ingest.complete import Overrides
from ingest.index import Ingested
from ingest.isnad import Isnad
from rag.answer_json import AnswerDict, answer_from_dict
from rag.assistant import MOST_PASSAGES
from rag.errors import IsnadError, UsageError
from rag.retrieve import TOP_K
from rag.types import Answer
from ui.backend import Backend
from ui.contract import (
    article_to_dict,
    error_body,
    error_dict,
    filters_of,
    full_article_to_dict,
    hit_to_dict,
    messages_of,
    number_of,
    options_of,
    text_of,
    turns_of,
)
from ui.feedback import LONGEST_COMMENT, keep
from ui.shapes import (
    Added,
    Articles,
    Deleted,
    ErrorBody,
    FiltersDict,
    FullArticleDict,
    HitDict,
    MessageDict,
    ServerStatus,
    Stored,
)

if TYPE_CHECKING:
    from ui.access import Access

log = logging.getLogger(__name__)

# Questions that are answered at the same time, on the page and here together, and other calls.
ASK, MOST_ASKED = "ask", 8
_MOST_OTHERS = 8
_MOST_ADDING = 2
# Seconds that a call waits for a server that has just been started.
_PATIENCE = 60.0

_LONGEST_ID = 200
_LONGEST_LINE = 2_000
_LONGEST_TEXT = 2_000_000
_MOST_LISTED, _LISTED = 500, 100
_MOST_OFFSET = 10**9
_MOST_FROM_ADDRESS = 20


class Endpoints:
    """What the endpoints do; a method each, whose name is that of the endpoint."""

    def __init__(self, backend: Backend, access: "Access") -> None:
        self._backend = backend
        self._access = access

    def ask(
        self,
        question: str,
        conversation: list[MessageDict] | None = None,
        filters: FiltersDict | None = None,
        mode: Literal["extractive", "generated"] | None = None,
        top_k: int = TOP_K,
        min_confidence: float | None = None,
    ) -> AnswerDict:
        """Answers a question from the collection of articles, in the question's language, whatever theirs.

        Every sentence of the answer has numbered citations with the sentences of the articles that it rests on, word
        for word. When the articles do not answer, status is not_found and nothing is cited. Use it for a question; use
        search for passages on a subject.

        Args:
            question: What to find out, as a whole question in any language; at most 2000 characters.
            conversation: The messages before it, oldest first, for a question that goes on with them.
            filters: Only some articles: languages (BCP 47), publishers, since and until (YYYY-MM-DD), articles.
            mode: extractive for word-for-word quotations only; leave out for what the server is set to.
            top_k: How many passages to read, 1 to 64.
            min_confidence: Below this estimated probability, 0 to 1, the answer is not_found.

        """
        *_, answer = self._answers(question, conversation, filters, mode, top_k, min_confidence)
        return answer

    def ask_stream(
        self,
        question: str,
        conversation: list[MessageDict] | None = None,
        filters: FiltersDict | None = None,
        mode: Literal["extractive", "generated"] | None = None,
        top_k: int = TOP_K,
        min_confidence: float | None = None,
    ) -> Iterator[AnswerDict]:
        """As ask, giving the answer as it grows; the last one is whole.

        In those before, sentences are missing or their support is unchecked.

        Args:
            question: What to find out, as a whole question in any language; at most 2000 characters.
            conversation: The messages before it, oldest first, for a question that goes on with them.
            filters: Only some articles: languages (BCP 47), publishers, since and until (YYYY-MM-DD), articles.
            mode: extractive for word-for-word quotations only; leave out for what the server is set to.
            top_k: How many passages to read, 1 to 64.
            min_confidence: Below this estimated probability, 0 to 1, the answer is not_found.

        """
        yield from self._answers(question, conversation, filters, mode, top_k, min_confidence)

    def search(self, query: str, filters: FiltersDict | None = None, k: int = TOP_K) -> list[HitDict]:
        """Finds the passages of the articles that are nearest to a query in any language, best first.

        Whether they answer it is not judged. Use it to gather material on a subject; use ask for an answer that is
        checked against its sources.

        Args:
            query: A question or a subject, in any language; at most 2000 characters.
            filters: Only some articles: languages (BCP 47), publishers, since and until (YYYY-MM-DD), articles.
            k: How many passages, 1 to 64.

        """
        with _errors():
            passages = number_of(k, "k", least=1, most=MOST_PASSAGES, default=TOP_K)
            chosen = filters_of(filters)
            text = text_of(query, "query", longest=_LONGEST_TEXT)
            return [hit_to_dict(hit) for hit in self._isnad().search(text, k=passages, filters=chosen)]

    def articles(self, filters: FiltersDict | None = None, offset: int = 0, limit: int = _LISTED) -> Articles:
        """Lists the articles of the collection without their texts, the latest first.

        Use it to see what there is, and for the ids that article, filters and delete_article take.

        Args:
            filters: Only some articles: languages (BCP 47), publishers, since and until (YYYY-MM-DD), articles.
            offset: How many to leave out at the beginning.
            limit: How many to list, 1 to 500.

        """
        with _errors():
            first = number_of(offset, "offset", least=0, most=_MOST_OFFSET, default=0)
            most = number_of(limit, "limit", least=1, most=_MOST_LISTED, default=_LISTED)
            found = self._isnad().articles(filters_of(filters))
            listed = [article_to_dict(article) for article in found[first : first + most]]
            return {"articles": listed, "total": len(found), "offset": first}

    def article(self, article_id: str) -> FullArticleDict:
        """Gives one article with its text. Use it to read on around a citation or a passage that search found.

        Args:
            article_id: The id, as the citations, search and articles have it.

        """
        with _errors():
            return full_article_to_dict(self._isnad().article(_id(article_id)))

    def add_article(
        self,
        request: gr.Request,
        text: str = "",
        url: str = "",
        title: str = "",
        publisher: str = "",
        published: str = "",
        language: str = "",
    ) -> list[Added]:
        """Adds an article to the collection: its text, or without a text what is at a web address.

        That is a page, or a feed or a sitemap, of which the latest 20 articles are added. What is not given is read
        there or guessed. Only for editors.

        Args:
            request: The call.
            text: The text of the article, at most 2,000,000 characters; leave out to fetch the address.
            url: The article's web address, http or https.
            title: Its title.
            publisher: Who published it.
            published: When, as 2022-07-19.
            language: Its language, BCP 47, such as ar.

        """
        with _errors():
            self._check_editor(request)
            body = text_of(text, "text", longest=_LONGEST_TEXT)
            given = {"url": url, "title": title, "publisher": publisher, "published": published, "language": language}
            lines = {name: text_of(value, name, longest=_LONGEST_LINE).strip() for name, value in given.items()}
            if lines["url"] and not lines["url"].lower().startswith(("http://", "https://")):
                raise UsageError("Expected a web address in url, beginning with http:// or https://.")
            if body.strip():
                return [_added(self._isnad().add_text(body, **lines))]
            if not lines["url"]:
                raise UsageError("There is neither a text nor a url. Give the article's text, or its web address.")
            overrides = Overrides(lines["publisher"], lines["language"], lines["published"])
            results = self._isnad().add(lines["url"], overrides=overrides, max_articles=_MOST_FROM_ADDRESS)
            return [_added(result) for result in results]

    def delete_article(self, request: gr.Request, article_id: str) -> Deleted:
        """Deletes an article from the collection, for good. Only for editors, and only when it was asked for.

        Args:
            request: The call.
            article_id: The id, as the citations, search and articles have it.

        """
        with _errors():
            self._check_editor(request)
            chosen = _id(article_id)
            return {"article_id": chosen, "deleted": bool(self._isnad().delete([chosen]))}

    def feedback(
        self,
        rating: Literal["up", "down"],
        answer: AnswerDict,
        comment: str = "",
        conversation: list[MessageDict] | None = None,
    ) -> Stored:
        """Keeps what a reader thinks of an answer, for whoever runs the server. Only when a reader has said so.

        Args:
            rating: up or down.
            answer: The whole answer, as ask gave it.
            comment: The reader's words, at most 2000 characters.
            conversation: The messages before the question, oldest first.

        """
        with _errors():
            keep(
                self._backend.settings,
                rating=text_of(rating, "rating", longest=_LONGEST_ID),
                comment=text_of(comment, "comment", longest=LONGEST_COMMENT),
                answer=answer_from_dict(answer).to_dict(),
                conversation=messages_of(conversation),
            )
            return {"stored": True}

    def status(self, request: gr.Request) -> ServerStatus:
        """Tells whether the server is ready, what the collection holds, and which models it works with."""
        with _errors():
            settings, state = self._backend.settings, self._backend.state
            told: ServerStatus = {
                "version": version("isnad"),
                "ready": False,
                "stage": state.stage.value,
                "articles": 0,
                "passages": 0,
                "languages": {},
                "model": _name(settings.llm),
                "embedding_model": _name(settings.embedding_model) or "multilingual-e5-small",
                "read_only": not self._access.may_edit(request),
            }
            if self._backend.ready:
                held = self._isnad().contents()
                told |= {"articles": held.articles, "passages": held.passages, "languages": held.languages}
                told["ready"] = True
            return told

    def _answers(
        self, question: object, conversation: object, filters: object, mode: object, top_k: object, least: object
    ) -> Iterator[AnswerDict]:
        with _errors():
            asked = text_of(question, "question", longest=_LONGEST_TEXT)
            turns = turns_of(conversation)
            chosen, options = filters_of(filters), options_of(mode, top_k, least)
            with closing(self._isnad().stream(asked, chosen, turns=turns, options=options)) as answers:
                for answer in answers:
                    yield _plain(answer)

    def _isnad(self) -> Isnad:
        if not self._backend.wait(_PATIENCE):
            raise _Refused(error_body("starting", "The server is still starting.", "Try again in a moment."))
        return self._backend.isnad()

    def _check_editor(self, request: gr.Request) -> None:
        if not self._access.may_edit(request):
            raise _Refused(error_body("forbidden", "You may not change the collection.", "Call as an editor."))


def add_endpoints(backend: Backend, access: "Access") -> None:
    """Adds the endpoints to the page that is being built."""
    does = Endpoints(backend, access)
    for endpoint in (does.ask, does.ask_stream):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_id=ASK, concurrency_limit=MOST_ASKED)
    gr.api(does.search, api_name="search", concurrency_id="search", concurrency_limit=_MOST_OTHERS)
    for other in (does.articles, does.article, does.feedback, does.status):
        gr.api(other, api_name=other.__name__, concurrency_limit=_MOST_OTHERS)
    for changing in (does.add_article, does.delete_article):
        gr.api(changing, api_name=changing.__name__, concurrency_id="change", concurrency_limit=_MOST_ADDING)


def finish_tools(page: gr.Blocks) -> None:
    """Has the tools of MCP give JSON, for which Gradio has Python's own notation; to be called when it is mounted."""
    server = page.mcp_server_obj
    if server is not None:
        server.postprocess_output_data = lambda data, _: [
            server.types.TextContent(type="text", text=json.dumps(each, ensure_ascii=False)) for each in data
        ]


# A generator's own hint would be shown as anything.
Endpoints.ask_stream.__annotations__["return"] = AnswerDict
# Gradio lists as tools what has no other type: a tool gives one answer and not a stream, and ratings are readers'.
Endpoints.ask_stream._mcp_type = "endpoint"  # type: ignore[attr-defined]
Endpoints.feedback._mcp_type = "endpoint"  # type: ignore[attr-defined]


class _Refused(gr.Error):  # type: ignore[misc]
    """An error as Gradio carries it to a client: its message is the JSON of our shape."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(json.dumps(body, ensure_ascii=False), duration=None, visible=False, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)


@contextmanager
def _errors() -> Iterator[None]:
    """Any error as the one shape that the endpoints give, without a traceback or a path."""
    try:
        yield
    except IsnadError as error:
        log.info("A call was answered with an error: %s", error)
        raise _Refused(error_dict(error)) from None
    except _Refused:
        raise
    except Exception:
        log.exception("A call failed")
        raise _Refused(error_dict(IsnadError())) from None


def _id(value: object) -> str:
    return text_of(value, "article_id", longest=_LONGEST_ID)


def _plain(answer: Answer) -> AnswerDict:
    plain: Any = answer.to_dict()
    return plain  # type: ignore[no-any-return]


def _added(result: Ingested) -> Added:
    return {
        "outcome": result.outcome.value,
        "article_id": result.id,
        "title": result.title,
        "reason": result.reason,
        "notes": list(result.notes),
    }


def _name(model: str) -> str:
    """A model's name; of a folder or file its last part."""
    return Path(model).name if Path(model).is_absolute() else model
