"""Conversations that the browser keeps: resumed, named, exported, shared, and rated."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from tests.browser.conftest import ask, opened, settled

playwright = pytest.importorskip("playwright.sync_api")
_WARNING = "What did Khamenei warn Erdogan about?"


def test_a_follow_up_goes_on_with_the_last_question(page: playwright.Page) -> None:
    """How it was understood is shown; a new subject is asked as it is."""
    ask(page, "问天实验舱是什么时候发射的？")
    answer = ask(page, "它有多重？")
    playwright.expect(answer.locator(".isnad-notice")).to_contain_text("问天实验舱")
    playwright.expect(answer).to_contain_text("23吨")
    answer = ask(page, "Who won the Tour de France Femmes?")
    assert answer.locator(".isnad-notice").count() == 0
    playwright.expect(answer).to_contain_text("van Vleuten")


def test_greetings_lists_and_sources_are_answered_directly(page: playwright.Page) -> None:
    """None of them is looked for in the articles, and what is listed can be opened."""
    assert ask(page, "Hello!").locator("blockquote").count() == 0
    listed = ask(page, "Which articles do you have about Syria?")
    assert listed.locator(".isnad-source").count() >= 3
    assert listed.locator(".isnad-sure").count() == 0
    ask(page, "ماذا قال بوتين لرئيسي؟")
    playwright.expect(ask(page, "Who says so?")).to_contain_text("وكالة النموذج")


def test_the_answer_comes_in_the_language_asked_for(page: playwright.Page) -> None:
    """The introduction is Turkish, the quotes stay as they are."""
    answer = ask(page, f"{_WARNING} Answer in Turkish.")
    playwright.expect(answer.locator("p").first).to_contain_text("Makalelerden")


def test_a_conversation_goes_on_after_a_reload(page: playwright.Page) -> None:
    """Questions, answers and numbers are there again, and a follow-up knows what was said."""
    ask(page, "问天实验舱是什么时候发射的？")
    page.reload()
    settled(page)
    playwright.expect(page.locator(".isnad-answer .isnad-copy")).to_have_count(1)
    page.locator(".isnad-cite").first.click()
    playwright.expect(page.locator(".isnad-reader-body mark").first).to_be_visible()
    playwright.expect(ask(page, "它有多重？")).to_contain_text("23吨")


def test_conversations_are_named_resumed_and_deleted(page: playwright.Page) -> None:
    """A new one leaves the old one in the list, where it can be renamed, gone back to, and deleted when asked twice."""
    ask(page, _WARNING)
    page.locator("#isnad-new").click()
    playwright.expect(page.locator("#isnad-chat .message-row")).to_have_count(0)
    ask(page, "ماذا قال بوتين لرئيسي؟")
    kept = page.locator("#isnad-kept li")
    playwright.expect(kept).to_have_count(2)
    page.get_by_role("button", name=f"Rename: {_WARNING}").click()
    page.get_by_label("Rename", exact=True).fill("The warning")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="The warning", exact=True).click()
    playwright.expect(page.locator("#isnad-chat [data-testid=user]")).to_have_text(_WARNING)
    ask(page, "And what else?")
    playwright.expect(page.get_by_role("button", name="The warning", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    page.get_by_role("button", name="Delete: The warning").click()
    playwright.expect(kept).to_have_count(2)
    page.get_by_role("button", name=re.compile("Press again")).click()
    playwright.expect(kept).to_have_count(1)
    playwright.expect(page.locator("#isnad-chat .message-row")).to_have_count(0)
    for _ in range(2):
        page.locator("#isnad-delete-all").click()
    playwright.expect(kept).to_have_count(0)
    page.reload()
    settled(page)
    assert page.locator("#isnad-chat .message-row").count() == 0


def test_a_conversation_is_exported_with_footnotes(page: playwright.Page) -> None:
    """A Markdown file with question and quotes, and a footnote for each source with its day and address."""
    ask(page, "ماذا قال بوتين لرئيسي؟")
    with page.expect_download() as download:
        page.locator("#isnad-export").click()
    assert download.value.suggested_filename == "ماذا قال بوتين لرئيسي.md"
    text = Path(download.value.path()).read_text("utf-8")
    assert "## ماذا قال بوتين لرئيسي؟" in text
    assert re.search(r"> وقال بوتين لرئيسي.+\[\^1\]", text)
    assert re.search(r"^\[\^1\]: .+2022-\d\d-\d\d.+https://example\.org", text, re.MULTILINE)


def test_a_link_shows_the_answer_to_others(browser: playwright.Browser, address: str) -> None:
    """Opened in another browser, it has the question, the answer and its sources, and the conversation can go on."""
    with opened(browser, address, permissions=["clipboard-read", "clipboard-write"]) as page:
        answer = ask(page, "ماذا قال بوتين لرئيسي؟")
        said = answer.locator("blockquote").first.inner_text()
        answer.locator(".isnad-share").click()
        playwright.expect(answer.locator(".isnad-share")).to_have_text("Link copied")
        link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{address}/?answer=")
    with opened(browser, address, link.removeprefix(f"{address}/")) as other:
        playwright.expect(other.locator("#isnad-chat [data-testid=user]")).to_have_text("ماذا قال بوتين لرئيسي؟")
        assert other.locator("blockquote").first.inner_text() == said
        other.locator(".isnad-cite").first.click()
        playwright.expect(other.locator(".isnad-reader-body mark").first).to_be_visible()
        ask(other, "And what did he answer?")
    with opened(browser, address, "?answer=AAAAAAAAAAAAAAAAAAAAAA") as other:
        assert other.locator("#isnad-chat .message-row").count() == 0


def test_two_browsers_have_conversations_of_their_own(browser: playwright.Browser, address: str) -> None:
    """Both ask at the same time; each gets the answer to its question, and neither sees the other's."""
    questions = {_WARNING: "Khamenei", "ماذا قال بوتين لرئيسي؟": "بوتين"}
    with opened(browser, address) as one, opened(browser, address) as other:
        for page, question in zip((one, other), questions, strict=True):
            page.locator("#isnad-question textarea").fill(question)
        for page in (one, other):
            page.locator("#isnad-question textarea").press("Enter")
        for page, (question, word) in zip((one, other), questions.items(), strict=True):
            page.locator(".isnad-answer .isnad-copy").wait_for(timeout=60_000)
            playwright.expect(page.locator("#isnad-chat [data-testid=user]")).to_have_text(question)
            playwright.expect(page.locator(".isnad-answer")).to_contain_text(word)
            playwright.expect(page.locator("#isnad-kept li")).to_have_count(1)


def test_feedback_is_kept(page: playwright.Page, page_folder: Path) -> None:
    """A thumb and a comment make lines with question, answer, sources and settings."""
    ask(page, "ماذا قال بوتين لرئيسي؟")
    ask(page, _WARNING)
    page.get_by_role("button", name="Dislike").last.click()
    page.locator("#isnad-feedback textarea, #isnad-feedback input").fill("لا يكفي")
    page.locator("#isnad-feedback-send").click()
    playwright.expect(page.locator("#isnad-thanks")).to_contain_text("Thank you", timeout=20_000)
    lines = [orjson.loads(line) for line in (page_folder / "data" / "feedback.jsonl").read_bytes().splitlines()]
    last = lines[-1]
    assert (last["rating"], last["comment"]) == ("down", "لا يكفي")
    assert last["answer"]["question"] == _WARNING
    assert last["answer"]["citations"]
    assert last["settings"]
    assert [each["role"] for each in last["conversation"]] == ["user", "assistant"]
