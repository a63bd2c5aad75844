"""The language model that writes answers: messages in, pieces of text out, whoever serves it.

LangChain's chat models speak to the providers. What they leave different is made the same here: when a request is tried
again, how long a silence may last, what an error says, and that nothing but text for the reader comes out.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import LanguageModelError, SettingsError
from rag.llm_errors import CUT, EMPTY, NO_ANSWER, REFUSED, Failure, failure_of, reason_of, wait_of
from rag.llm_provider import Service, UnknownProviderError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage

log = logging.getLogger(__name__)

MAX_TOKENS = 1024
TEST_QUESTION = "Reply with OK."
_TRIES = 3
# Seconds before the second try, doubled before the third; each is shortened by up to half at random, so that many who
# failed together do not come back together. Who is asked to wait longer than a reader would gives up at once.
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 20.0
# What the packages call how a reply ended. Without it the reply was cut off, though the connection ended in good order.
_ENDINGS = ("finish_reason", "stop_reason", "done_reason", "status")
_THOUGHT = ("<think>", "</think>")


class LanguageModel:
    """A chat model, at temperature 0 where it has one. Threads may share one; close it when it is done with.

    ``name`` is what readers are shown, ``context`` how many tokens prompt and reply may fill together, ``place`` the
    address it is at, empty for the provider's own.
    """

    def __init__(self, name: str, service: Service, *, timeout: float, context: int) -> None:
        self.name = name
        self.context = context
        self.place = service.place
        self._service = service
        self._timeout = timeout
        self._temperature: float | None = 0.0  # None once it turned out that the model takes none
        self._chats: dict[tuple[int, float | None], BaseChatModel] = {}
        self._closing = ExitStack()
        self.chat(MAX_TOKENS)

    def stream(self, messages: Sequence[BaseMessage], *, max_tokens: int = MAX_TOKENS) -> Generator[str]:
        """The text of the reply, in pieces as they arrive; it and the thoughts before it are ``max_tokens`` at most.

        Close the generator to stop: the connection is closed at once, and the server stops computing. While nothing
        has arrived, rate limits, lost connections and failures of the server are tried again, three times in all.
        Raises LanguageModelError, in the middle of the text too.
        """
        for tries_left in reversed(range(_TRIES)):
            begun = False
            try:
                with closing(self._pieces(messages, max_tokens)) as pieces:
                    for piece in without_thoughts(pieces):
                        begun = True
                        yield piece
                if not begun:
                    raise self.error(EMPTY, "")
                return
            except LanguageModelError:
                raise
            except Exception as error:
                if begun:
                    raise self.error(CUT, reason_of(error)) from error
                self._wait(error, tries_left)

    def complete(self, messages: Sequence[BaseMessage], *, max_tokens: int = MAX_TOKENS) -> str:
        """The whole text of the reply; else as ``stream``."""
        return "".join(self.stream(messages, max_tokens=max_tokens))

    def test(self) -> float:
        """Seconds until the first words of a reply to a question of three words. Raises LanguageModelError."""
        from langchain_core.messages import HumanMessage

        begun = time.perf_counter()
        with closing(self.stream([HumanMessage(TEST_QUESTION)])) as pieces:
            next(pieces)
        return time.perf_counter() - begun

    def close(self) -> None:
        """Closes its connections, and frees a model that runs in this process. Closing twice does nothing more."""
        self._closing.close()

    def on_close(self, free: Callable[[], None]) -> None:
        """Has ``free`` called when the model is closed."""
        self._closing.callback(free)

    def _pieces(self, messages: Sequence[BaseMessage], max_tokens: int) -> Generator[str]:
        """The text of one reply, with the thoughts in it."""
        written = ended = False
        chunks: Any = self.chat(max_tokens).stream(list(messages))
        with closing(chunks):
            for chunk in chunks:
                ended = ended or any(chunk.response_metadata.get(name) for name in _ENDINGS)
                if chunk.text:  # of the text blocks alone: no reasoning, no tool calls
                    written = True
                    yield str(chunk.text)
        if self._service.known and not ended:
            failure, reason = (CUT, "the reply has no end.") if written else (NO_ANSWER, "the reply is empty.")
            raise self.error(failure, reason)

    def chat(self, max_tokens: int) -> BaseChatModel:
        """LangChain's model, for replies of so many tokens at most."""
        asked = (max_tokens, self._temperature)
        if asked not in self._chats:
            self._chats[asked] = self._service.chat(
                max_tokens=max_tokens,
                timeout=self._timeout,
                context=self.context,
                temperature=self._temperature,
                closing=self._closing,
            )
        return self._chats[asked]

    def _wait(self, error: Exception, tries_left: int) -> None:
        """Returns when it is time to try again. Raises LanguageModelError when there is no point in it."""
        failure = failure_of(error)
        if failure in (REFUSED, NO_ANSWER) and "temperature" in str(error) and tries_left:
            self._temperature = None
            return
        wait = wait_of(error)
        if not failure.again or not tries_left or (wait or 0) > _LONGEST_WAIT:
            raise self.error(failure, reason_of(error)) from error
        if wait is None:
            wait = _FIRST_WAIT * 2 ** (_TRIES - 1 - tries_left) * random.uniform(0.5, 1)  # noqa: S311  # no secret
        log.info("%s failed (%s) and is asked again in %.1f seconds", self.name, type(error).__name__, wait)
        time.sleep(wait)

    def error(self, failure: Failure, reason: str) -> LanguageModelError:
        """What to raise for a failure of this model; keys are hidden in it."""
        text = failure.text.format(
            name=self.name,
            at=f" at {self.place}" if self.place else "",
            keys=self._service.keys,
            reason=reason,
            timeout=self._timeout,
            context=self.context,
        )
        return LanguageModelError(self._service.hidden(text))


