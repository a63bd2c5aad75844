"""Files into the collection, again and again: nothing lost, nothing twice, the bad ones named."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ingest.catalog import Catalog, Outcome
from ingest.complete import Overrides
from ingest.index import Ingested, ingest, ingest_articles, open_catalog, prune, reembed
from ingest.load import find_files
from ingest.read import read
from rag.assistant import Assistant
from rag.build import Model
from rag.errors import UsageError
from rag.store import Store, open_store
from rag.types import Article
from tests.conftest import add

_STORY = {
    "en": "The harbour of Saidar opened on Sunday after six years of work. The mayor, Lena Orlu, cut the ribbon. "
    "The pier is 840 metres long and cost 62 million. Fishermen say the new basin is too small for their 130 boats. "
    "Ferries to the islands start on 4 May, twice a day. The old quay becomes a market.",
    "ar": "افتُتح ميناء سيدار يوم الأحد بعد ست سنوات من العمل. وقصّت رئيسة البلدية لينا أورلو الشريط. "
    "يبلغ طول الرصيف 840 مترًا وكلّف 62 مليونًا. ويقول الصيادون إن الحوض الجديد أصغر من أن يتسع لقواربهم الـ130. "
    "وتبدأ العبّارات رحلاتها إلى الجزر في 4 مايو مرتين في اليوم. ويتحوّل الرصيف القديم إلى سوق.",
    "zh": "赛达尔港历经六年施工后于周日启用。市长莉娜·奥尔卢剪彩。码头长840米,耗资6200万。渔民说新港池太小,"
    "容不下他们的130条船。开往各岛的渡轮5月4日起每天两班。旧码头将改为集市。",
}  # fmt: skip


def _ingest(store: Store, model: Model, *paths: Path, catalog: Catalog | None = None) -> dict[str, Ingested]:
    """What became of each file, by its name."""
    readings = read(find_files(list(paths)), Overrides())
    results = ingest(readings, catalog or open_catalog(store), store, model.embedder, model.means)
    return {Path(each.source).name: each for each in results if isinstance(each, Ingested)}


def _outcomes(results: dict[str, Ingested]) -> dict[str, str]:
    return {name: str(each.outcome) for name, each in results.items()}


def _prune(store: Store, model: Model, folder: Path) -> list[str]:
    """The ids that are pruned when the folder is ingested as it is now."""
    read_files: set[str] = set()
    failed: set[str] = set()
    catalog = open_catalog(store)
    readings = list(read(find_files([folder]), Overrides()))
    for reading in readings:
        if reading.ended or reading.reason:
            (read_files if reading.complete else failed).add(reading.origin)
    list(ingest(readings, catalog, store, model.embedder, model.means))
    gone = catalog.gone([folder], read=read_files - failed, failed=failed, addresses=set())
    return [each.id for each in prune(gone, catalog, store, model.embedder, model.means)]


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, store: Store, model: Model) -> None:
    """Binary, empty and misdescribed files are named with the reason in one line; the good ones are in, once."""
    folder = _write(
        tmp_path / "articles",
        {
            "good.txt": "Title\n\nThe harbour opened on Sunday.",
            "sub/arabic.md": "---\ntitle: عنوان\nlanguage: ar\n---\nافتتح **الميناء** يوم الأحد.",
            "empty.md": "---\ntitle: x\n---\n",
            "date.md": "---\npublished: yesterday\n---\nText.",
            "yaml.md": "---\ntitle: a: b: c\n---\nText.",
            "broken.pdf": "no pdf",
            "broken.docx": "no docx",
            ".hidden.txt": "no",
        },
    )
    (folder / "binary.txt").write_bytes(b"\x00\x01\x02PNG")
    (folder / "gone.txt").symlink_to(folder / "nowhere")
    done = _ingest(store, model, folder, folder / "binary.txt")
    failed = {name for name, each in done.items() if each.outcome is Outcome.FAILED}
    assert failed == {"binary.txt", "empty.md", "date.md", "yaml.md", "broken.pdf", "broken.docx"}
    assert all(name in done[name].reason and "\n" not in done[name].reason for name in failed)
    assert {article.title for article in store.articles()} == {"Title", "عنوان"}
    assert all("**" not in article.text for article in store.articles())


def test_only_what_has_changed_is_embedded(tmp_path: Path, store: Store, model: Model) -> None:
    """The same folder again, and moved as a whole: unchanged. A changed file answers only anew, under its old id."""
    folder = _write(tmp_path / "articles", {"a.txt": "Harbour\n\nThe harbour opened on Sunday.", "b.txt": _STORY["ar"]})
    assert set(_outcomes(_ingest(store, model, folder)).values()) == {"added"}
    ids = {article.id for article in store.articles()}
    assert set(_outcomes(_ingest(store, model, folder)).values()) == {"unchanged"}
    moved = folder.rename(tmp_path / "elsewhere")
    assert set(_outcomes(_ingest(store, model, moved)).values()) == {"unchanged"}
    assert {Path(article.origin).parent for article in store.articles()} == {moved.resolve()}
    (moved / "a.txt").write_text("Harbour\n\nThe harbour opened on Monday.", "utf-8")
    assert _outcomes(_ingest(store, model, moved / "a.txt")) == {"a.txt": "changed"}
    assert {article.id for article in store.articles()} == ids
    answer = Assistant(store, model.embedder, model.means).ask("When did the harbour open?")
    assert "Monday" in answer.text and "Sunday" not in answer.text


def test_files_of_the_same_name_in_two_folders_are_two_articles(tmp_path: Path, store: Store, model: Model) -> None:
    """Neither takes the other's place, then or when they are read again."""
    one = _write(tmp_path / "one", {"index.txt": "The bridge in Ober is closed."})
    two = _write(tmp_path / "two", {"index.txt": "The school in Nider has a new roof."})
    assert _outcomes(_ingest(store, model, one)) == {"index.txt": "added"}
    assert _outcomes(_ingest(store, model, two)) == {"index.txt": "added"}
    assert store.count() == 2
    assert _outcomes(_ingest(store, model, one)) == _outcomes(_ingest(store, model, two)) == {"index.txt": "unchanged"}


