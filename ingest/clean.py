"""The text of any source made plain: one kind of line break and space, no invisible characters, letters in order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate

from ingest.visual import fold, put_right

# What ends a line: Unicode's separators and what old printers' codes and macOS 9 left behind.
_LINE_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# No-break, fixed-width and ideographic spaces; a tab stays, it parts the cells of a table.
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Control characters, soft hyphens, direction marks, joiners that join nothing, and what is no character at all. The
# zero-width joiner and non-joiner stay: Persian, Urdu, Hindi and emoji are spelled with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufffe\uffff\ud800-\udfff]"
)
_TRAILING = re.compile("[ \t]+(?=\n|\\Z)")
_BLANK_LINES = re.compile("\n{3,}")
_ARABIC_FORM = re.compile("[\ufb50-\ufdf9\ufe70-\ufefc]")

_NOTE_FORMS = "Arabic presentation forms were replaced by ordinary letters."
_NOTE_REVERSED = "Reversed right-to-left text was put in reading order ({} lines)."
_NOTE_DOUBT = "Some right-to-left text may be in reversed order and could not be put right."


def clean_text(text: str, *, language: str = "") -> tuple[str, tuple[str, ...]]:
    """The text made plain, and a sentence for each repair that the reader should know of.

    Line breaks become line feeds, exotic spaces plain ones; unseen characters go; no more than one blank line in a row;
    Unicode's composed form (NFC). Reversed right-to-left lines are put in order, Arabic presentation forms replaced.
    Cleaning what is clean changes nothing. ``language`` is BCP 47, where it is known: it sharpens the eye for reversal.
    """
    text = _UNSEEN.sub("", _SPACE.sub(" ", _LINE_BREAK.sub("\n", text)))
    text = _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()
    notes = []
    # Before the forms are replaced: a form of two letters (lam with alef) turns as one.
    text, turned, doubtful = put_right(text, language=language)
    if turned:
        notes.append(_NOTE_REVERSED.format(turned))
    if doubtful:
        notes.append(_NOTE_DOUBT)
    plain = fold(text)
    if plain != text:  # the letters may show what the forms did not
        plain, turned, _ = put_right(plain, language=language)
        if turned and not notes:
            notes.append(_NOTE_REVERSED.format(turned))
    if plain != text and _ARABIC_FORM.search(text) and not _ARABIC_FORM.search(plain):
        notes.append(_NOTE_FORMS)
    return unicodedata.normalize("NFC", plain), tuple(notes)


def clean_pages(pages: Sequence[str], *, language: str = "") -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    """The text of consecutive pages made plain, the offset in it where each page begins, and the notes.

    The pages are put together as they are, so that a sentence may run over from one to the next. A page without text
    begins where the next one does.
    """
    whole = "".join(pages)
    text, notes = clean_text(whole, language=language)
    # A character that the text does not have goes through the cleaning at the head of each page.
    flag = next(character for character in map(chr, range(0xE000, 0xF900)) if character not in whole)
    parts: list[str] = []
    waiting = 0
    for page in pages:
        waiting += 1
        rest = page.lstrip()
        parts.append(page[: len(page) - len(rest)])
        if rest:
            parts += [flag * waiting, rest]
            waiting = 0
    flagged, _ = clean_text("".join(parts).rstrip() + flag * waiting, language=language)
    begins = accumulate(map(len, flagged.split(flag)[:-1]))
    return text, tuple(min(begin, len(text)) for begin in begins), notes
