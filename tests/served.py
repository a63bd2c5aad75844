"""A real server in this process, with the page, the endpoints and the gate, over a collection of its own."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import uvicorn

from rag.build import Model
from rag.settings import Settings
from ui.access import Access
from ui.backend import Backend
from ui.server import build_app, let_mcp_call
from ui.web import build_page

SAMPLES = Path(__file__).parents[1] / "ingest" / "sample_articles"


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens at ``url``."""

    url: str
    backend: Backend


@contextmanager
def serving(folder: Path, model: Model, samples: Sequence[str] = (), **settings: object) -> Iterator[Served]:
    """A server over the sample articles of these names, with a model that is loaded already."""
    try:
        with _serving(folder, model, samples, settings) as served:
            yield served
    finally:
        gc.collect()  # Gradio leaves the sockets of event loops behind, about which a later test would be told


@contextmanager
def _serving(folder: Path, model: Model, samples: Sequence[str], settings: Mapping[str, object]) -> Iterator[Served]:
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listening.getsockname()[1]
        # The fields that are not given are those of an environment that sets nothing.
        chosen = Settings(data_dir=folder, rate_limit=0, host="127.0.0.1", port=port, **settings)  # type: ignore[arg-type]
        access, backend = Access.of(chosen), Backend(chosen, samples=False)
        opened.callback(backend.close)
        with mock.patch("ui.backend.build_model", return_value=model):
            backend.start()
            page = build_page(backend, access, examples=[])
            app = build_app(chosen, backend, page, access)
            let_mcp_call(page, f"http://127.0.0.1:{port}", access)
            list(backend.isnad().add(*(SAMPLES / name for name in samples)))
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="on")
        )
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.05)
        assert server.started, "the server did not come up"
        try:
            yield Served(f"http://127.0.0.1:{port}", backend)
        finally:
            server.should_exit = True
            thread.join(30)