@pytest.mark.parametrize("language", _STORY)
def test_the_same_text_is_stored_once_with_all_its_sources(
    tmp_path: Path, store: Store, model: Model, language: str
) -> None:
    """Another identity with the same text is a copy; it becomes an article of its own when its text changes, and takes
    over the old text when the first one's changes."""
    text = _STORY[language]
    files = {f"{name}.md": f"---\npublisher: Paper {name}\nlanguage: {language}\n---\n{text}" for name in "abc"}
    folder = _write(tmp_path / "articles", files)
    assert _outcomes(_ingest(store, model, folder)) == {"a.md": "added", "b.md": "duplicate", "c.md": "duplicate"}
    (article,) = store.articles()
    assert [copy.publisher for copy in article.copies] == ["Paper b", "Paper c"]
    assert set(_outcomes(_ingest(store, model, folder)).values()) == {"unchanged"}
    _write(folder, {"c.md": files["c.md"] + "\n\nCorrected."})
    assert _outcomes(_ingest(store, model, folder)) == {"a.md": "unchanged", "b.md": "unchanged", "c.md": "changed"}
    assert store.count() == 2
    _write(folder, {"a.md": files["a.md"].replace(text, "Something else entirely, of the day.")})
    assert _outcomes(_ingest(store, model, folder)) == {"a.md": "changed", "b.md": "unchanged", "c.md": "unchanged"}
    by_publisher = {each.publisher: each for each in store.articles()}
    assert by_publisher["Paper b"].text == text
    assert by_publisher["Paper a"].text.startswith("Something else")
    assert not any(each.copies for each in by_publisher.values())
    assert set(_outcomes(_ingest(store, model, folder)).values()) == {"unchanged"}


def test_two_files_with_one_address_do_not_take_turns(tmp_path: Path, store: Store, model: Model) -> None:
    """Of two different texts under the same address in one run the first is kept, and the second is told."""
    head = "---\nurl: https://example.org/a?utm_source=x\n---\n"
    folder = _write(tmp_path / "in", {"1.md": head + "The first text.", "2.md": head + "The second text."})
    for first in ("added", "unchanged"):
        results = _ingest(store, model, folder)
        assert _outcomes(results) == {"1.md": first, "2.md": "duplicate"}
        assert "which was kept" in results["2.md"].notes[0]
    assert [article.text for article in store.articles()] == ["The first text."]


def test_pruning_removes_what_is_gone_and_nothing_else(tmp_path: Path, store: Store, model: Model) -> None:
    """Files and records that are gone; not those of other folders, not of a file that cannot be read just now; a text
    that another source still has stays."""
    records = [{"id": n, "text": f"Record {n} tells of the bridge."} for n in range(3)]
    folder = _write(
        tmp_path / "in",
        {
            "kept.txt": "The school has a new roof.",
            "gone.txt": "The bridge is closed.",
            "broken.txt": "The market moves to Friday.",
            "a.txt": _STORY["en"],
            "b.txt": _STORY["en"],
            "r.jsonl": "\n".join(map(json.dumps, records)),
        },
    )
    other = _write(tmp_path / "other", {"x.txt": "The library lends bicycles."})
    _ingest(store, model, folder, other)
    assert _prune(store, model, folder) == []
    before = {article.identity: article.id for article in store.articles()}
    for name in ("gone.txt", "a.txt"):
        (folder / name).unlink()
    (folder / "broken.txt").write_bytes(b"\x00\x01\x02")
    (folder / "r.jsonl").write_text(json.dumps(records[0]) + "\n" + json.dumps(records[2]), "utf-8")
    assert sorted(_prune(store, model, folder)) == sorted(before[name] for name in ("gone.txt", "a.txt", "r.jsonl#1"))
    assert {article.identity for article in store.articles()} == {
        "kept.txt", "broken.txt", "b.txt", "x.txt", "r.jsonl#0", "r.jsonl#2"
    }  # fmt: skip
    assert _prune(store, model, folder) == []


