"""Conversations on the page, and answers that a language model writes, played by the scripted server."""

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
    with serving(tmp_path_factory.mktemp("writing"), ISNAD_LLM="scripted", ISNAD_LLM_BASE_URL=model.url) as url:
        yield url


@pytest.fixture
def writing(browser: playwright.Browser, writing_address: str) -> Iterator[playwright.Page]:
    with opened(browser, writing_address) as page:
        yield page


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
    answer = ask(page, "What did Khamenei warn Erdogan about? Answer in Turkish.")
    playwright.expect(answer.locator("p").first).to_contain_text("Makalelerden")


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
    answer.locator(".isnad-cite").first.click()
    assert answer.locator(".isnad-source mark").count() >= 1


def test_a_failing_model_is_told_of_and_the_articles_are_quoted(
    writing: playwright.Page, model: ScriptedServer
) -> None:
    """The reader gets quotations and the reason, not a refusal."""
    model.replies, model.default = [], Reply(status=401)
    answer = ask(writing, "What did Khamenei warn Erdogan about?")
    playwright.expect(answer.locator(".isnad-notice")).to_contain_text("did not answer")
    assert answer.locator("blockquote").count() >= 1


def test_stop_stops_the_model(writing: playwright.Page, model: ScriptedServer) -> None:
    """The server notices that nobody listens any more, and the page answers the next question."""
    model.requests.clear()
    model.replies = [Reply("Khamenei warned Erdogan about an attack [1]. ", between=0.05, endless=True)]
    model.default = Reply(status=401)
    writing.locator("#isnad-question textarea").fill("What did Khamenei warn Erdogan about?")
    writing.keyboard.press("Enter")
    writing.locator(".isnad-answer").first.wait_for(timeout=60_000)
    writing.locator("#isnad-question button.stop-button").click()
    assert model.requests[0].gone.wait(10)
    assert ask(writing, "Who won the Tour de France Femmes?").locator("blockquote").count() >= 1
