"""Right-to-left text in visual order (as it lies on paper, left to right): told from right text, and put right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from rag.language import primary

_ARABIC = "\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
_HEBREW = "\u0590-\u05ff\ufb1d-\ufb4f"
_MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc"
_MARKS += "\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08ca-\u08e1\u08e3-\u08ff"

RTL = re.compile(f"[{_ARABIC}{_HEBREW}]")
_WORD = re.compile(f"[{_ARABIC}{_HEBREW}]{{2,}}")
# Vowel signs and the stretcher, which may stand in any word without making it another, and marks of punctuation.
_ORNAMENT = re.compile(f"[{_MARKS}\u0640]+")
_PUNCTUATION = str.maketrans(dict.fromkeys("،؛؟۔٪٫٬׀־׳״", " "))

# Words by which the news of each language is known at once from its mirror image. Words of one letter tell nothing;
# those whose mirror image stands in the list too are left out by _known.
_COMMON_WORDS = {
    "ar": "من في على إلى الى أن ان إن التي الذي عن مع هذا هذه ما كان كانت قد بين بعد قبل ذلك لم لن وقال قال أو او حتى "
    "منذ خلال عند غير كما أي لكن ولا وفي ومن وهو وهي هو هي يوم عام حيث تم ضد أكثر بأن وأن ثم",
    "fa": "از به که این را با است آن برای تا شد خود گفت هم نیز اما بود شده کرد کرده دارد باید شود هر ما آنها پس پیش "
    "میان می های ها سال روز چه نه اگر هستند بین",
    "ur": "کے میں کی ہے اور سے کا کو اس نے کہ ہیں پر یہ بھی کر تھا گیا ایک کہا جو تھی نہیں ہو کیا لیے گئی رہا بعد تھے "
    "ساتھ اپنے وہ گا رہے",
    "he": "של את על לא הוא זה עם כי גם או אך היא כל אל אם יש אין בין רק אחרי לפני מה היה היתה הייתה הם כמו עוד ולא שלא "
    "אבל כדי יותר אשר היום",
    "ps": "په چې له او دي کې سره ته نه یې دا هم کړي کړ شوي دغه خو هغه وي پر کوي شو",
    "ckb": "لە بە کە بۆ ئەو ئەم هەر لەگەڵ دەکات لەو بەڵام دوای هەروەها کرد وەک ئەوە نییە لەسەر دەبێت",
}
# Letters that only end a word, and those that only begin one.
_ONLY_LAST = frozenset("ةىںےךםןףץ")
_ONLY_FIRST = frozenset("إ")

# A line, paragraph or text is taken for reversed when its mirror image shows at least this many signs of a language
# (a common word, a letter in its only place) and several times as many as the text itself.
_ENOUGH_SIGNS = 3
_TIMES_AS_MANY = 3

_MIRRORED = {ord(pair[side]): pair[1 - side] for pair in ("()", "[]", "{}", "<>", "«»", "‹›") for side in (0, 1)}
_AFTER_CLOSING = "[^\\s.,;:!?…،؛؟۔)\\]}»›]"
_MISPLACED = re.compile(rf"(?<!\S)[)\]}}»›](?={_AFTER_CLOSING})|(?<=[^\s(\[{{«‹])[(\[{{«‹](?!{_AFTER_CLOSING})")

# In a line of one letter for each cluster (see _kind), in the order of reading:
# what keeps its order from left to right: words of other scripts with the numbers and marks between them,
_FOREIGN = re.compile("(?:T+(?=N))?[LN](?:[^R]*[LN])?")
# but not over the end of a sentence ("in 2022. OPEC said"),
_SENTENCE_END = re.compile("(?<=N)[SO]+W+(?=L)")
# and numbers. Among Arabic letters 10-12 and 50% lie mirrored, among Hebrew ones they do not (UAX 9, rules W2 to W5).
_NUMBER_AMONG_ARABIC = re.compile("N+(?:SN+)*")
_NUMBER_AMONG_HEBREW = re.compile("T*N+(?:[SE]N+)*T*")
_ARABIC_LETTER = re.compile(f"(?![٠-٩۰-۹])[{_ARABIC}]")
# What a line running from left to right reads from right to left.
_EMBEDDED = re.compile("R(?:[^L]*R)?")
_NUMERIC = {"S": ".,:/٫٬", "E": "+-", "T": "%$#€£°‰٪"}

_BRACKETS = re.compile(r"[()\[\]{}«»‹›]")
_CLUSTER = re.compile(f"[\\s\\S][{_MARKS}]*")
_MARK_AT_START = re.compile(f"(?<![{_ARABIC}{_HEBREW}])[{_MARKS}]")
_MARK_AT_END = re.compile(f"[{_MARKS}](?![{_ARABIC}{_HEBREW}])")


def fold(text: str) -> str:
    """The text with presentation forms (letters in the shape they take in a word) as ordinary letters.

    Signs for whole phrases, such as the honorific ﷺ and the rial ﷼, stay.
    """
    return text.translate(_ORDINARY) if _FORM.search(text) else text


_FORM = re.compile("[\ufb00-\ufb06\ufb13-\ufb17\ufb1d-\ufb28\ufb2a-\ufdf9\ufe70-\ufefc]")


class _Ordinary(dict[int, str]):
    """The ordinary letters of a character, filled as they are asked for."""

    def __missing__(self, code: int) -> str:
        form = plain = chr(code)
        if _FORM.match(form):
            plain = unicodedata.normalize("NFKC", form)
            if _ORNAMENT.search(plain):
                # A vowel sign's form on its own decomposes into it and a space or stretcher, no part of the word.
                plain = plain.strip(" \u0640")
        self[code] = plain
        return plain


_ORDINARY = _Ordinary()


@cache
def _known(language: str) -> frozenset[str]:
    lists = [_COMMON_WORDS[language]] if language in _COMMON_WORDS else list(_COMMON_WORDS.values())
    words = {word for text in lists for word in text.split()}
    return frozenset(word for word in words if word[::-1] not in words)


def _signs(text: str, words: frozenset[str]) -> int:
    """How many words of ``text`` show that it is in the order in which it is read."""
    plain = _ORNAMENT.sub("", fold(text)).translate(_PUNCTUATION)
    found = _WORD.findall(plain)
    return sum((word in words) + (word[-1] in _ONLY_LAST) + (word[0] in _ONLY_FIRST) for word in found)


def from_visual(lines: Sequence[tuple[Sequence[str], bool]]) -> list[str]:
    """The lines as they are read, each given by its letters as they lie on paper from left to right, marks with them.

    Undoes the reordering of Unicode Annex 9: in a line that runs from right to left (the bool), words of other scripts,
    numbers, dates and addresses keep their order; in one that runs from left to right, right-to-left words among the
    others are turned. Where two texts look the same on paper (a number beside a foreign word) the one with the foreign
    word first is taken. Brackets are given as they look or as they are meant: what leaves fewer misplaced is right.
    """
    kept = [_read(clusters, rtl) for clusters, rtl in lines]
    turned = [
        _read(clusters, rtl, brackets=True) if _BRACKETS.search(kept[i]) else kept[i]
        for i, (clusters, rtl) in enumerate(lines)
    ]
    misplaced = [sum(len(_MISPLACED.findall(line)) for line in found) for found in (kept, turned)]
    best = kept if misplaced[0] < misplaced[1] else turned
    return [_MISPLACED.sub(lambda match: match.group().translate(_MIRRORED), line) for line in best]


def _read(clusters: Sequence[str], rtl: bool, *, brackets: bool = False) -> str:
    if rtl:
        return _backwards(clusters, brackets)
    pieces: list[str] = []
    done = 0
    for run in _EMBEDDED.finditer(_kinds(clusters)):
        pieces += [*clusters[done : run.start()], _backwards(clusters[run.start() : run.end()], brackets)]
        done = run.end()
    return "".join([*pieces, *clusters[done:]])


def _backwards(clusters: Sequence[str], brackets: bool) -> str:
    line = clusters[::-1]
    kinds = _SENTENCE_END.sub(lambda match: "R" * len(match.group()), _kinds(line))
    number = _NUMBER_AMONG_ARABIC if _ARABIC_LETTER.search("".join(line)) else _NUMBER_AMONG_HEBREW
    pieces: list[str] = []
    done = 0
    for run in _FOREIGN.finditer(kinds):
        words = "L" in run.group()
        for start, end in [run.span()] if words else [match.span() for match in number.finditer(kinds, *run.span())]:
            between = "".join(line[done:start])
            pieces += [between.translate(_MIRRORED) if brackets else between, *line[start:end][::-1]]
            done = end
    between = "".join(line[done:])
    return "".join([*pieces, between.translate(_MIRRORED) if brackets else between])


class _Kinds(dict[int, str]):
    """R: right to left, L: another letter, N: digit, S, E, T: what belongs to numbers, W: space, O: anything else."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category in ("Mn", "Mc") or category.startswith("L"):
            self[code] = "R" if RTL.match(character) else "L"
        else:
            self[code] = "N" if category == "Nd" else "W" if character.isspace() else "O"
        return self[code]


