"""The library on the page: finding, reading, adding and deleting articles, as a person does it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.conftest import Site, ask, tab

playwright = pytest.importorskip("playwright.sync_api")

_HARBOUR = (
    "The mayor of Quillfort opened the new harbour on Tuesday. The harbour of Quillfort cost nine million crowns."
)
_PARK = "افتتحت رئيسة بلدية مدينة زرنيخا حديقة جديدة يوم الاثنين. وقالت إن الحديقة تضم ألف شجرة زيتون."
_EVIL = '<img src=x onerror="window.hacked=1">'


def _open_adding(page: playwright.Page) -> None:
    tab(page, 1)
    page.locator("#isnad-add .label-wrap").click()
    page.locator("#isnad-upload").wait_for()


def _added(page: playwright.Page) -> playwright.Locator:
    results = page.locator("#isnad-added")
    playwright.expect(results).to_contain_text("Done.", timeout=60_000)
    return results


def _upload(page: playwright.Page, *files: dict[str, object]) -> playwright.Locator:
    page.locator("#isnad-upload input[type=file]").first.set_input_files(list(files))
    return _added(page)


def _file(name: str, text: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def _find(page: playwright.Page, words: str) -> playwright.Locator:
    """The rows of the articles that have these words, when the table is there."""
    page.locator("#isnad-search :is(textarea, input)").fill(words)
    return page.locator("#isnad-articles tbody tr")


def _delete(page: playwright.Page, words: str) -> None:
    tab(page, 1)
    rows = _find(page, words)
    playwright.expect(rows).to_have_count(1, timeout=20_000)
    rows.locator("button").click()
    page.locator("#isnad-delete").click()
    page.locator("#isnad-delete-yes").click()
    playwright.expect(page.locator("#isnad-added")).to_contain_text("Deleted", timeout=20_000)


def test_articles_are_found_sorted_and_read(page: playwright.Page) -> None:
    """The search narrows the table, a column sorts it both ways, and a row opens in the article's direction."""
    tab(page, 1)
    playwright.expect(_find(page, "no such article")).to_have_count(0, timeout=20_000)
    playwright.expect(page.locator("#isnad-articles")).to_contain_text("No article has these words")
    rows = _find(page, "وكالة النموذج")
    playwright.expect(rows.first).to_be_visible(timeout=20_000)
    for way in ("ascending", "descending"):
        page.locator("#isnad-articles [data-sort=published]").click()
        head = page.locator("#isnad-articles th", has=page.locator("[data-sort=published]"))
        playwright.expect(head).to_have_attribute("aria-sort", way, timeout=20_000)
        days = page.locator("#isnad-articles td:nth-child(3)").all_inner_texts()
        assert days == sorted(days, reverse=way == "descending")
    title = rows.first.locator("button").inner_text()
    rows.first.locator("button").click()
    playwright.expect(page.locator("#isnad-reading .isnad-reader-title")).to_have_text(title, timeout=20_000)
    direction = page.locator("#isnad-reading .isnad-text").evaluate("e => getComputedStyle(e).direction")
    assert direction == "rtl"


def test_a_long_table_has_pages(page: playwright.Page) -> None:
    """Fifty articles a page; the second page has the others."""
    tab(page, 1)
    rows = page.locator("#isnad-articles tbody tr")
    playwright.expect(rows).to_have_count(50, timeout=20_000)
    page.get_by_role("button", name="Next").click()
    playwright.expect(page.locator(".isnad-pager")).to_contain_text("Page 2 of 2", timeout=20_000)
    assert rows.count() < 50
    page.get_by_role("button", name="Previous").click()
    playwright.expect(rows).to_have_count(50, timeout=20_000)


