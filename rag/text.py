"""Characters that change how a text looks without being seen."""

from __future__ import annotations

import re

# Embeddings, overrides and isolates of the bidirectional algorithm turn what follows them round; zero width spaces,
# soft hyphens and byte order marks hide in words; private characters and other controls have no business in a text.
# The joiners U+200C and U+200D are left: Persian and the Indic scripts are written with them.
_CONTROLS = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u2060\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ufeff]"
)


def without_controls(text: str) -> str:
    """The text without characters that are not seen and change what is."""
    return _CONTROLS.sub("", text)