_KINDS = _Kinds({ord(character): kind for kind, characters in _NUMERIC.items() for character in characters})


def _kinds(clusters: Sequence[str]) -> str:
    return "".join([cluster[0] for cluster in clusters]).translate(_KINDS)


def put_right(text: str, *, language: str = "") -> tuple[str, int, bool]:
    """The text with its reversed lines put right, how many they were, and whether others look reversed too.

    A line is judged by itself, else by its paragraph (the lines around it), else by the whole text, so that text of
    which only a part is reversed is treated line by line. ``language`` is BCP 47 and may be empty.
    """
    words = _known(primary(language))
    if not RTL.search(text) or _signs(text[::-1], words) < _ENOUGH_SIGNS:
        return text, 0, False
    lines = text.split("\n")
    signs = [(_signs(line, words), _signs(line[::-1], words)) if RTL.search(line) else (0, 0) for line in lines]
    whole = _sum(signs)
    backwards: list[int] = []
    start = 0
    for blank in [i for i, line in enumerate(lines) if not line.strip()] + [len(lines)]:
        around = _sum(signs[start:blank])
        for i in range(start, blank):
            judged = next((one for one in map(_is_reversed, (signs[i], around, whole)) if one is not None), False)
            if judged and ("R" in (kinds := _kinds(lines[i])) or "L" not in kinds):
                backwards.append(i)
        start = blank + 1
    # Most programs reverse character by character, which leaves a letter's vowel sign before it.
    marks_first = len(_MARK_AT_START.findall(text)) >= len(_MARK_AT_END.findall(text))
    found = [lines[i].strip() if marks_first else _CLUSTER.findall(lines[i].strip()) for i in backwards]
    for i, line in zip(backwards, from_visual([(clusters, True) for clusters in found]), strict=True):
        lines[i] = line
        signs[i] = (0, 0)
    left = _sum(signs)
    return "\n".join(lines), len(backwards), left[1] >= _ENOUGH_SIGNS and left[1] > left[0]


def _sum(signs: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(right for right, _ in signs), sum(mirrored for _, mirrored in signs)


def _is_reversed(signs: tuple[int, int]) -> bool | None:
    """Whether so many signs of being right and of being mirrored mean reversed text; None where they do not tell."""
    right, mirrored = signs
    if mirrored >= _ENOUGH_SIGNS and mirrored > _TIMES_AS_MANY * right:
        return True
    return False if right > mirrored + 1 else None