def load_language_model(
    llm: str, *, base_url: str = "", api_key: str = "", timeout: float = 60, context: int = 8192
) -> LanguageModel:
    """The model that ``llm`` names: ``provider:model``, a .gguf file, or one that the server at ``base_url`` knows.

    ``timeout`` is how many seconds it may be silent. Nothing is sent yet. Raises SettingsError for what there is not,
    or not without more packages, and LanguageModelError for a file that cannot be loaded.
    """
    if llm.lower().endswith(".gguf") and not base_url:
        return _load_file(Path(llm), timeout=timeout, context=context)
    provider, _, model = llm.partition(":")
    provider = provider.replace("-", "_")
    try:
        if provider.isidentifier() and model:
            return LanguageModel(llm, Service(provider, model, base_url, api_key), timeout=timeout, context=context)
    except UnknownProviderError:
        if not base_url:
            raise
    # A colon may be part of the model's name, as in qwen3:8b.
    if base_url and llm:
        return LanguageModel(llm, Service("openai", llm, base_url, api_key), timeout=timeout, context=context)
    raise SettingsError(
        f"ISNAD_LLM is {llm!r}: expected provider:model, such as openai:gpt-4o-mini or ollama:qwen3:8b, or a .gguf "
        "file. For another server's model set ISNAD_LLM_BASE_URL to its address."
    )


def _load_file(file: Path, *, timeout: float, context: int) -> LanguageModel:
    from rag.gguf import TURNS, serve_gguf

    server = serve_gguf(file, context=context)
    try:
        service = Service("openai", file.name, server.url, server.key, stops=TURNS)
        model = LanguageModel(file.name, service, timeout=timeout, context=server.context)
    except Exception:
        server.release()
        raise
    model.on_close(server.release)
    return model


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces without ``<think>…</think>``, wherever the tags are cut, and without space at the beginning."""
    held = ""
    thinking = begun = False
    for piece in pieces:
        held += piece
        shown = ""
        while (tag := _THOUGHT[thinking]) in held:
            before, _, held = held.partition(tag)
            shown += "" if thinking else before
            thinking = not thinking
        sure = len(held) - _begun_tag(held, tag)
        shown += "" if thinking else held[:sure]
        held = held[sure:]
        shown = shown if begun else shown.lstrip()
        if shown:
            begun = True
            yield shown
    if held and not thinking:
        yield held


def _begun_tag(text: str, tag: str) -> int:
    """How many characters at the end of the text may be the beginning of the tag."""
    return next((length for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), 0)