@pytest.mark.parametrize("language", _STORY)
def test_a_story_with_small_edits_is_linked(store: Store, model: Model, language: str) -> None:
    """A syndicated text with another beginning and a sentence less is the same story, in any order of adding; another
    text on the subject is not."""
    text = _STORY[language]
    cut = {"en": ". ", "ar": ". ", "zh": "。"}[language]
    parts = text.split(cut)
    edited = cut.join([f"Saidar 12/3 — {parts[0]}", *parts[1:-2], parts[-1]])
    other = {"en": "Boats on the river Saidar need a licence from June.",
             "ar": "تحتاج القوارب في نهر سيدار إلى رخصة من يونيو.",
             "zh": "从六月起,赛达尔河上的船只需要执照。"}[language]  # fmt: skip
    articles = [
        Article(id=name, title=f"{name} {language}", text=body, language=language)
        for name, body in (("first", text), ("other", other), ("second", edited))
    ]
    ingest_articles(articles[:2], store, model.embedder, model.means)
    ingest_articles(articles[2:], store, model.embedder, model.means)
    stories = {article.id: article.story for article in store.articles()}
    assert stories["first"] == stories["second"] != ""
    assert stories["other"] == ""


def test_reports_that_only_repeat_their_wording_are_not_one_story(store: Store, model: Model) -> None:
    """Weather of two days in the same words with other numbers is two stories."""
    wording = "On {} the lake at Orlu was {} degrees warm at noon and {} in the evening. The wind blew with {} knots."
    ingest_articles(
        [
            Article(id="one", title="Lake", text=wording.format(3, 14, 12, 9), language="en"),
            Article(id="two", title="Lake", text=wording.format(4, 17, 15, 21), language="en"),
        ],
        store,
        model.embedder,
        model.means,
    )
    assert {article.story for article in store.articles()} == {""}


def test_a_reader_sees_the_old_or_the_new_article_at_any_moment(store: Store, model: Model) -> None:
    """While an article is replaced again and again, every search finds it, whole, in one version."""

    def article(version: int) -> Article:
        return Article(
            id="a", title="Ships", text=f"The harbour counted {version} ships. {version} left.", language="en"
        )

    ingest_articles([article(0)], store, model.embedder, model.means)
    assistant = Assistant(store, model.embedder, model.means)
    stop = threading.Event()
    seen: list[list[str]] = []

    def look() -> None:
        while not stop.is_set():
            seen.append([hit.passage.text for hit in assistant.search("How many ships were there?", k=5)])

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(1, 25):
        ingest_articles([article(version)], store, model.embedder, model.means)
    stop.set()
    for reader in readers:
        reader.join()
    whole = {article(version).text for version in range(25)}
    assert len(seen) > 25
    assert {len(texts) for texts in seen} == {1}
    assert {text for texts in seen for text in texts} <= whole


def test_what_was_exported_is_read_again_with_nothing_lost(tmp_path: Path, store: Store, model: Model) -> None:
    """Ids, sources, copies, stories, guesses and the time of adding come back from the file."""
    files = {f"{name}.md": f"---\npublisher: Paper {name}\n---\n{_STORY['ar']}" for name in "ab"}
    folder = _write(tmp_path / "in", {**files, "c.md": _STORY["ar"][:-30], "d.html": f"<p>{_STORY['en']}</p>"})
    _ingest(store, model, folder)
    before = {article.id: article for article in store.articles()}
    lines = [json.dumps({"isnad": 1, **article.to_dict()}) for article in before.values()]
    (tmp_path / "export.jsonl").write_text("\n".join(lines), "utf-8")
    with open_store(data_dir=tmp_path / "new", chroma_url="", stamp=model.stamp, writing=True) as fresh:
        _ingest(fresh, model, tmp_path / "export.jsonl")
        assert {article.id: article for article in fresh.articles()} == before
    assert set(_outcomes(_ingest(store, model, tmp_path / "export.jsonl")).values()) == {"unchanged"}


def test_a_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    """A path that does not exist is refused before anything is read."""
    with pytest.raises(UsageError, match="no file or folder"):
        list(find_files([tmp_path / "nowhere"]))


def test_reembedding_keeps_the_articles(tmp_path: Path, model: Model) -> None:
    """Ids, texts and the time they were added stay; the vectors are new."""
    with open_store(data_dir=tmp_path, chroma_url="", stamp=model.stamp, writing=True) as store:
        article = add(store, model, "افتتح الميناء يوم الأحد.", language="ar", title="الميناء")
        before = store.article(article.id)
        assert list(reembed(store, model.embedder, model.means, stamp=model.stamp)) == [1]
        assert store.article(article.id) == before
    with open_store(data_dir=tmp_path, chroma_url="", stamp=model.stamp, writing=True) as store:
        assert store.article(article.id) == before
        (result,) = ingest_articles([article], store, model.embedder, model.means)
        assert result.outcome is Outcome.UNCHANGED
