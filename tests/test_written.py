"""What language models write is read as it arrives: sentences, the numbers they cite, and nothing else."""

from __future__ import annotations

import pytest

from rag.prompts import REFUSAL
from rag.written import is_refusal, may_become_refusal, read_written


@pytest.mark.parametrize(
    ("text", "language", "claims"),
    [
        ("He warned him [1]. It would.[2]", "en", [("He warned him.", (1,)), ("It would.", (2,))]),
        ("Two did [1, 2]. All did [1][2][3].", "en", [("Two did.", (1, 2)), ("All did.", (1, 2, 3))]),
        ("قال خامنئي ذلك.[١] وقال بوتين هذا [٢، ٣].", "ar", [("قال خامنئي ذلك.", (1,)), ("وقال بوتين هذا.", (2, 3))]),
        ("او گفت نه [۲]. او رفت.", "fa", [("او گفت نه.", (2,)), ("او رفت.", ())]),
        ("他警告了他。[1][3] 第二句【2†source】。", "zh", [("他警告了他。", (1, 3)), ("第二句。", (2,))]),
        ("Er kam [Passage 2] und ging [1–3].", "de", [("Er kam und ging.", (2, 1, 3))]),
        ("Dr. Li said 3.5 million left [2]; none did.", "en", [("Dr. Li said 3.5 million left; none did.", (2,))]),
        ("One sentence.\n[1]", "en", [("One sentence.", (1,))]),
        ("", "en", []),
        ("[1]", "ar", []),
    ],
)  # fmt: skip
def test_citations_in_every_form_belong_to_their_sentence(
    text: str, language: str, claims: list[tuple[str, tuple[int, ...]]]
) -> None:
    """Brackets of any kind, digits of any script, before the full stop or behind it."""
    written = read_written(text, language, passages=3)
    assert [(claim.text, claim.numbers) for claim in written.claims] == claims
    assert written.removed == 0


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_numbers_that_no_passage_has_are_removed_and_counted(language: str) -> None:
    """An invented citation never reaches the reader."""
    written = read_written("Yes [1][7]. No [٩] and 【0】.", language, passages=2)
    assert {number for claim in written.claims for number in claim.numbers} == {1}
    assert written.removed == 3
    assert not any("7" in claim.text or "٩" in claim.text for claim in written.claims)


def test_markdown_links_and_markup_are_taken_out() -> None:
    """Only an address of an article's own metadata stays in the text."""
    text = (
        "# Title\n- **Bold** [1]\n- See [here](http://evil.example/?q=secret) ![x](http://evil.example/x.png)\n"
        "At https://example.org/a and http://evil.example/b <script>alert(1)</script>\u202e."
    )
    written = read_written(text, "en", passages=1, links={"https://example.org/a"})
    said = " ".join(claim.text for claim in written.claims)
    assert "evil" not in said and "<" not in said and "*" not in said and "\u202e" not in said
    assert "https://example.org/a" in said
    assert [claim.begins for claim in written.claims] == [False, True, True, True]


@pytest.mark.parametrize("tail", [" [", " [1", " 【2", " [1, "])
def test_a_mark_that_is_still_being_written_is_not_shown(tail: str) -> None:
    """While the answer streams, half a citation is held back."""
    written = read_written("He came" + tail, "en", passages=3, whole=False)
    assert [claim.text for claim in written.claims] == ["He came"]


@pytest.mark.parametrize(
    "text", [REFUSAL, f" {REFUSAL}. ", "Not in the articles", f"**{REFUSAL}**", f"Sorry: {REFUSAL}"]
)
def test_the_refusal_is_known_in_every_guise(text: str) -> None:
    """Models put quotation marks, stops and excuses around it."""
    assert is_refusal(text)


def test_what_may_become_a_refusal_is_held_back() -> None:
    """The first words of an answer are shown as soon as they cannot be the refusal's."""
    assert all(may_become_refusal(REFUSAL[:length]) for length in range(len(REFUSAL) + 1))
    assert not may_become_refusal("Khamenei")
    assert not may_become_refusal("Nothing was")
