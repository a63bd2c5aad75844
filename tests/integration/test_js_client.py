"""The endpoints, called with Gradio's client for JavaScript in Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.build import Model
from tests.documented import blocks
from tests.served import Served, serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting'"),
]

# The version that these tests were run with.
CLIENT = "@gradio/client@2.7.0"
_OLDEST_NODE = 18
ARTICLES = ("tehran-summit-warning.ar.md", "wentian-launch.zh.md")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which scripts find the client."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        pytest.skip("no node and npm found; install Node.js 18 or newer to test the JavaScript client")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"node is {version.strip()}; install 18 or newer to test the JavaScript client")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", CLIENT]
    try:
        installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot reach its registry, or not fast enough")
    if installed.returncode:
        pytest.skip(f"npm could not install {CLIENT}: {installed.stderr[-200:]}")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Iterator[Served]:
    """A server with an Arabic and a Chinese article."""
    with serving(tmp_path_factory.mktemp("served"), model, ARTICLES) as served:
        yield served


def run(node: Path, code: str) -> str:
    """What a script prints."""
    (node / "script.mjs").write_text(f"{code}\nprocess.exit(0);\n", "utf-8")
    done = subprocess.run(
        ["node", "script.mjs"], cwd=node, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(node)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("question", "source"), [("ممّ حذّر خامنئي أردوغان؟", "ar"), ("问天实验舱是什么时候发射的？", "zh")]
)
def test_a_question_is_answered_at_once_and_as_a_stream(node: Path, server: Served, question: str, source: str) -> None:
    """In the languages of the articles, letter for letter."""
    said = run(
        node,
        f"""
        import {{ Client }} from "@gradio/client";
        const client = await Client.connect("{server.url}");
        const {{ data: [whole] }} = await client.predict("/ask", {{ question: "{question}" }});
        let last;
        for await (const event of client.submit("/ask_stream", {{ question: "{question}" }}))
          if (event.type === "data") last = event.data[0];
        console.log(JSON.stringify([whole.question, whole.citations[0].language, last.answer === whole.answer]));
        """,
    )
    assert said.strip() == f'["{question}","{source}",true]'


@pytest.mark.parametrize("wrong", ['{question: ""}', '{question: "س", filters: {colour: "red"}}', "{question: null}"])
def test_an_error_can_be_read(node: Path, server: Served, wrong: str) -> None:
    """Its message is the JSON that every endpoint gives."""
    said = run(
        node,
        f"""
        import {{ Client }} from "@gradio/client";
        const client = await Client.connect("{server.url}");
        try {{ await client.predict("/ask", {wrong}); }}
        catch (problem) {{ console.log(Object.keys(JSON.parse(problem.message).error).sort().join()); }}
        """,
    )
    assert said.strip() == "hint,message,type"


def test_the_examples_in_the_documentation_run(node: Path, server: Served) -> None:
    """As they stand, but for the address."""
    examples = blocks("js", url=server.url)
    assert examples
    for code in examples:
        assert run(node, code)
