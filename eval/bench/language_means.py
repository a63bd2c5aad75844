"""Makes ``rag/assets/language_means.npz`` from ``rag/assets/language_text`` with the bundled model.

Run: python -m eval.bench.language_means
"""

from __future__ import annotations

from pathlib import Path

import rag
from rag.centring import MEANS_FILE, compute_means, write_means
from rag.embedding import load_embedder
from rag.settings import load


def main() -> None:
    """Writes the file anew."""
    means = compute_means(load_embedder("", cache=load().cache_dir))
    path = Path(rag.__file__).parent / "assets" / MEANS_FILE
    path.write_bytes(write_means(means))
    print(f"{path.name}: {len(means.languages)} languages, id {means.id}")


if __name__ == "__main__":
    main()
