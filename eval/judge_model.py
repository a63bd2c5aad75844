"""A language model as ragas asks it: prompts in, values out, of any provider that ISNAD_LLM takes.

OpenAI's own service and servers that speak like it go through ragas' ``llm_factory``, which holds the server to JSON;
other providers, and servers that cannot be held to it, are asked in words by the chat model of ``rag.llm``. Both work
in threads of their own, so that no event loop of ragas, which makes several, owns a connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from instructor.core.exceptions import IncompleteOutputException
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ValidationError
from ragas.llms import llm_factory
from ragas.llms.base import InstructorBaseRagasLLM

from eval.judge import Asked
from eval.judge_replies import Replies, strict
from rag.errors import IsnadError, LanguageModelError
from rag.llm import load_language_model
from rag.llm_errors import FORBIDDEN, KEY, REFUSED, SPENT, UNKNOWN, failure_of, reason_of, wait_of

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

M = TypeVar("M", bound=BaseModel)
Speak = Callable[[str, type[BaseModel]], BaseModel]

# How often a reply in the wrong form is asked for again, with what is wrong, and a request that failed.
_TRIES = 3
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 60.0
# What will not be otherwise for the next request, and how many failures of other kinds in a row look like it.
_FOR_GOOD = (KEY, FORBIDDEN, SPENT, UNKNOWN)
_IN_A_ROW = 20
# What a server refuses that cannot be held to JSON, or that has a fixed temperature.
_OPTIONS = re.compile(r"response_format|json_object|temperature|top_p|max_tokens", re.I)
_SETTING = re.compile(r"\bISNAD_LLM(?=\b|_BASE_URL|_API_KEY)")
_FORM = (
    "Reply with one JSON object and nothing else: no code fence, no words before or after it. "
    "It must be valid under this JSON Schema:\n{schema}"
)
_AGAIN = "That cannot be used: {reason}\nReply again, with the JSON object alone."

# Where the failures of the judgement that is being made are noted: ragas swallows some of them.
FAILURES: ContextVar[list[str] | None] = ContextVar("failures", default=None)


class JudgeModel(InstructorBaseRagasLLM):
    """The language model, with replies kept on disk and counted. Close it when it is done with.

    ``replies``, ``cached``, ``tokens_in`` and ``tokens_out`` are what it took so far; ``stopped`` is why it is asked no
    more, or "".
    """

    # ragas' test-set generation asks for it.
    is_async = True

    def __init__(self, asked: Asked) -> None:
        """Raises SettingsError, LanguageModelError as ``load_language_model`` does."""
        self.replies = self.cached = self.tokens_in = self.tokens_out = 0
        self.stopped = ""
        self._asked = asked
        self._in_a_row = 0
        self._counting = threading.Lock()
        try:
            self._model = load_language_model(
                asked.model, base_url=asked.base_url, api_key=asked.api_key, timeout=asked.timeout,
                context=asked.context,
            )  # fmt: skip
        except IsnadError as error:
            raise type(error)(self._told(str(error))) from error
        self._kept = Replies(asked.cache)
        # llama.cpp in this process answers one after the other; the second would wait until it is given up.
        jobs = 1 if asked.model.lower().endswith(".gguf") and not asked.base_url else asked.jobs
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="isnad-judge")
        chat: Any = self._model.chat(asked.max_tokens)
        self._in_words: Speak = self._chat_speaker()
        self._speak: Speak = self._openai_speaker(chat) if hasattr(chat, "root_client") else self._in_words

    def close(self) -> None:
        """Closes its connections and the file with replies; requests that wait are given up."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._model.close()
        self._pool.shutdown(wait=True)
        self._kept.close()

    def generate(self, prompt: str, response_model: type[M]) -> M:
        """The value that the model replies with. Raises LanguageModelError."""
        return self._pool.submit(self._reply, prompt, response_model).result()

    async def agenerate(self, prompt: str, response_model: type[M]) -> M:
        """The value that the model replies with. Raises LanguageModelError."""
        try:
            return await asyncio.wrap_future(self._pool.submit(self._reply, prompt, response_model))
        except Exception as error:
            noted = FAILURES.get()
            if noted is not None:
                noted.append(str(error))
            raise

    def _reply(self, prompt: str, response_model: type[M]) -> M:
        form = strict(response_model, prompt)
        key = self._key(prompt, response_model)
        kept = self._kept.get(key)
        if kept is not None:
            with self._counting:
                self.cached += 1
            return form.model_validate_json(kept)
        if self.stopped:
            raise LanguageModelError(self.stopped)
        reply = self._new(prompt, form)
        self._kept.set(key, reply.model_dump_json())
        return reply

    def _key(self, prompt: str, response_model: type[BaseModel]) -> str:
        parts = (self._model.name, self._model.place, self._asked.max_tokens, prompt)
        form = json.dumps(response_model.model_json_schema(), sort_keys=True)
        return hashlib.sha256(json.dumps([*parts, form]).encode()).hexdigest()

    def _new(self, prompt: str, form: type[M]) -> M:
        """What the model replies now; a failure that may pass is tried again."""
        for tries_left in reversed(range(_TRIES)):
            try:
                reply = self._speak(prompt, form)
            except Exception as error:
                if not self._again(error, tries_left):
                    raise LanguageModelError(self._failed(error)) from error
            else:
                with self._counting:
                    self.replies += 1
                    self._in_a_row = 0
                return reply  # type: ignore[return-value]  # of the form that was asked for
        raise AssertionError

    def _again(self, error: Exception, tries_left: int) -> bool:
        """Whether to ask again, after the time that the provider asks for; another way where this one is refused."""
        if isinstance(error, LanguageModelError) or _malformed(error) or not tries_left:
            return False
        failure = failure_of(error)
        if failure is REFUSED and self._speak is not self._in_words and _OPTIONS.search(reason_of(error)):
            self._speak = self._in_words
            return True
        wait = wait_of(error)
        if not failure.again or (wait or 0) > _LONGEST_WAIT:
            return False
        if wait is None:
            wait = _FIRST_WAIT * 2 ** (_TRIES - 1 - tries_left) * random.uniform(0.5, 1)  # noqa: S311  # no secret
        time.sleep(wait)
        return True

    def _failed(self, error: Exception) -> str:
        """What is said of a failure; after one that is for good, or too many in a row, nothing more is asked."""
        wrong = _malformed(error)
        if wrong:
            with self._counting:
                self._in_a_row = 0
            return f"{self._model.name} did not reply in the form that was asked for: {wrong}"
        root = error if isinstance(error, LanguageModelError) else _provider_error(error)
        failure = failure_of(root.__cause__ or root) if isinstance(root, LanguageModelError) else failure_of(root)  # type: ignore[arg-type]
        text = str(root) if isinstance(root, LanguageModelError) else str(self._model.error(failure, reason_of(root)))
        text = self._told(text)
        with self._counting:
            self._in_a_row += 1
            if failure in _FOR_GOOD or self._in_a_row >= _IN_A_ROW:
                self.stopped = self.stopped or text
        return text

    def _told(self, text: str) -> str:
        """A message about ISNAD_LLM as one about the setting that names this model."""
        return _SETTING.sub(self._asked.setting, text)

    def _count(self, tokens_in: int, tokens_out: int) -> None:
        with self._counting:
            self.tokens_in += tokens_in
            self.tokens_out += tokens_out

    def _openai_speaker(self, chat: ChatOpenAI) -> Speak:
        """Through ragas and instructor, with the connection that the chat model has."""
        stop = (chat.extra_body or {}).get("stop")
        llm: Any = llm_factory(
            chat.model_name,
            provider="openai",
            client=chat.root_client,
            temperature=0.0,
            top_p=1.0,
            max_tokens=self._asked.max_tokens,
            max_retries=_TRIES - 1,
            **({"stop": stop} if stop else {}),
        )

        def count(response: Any) -> None:  # noqa: ANN401  # whatever the server sent
            usage = getattr(response, "usage", None)
            if usage:
                self._count(usage.prompt_tokens or 0, usage.completion_tokens or 0)

        llm.client.on("completion:response", count)
        speak: Speak = llm.generate
        return speak

    def _chat_speaker(self) -> Speak:
        """In words, with what is wrong with a reply told to the model."""

        def speak(prompt: str, form: type[BaseModel]) -> BaseModel:
            schema = json.dumps(form.model_json_schema(), ensure_ascii=False)
            messages: list[BaseMessage] = [SystemMessage(_FORM.format(schema=schema)), HumanMessage(prompt)]
            for tries_left in reversed(range(_TRIES)):
                with self._counted():
                    text = self._model.complete(messages, max_tokens=self._asked.max_tokens)
                try:
                    return form.model_validate_json(json_in(text))
                except ValidationError as error:
                    if not tries_left:
                        raise
                    messages += [AIMessage(text), HumanMessage(_AGAIN.format(reason=_malformed(error)))]
            raise AssertionError

        return speak

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with get_usage_metadata_callback() as usage:
            try:
                yield
            finally:
                for each in usage.usage_metadata.values():
                    self._count(each["input_tokens"], each["output_tokens"])


def json_in(text: str) -> str:
    """The first JSON object in a text, or the text where there is none."""
    for match in re.finditer(r"\{", text):
        try:
            _, end = json.JSONDecoder().raw_decode(text, match.start())
        except ValueError:
            continue
        return text[match.start() : end]
    return text


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _malformed(error: Exception) -> str:
    """What is wrong with the form of a reply, or "" where something else is."""
    for each in _chain(error):
        if isinstance(each, ValidationError):
            first = each.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
        if isinstance(each, IncompleteOutputException):
            return "it was longer than it may be, and cut"
        if isinstance(each, json.JSONDecodeError):
            return f"no JSON: {each.msg}"
    return ""


def _provider_error(error: Exception) -> Exception:
    """The exception of the provider's package, which instructor wraps in its own."""
    whole = [each for each in _chain(error) if isinstance(each, Exception)]
    return next((each for each in whole if type(each).__module__.partition(".")[0] == "openai"), whole[0])
