"""An answer as HTML: escaped, marked, and running the right way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.types import (
    Answer,
    AnswerSentence,
    Article,
    Citation,
    Flaw,
    Mode,
    Notice,
    Passage,
    Problem,
    Quote,
    Status,
    Support,
)
from ui.render import answer_html, error_html, marked_passage


def _answer(text: str, *, quoted: str, language: str, title: str = "T", url: str = "", reader: str = "en") -> Answer:
    start = text.index(quoted)
    article = Article(id="a", title=title, text=text, url=url, publisher="P", published="2022-07-19", language=language)
    quote = Quote(quoted, start, start + len(quoted))
    passage = Passage("p", "a", text, 0, len(text), language, ((quote.start, quote.end),))
    return Answer(
        question="q", status=Status.ANSWERED, mode=Mode.EXTRACTIVE, text="", language=reader, confidence=1.0,
        sentences=(AnswerSentence(quoted, (1,), Support.SUPPORTED),),
        citations=(Citation(1, article, passage, (quote,), 0.9),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("language", "text", "quoted", "direction"),
    [
        ("ar", "قال الوزير شيئًا. ثم غادر القاعة.", "ثم غادر القاعة.", "rtl"),
        ("fa", "او گفت. سپس رفت.", "سپس رفت.", "rtl"),
        ("zh", "他来了。然后走了。", "然后走了。", "ltr"),
        ("en", "He came. Then he left.", "Then he left.", "ltr"),
    ],
)
def test_the_quoted_words_are_marked_in_their_language_and_direction(
    language: str, text: str, quoted: str, direction: str
) -> None:
    """Passage, quote and title carry lang and dir of the article, and only the quote is marked."""
    html = answer_html(_answer(text, quoted=quoted, language=language))
    assert f"<mark>{quoted}</mark>" in html
    assert html.count("<mark>") == 1
    assert f'<blockquote lang="{language}" dir="{direction}">' in html
    assert f'class="isnad-passage" lang="{language}" dir="{direction}"' in html


def test_nothing_from_an_article_becomes_markup() -> None:
    """Tags, attributes and Markdown in text, title, url and language stay text."""
    evil = '<img src=x onerror=alert(1)> **b** "quote" & <script>'
    html = answer_html(
        _answer(f"{evil}\n\nnext", quoted=evil, language='en" onclick="x', title=evil, url="javascript:x")
    )
    assert "<img" not in html
    assert "<script" not in html
    assert 'onclick="x' not in html
    assert "javascript:" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "data:text/html,x", "//host/path", "ftp://host/x", "https:"]
)
def test_only_web_addresses_are_links(url: str) -> None:
    """An article's url is a link when it is http or https with a host, and left out otherwise."""
    assert "<a " not in answer_html(_answer("A b.", quoted="A b.", language="en", url=url))
    assert 'href="https://example.org/?a=1&amp;b=2"' in answer_html(
        _answer("A b.", quoted="A b.", language="en", url="https://example.org/?a=1&b=2")
    )


def test_the_block_has_no_line_breaks_of_its_own() -> None:
    """Markdown would end the block at a blank line; breaks in the passage are elements."""
    answer = _answer("one.\n\ntwo.\r\nthree.", quoted="two.", language="en")
    assert "\n" not in answer_html(answer)
    assert marked_passage(answer.citations[0]) == "one.<br><mark>two.</mark><br>three."


@pytest.mark.parametrize(
    ("reader", "words"), [("ar", "لا تجيب المقالات"), ("zh", "没有回答"), ("en", "do not answer"), ("", "do not")]
)
def test_a_refusal_is_said_in_the_readers_language(reader: str, words: str) -> None:
    """Not in the articles: no sources, no citation, the reader's language (English where it is unknown)."""
    html = answer_html(Answer("q", Status.NOT_FOUND, Mode.EXTRACTIVE, "", reader, 0.1))
    assert words in html
    assert "isnad-source" not in html


def test_certainty_is_never_rounded_up_to_all() -> None:
    """A confidence of 1 is shown as 99 %."""
    html = answer_html(_answer("A b.", quoted="A b.", language="en"))
    assert "99%" in html
    assert "100%" not in html


def test_an_error_is_told_apart_from_an_answer() -> None:
    """Errors are alerts, escaped."""
    html = error_html("<b>x</b>", "ar")
    assert html.startswith('<div class="isnad-error" role="alert" lang="ar" dir="rtl">')
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "isnad-answer" not in html


