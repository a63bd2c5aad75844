"""The page for everybody: axe-core's rules, the keyboard alone, other languages, themes, zoom and little motion."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.conftest import ask, opened, tab
from ui.texts import text

playwright = pytest.importorskip("playwright.sync_api")

_AXE = "axe-core@4.10.3"
_TEXT = "ماذا قال بوتين لرئيسي؟"
# Visible words and names in Latin letters, outside of what says that it is in another language.
_LATIN = """() => [...document.querySelectorAll("body *")]
  .filter((each) => !each.closest("script, style, svg, bdi, [lang]:not([lang=ar]):not(html), #isnad-kept, h1"))
  .flatMap((each) => [
    each.checkVisibility() ? [...each.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join(" ") : "",
    ...["aria-label", "title", "placeholder", "alt"].map((name) => each.getAttribute(name)),
  ]).flatMap((words) => (words ?? "").match(/[A-Za-z]{2,}/g) ?? [])"""
_ALLOWED = {
    *("Isnad", "Enter", "Esc", "Alt", "YYYY", "MM", "DD", "Markdown", "HTML", "PDF", "Word", "EPUB", "JSON", "CSV"),
    *("zip", "multilingual", "small", "example", "org"),
}


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core: from the folder AXE_CORE, or installed with npm outside of the repository."""
    given = os.environ.get("AXE_CORE")
    folder = Path(given) if given else tmp_path_factory.mktemp("axe")
    file = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not file.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is not there: install npm, or set AXE_CORE to a folder with node_modules/axe-core")
        command = [npm, "install", _AXE, "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install {_AXE}: {done.stderr[-300:]}")
    return file.read_text("utf-8")


def _violations(page: playwright.Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {node['target']} {node['html'][:200]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark"), ("en", "dark"), ("ar", "light")])
def test_axe_finds_nothing_serious(
    browser: playwright.Browser, address: str, axe: str, language: str, theme: str
) -> None:
    """On both tabs, with an answer, a source, filters and settings open, an article being read and one to be added."""
    with opened(browser, address, f"?lang={language}&theme={theme}") as page:
        assert _violations(page, axe) == []
        ask(page, _TEXT).locator(".isnad-said .isnad-cite").first.click()
        page.locator(".isnad-reader-title").wait_for()
        page.locator("#isnad-filters .label-wrap").click()
        page.locator("#isnad-since").wait_for()
        assert _violations(page, axe) == []
        page.locator("[data-drawer=settings]").click()
        assert _violations(page, axe) == []
        page.keyboard.press("Escape")
        tab(page, 1)
        page.locator("#isnad-articles [data-article]").first.click()
        page.locator("#isnad-add .label-wrap").click()
        page.locator("#isnad-reading .isnad-reader-title").wait_for()
        page.locator("#isnad-upload").wait_for()
        assert _violations(page, axe) == []


def test_the_arabic_page_is_mirrored_and_arabic(browser: playwright.Browser, address: str) -> None:
    """The conversations are on the right, the reader on the left, and nothing on either tab is left in English."""
    with opened(browser, address, "?lang=ar") as page:
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
        ask(page, _TEXT).locator(".isnad-said .isnad-cite").first.click()
        page.locator(".isnad-reader-title").wait_for()
        left = {
            part: page.locator(f"#isnad-{part}").bounding_box()["x"] for part in ("conversations", "middle", "reader")
        }
        assert left["reader"] < left["middle"] < left["conversations"]
        title = page.locator(".isnad-header h1").bounding_box()
        assert title["x"] > 640
        page.locator("#isnad-filters .label-wrap").click()
        page.locator("[data-drawer=settings]").click()
        page.wait_for_timeout(300)
        assert set(page.evaluate(_LATIN)) <= _ALLOWED
        page.keyboard.press("Escape")
        tab(page, 1)
        page.locator("#isnad-articles [data-article]").first.click()
        page.locator("#isnad-add .label-wrap").click()
        page.locator("#isnad-upload").wait_for()
        assert set(page.evaluate(_LATIN)) <= _ALLOWED


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fa", "تنظیمات"),
        ("tr", "Ayarlar"),
        ("ru", "Настройки"),
        ("fr", None),
        ("es", None),
        ("de", None),
        ("zh", "设置"),
    ],
)
def test_the_page_speaks_the_browsers_language(
    browser: playwright.Browser, address: str, language: str, words: str | None
) -> None:
    """Without a choice it is the browser's; ours and Gradio's own words are in it."""
    with opened(browser, address, locale=language) as page:
        assert page.evaluate("document.documentElement.lang").partition("-")[0] == language
        for key, selector in (("settings", "[data-drawer=settings]"), ("conversation_new", "#isnad-new")):
            playwright.expect(page.locator(selector)).to_have_text(text(key, language))
        placeholder = page.locator("#isnad-question textarea").get_attribute("placeholder")
        assert placeholder == text("question_placeholder", language)
        assert words is None or text("settings", language) == words


def test_language_and_theme_are_chosen_and_kept(page: playwright.Page) -> None:
    """In the settings; both hold after a reload, and the radio buttons show what is chosen."""
    page.locator("[data-drawer=settings]").click()
    page.get_by_label("Dark").check()
    page.wait_for_function("document.body.classList.contains('dark')")
    page.locator("#isnad-interface input").click()
    page.get_by_role("option", name="Deutsch").click()
    playwright.expect(page.locator("[data-drawer=settings]")).to_have_text("Einstellungen", timeout=20_000)
    page.locator("[data-drawer=settings]").click()
    playwright.expect(page.get_by_label("Dunkel")).to_be_checked(timeout=20_000)
    assert page.evaluate("document.body.classList.contains('dark')")
    background = page.evaluate(
        "getComputedStyle(document.querySelector('gradio-app')).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert max(background) < 60


def test_everything_can_be_done_with_the_keyboard(page: playwright.Page) -> None:
    """Skip to the question, ask, reach a number, read its source, close it, open and close the settings, start anew."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    page.keyboard.type("What did Khamenei warn Erdogan about?")
    page.keyboard.press("Enter")
    page.locator(".isnad-answer .isnad-copy").wait_for(timeout=60_000)
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.isnad-said .isnad-cite')"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.locator(".isnad-reader-title").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.isnad-said .isnad-cite')")
    page.locator("[data-drawer=settings]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("!!document.activeElement.closest('#isnad-settings')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.drawer") == "settings"
    page.keyboard.press("Alt+KeyN")
    playwright.expect(page.locator("#isnad-chat .message-row")).to_have_count(0)


@pytest.mark.parametrize("tab_place", [0, 1])
def test_the_page_can_be_zoomed(browser: playwright.Browser, address: str, tab_place: int) -> None:
    """At 200 % of 1280 × 800 nothing sticks out sideways, and the question can be reached."""
    with opened(browser, address, viewport={"width": 640, "height": 400}) as page:
        tab(page, tab_place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640
        if tab_place == 0:
            playwright.expect(page.locator("#isnad-question textarea")).to_be_in_viewport()


def test_little_motion_is_respected(browser: playwright.Browser, address: str) -> None:
    """Whoever wants none sees nothing move."""
    with opened(browser, address, reduced_motion="reduce") as page:
        ask(page, _TEXT).locator(".isnad-cite").first.click()
        page.locator(".isnad-reader-title").wait_for()
        slow = """() => document.getAnimations().filter((each) => each.effect.getTiming().duration > 10).length"""
        assert page.evaluate(slow) == 0
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
