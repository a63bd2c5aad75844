"""The page elsewhere and under others: in a frame, behind a password, without articles, over a server started anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from rag.build import Model
from tests import served
from tests.browser.conftest import Site, ask, free_port, opened, serving, settled, site, tab
from ui.texts import text

playwright = pytest.importorskip("playwright.sync_api")


def _frame(page: playwright.Page, host: Site, address: str) -> playwright.FrameLocator:
    host.pages["/"] = f'<iframe src="{address}/?embed=1&lang=ar&accent=aa2255" width="600" height="600"></iframe>'
    page.goto(host.url)
    return page.frame_locator("iframe")


def test_another_site_shows_the_page_when_it_may(browser: playwright.Browser, address: str, friend: Site) -> None:
    """In a frame, without library, conversations and settings, in the language and colour of the address."""
    page = browser.new_page()
    inside = _frame(page, friend, address)
    inside.locator("#isnad-question textarea").fill("ماذا قال بوتين لرئيسي؟")
    inside.locator("#isnad-question textarea").press("Enter")
    inside.locator(".isnad-answer .isnad-copy").wait_for(timeout=60_000)
    inside.locator(".isnad-cite").first.click()
    playwright.expect(inside.locator(".isnad-reader-body mark").first).to_be_visible()
    for hidden in (".isnad-header", "#isnad-kept", "#isnad-status"):
        playwright.expect(inside.locator(hidden)).to_be_hidden()
    assert inside.get_by_role("tab").filter(visible=True).count() == 0
    colour = inside.locator("#isnad-question button").evaluate("e => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(170, 34, 85)"
    page.close()


def test_another_site_is_refused_when_it_may_not(browser: playwright.Browser, address: str) -> None:
    """The browser itself does not show it."""
    with site() as stranger:
        page = browser.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        inside = _frame(page, stranger, address)
        page.wait_for_timeout(1500)
        assert inside.locator("#isnad-question").count() == 0
        assert any("frame-ancestors" in words for words in refused)
        page.close()


def test_readers_behind_a_password_cannot_edit(browser: playwright.Browser, tmp_path: Path, model: Model) -> None:
    """A reader signs in and asks, and finds nothing to add or delete with; an editor does."""
    samples = [sorted(path.name for path in served.SAMPLES.glob("*ar*"))[0]]
    auth = SecretStr("leila:open sesame:reader,omar:longer secret:editor")
    with served.serving(tmp_path, model, samples, auth=auth) as server, browser.new_context() as context:
        for name, password, may in (("leila", "open sesame", False), ("omar", "longer secret", True)):
            context.clear_cookies()
            page = context.new_page()
            page.goto(server.url)
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill("wrong")
            page.get_by_role("button").click()
            playwright.expect(page.get_by_role("alert")).to_be_visible()
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button").click()
            settled(page)
            tab(page, 1)
            page.locator("#isnad-articles [data-article]").first.click()
            page.locator("#isnad-reading .isnad-reader-title").wait_for()
            playwright.expect(page.locator("#isnad-add")).to_be_visible(visible=may)
            playwright.expect(page.locator("#isnad-delete")).to_be_visible(visible=may)
            page.close()


def test_a_page_that_is_read_only(browser: playwright.Browser, tmp_path: Path, model: Model) -> None:
    """Without articles it says who can add some, in the page's language, and offers no way to."""
    with (
        served.serving(tmp_path, model, read_only=True) as server,
        opened(browser, server.url, "?lang=ar", empty=True) as page,
    ):
        playwright.expect(page.locator("#isnad-chat")).to_contain_text(text("empty_collection_read_only", "ar"))
        tab(page, 1)
        playwright.expect(page.locator("#isnad-articles")).to_contain_text(text("library_none", "ar"))
        playwright.expect(page.locator("#isnad-add")).to_be_hidden()


def test_a_conversation_outlives_the_server(browser: playwright.Browser, tmp_path: Path) -> None:
    """An empty page takes a text and answers from it; the server is started anew, and the open page goes on."""
    port = free_port()
    with browser.new_context() as context:
        page = context.new_page()
        with serving(tmp_path, port=port) as url:
            page.goto(url)
            playwright.expect(page.locator("#isnad-chat")).to_contain_text("There are no articles yet", timeout=60_000)
            page.locator("#isnad-question textarea").fill("Anything?")
            page.keyboard.press("Enter")
            playwright.expect(page.locator(".isnad-error")).to_contain_text("There are no articles", timeout=60_000)
            tab(page, 1)
            page.locator("#isnad-add .label-wrap").click()
            page.get_by_label("Text of the article").fill("The bridge of Vellmark was painted blue in May.")
            page.locator("#isnad-paste-add").click()
            playwright.expect(page.locator("#isnad-added")).to_contain_text("Done.", timeout=60_000)
            tab(page, 0)
            playwright.expect(ask(page, "What colour is the bridge of Vellmark?")).to_contain_text("blue")
        with serving(tmp_path, port=port):
            playwright.expect(ask(page, "And when was it painted?")).to_contain_text("May")
            assert page.locator("#isnad-chat .message-row").count() == 6
            page.locator(".isnad-said .isnad-cite").last.click()
            playwright.expect(page.locator(".isnad-reader-body mark").first).to_be_visible()