def test_uploaded_files_are_asked_about_at_once_and_deleted(page: playwright.Page) -> None:
    """Two files with a result each; both answer questions; deleted after a confirmation, they answer no more."""
    _open_adding(page)
    results = _upload(page, _file("harbour.txt", _HARBOUR), _file("park.txt", _PARK))
    playwright.expect(results.locator("li")).to_have_count(2)
    playwright.expect(results).to_contain_text("added: 2")
    tab(page, 0)
    playwright.expect(ask(page, "How much did the harbour of Quillfort cost?")).to_contain_text("nine million")
    playwright.expect(ask(page, "كم شجرة زيتون تضم حديقة زرنيخا؟")).to_contain_text("ألف شجرة")
    tab(page, 1)
    rows = _find(page, "harbour")
    playwright.expect(rows).to_have_count(1, timeout=20_000)
    rows.locator("button").click()
    page.locator("#isnad-delete").click()
    playwright.expect(page.locator("#isnad-confirm").first).to_contain_text("harbour", timeout=20_000)
    page.locator("#isnad-delete-no").click()
    playwright.expect(page.locator("#isnad-delete-yes")).to_be_hidden()
    _delete(page, "harbour")
    playwright.expect(_find(page, "harbour")).to_have_count(0, timeout=20_000)
    _delete(page, "زرنيخا")
    tab(page, 0)
    gone = ask(page, "How much did the harbour of Quillfort cost?")
    playwright.expect(gone).not_to_contain_text("nine million")


def test_a_damaged_file_is_named_with_the_reason(page: playwright.Page) -> None:
    """Of three files the readable one is added, and the others say why they are not."""
    _open_adding(page)
    broken = {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 nothing"}
    results = _upload(page, _file("quarry.txt", "The quarry of Ostermoor closed."), broken, _file("empty.txt", ""))
    for name in ("broken.pdf", "empty.txt"):
        line = results.locator("li", has_text=re.compile(name.split(".")[0]))
        playwright.expect(line).to_contain_text("could not be read")
    playwright.expect(results).to_contain_text("added: 1")
    _delete(page, "quarry")


def test_a_pasted_text_is_added(page: playwright.Page) -> None:
    """With its title; without a text it is said that there is nothing to add."""
    _open_adding(page)
    page.locator("#isnad-paste-add").click()
    playwright.expect(page.locator("#isnad-added")).to_contain_text("Nothing to add", timeout=20_000)
    page.get_by_label("Title", exact=True).fill("Vellmark bridge")
    page.get_by_label("Text of the article").fill("The bridge of Vellmark was painted blue in May.")
    page.locator("#isnad-paste-add").click()
    _added(page)
    tab(page, 0)
    playwright.expect(ask(page, "What colour is the bridge of Vellmark?")).to_contain_text("blue")
    _delete(page, "Vellmark")


def test_a_private_address_is_refused_in_words(page: playwright.Page, friend: Site) -> None:
    """An address of this machine is not fetched, and the reason is said without a path."""
    friend.pages["/story"] = "<html><body><p>A story that nobody may fetch.</p></body></html>"
    _open_adding(page)
    page.get_by_label("Web address of an article or feed").fill(f"{friend.url}/story")
    page.locator("#isnad-fetch").click()
    results = _added(page)
    playwright.expect(results.locator("li")).to_contain_text("could not be read")
    playwright.expect(results.locator("li")).to_contain_text("private")
    assert str(Path(__file__).parents[2]) not in results.inner_html()


def test_script_in_an_article_and_its_file_name_runs_nothing(page: playwright.Page) -> None:
    """Markup in text, title and file name is shown as text in results, table, reader, answer and number."""
    _open_adding(page)
    title = _EVIL.replace('"', "")
    text = f'---\ntitle: "{title} Brindlewick"\n---\nThe clock of Brindlewick {_EVIL} stopped at noon.'
    _upload(page, _file("<img src=x onerror=window.hacked=1>.md", text))
    playwright.expect(page.locator("#isnad-added li")).to_contain_text("Brindlewick")
    rows = _find(page, "Brindlewick")
    playwright.expect(rows).to_have_count(1, timeout=20_000)
    rows.locator("button").click()
    playwright.expect(page.locator("#isnad-reading")).to_contain_text("onerror", timeout=20_000)
    tab(page, 0)
    answer = ask(page, "When did the clock of Brindlewick stop?")
    answer.locator(".isnad-cite").first.hover()
    answer.locator(".isnad-said .isnad-cite").first.click()
    playwright.expect(page.locator(".isnad-reader-body")).to_contain_text("stopped at noon", timeout=20_000)
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    _delete(page, "Brindlewick")
    page.wait_for_timeout(300)
    assert page.evaluate("window.hacked") is None
