"""Answers that a language model writes, played by the scripted server, and what the page shows of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import ask, opened, serving
from tests.scripted_server import Reply, ScriptedServer

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="module")
def writing_address(tmp_path_factory: pytest.TempPathFactory, model: ScriptedServer) -> Iterator[str]:
    """A page whose answers the scripted model writes."""
    with serving(
        tmp_path_factory.mktemp("writing"), "--samples", ISNAD_LLM="scripted", ISNAD_LLM_BASE_URL=model.url
    ) as url:
        yield url


@pytest.fixture
def writing(browser: playwright.Browser, writing_address: str) -> Iterator[playwright.Page]:
    with opened(browser, writing_address) as page:
        yield page


def test_a_written_answer_shows_what_is_not_in_its_sources(writing: playwright.Page, model: ScriptedServer) -> None:
    """Supported sentences have numbers that open marked sources; an unsupported one is marked in words."""
    good = "Khamenei warned that a military attack in northern Syria would be to the detriment of Turkey [1]."
    model.replies = [f"{good} It would cost 750 million dollars [1].", f"{good} It would cost 750 million dollars [1]."]
    model.default = "1. nothing"
    answer = ask(writing, "What did Khamenei warn Erdogan about?")
    assert answer.locator("blockquote").count() == 0
    wrong = answer.locator(".isnad-unsupported")
    playwright.expect(wrong).to_contain_text("750 million")
    playwright.expect(answer.locator(".isnad-verdict").first).to_contain_text("Not found in the sources")
    playwright.expect(answer.locator(".isnad-verdict").first).to_contain_text("750")
    playwright.expect(answer.locator(".isnad-verified")).to_contain_text("could not be verified: 1")
    answer.locator(".isnad-cite").first.click()
    playwright.expect(writing.locator(".isnad-reader-body mark").first).to_be_visible()


def test_a_failing_model_is_told_of_and_the_articles_are_quoted(
    writing: playwright.Page, model: ScriptedServer
) -> None:
    """The reader gets quotations and the reason, not a refusal."""
    model.replies, model.default = [], Reply(status=401)
    answer = ask(writing, "What did Khamenei warn Erdogan about?")
    playwright.expect(answer.locator(".isnad-notice")).to_contain_text("did not answer")
    assert answer.locator("blockquote").count() >= 1


def test_stop_stops_the_model(writing: playwright.Page, model: ScriptedServer) -> None:
    """What is written so far is shown as it comes; the server notices that nobody listens any more, and the page
    answers the next question.
    """
    model.requests.clear()
    model.replies = [Reply("Khamenei warned Erdogan about an attack [1]. ", between=0.05, endless=True)]
    model.default = Reply(status=401)
    writing.locator("#isnad-question textarea").fill("What did Khamenei warn Erdogan about?")
    writing.keyboard.press("Enter")
    writing.locator(".isnad-answer").first.wait_for(timeout=60_000)
    playwright.expect(writing.locator(".isnad-waiting")).to_contain_text("Writing")
    writing.locator("#isnad-question button.stop-button").click()
    assert model.requests[0].gone.wait(10)
    playwright.expect(writing.locator("#isnad-chat [data-testid=bot]")).to_contain_text("Stopped")
    assert ask(writing, "Who won the Tour de France Femmes?").locator("blockquote").count() >= 1


def test_a_new_conversation_has_no_words_of_the_answer_before(writing: playwright.Page, model: ScriptedServer) -> None:
    """What was still being written when it began does not come into it."""
    model.requests.clear()
    model.replies = [Reply("Khamenei warned Erdogan about an attack [1]. ", between=0.05, endless=True)]
    model.default = Reply(status=401)
    writing.locator("#isnad-question textarea").fill("What did Khamenei warn Erdogan about?")
    writing.keyboard.press("Enter")
    writing.locator(".isnad-answer").first.wait_for(timeout=60_000)
    writing.evaluate("document.getElementById('isnad-new').click()")
    assert model.requests[0].gone.wait(10)
    writing.wait_for_timeout(1000)
    playwright.expect(writing.locator("#isnad-chat .message-row")).to_have_count(0)
    assert ask(writing, "Who won the Tour de France Femmes?").locator("blockquote").count() >= 1


def test_a_quote_in_another_language_has_its_translation(writing: playwright.Page, model: ScriptedServer) -> None:
    """Beside the quote in the answer and below its passage in the reader, in the language of the question, and said to
    be a machine's.
    """
    quotes = "Putin told Raisi that trade between Russia and Iran is growing to record figures."
    model.replies = []
    model.default = lambda request: f"1. {quotes}" if "ranslat" in request.prompt else Reply(status=401)
    writing.locator("[data-drawer=settings]").click()
    writing.get_by_label("Quote the articles").check()
    writing.keyboard.press("Escape")
    answer = ask(writing, "What did Putin tell Raisi about trade between Russia and Iran?")
    translation = answer.locator(".isnad-said .isnad-translation")
    playwright.expect(translation.first).to_contain_text("record figures")
    assert translation.first.get_attribute("dir") == "ltr"
    writing.locator(".isnad-said .isnad-cite").first.click()
    playwright.expect(writing.locator(".isnad-reader-body .isnad-translation").first).to_contain_text("record figures")
