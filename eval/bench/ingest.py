"""How long an ingest takes beside embedding the same passages alone, and how much memory a large file takes.

``python -m eval.bench.ingest`` ingests generated articles through the same code as ``isnad ingest``, then embeds the
very same passages alone, and prints the ratio of the two times: both in one run, since machines are noisy.
``python -m eval.bench.ingest --large FOLDER`` writes a JSONL file of 1 GB with 200,000 articles there and prints the
peak memory of reading and splitting it, its embedding left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ingest.catalog import Catalog
from ingest.complete import Overrides
from ingest.index import Ingested, ingest, open_catalog, prepare
from ingest.load import find_files
from ingest.read import read
from rag.build import build_model, build_store
from rag.settings import load

_LARGE_ARTICLES = 200_000
_LARGE_BYTES = 1_000_000_000
_TEXTS = Path(__file__).parents[2] / "rag" / "assets" / "language_text"


def main() -> None:
    """Prints the figures of one of the two measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=200, help="how many articles to ingest (200)")
    parser.add_argument("--rounds", type=int, default=3, help="how often, each time into a new collection (3)")
    parser.add_argument(
        "--large", type=Path, metavar="FOLDER", help="measure memory on a generated file of 1 GB instead"
    )
    options = parser.parse_args()
    if options.large:
        _large(options.large)
        return
    ratios = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            ratios.append(_round(Path(folder), options.articles))
    print(f"ratio: median {np.median(ratios):.3f}, lowest {min(ratios):.3f}, highest {max(ratios):.3f}")


def texts(count: int, paragraphs: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Titles and texts: paragraphs of the parallel texts in every language, in any order, with a number in each."""
    order = random.Random(seed)  # noqa: S311  # the same texts each time
    pools = [json.loads(file.read_text("utf-8"))["passages"] for file in sorted(_TEXTS.glob("*.json"))]
    for number in range(count):
        chosen = order.choices(pools[number % len(pools)], k=paragraphs)
        yield f"{number} {chosen[0][:60]}", "\n".join(f"{paragraph} {number}." for paragraph in chosen)


def _round(folder: Path, count: int) -> float:
    source = folder / "articles"
    source.mkdir()
    for number, (title, text) in enumerate(texts(count, 6)):
        (source / f"{number}.md").write_text(f"---\ntitle: {json.dumps(title)}\n---\n{text}", "utf-8")
    settings = load(data_dir=folder / "data")
    model = build_model(settings)
    embedder = model.embedder
    embedder.embed_passages(["The first call is slower than those that follow."])
    with build_store(settings, model, writing=True) as store:
        began = time.perf_counter()
        readings = read(find_files([source]), Overrides())
        results = list(ingest(readings, open_catalog(store), store, embedder, model.means))
        whole = time.perf_counter() - began
        assert {each.outcome for each in results if isinstance(each, Ingested)} == {"added"}
        passages = [
            passage.under(article.title) for article in store.articles() for passage in store.passages(article.id)
        ]
    began = time.perf_counter()
    embedder.embed_passages(passages)
    alone = time.perf_counter() - began
    print(
        f"{count} articles, {len(passages)} passages: {whole:.1f} s, {len(passages) / whole:.1f} passages a second; "
        f"embedding alone {alone:.1f} s, ratio {whole / alone:.3f}, outside embedding {1 - alone / whole:.1%}"
    )
    return whole / alone


def _large(folder: Path) -> None:
    file = folder / "large.jsonl"
    _write_large(file)
    embedder = build_model(load()).embedder
    before = _peak()
    began = time.perf_counter()
    articles = passages = 0
    reader = 0.0
    for window in prepare(read(find_files([file]), Overrides()), Catalog([]), embedder):
        reader = max(reader, _reader_peak())
        articles += len(window.articles)
        passages += sum(len(found) for _, _, found in window.articles)
    seconds = time.perf_counter() - began
    print(
        f"{file.stat().st_size / 1e9:.2f} GB, {articles} articles, {passages} passages in {seconds:.0f} s; peak memory "
        f"{_peak():.2f} GB (with the model alone {before:.2f} GB), reading process {reader:.2f} GB"
    )


def _write_large(file: Path) -> None:
    if file.exists():
        return
    with file.open("w", encoding="utf-8") as target:
        pool = [text for _, text in texts(400, 6)]
        for number in range(_LARGE_ARTICLES):
            text = pool[number % len(pool)] + f"\n{number}"
            while len(text.encode()) < _LARGE_BYTES / _LARGE_ARTICLES - 200:
                text += "\n" + pool[(number * 7 + len(text)) % len(pool)]
            record = {"id": number, "title": f"Article {number}", "text": text}
            target.write(json.dumps(record, ensure_ascii=False) + "\n")


def _reader_peak() -> float:
    """The peak memory of the reading process so far, in GB; 0 where there is no /proc to tell."""
    peak = 0.0
    for task in Path("/proc/self/task").glob("*/children"):
        for child in task.read_text().split():
            with contextlib.suppress(OSError):
                found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())
                peak = max(peak, int(found[1]) / 1e6) if found else peak
    return peak


def _peak() -> float:
    """The peak memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
