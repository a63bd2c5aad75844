"""What is kept beside the collection: found again, filtered, damaged, out of step, written by two at once."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.analyse import analyse
from rag.embedding import TokenStates, Vectors
from rag.index import Index
from rag.records import Embedded
from rag.states import pack
from rag.types import Article, Copy, Filters, Passage

_DIMENSION = 8


def _vectors(rows: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((rows, _DIMENSION)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _embedded(article_id: str, *texts: str, version: str = "1", **fields: object) -> Embedded:
    """An article of these passages, with vectors and states that follow from its id."""
    article = Article(article_id, "", " ".join(texts), **{"language": "en", **fields})  # type: ignore[arg-type]
    passages = [
        Passage(f"{article_id}:{version}:{index}", article_id, text, 0, len(text), article.language, ((0, len(text)),))
        for index, text in enumerate(texts)
    ]
    vectors = _vectors(len(texts), sum(article_id.encode()))
    spans = np.array([[0, 1], [1, 2], [2, 3]])
    states = [pack(TokenStates(_vectors(3), spans, np.ones(3, np.float32)), passage) for passage in passages]
    return Embedded(article, version, passages, vectors, states)


def _fill(index: Index, *batch: Embedded) -> None:
    index.put(batch)
    index.commit([(each.article.id, each.version) for each in batch])


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index", made_with="m")


def test_what_was_put_is_found_in_every_way_when_opened_again(index: Index, tmp_path: Path) -> None:
    each = _embedded("a", "The harbour opened.", "Ships came at night.")
    _fill(index, each, _embedded("b", "A museum of clocks."))
    index.close()
    index = Index(tmp_path / "index", made_with="m")
    assert index.size()[0] == 2 and index.whole
    assert index.versions() == {("a", "1"), ("b", "1")}
    assert index.languages(["a:1:1", "b:1:0", "c:1:0"]) == {"a:1:1": "en", "b:1:0": "en"}
    np.testing.assert_array_equal(index.states(["a:1:1"])["a:1:1"].codes, each.states[1].codes)
    ((best, _), *_) = index.matching(analyse("a ship at night", "en"), k=5)
    assert best == "a:1:1"
    everything = index.select(Filters())
    ((nearest, cosine),) = index.nearest(each.vectors[1], everything, k=1)
    assert nearest == "a:1:1" and cosine == pytest.approx(1, abs=1e-3)
    assert index.cosines(each.vectors[1], ["a:1:1", "c:1:0"])["a:1:1"] == pytest.approx(1, abs=1e-3)


def test_what_is_not_committed_does_not_count(index: Index) -> None:
    index.put([_embedded("a", "The harbour opened.")])
    assert index.size()[0] == 0
    assert not index.languages(["a:1:0"])
    assert not index.select(Filters()).revisions
    index.keep_only([])
    assert not index.states(["a:1:0"])
    assert not index.matching(["harbour"], k=5)


def test_what_is_deleted_is_gone_in_every_way(index: Index) -> None:
    _fill(index, _embedded("a", "The harbour opened."), _embedded("a", "The harbour closed.", version="2"))
    index.delete([("a", "1"), ("never", "1")])
    assert index.versions() == {("a", "2")}
    assert not index.states(["a:1:0"])
    assert [passage_id for passage_id, _ in index.matching(analyse("harbour", "en"), k=5)] == ["a:2:0"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), "abcd"),
        (Filters(languages=("ar-EG",)), "b"),
        (Filters(languages=("ar", "en")), "abd"),
        (Filters(publishers=("the times",)), "ac"),
        (Filters(publishers=("THE TIMES", "Zaman")), "acd"),
        (Filters(publishers=("Times",)), ""),
        (Filters(since="2015-03-02"), "bc"),
        (Filters(until="2015-03-02"), "ab"),
        (Filters(since="2015-03-02", until="2015-03-02"), "b"),
        (Filters(articles=("a", "d", "nowhere")), "ad"),
        (Filters(languages=("en",), publishers=("The Times",), until="2016-01-01", articles=("a", "b")), "a"),
    ],
)
def test_filters_let_through_exactly_what_they_say(index: Index, filters: Filters, expected: str) -> None:
    _fill(
        index,
        _embedded("a", "one", publisher="The Times", published="2015-03-01T23:59:59+00:00"),
        _embedded("b", "two", language="ar", publisher="Al Jazeera", published="2015-03-02"),
        _embedded(
            "c", "three", language="tr", published="2015-03-03", copies=(Copy("x", "x", "1", publisher="The Times"),)
        ),
        _embedded("d", "four", "five", publisher="Zaman"),
    )  # fmt: skip
    selection = index.select(filters)
    assert "".join(sorted(revision[0] for revision in selection.revisions)) == expected
    assert selection.passages == len(expected) + ("d" in expected)
    found = index.nearest(_vectors(1)[0], selection, k=10)
    assert len(found) == selection.passages
    assert {passage_id[0] for passage_id, _ in found} == set(expected)


def test_words_are_searched_within_a_selection_only(index: Index) -> None:
    _fill(index, *(_embedded(f"a{number}", f"The harbour of town {number} opened.") for number in range(50)))
    chosen = index.select(Filters(articles=("a49",)))
    assert [each for each, _ in index.matching(analyse("the harbour", "en"), k=3, selection=chosen)] == ["a49:1:0"]


def test_a_copy_that_comes_later_counts_for_its_publisher(index: Index) -> None:
    _fill(index, _embedded("a", "one", publisher="The Times"))
    index.set_copies("a", [Copy("x", "x", "1", publisher="Le Monde")])
    assert index.select(Filters(publishers=("le monde",))).passages == 1


def test_another_model_begins_the_index_anew(index: Index, tmp_path: Path) -> None:
    _fill(index, _embedded("a", "one"))
    index.close()
    assert Index(tmp_path / "index", made_with="").size()[0] == 1
    other = Index(tmp_path / "index", made_with="n")
    assert other.size()[0] == 0 and not other.matching(["one"], k=1)


@pytest.mark.parametrize("damaged", ["passages.sqlite3", "words/meta.json"])
def test_a_damaged_index_is_made_anew(index: Index, tmp_path: Path, damaged: str) -> None:
    _fill(index, _embedded("a", "one"))
    index.close()
    (tmp_path / "index" / damaged).write_bytes(b"no database, but long enough to look like one" * 1000)
    index = Index(tmp_path / "index", made_with="m")
    assert index.size()[0] == 0 or not index.whole
    _fill(index, _embedded("b", "two"))
    assert index.matching(["two"], k=1)


def test_lost_words_are_noticed(index: Index, tmp_path: Path) -> None:
    _fill(index, _embedded("a", "one"))
    index.close()
    shutil.rmtree(tmp_path / "index" / "words")
    assert not Index(tmp_path / "index", made_with="m").whole


def test_a_successor_takes_the_place(index: Index, tmp_path: Path) -> None:
    _fill(index, _embedded("a", "one"))
    successor = index.beside(made_with="n")
    _fill(successor, _embedded("b", "two"))
    assert index.versions() == {("a", "1")}
    index.take(successor)
    assert index.versions() == {("b", "1")} and index.matching(["two"], k=1)
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_two_that_write_at_once_wait_for_each_other(index: Index, tmp_path: Path) -> None:
    """As two processes on one machine do that use one Chroma server."""
    other = Index(tmp_path / "index", made_with="m")
    first = [_embedded(f"a{number}", f"first {number}") for number in range(20)]
    second = [_embedded(f"b{number}", f"second {number}") for number in range(20)]
    threads = [
        threading.Thread(target=lambda: [_fill(index, each) for each in first]),
        threading.Thread(target=lambda: [_fill(other, each) for each in second]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert index.size()[0] == 40 and index.whole
    assert len(index.matching(["second"], k=100)) == 20


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("ar", "المُسْلِمون في ١٩١٥", "المسلمون فى 1915"),
        ("fa", "كتاب‌های ایران", "کتاب ایران"),
        ("tr", "İSTANBUL'da kitaplar", "istanbul kitap"),
        ("de", "Straßen und Häuser", "strasse haus"),
        ("ru", "ещё ёлки", "еще елка"),
        ("en", "The ships’ captains", "ship captain"),
        ("ja", "東京タワー", "東京タワー"),
        ("zh", "北京大学的学生", "北京大学"),
        ("th", "กรุงเทพมหานคร", "กรุงเทพ"),
        ("hi", "भारत १९४७", "भारत 1947"),
    ],
)
def test_spellings_of_one_word_are_one(language: str, first: str, second: str) -> None:
    words, others = set(analyse(first, language)), set(analyse(second, language))
    assert len(words & others) >= len(others) - 1 and words & others


@pytest.mark.parametrize("text", ["", " \n", "… — !", "\ud800", "a\x00b", "x" * 100_000])
def test_any_text_is_analysed(text: str) -> None:
    assert isinstance(analyse(text, "en"), list)
    assert isinstance(analyse(text, ""), list)
