"""How often the language of a short text is detected rightly, by language: ``python -m eval.bench.language``.

The texts are those that Isnad's language means are made from: 26 languages, none of which the detector was trained on.
Each is cut into pieces of 100, 200 and 300 characters that begin with a word.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources

from rag.language import detect, primary

_LENGTHS = (100, 200, 300)


def main() -> None:
    """Prints a row for each language: right of all, by length, and what it was taken for."""
    right = dict.fromkeys(_LENGTHS, 0)
    total = dict.fromkeys(_LENGTHS, 0)
    print("| language |", " | ".join(f"{length} characters" for length in _LENGTHS), "| taken for |")
    print("|---|" + "---|" * (len(_LENGTHS) + 1))
    for file in sorted((resources.files("rag") / "assets" / "language_text").iterdir(), key=lambda file: file.name):
        language = file.name.partition(".")[0]
        text = " ".join(json.loads(file.read_text("utf-8"))["passages"])
        wrong: Counter[str] = Counter()
        cells = []
        for length in _LENGTHS:
            found = [primary(detect(piece)) for piece in pieces(text, length)]
            hits = found.count(language)
            wrong.update(each for each in found if each != language)
            right[length] += hits
            total[length] += len(found)
            cells.append(f"{hits} of {len(found)}")
        print("|", " | ".join([language, *cells, ", ".join(f"{code} {n}" for code, n in wrong.most_common())]), "|")
    print("| all |", " | ".join(f"{right[length] / total[length]:.1%}" for length in _LENGTHS), "| |")


def pieces(text: str, length: int) -> list[str]:
    """Pieces of so many characters one after the other, each from the beginning of a word where words are parted."""
    found = []
    start = 0
    while start + length <= len(text):
        found.append(text[start : start + length])
        space = text.find(" ", start + length, start + 2 * length)
        start = start + length if space < 0 else space + 1
    return found


if __name__ == "__main__":
    main()
