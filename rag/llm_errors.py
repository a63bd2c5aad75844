"""What can go wrong with a language model, told apart in the exceptions of every provider's package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail: what is said of it, and whether the same request may succeed a moment later."""

    text: str
    again: bool = False


KEY = Failure("{name} does not accept the key{at}. Set {keys} to one that is valid there.")
FORBIDDEN = Failure("{name} may not be used with this key{at}: {reason} Set {keys} to another, or ISNAD_LLM.")
UNKNOWN = Failure(
    "{name} is not known{at}: {reason} Check the model's name in ISNAD_LLM, and ISNAD_LLM_BASE_URL if it is set."
)
TOO_LONG = Failure(
    "{name} was given more than it can read at once: {reason} Set ISNAD_LLM_CONTEXT to what it holds; it is {context}."
)
REFUSED = Failure("{name} refused the request{at}: {reason} Check ISNAD_LLM and ISNAD_LLM_BASE_URL.")
LIMITED = Failure("{name} gets more requests than it allows{at}: {reason} Wait a while, or raise the limit.", True)
SPENT = Failure("{name} has no credit left{at}: {reason} Check the account, or set ISNAD_LLM to another model.")
BROKEN = Failure("{name} failed on its own side{at}: {reason} Try again later.", True)
SILENT = Failure("{name} sent nothing for {timeout:g} seconds{at}. Set ISNAD_LLM_TIMEOUT higher if it is that slow.")
UNREACHABLE = Failure(
    "{name} cannot be reached{at}: {reason} Is the server running, and ISNAD_LLM_BASE_URL its address?", True
)
NO_ANSWER = Failure(
    "{name} sent no answer that can be read{at}: {reason} Expected is a chat model; an address ends in /v1 for most "
    "OpenAI-compatible servers."
)
CUT = Failure("{name} broke off in the middle of its answer: {reason} Try again.")
EMPTY = Failure(
    "{name} wrote nothing: its reply was empty, or nothing but thoughts. Ask again, or set ISNAD_LLM to another model."
)

_BY_STATUS = {
    401: KEY,
    402: SPENT,
    403: FORBIDDEN,
    404: UNKNOWN,
    408: BROKEN,
    409: BROKEN,
    429: LIMITED,
}
# Some providers tell these only in words: a prompt that is too long, a wrong key (Google, with status 400), no credit.
_BY_WORDS = (
    (
        re.compile(r"context.?(length|size|window)|prompt is too long|token limit|number of tokens allowed", re.I),
        TOO_LONG,
    ),
    (re.compile(r"api.?key not valid|(invalid|incorrect) api.?key", re.I), KEY),
    (re.compile(r"insufficient_quota|credit balance", re.I), SPENT),
)
# Classes by name: LangChain's own, and those of httpx, httpx2 and Python that come through while a reply is read.
_TIMEOUTS = {"ModelTimeoutError", "APITimeoutError", "TimeoutException", "TimeoutError"}
_CONNECTIONS = {"ModelConnectionError", "APIConnectionError", "NetworkError", "RemoteProtocolError", "ConnectionError"}
# The message in a body that a package quotes whole, as JSON or as Python prints it.
_QUOTED = re.compile(r"""["']message["']: (["'])(?P<message>.+?)\1[,}]""")
_LONGEST_REASON = 300


def failure_of(error: Exception) -> Failure:
    """How a provider's package failed."""
    status = _status(error)
    for words, failure in _BY_WORDS:
        if words.search(str(error)):
            return failure
    if status:
        return _BY_STATUS.get(status) or (BROKEN if status >= 500 else REFUSED)
    names = _names(error)
    if "ContextOverflowError" in names:
        return TOO_LONG
    if names & _TIMEOUTS:
        return SILENT
    return UNREACHABLE if names & _CONNECTIONS else NO_ANSWER


def reason_of(error: Exception) -> str:
    """What the provider said, in one line that ends as a sentence does."""
    text = _told(error)
    if not _status(error) and _names(error) & _CONNECTIONS:  # "Connection error." has the real reason behind it
        text = next((str(each) for each in reversed(list(_chain(error))) if str(each)), text)
    line = " ".join(text.split())[:_LONGEST_REASON] or type(error).__name__
    return line if line.endswith((".", "!", "?")) else line + "."


def wait_of(error: Exception) -> float | None:
    """How many seconds the provider asks to wait before the next try; None when it does not say."""
    for each in _chain(error):
        asked = getattr(getattr(each, "response", None), "headers", {}).get("retry-after", "")
        try:
            return max(0.0, float(asked))
        except ValueError:
            pass
        try:
            return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):  # none, or a date without a zone
            pass
    return None


def _told(error: Exception) -> str:
    """The message in the body of the reply, where the package keeps it; else the exception's own."""
    found = getattr(error, "body", None)
    for name in ("error", "message"):
        found = found.get(name, found) if isinstance(found, dict) else found
    if isinstance(found, str) and found:
        return found
    quoted = _QUOTED.search(str(error))
    return quoted["message"] if quoted else str(error)


def _status(error: Exception) -> int:
    for each in _chain(error):
        response = getattr(each, "response", None)
        for value in (getattr(response, "status_code", 0), getattr(each, "status_code", 0), getattr(each, "code", 0)):
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return 0


def _names(error: Exception) -> set[str]:
    """The names of all classes that it is of, and those it was made from."""
    return {kind.__name__ for each in _chain(error) for kind in type(each).__mro__}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and those it was made from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
