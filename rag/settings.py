"""Where every setting is read: ``ISNAD_*`` variables, then a ``.env`` file in the working folder, then defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from platformdirs import user_cache_path, user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from rag.errors import SettingsError

_PREFIX = "ISNAD_"


def _server_url(value: str) -> str:
    expected = "expected an address such as http://localhost:8000"
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError as error:  # a port that is no number, a bracket without its pair
        raise ValueError(expected) from error
    if value and not usable:
        raise ValueError(expected)
    return value.rstrip("/")


class Settings(BaseModel):
    """All settings of a running Isnad; each is read from the variable ``ISNAD_`` + its name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("isnad", appauthor=False), description="Where the collection is kept."
    )
    cache_dir: Path = Field(
        default_factory=lambda: user_cache_path("isnad", appauthor=False),
        description="Where the converted model is kept; can be deleted at any time.",
    )
    embedding_model: str = Field(
        default="",
        description="A sentence-transformers folder or hub name; empty is the bundled multilingual-e5-small.",
    )
    chroma_url: Annotated[str, AfterValidator(_server_url)] = Field(
        default="",
        description="A Chroma server to keep the collection on, http://host:port; empty keeps it in the data folder.",
    )
    reranker: str = Field(
        default="",
        description="A CrossEncoder folder or hub name that ranks the best passages again; empty is none.",
    )
    llm: str = Field(
        default="",
        description="The language model that writes answers: provider:model (openai:…, anthropic:…, ollama:…), or a "
        ".gguf file, run in this process; empty is none, and answers are quotations.",
    )
    llm_base_url: Annotated[str, AfterValidator(_server_url)] = Field(
        default="",
        description="The address of an OpenAI-compatible server for ISNAD_LLM, such as http://localhost:8000/v1.",
    )
    llm_api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Its key; else the provider's own variable, unless ISNAD_LLM_BASE_URL is set.",
    )
    llm_timeout: float = Field(
        default=60.0, gt=0, description="Seconds to wait for the next words of the language model."
    )
    llm_context: int = Field(
        default=8192, ge=1024, description="Tokens of its context that the passages, the answer and the rest may fill."
    )
    nli: str = Field(
        default="",
        description="A CrossEncoder folder or hub name for entailment that checks answers too; empty is none.",
    )
    unsupported: Literal["mark", "drop"] = Field(
        default="mark", description="What is done with a sentence that the sources do not carry: mark or drop."
    )
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="Below this confidence (0–1) the answer is “not in the articles”."
    )
    judge: str = Field(
        default="",
        description="The language model that judges answers for isnad eval --judge, as in ISNAD_LLM; empty is none.",
    )
    judge_base_url: Annotated[str, AfterValidator(_server_url)] = Field(
        default="", description="The address of an OpenAI-compatible server for ISNAD_JUDGE."
    )
    judge_api_key: SecretStr = Field(default=SecretStr(""), description="Its key; else the provider's own variable.")
    reports: Path | None = Field(
        default=None, description="A folder of evaluation reports that the page shows in a tab; empty is no tab."
    )
    feedback: Path | None = Field(
        default=None,
        description="Where readers' feedback is kept, JSON lines; empty is feedback.jsonl in the data folder.",
    )
    share: bool = Field(default=False, description="Whether readers may have an answer kept, to be opened by its link.")
    read_only: bool = Field(
        default=False, description="Whether nobody may add or delete articles on the page or over the API."
    )
    auth: SecretStr = Field(
        default=SecretStr(""),
        description="Who may open the page: user:password[:reader|editor], comma-separated, or a file of lines "
        "user:argon2-hash[:reader|editor]; empty, with ISNAD_API_KEYS, is everybody.",
    )
    api_keys: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer tokens for programs, and passwords for the page: key[:reader|editor], comma-separated, or "
        "a file of such lines.",
    )
    frame_origins: str = Field(
        default="",
        description="Origins that may show the page in a frame, separated by spaces; empty is none but its own.",
    )
    cors_origins: str = Field(
        default="", description="Origins whose scripts may call the endpoints, separated by spaces; empty is none."
    )
    rate_limit: int = Field(
        default=120, ge=0, description="Questions and searches that one client may send a minute; 0 is any number."
    )
    max_upload_mb: int = Field(default=50, ge=1, description="Megabytes that an uploaded file may have.")
    metrics: bool = Field(default=False, description="Whether /metrics gives Prometheus its figures.")
    host: str = Field(default="127.0.0.1", description="The address the chat page listens on.")
    port: int = Field(
        default=7860, ge=0, le=65535, description="The port of the chat page; the next free one if taken."
    )


def load(**flags: object) -> Settings:
    """The settings in force: flags that are not None, then the environment, then ``.env``, then defaults.

    Raises SettingsError for an unknown ``ISNAD_*`` name or a value that cannot be used.
    """
    found = {name: value for name, value in dotenv_values(".env").items() if name.startswith(_PREFIX)}
    found |= {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
    values: dict[str, Any] = {}
    for name, value in found.items():
        field = name.removeprefix(_PREFIX).lower()
        if field not in Settings.model_fields:
            known = ", ".join(_PREFIX + known.upper() for known in Settings.model_fields)
            raise SettingsError(f"Unknown setting {name}. The settings are {known}.")
        if value:
            values[field] = value
    values |= {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = _PREFIX + str(first["loc"][0]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name} is {first['input']!r}: {reason}.") from error
