"""Whose language model it is, where it is, and the LangChain chat model that speaks to it."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from rag.errors import SettingsError
from rag.ollama import OLLAMA

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

# The packages want a key even where the server does not.
_NO_KEY = "none"


@dataclass(frozen=True, slots=True)
class _Package:
    """What the providers' packages do not have in common."""

    extra: str  # of ours, that installs it
    keys: tuple[str, ...] = ()  # the variables it reads a key from
    addresses: tuple[str, ...] = ()  # and an address
    one_try: int = 0  # the max_retries that means: once
    client: str = ""  # the attribute with its connections, where nothing else closes them


_PACKAGES = {
    "openai": _Package("openai", ("OPENAI_API_KEY",), ("OPENAI_API_BASE", "OPENAI_BASE_URL")),
    "anthropic": _Package("anthropic", ("ANTHROPIC_API_KEY",), ("ANTHROPIC_API_URL", "ANTHROPIC_BASE_URL")),
    "google_genai": _Package("google", ("GOOGLE_API_KEY", "GEMINI_API_KEY"), ("GOOGLE_GEMINI_BASE_URL",), one_try=1),
    "mistralai": _Package("mistral", ("MISTRAL_API_KEY",), ("MISTRAL_BASE_URL",), client="client"),
    "ollama": _Package("ollama", (), ("OLLAMA_HOST",), client="_client"),
}
_OTHER = _Package("")


class UnknownProviderError(SettingsError):
    """LangChain has no such provider."""


@dataclass(frozen=True, slots=True)
class Service:
    """A model at a provider, as LangChain calls it, or at an address that stands in for the provider's own."""

    provider: str
    model: str
    base_url: str = ""
    api_key: str = ""
    stops: tuple[str, ...] = ()  # what the reply ends before, for an address of an OpenAI-compatible server

    @property
    def known(self) -> bool:
        """Whether it is known how this provider behaves; others work as LangChain has them."""
        return self.provider in _PACKAGES

    @property
    def place(self) -> str:
        """The address, without a password in it; empty for the provider's own."""
        own = OLLAMA if self.provider == "ollama" else ""
        given = (os.environ.get(name, "") for name in self._package.addresses)
        url = self.base_url or next(filter(None, given), own)
        scheme, _, rest = url.rpartition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}" if scheme else rest.rpartition("@")[2]

    @property
    def keys(self) -> str:
        """The settings that a key is read from, for a message."""
        return " or ".join(("ISNAD_LLM_API_KEY", *(() if self.base_url else self._package.keys)))

    def hidden(self, text: str) -> str:
        """The text with no key in it."""
        for key in (self.api_key, *(os.environ.get(name, "") for name in self._package.keys)):
            text = text.replace(key, "…") if key else text
        return text

    def chat(
        self, *, max_tokens: int, timeout: float, context: int, temperature: float | None, closing: ExitStack
    ) -> BaseChatModel:
        """The chat model, without connecting to it; what it holds open is closed with ``closing``.

        Raises SettingsError when it cannot be made.
        """
        from langchain.chat_models import init_chat_model

        if self._package.keys and not self._key and not any(os.environ.get(name) for name in self._package.keys):
            raise SettingsError(f"{self.provider}:{self.model} needs a key. Set {self.keys}.")
        try:
            options = self._options(max_tokens, timeout, context)
            if temperature is not None:
                options["temperature"] = temperature
            if self.provider == "openai" and _is_loopback(self.place):
                options["http_client"] = closing.enter_context(_direct_client())
            model: BaseChatModel = init_chat_model(self.model, model_provider=self.provider, **options)
        except ImportError as error:
            extra = self._package.extra
            # LangChain's own words name the package, and how to install it.
            advice = f"needs more packages. Install them with: pip install 'isnad[{extra}]'" if extra else f": {error}"
            raise SettingsError(f"{self.provider}:{self.model} {advice}") from error
        except Exception as error:
            if isinstance(error, ValueError) and str(error).startswith("Unsupported provider"):
                raise UnknownProviderError(
                    f"There is no provider {self.provider}. It is one of {str(error).rpartition(': ')[2]}."
                ) from error
            # A validation error's own words quote what was given, keys among it.
            reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise SettingsError(f"{self.provider}:{self.model} cannot be used: {self.hidden(reason)}") from error
        if self._package.client:
            closing.callback(getattr(model, self._package.client).close)
        return model

    @property
    def _package(self) -> _Package:
        return _PACKAGES.get(self.provider, _OTHER)

    @property
    def _key(self) -> str:
        """The key to send. One in a provider's variable is not sent to an address that is not the provider's."""
        return self.api_key or (_NO_KEY if self.base_url else "")

    def _options(self, max_tokens: int, timeout: float, context: int) -> dict[str, Any]:
        if self.provider == "ollama":
            headers = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
            return {
                # Without this Ollama keeps its default context and cuts what is longer without a word.
                "num_ctx": context,
                "num_predict": max_tokens,
                # What is thought is not shown, and can use up all the tokens.
                "reasoning": False,
                "client_kwargs": {"timeout": timeout, "headers": headers, "trust_env": not _is_loopback(self.place)},
                **({"base_url": self.base_url} if self.base_url else {}),
            }
        options: dict[str, Any] = {"timeout": timeout, "max_retries": self._package.one_try}
        options |= {"api_key": self._key} if self._key else {}
        options |= {"base_url": self.base_url} if self.base_url else {}
        if self.provider == "mistralai":
            options["timeout"] = math.ceil(timeout)
        if self.provider == "openai" and self.base_url:
            # Every server knows max_tokens; not all know its newer name, which the package would send.
            body = {"max_tokens": max_tokens} | ({"stop": list(self.stops)} if self.stops else {})
            return options | {"extra_body": body}
        return options | {"max_tokens": max_tokens}


def _is_loopback(url: str) -> bool:
    """Whether an address is of this machine, and so not to be looked for behind a proxy."""
    host = urlsplit(url if "://" in url else f"http://{url}").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _direct_client() -> Any:  # noqa: ANN401  # of httpx or httpx2, whichever the package is made for
    from openai import DefaultHttpxClient

    return DefaultHttpxClient(trust_env=False)