def _written(**fields: object) -> Answer:
    """An answer that a model wrote in Arabic from an English article, its second sentence not in it."""
    article = Article("a", "Tyre", "The harbour cost 42 million. Thousands came.", language="en")
    passage = Passage("a:v:0", "a", article.text, 0, 44, "en", ((0, 28), (29, 44)))
    quote = Quote("The harbour cost 42 million.", 0, 28, "بلغت كلفة الميناء 42 مليونًا.")
    sentences = (
        AnswerSentence("بلغت كلفة الميناء 42 مليونًا.", (1,), Support.SUPPORTED),
        AnswerSentence("عمقه 99 مترًا.", (), Support.UNSUPPORTED, (Problem(Flaw.NUMBER, "99"),)),
    )
    answer = Answer(
        "كم كلّف؟", Status.ANSWERED, Mode.GENERATED, "بلغت كلفة الميناء 42 مليونًا. [1]\nعمقه 99 مترًا.", "ar", 0.9,
        sentences, (Citation(1, article, passage, (quote,), 0.9),),
    )  # fmt: skip
    return replace(answer, **fields)  # type: ignore[arg-type]


def test_what_the_sources_do_not_carry_is_marked_in_words() -> None:
    """The verdict stands behind the sentence in the reader's language, with what is wrong."""
    page = answer_html(_written())
    assert page.count("isnad-unsupported") == 1
    assert "(غير موجود في المصادر: 99)" in page
    assert "<blockquote" not in page and page.count('<p lang="ar" dir="rtl"><span') == 2


def test_a_translation_stands_under_its_quote_and_is_called_one() -> None:
    """In the source, beside the original; quoted in the answer, under it."""
    page = answer_html(_written())
    assert "(ترجمة آلية)" in page and "<mark>The harbour cost 42 million.</mark>" in page
    quoted = (AnswerSentence("The harbour cost 42 million.", (1,), Support.SUPPORTED),)
    page = answer_html(_written(mode=Mode.EXTRACTIVE, sentences=quoted, text="“The harbour cost 42 million.” [1]"))
    assert page.index("<blockquote") < page.index("ترجمة آلية") < page.index("isnad-sources")


@pytest.mark.parametrize("notice", list(Notice))
def test_notices_are_told_in_the_readers_language(notice: Notice) -> None:
    """Each before the answer."""
    page = answer_html(_written(notices=(notice,), asked="كم كلّف الميناء؟"))
    assert page.index("isnad-notice") < page.index("isnad-cite")
    assert ("كم كلّف الميناء؟" in page) == (notice is Notice.CARRIED)


def test_a_draft_says_nothing_of_its_sentences_and_has_no_confidence() -> None:
    """Nothing is checked yet."""
    sentences = tuple(replace(each, support=Support.UNCHECKED) for each in _written().sentences)
    page = answer_html(_written(draft=True, sentences=sentences))
    assert "isnad-verdict" not in page.partition("isnad-sources")[0] and "isnad-sure" not in page


def test_characters_that_are_not_seen_are_left_out() -> None:
    """An override in a title or a text does not turn what follows it round."""
    article = Article("a", "Ty\u202ere", "The \u2066harbour\u200b cost 42.", language="en")
    passage = Passage("a:v:0", "a", article.text, 0, 23, "en", ((0, 23),))
    quote = Quote(article.text, 0, 23)
    answer = Answer(
        "?", Status.ANSWERED, Mode.EXTRACTIVE, f"“{article.text}” [1]", "en", 0.9,
        (AnswerSentence(article.text, (1,), Support.SUPPORTED),), (Citation(1, article, passage, (quote,), 0.9),),
    )  # fmt: skip
    assert not set("\u202e\u2066\u200b") & set(answer_html(answer))


@pytest.mark.parametrize(("interface", "shown"), [("en", "89%"), ("tr", "%89"), ("de", "89 %"), ("zh", "89%")])
def test_how_sure_it_is_stands_in_words_and_figures(interface: str, shown: str) -> None:
    """In the language of the page, percent as it writes them; certainty is never claimed."""
    answer = replace(_answer("ثم غادر.", quoted="ثم غادر.", language="ar"), confidence=0.89)
    assert shown in answer_html(answer, interface)
    assert "99" in answer_html(replace(answer, confidence=1.0), interface)
    assert "100" not in answer_html(replace(answer, confidence=1.0), interface)


@pytest.mark.parametrize(("interface", "direction"), [("ar", "rtl"), ("fa", "rtl"), ("zh", "ltr")])
def test_the_frame_of_an_answer_runs_as_the_page_does(interface: str, direction: str) -> None:
    """Sources and buttons follow the page, quotes their article."""
    html = answer_html(_answer("He came.", quoted="He came.", language="en"), interface, key="t.0")
    assert html.startswith(f'<div class="isnad-answer" lang="{interface}" dir="{direction}">')
    assert '<blockquote lang="en" dir="ltr">' in html
