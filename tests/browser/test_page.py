"""The page as a person meets it, in headless Chromium, over the sample articles and the real model."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import ask

playwright = pytest.importorskip("playwright.sync_api")


def test_an_english_question_is_answered_with_marked_sources(page: playwright.Page) -> None:
    """The warning is quoted, the quoted sentence is marked in its passage, and the source names itself."""
    answer = ask(page, "What did Khamenei warn Erdogan about?")
    quote = answer.locator("blockquote").first.inner_text()
    assert re.search(r"Syria|سوريا|سوریه", quote)
    source = answer.locator(".isnad-source").first
    assert source.locator("mark").first.inner_text().strip() in quote
    for part in ("2022-07", "example.org"):
        playwright.expect(source).to_contain_text(part)


def test_an_arabic_question_runs_right_to_left(page: playwright.Page) -> None:
    """Introduction, quote and passage are Arabic and computed right-to-left, aligned to the right."""
    answer = ask(page, "ماذا قال بوتين لرئيسي؟")
    playwright.expect(answer.locator("p").first).to_contain_text("نقلًا حرفيًا")
    for selector in ("blockquote", ".isnad-passage"):
        element = answer.locator(selector).first
        assert element.get_attribute("lang") == "ar"
        assert element.evaluate("e => getComputedStyle(e).direction") == "rtl"
    passage = answer.locator(".isnad-passage").first
    mark = passage.locator("mark").first.bounding_box()
    box = passage.bounding_box()
    assert mark
    assert box
    assert box["x"] + box["width"] - (mark["x"] + mark["width"]) < 40


@pytest.mark.parametrize(
    ("question", "refusal"),
    [
        ("What is the capital of Mongolia?", "The articles do not answer this question."),
        ("متى توفي محمود درويش؟", "لا تجيب المقالات"),
    ],
    ids=["en", "ar"],
)
def test_what_the_articles_do_not_say_is_not_answered(page: playwright.Page, question: str, refusal: str) -> None:
    """A refusal in the reader's language, without quotes or sources."""
    answer = ask(page, question)
    playwright.expect(answer).to_contain_text(refusal)
    assert answer.locator("blockquote, .isnad-source").count() == 0


def test_a_citation_number_opens_its_passage_by_keyboard(page: playwright.Page) -> None:
    """Enter on a number opens its source and moves the focus there; Escape goes back to the number."""
    answer = ask(page, "Erdoğan İsveç ve Finlandiya hakkında ne dedi?")
    number = answer.locator(".isnad-cite").first
    source = answer.locator(".isnad-source").first
    source.evaluate("e => { e.open = false }")
    number.focus()
    page.keyboard.press("Enter")
    playwright.expect(source.locator(".isnad-passage")).to_be_visible()
    assert source.locator("summary").evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    assert number.evaluate("e => e === document.activeElement")


def test_an_example_can_be_asked_and_an_empty_question_not(page: playwright.Page) -> None:
    """Clicking an example answers it; Enter without a question asks nothing or says that it is empty."""
    page.locator("#isnad-question textarea").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert page.locator(".isnad-answer").count() == 0
    page.reload()
    page.get_by_text("What did Khamenei warn Erdogan about?").first.click()
    page.locator(".isnad-answer blockquote").first.wait_for(timeout=60_000)


def test_an_overlong_question_is_refused_in_words(page: playwright.Page) -> None:
    """20,000 characters: a message that says what is allowed, no traceback, and the page goes on."""
    page.locator("#isnad-question textarea").fill("why " * 5000)
    page.keyboard.press("Enter")
    error = page.locator(".isnad-error").first
    error.wait_for(timeout=60_000)
    playwright.expect(error).to_contain_text("2,000")
    assert "Traceback" not in page.content()
    assert ask(page, "How much grain is stuck in Ukraine?").locator("blockquote").count() >= 1


def test_a_question_with_markup_runs_nothing(page: playwright.Page) -> None:
    """Script in a question is not executed."""
    ask(page, '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> What is grain?')
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None


def test_the_page_fits_a_phone_and_calls_nobody(browser: playwright.Browser, address: str) -> None:
    """At 375 pixels nothing sticks out sideways, and every request goes to the page's own server."""
    page = browser.new_page(viewport={"width": 375, "height": 740})
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url) if address not in request.url else None)
    page.goto(address)
    ask(page, "ماذا قال بوتين لرئيسي؟")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
    page.close()
