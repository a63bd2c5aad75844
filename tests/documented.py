"""The examples in the documentation, which the tests run."""

from __future__ import annotations

import re
from pathlib import Path

_API = Path(__file__).parents[1] / "docs" / "api.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Where the examples find the server.
_SERVER = "http://127.0.0.1:7860"


def blocks(language: str, *, having: str = "", url: str = _SERVER) -> list[str]:
    """The code of docs/api.md in a language, of those blocks that have these words, for the server at ``url``."""
    found = _BLOCK.findall(_API.read_text("utf-8"))
    return [code.replace(_SERVER, url) for kind, code in found if kind == language and having in code]
