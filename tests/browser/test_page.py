"""Asking on the page as a person does it, in headless Chromium, over the sample articles and the real model."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import PHONE, ask, opened

playwright = pytest.importorskip("playwright.sync_api")
_WARNING = "What did Khamenei warn Erdogan about?"


def _focused(element: playwright.Locator) -> bool:
    return bool(element.evaluate("e => e === document.activeElement"))


def test_an_english_question_is_answered_with_marked_sources(page: playwright.Page) -> None:
    """The warning is quoted, the quoted sentence is marked in its passage, and the source names itself."""
    answer = ask(page, _WARNING)
    quote = answer.locator("blockquote").first.inner_text()
    assert re.search(r"Syria|سوريا|سوریه", quote)
    source = answer.locator(".isnad-source").first
    source.locator("summary").click()
    assert source.locator("mark").first.inner_text().strip() in quote
    for part in ("2022-07", "example.org"):
        playwright.expect(source).to_contain_text(part)
    playwright.expect(answer.locator(".isnad-sure")).to_contain_text(re.compile(r"[Ss]ure \(\d+%\)"))


def test_an_arabic_question_runs_right_to_left(page: playwright.Page) -> None:
    """Introduction, quote and passage are Arabic and computed right-to-left, aligned to the right."""
    answer = ask(page, "ماذا قال بوتين لرئيسي؟")
    playwright.expect(answer.locator("p").first).to_contain_text("نقلًا حرفيًا")
    answer.locator("summary").first.click()
    for selector in ("blockquote", ".isnad-passage"):
        element = answer.locator(selector).first
        assert element.get_attribute("lang") == "ar"
        assert element.evaluate("e => getComputedStyle(e).direction") == "rtl"
    passage = answer.locator(".isnad-passage").first
    mark, box = passage.locator("mark").first.bounding_box(), passage.bounding_box()
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


def test_a_refusal_names_what_comes_near(page: playwright.Page) -> None:
    """Articles near to a question that none answers can be read beside the chat."""
    answer = ask(page, "How old is the president of Ukraine?")
    near = answer.locator(".isnad-nearby .isnad-open").first
    title = near.inner_text()
    near.click()
    playwright.expect(page.locator(".isnad-reader-title")).to_have_text(title)


@pytest.mark.parametrize(
    ("question", "language", "direction"),
    [("ماذا قال بوتين لرئيسي؟", "ar", "rtl"), ("问天实验舱是什么时候发射的？", "zh", "ltr")],
    ids=["ar", "zh"],
)
def test_a_number_opens_the_article_at_its_marked_words(
    page: playwright.Page, question: str, language: str, direction: str
) -> None:
    """Beside the chat: the whole article in its direction, the quoted words marked and in sight, text around them."""
    answer = ask(page, question)
    quote = answer.locator("blockquote").first.evaluate("e => e.firstChild.data").strip(" “”")
    answer.locator(".isnad-said .isnad-cite").first.click()
    body = page.locator(".isnad-reader-body")
    text = body.locator(".isnad-text")
    assert text.get_attribute("lang") == language
    assert text.evaluate("e => getComputedStyle(e).direction") == direction
    assert body.locator("mark").first.inner_text().strip() in quote
    assert len(text.inner_text()) > 2 * len(quote)
    playwright.expect(body.locator("mark").first).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0


def test_a_citation_opens_by_keyboard_and_escape_returns(page: playwright.Page) -> None:
    """Enter on a number opens its source and moves the focus there; Escape goes back to the number."""
    number = ask(page, "Erdoğan İsveç ve Finlandiya hakkında ne dedi?").locator(".isnad-cite").first
    number.focus()
    page.keyboard.press("Enter")
    title = page.locator(".isnad-reader-title")
    title.wait_for()
    assert _focused(title)
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#isnad-reader aside")).to_be_hidden()
    assert _focused(number)


def test_a_number_shows_its_quote(page: playwright.Page) -> None:
    """Pointing at a number shows the quote within the window; Escape takes it away, the keyboard brings it too."""
    answer = ask(page, _WARNING)
    number, tip = answer.locator(".isnad-cite").first, answer.locator(".isnad-tip").first
    number.hover()
    playwright.expect(tip).to_be_visible()
    assert answer.locator("blockquote").first.inner_text()[1:40] in tip.inner_text()
    box = tip.bounding_box()
    assert box
    assert min(box["x"], box["y"], 1280 - box["x"] - box["width"], 900 - box["y"] - box["height"]) >= 0
    tip.hover()
    page.wait_for_timeout(500)
    playwright.expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    playwright.expect(tip).to_be_hidden()
    page.mouse.move(5, 5)
    answer.locator("summary").first.focus()
    page.keyboard.press("Shift+Tab")
    assert _focused(number)
    playwright.expect(tip).to_be_visible()
    assert number.get_attribute("aria-describedby") == tip.get_attribute("id")


def test_an_example_can_be_asked_and_an_empty_question_not(page: playwright.Page) -> None:
    """Enter without a question asks nothing; clicking an example answers it."""
    page.locator("#isnad-question textarea").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert page.locator("#isnad-chat .message-row").count() == 0
    page.get_by_text(_WARNING).first.click()
    page.locator(".isnad-answer blockquote").first.wait_for(timeout=60_000)
    playwright.expect(page.locator("#isnad-chat [data-testid=user]")).to_have_text(_WARNING)


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
    """Script in a question is neither executed nor lost."""
    ask(page, '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> What is grain?')
    page.wait_for_timeout(500)
    assert page.evaluate("window.hacked") is None
    playwright.expect(page.locator("#isnad-chat [data-testid=user]").last).to_contain_text("What is grain?")


def test_filters_narrow_the_answers_and_stay(page: playwright.Page) -> None:
    """Only Turkish articles are quoted, it is said so above the question, and it holds for the next one."""
    page.locator("#isnad-filters .label-wrap").click()
    page.get_by_label("Language of the articles").click()
    page.get_by_role("option", name="Turkish").click()
    page.keyboard.press("Escape")
    playwright.expect(page.locator("#isnad-active-filters")).to_contain_text("Only: Turkish")
    for question in (_WARNING, "How many ships left Odesa?"):
        spoken = ask(page, question).locator("blockquote").evaluate_all("all => all.map((each) => each.lang)")
        assert set(spoken) <= {"tr"}
    page.locator("#isnad-since textarea, #isnad-since input").first.fill("2022-31-12")
    page.locator("#isnad-question textarea").fill(_WARNING)
    page.keyboard.press("Enter")
    playwright.expect(page.locator(".isnad-error").last).to_contain_text("2022-07-19", timeout=60_000)
    page.locator("#isnad-clear-filters").click()
    playwright.expect(page.locator("#isnad-active-filters p")).to_have_count(0)


def test_retry_edit_and_undo(page: playwright.Page) -> None:
    """The answer is given anew, the question is put differently, and taken back into the text field."""
    ask(page, _WARNING)
    page.get_by_role("button", name="Retry").click()
    page.wait_for_timeout(500)
    page.locator(".isnad-answer .isnad-copy").wait_for(timeout=60_000)
    assert page.locator("#isnad-chat .message-row").count() == 2
    page.get_by_role("button", name="Edit").first.click()
    page.locator("#isnad-chat textarea").fill("Who won the Tour de France Femmes?")
    page.get_by_role("button", name="Submit").click()
    playwright.expect(page.locator(".isnad-answer")).to_contain_text("van Vleuten", timeout=60_000)
    page.locator(".isnad-answer .isnad-copy").wait_for(timeout=60_000)
    page.get_by_role("button", name="Undo").click()
    playwright.expect(page.locator("#isnad-question textarea")).to_have_value("Who won the Tour de France Femmes?")
    playwright.expect(page.locator("#isnad-chat .message-row")).to_have_count(0)


def test_an_answer_is_copied_with_its_sources(browser: playwright.Browser, address: str) -> None:
    """The clipboard gets the quotes, their numbers, and the sources with date and address."""
    with opened(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        answer = ask(page, "ماذا قال بوتين لرئيسي؟")
        answer.locator(".isnad-copy").click()
        playwright.expect(answer.locator(".isnad-copy")).to_have_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")
    assert "[1]" in copied
    assert re.search(r"\[1\] .+ · 2022-\d\d-\d\d · .+ https://example\.org", copied)
    assert copied.count("وقال بوتين لرئيسي") == 1


def test_the_page_fits_a_phone_and_calls_nobody(browser: playwright.Browser, address: str) -> None:
    """At 375 pixels nothing sticks out, the reader and the drawers open and close, and only this server is called."""
    with opened(browser, address, viewport=PHONE) as page:
        elsewhere: list[str] = []
        page.on("request", lambda request: elsewhere.append(request.url) if address not in request.url else None)
        page.reload()
        answer = ask(page, "ماذا قال بوتين لرئيسي؟")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        playwright.expect(page.locator("#isnad-question textarea")).to_be_in_viewport()
        answer.locator(".isnad-cite").first.click()
        playwright.expect(page.locator(".isnad-reader-body mark").first).to_be_in_viewport()
        page.get_by_role("button", name="Close the source").click()
        page.get_by_role("button", name="Conversations").click()
        playwright.expect(page.locator("#isnad-kept li")).to_have_count(1)
        page.locator("#isnad-conversations .isnad-close").click()
        playwright.expect(page.locator("#isnad-kept")).to_be_hidden()
        assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
