"""Requests that nobody would write, made from the server's own description of what it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rag.build import Model
from tests.served import Served, serving

# Gradio leaves the sockets of event loops to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning")

_EXAMPLES = 25
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["model", "messages", "stream", "stream_options", "isnad", "temperature", "role", "content"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server over a Persian and a Chinese article."""
    samples = ("wentian-launch.zh.md", "tehran-summit-warning.ar.md")
    with serving(tmp_path_factory.mktemp("fuzzed"), model, samples, metrics=True) as opened:
        # The first question loads what both the server and Hypothesis parse, which Python 3.11 cannot do in two threads
        # at once (cpython #106905).
        opened.backend.isnad().ask("问天实验舱是什么时候发射的?")
        yield opened


def _bounded(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


def test_what_the_description_promises_is_kept(served: Served) -> None:
    """No request that fits the description ends in a server error, or in an answer that it does not name."""
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert {operation.path for operation in operations} >= {
        "/v1/chat/completions", "/v1/models", "/v1/models/{model}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    for operation in operations:

        @given(case=operation.as_strategy())
        @_bounded(_EXAMPLES)
        def run(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=_CHECKS, timeout=30)

        run()


def test_any_json_gets_an_answer(served: Served) -> None:
    """Whatever its shape: an answer or an error of ours, and the next question is answered."""
    with httpx.Client(base_url=served.url, timeout=30) as http:

        @given(body=JSON | st.dictionaries(KEYS, JSON, max_size=5))
        @_bounded(60)
        def run(body: object) -> None:
            answer = http.post("/v1/chat/completions", json=body)
            assert answer.status_code in (200, 400, 404)
            if answer.status_code != 200:
                assert sorted(answer.json()["error"]) == ["hint", "message", "type"]

        run()
        long = [{"role": role, "content": "谁?"} for role in ("user", "assistant")] * 5_000
        deep: object = "x"
        for _ in range(500):
            deep = [deep]
        for messages in (long, deep, [{"role": "user", "content": deep}], [{"role": "user", "content": "\ud800"}]):
            content = _ascii({"model": "isnad", "messages": messages})
            answer = http.post("/v1/chat/completions", content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code in (200, 400), answer.text
        asked = {"model": "isnad", "messages": [{"role": "user", "content": "问天实验舱是什么时候发射的?"}]}
        assert http.post("/v1/chat/completions", json=asked).json()["isnad"]["status"] == "answered"


def _ascii(value: object) -> bytes:
    return json.dumps(value).encode()
