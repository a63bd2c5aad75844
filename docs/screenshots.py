"""Makes the pictures of the page that the documentation shows, in docs/images: ``python docs/screenshots.py``.

It starts a server over the sample articles in a folder that is gone afterwards. With ``--url`` it takes one that is
running; names of pictures make only these. Every picture is in a palette of 256 colours, and small.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.bench.page import browser, served
from rag.errors import IsnadError, UsageError
from ui.texts import text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_IMAGES = Path(__file__).parent / "images"
_PATIENCE_MS = 60_000
_LARGEST = 150_000
# A picture that is still too large takes fewer colours.
_COLOURS = (256, 128, 64, 32)
_FIELD = "#isnad-question textarea"
# What moves or blinks would make every picture another.
_STILL = (
    "*, *::before, *::after { animation: none !important; transition: none !important; caret-color: transparent; "
    "scroll-behavior: auto !important; }"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A state of the page: what is done in it, the size of the window, the language and the theme of the page."""

    act: Callable[[Page], None]
    width: int = 1280
    height: int = 800
    language: str = "en"
    theme: str = "light"


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the pictures and prints how large they are."""
    parser = argparse.ArgumentParser(prog="python docs/screenshots.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of these: {', '.join(PICTURES)} (all)")
    parser.add_argument("--url", default="", help="a server that is running, over the sample articles")
    parser.add_argument("--folder", type=Path, default=_IMAGES, help="where the pictures go (docs/images)")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(PICTURES)
    if unknown:
        parser.error(f"no pictures: {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        with _at(options.url) as url, browser() as chromium:
            for name in options.names or PICTURES:
                data = small(take(chromium, url, PICTURES[name]))
                (options.folder / f"{name}.png").write_bytes(data)
                print(f"{name}.png {len(data) / 1000:.0f} kB")
    except IsnadError as error:
        raise SystemExit(str(error)) from error


@contextmanager
def _at(url: str) -> Iterator[str]:
    if url:
        yield url.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="isnad-pictures-") as folder, served(Path(folder)) as started:
        yield started


def take(chromium: Browser, url: str, picture: Picture) -> bytes:
    """The picture as a PNG. Raises UsageError when the page does not come to show it."""
    from playwright.sync_api import Error

    context = chromium.new_context(
        viewport={"width": picture.width, "height": picture.height}, device_scale_factor=1, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(f"{url}/?lang={picture.language}&theme={picture.theme}")
    page.locator(_FIELD).wait_for()
    # The tabs are filled once the collection has been read; then the examples are there, too.
    page.locator(".isnad-examples button, #isnad-chat .example, #isnad-chat button").first.wait_for()
    page.add_style_tag(content=_STILL)
    try:
        picture.act(page)
    except Error as error:
        raise UsageError(f"The page did not become what it should show: {error.message}") from error
    _settle(page)
    _from_the_top(page)
    _settle(page)
    data = page.screenshot()
    context.close()
    return data


def small(data: bytes) -> bytes:
    """The PNG in as many colours of its own as leave it small enough."""
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in _COLOURS:
        target = io.BytesIO()
        # Without dithering: letters stay sharp, and flat areas small.
        picture.quantize(colours, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
        if target.tell() < _LARGEST:
            break
    return target.getvalue()


def _ask(page: Page, question: str) -> Locator:
    """The finished answer to a typed question."""
    answers = page.locator(".isnad-answer:has(.isnad-copy)")
    before = answers.count()
    page.locator(_FIELD).fill(question)
    page.locator(_FIELD).press("Enter")
    answers.nth(before).wait_for()
    _settle(page)
    return answers.nth(before)


def _settle(page: Page) -> None:
    """Returns when nothing in the page changes its size or place any more, two frames in a row."""
    page.evaluate(
        """async () => {
          await document.fonts.ready;
          const frame = () => new Promise(requestAnimationFrame);
          const places = () => [...document.querySelectorAll("#isnad-chat *, #isnad-reader *, #isnad-tabs > *")]
            .map((each) => { const box = each.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; })
            .join();
          for (let before = "", same = 0, tries = 0; same < 12 && tries < 600; tries++) {
            await frame();
            const now = places();
            same = now === before ? same + 1 : 0;
            before = now;
          }
        }"""
    )


def _only(page: Page, language: str) -> None:
    """Has only articles in a language asked, by the page's own filter."""
    page.locator("#isnad-filters button").first.click()
    field = page.get_by_label(text("filter_languages", "en"))
    field.click()
    field.fill(language)
    page.get_by_role("option", name=language).first.click()
    page.keyboard.press("Escape")
    page.locator("#isnad-active-filters", has_text=language).wait_for()
    page.locator("#isnad-filters button").first.click()


def _open(page: Page, answer: Locator, quote: str) -> None:
    """Opens the article of the quote with these words beside the chat, and waits until its mark can be seen."""
    answer.locator("blockquote", has_text=quote).locator(".isnad-cite").first.click()
    page.locator("#isnad-reader mark").first.wait_for()
    page.locator("#isnad-reader mark").first.scroll_into_view_if_needed()
    # The pointer on a number shows its quote, which would hide what is below.
    page.mouse.move(1, 1)


def _from_the_top(page: Page) -> None:
    """Scrolls the chat and the page up, so that the question is seen."""
    page.evaluate(
        """() => {
          for (const each of document.querySelectorAll("#isnad-chat, #isnad-chat *")) each.scrollTop = 0;
          scrollTo(0, 0);
        }"""
    )


def _asked(page: Page) -> None:
    _only(page, "Arabic")
    _open(page, _ask(page, "What did Khamenei warn Erdogan about?"), "حذّر المرشد")


def _arabic(page: Page) -> None:
    _open(page, _ask(page, "ماذا قال بوتين لرئيسي؟"), "بوتين")


def _not_found(page: Page) -> None:
    answer = _ask(page, "How many soldiers does Turkey have in Syria?")
    answer.and_(page.locator(".isnad-not-found")).wait_for()


def _library(page: Page) -> None:
    page.get_by_role("tab", name=text("tab_library", "en")).click()
    page.get_by_role("row").nth(3).wait_for()


def _phone(page: Page) -> None:
    _ask(page, "خامنه‌ای به اردوغان چه هشداری داد؟")


def _dark(page: Page) -> None:
    _open(page, _ask(page, "问天实验舱是什么时候发射的？"), "问天")


PICTURES = {
    "ask": Picture(_asked, height=900),
    "arabic": Picture(_arabic, language="ar"),
    "not-found": Picture(_not_found, height=680),
    "library": Picture(_library),
    "phone": Picture(_phone, width=390, height=844, language="fa"),
    "dark": Picture(_dark, theme="dark"),
}


if __name__ == "__main__":
    main()
