"""Which legacy encoding bytes are in, told from the letters that each language would have.

A hypothesis is an encoding and a language written in it. Its score is the logarithm of the probability that a model of
that language gives to the decoded letters, so every hypothesis explains the same bytes and the best one wins. The
models count letters and pairs of letters in the names of places, languages and currencies that Unicode CLDR (package
babel) has in every language; Chinese, Japanese and Korean fall back on the everyday characters of their standards.
"""

from __future__ import annotations

import codecs
import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

# Where two encodings explain a text equally well, as those that differ only in signs it does not have, the first wins.
_LANGUAGES = {
    "cp1256": "ar fa ur",
    "cp1251": "ru uk be bg sr mk",
    "koi8-r": "ru",
    "koi8-u": "uk",
    "iso8859-5": "ru bg sr",
    "iso8859-6": "ar",
    "gb18030": "zh zh_Hant",
    "big5hkscs": "zh_Hant",
    "cp932": "ja",
    "euc_jp": "ja",
    "cp949": "ko",
    "cp1252": "en de fr es it pt nl sv da nb fi is ca",
    "cp1254": "tr az",
    "cp1250": "pl cs hu ro hr sk sl",
    "iso8859-2": "pl cs hu ro hr sk sl",
    "cp1257": "lt lv et",
    "cp1253": "el",
    "cp1255": "he",
    "cp874": "th",
    "mac-roman": "en de fr es it pt nl sv da nb fi is ca",
    "cp850": "en de fr es it pt nl sv da nb fi is ca",
    # Without a byte order mark and without the NUL bytes that spaces have.
    "utf-16-le": "zh zh_Hant ja th",
    "utf-16-be": "zh zh_Hant ja th",
}
# What people call them, where that is not Python's name.
_NAMES = {
    **{f"cp{page}": f"windows-{page}" for page in range(1250, 1258)},
    "big5hkscs": "big5",
    "cp932": "shift_jis",
    "euc_jp": "euc-jp",
    "cp949": "euc-kr",
    "iso8859-2": "iso-8859-2",
    "cp874": "windows-874",
}
# Words that names lack and running text is full of.
_COMMON = {
    "zh": " ".join(
        "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    ),
    "zh_Hant": " ".join(
        "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作"
    ),
    "ja": " ".join(
        "のにはをたがでてとしれさあるいるもするからなことしていないというえりよくそなっのでしたですますだった"
    ),
    "it": "è è à perché più così può già però città sarà né sì là ieri",
    "fr": "à à été où ça même très après être là selon déjà première",
    "es": "está más también después según años él sí día había así",
    "pt": "é é à não são está também já às após até você três",
    "da": "på år også når få være første før over",
    "sv": "på är år också när för från även där än över",
}
_COMMON_TIMES = 8
# The everyday characters of a national standard: the standard's codec, first and last lead byte of their rows.
_EVERYDAY = {
    "zh": ("gb2312", 0xB0, 0xD7),
    "zh_Hant": ("big5", 0xA4, 0xC6),
    "ja": ("euc_jp", 0xA4, 0xCF),
    "ko": ("euc_kr", 0xB0, 0xC8),
}
# How the old encodings wrote letters that they lack or that were told apart later.
_FOLDS = {"fa": str.maketrans("یۀ", "يه"), "ur": str.maketrans("ی", "ي"), "ro": str.maketrans("șț", "şţ")}
_SIGNS = frozenset(
    "«»“”„‘’–—…‚،؛؟ـ‹›·•°№€£§©®™¿¡´ªº\xa0\u200c\u200d\u200e\u200f"
    "、。，．！？：；（）「」『』《》〈〉【】〔〕・ー～－％０１２３４５６７８９\u3000"
    # Vowel signs of Arabic and Hebrew, which names do without.
    "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb\u05bc"
)
# Control characters that no text holds, those between ASCII and Latin-1 included, and what never is a character.
BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_WORD = re.compile(r"[A-Za-z\x80-\U0010ffff]+")
_NAME = re.compile(r"[\w\u0e31\u0e34-\u0e3a\u0e47-\u0e4e]+")  # to re, Thai vowel signs are no part of a word

# Weights of the model, in natural logarithms; measured with them on 20 languages (see the tests): 99 % of texts of 300
# characters are read exactly, and every one in Arabic, Persian, Urdu, Russian, Chinese, Japanese and Korean.
_PAIR = 0.6  # share of a letter's probability that its neighbour decides
_UNSEEN, _UNSEEN_EVERYDAY = 0.02, 0.3  # share kept for letters that the names lack
_FLOOR = -14.0  # a letter that the language does not have
_SIGN = -5.0
_ASCII_LETTER = -3.0  # inside a word of another script: what a letter costs on average in its own
_MIXED = -5.0  # two scripts in a word, or a capital after a small letter
_MIXED_EVERYDAY = -3.0  # Latin names stand next to Chinese characters without a space
_SWITCH = -10.0  # a single letter between Latin words is an Italian è, not a Russian и
# What a letter costs at least in text that is not what it is read as (broken UTF-8, DOS code pages, noise), and what a
# short text, where one odd name weighs much, may cost more.
_LEAST, _LEAST_EVERYDAY, _GRACE = -4.8, -11.0, 25.0
_CLOSE = 2.0  # so near the second best, one in eight is wrong
_FAR, _FAR_LETTER = 10.0, 0.5  # a Turkish page that says it is iso-8859-1 is this far from being so
_RARE = -8.0  # for one or two accents these do not come into question
_RARELY = frozenset(("iso8859-5", "iso8859-6", "mac-roman", "cp850"))
# Letters to judge by: more changes no verdict, and takes longer.
_ENOUGH = 3000


# Words and how often each occurs.
Words = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class _Model:
    """Logarithms of the probability of a letter alone and of one behind another, "^" for the beginning of a word."""

    pairs: dict[str, float]
    letters: dict[str, float]
    latin: bool
    everyday: bool
    mixed: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well an encoding explains the bytes: ``total`` is a logarithm over ``letters``, ``everyday`` the kind of
    language that gave it.
    """

    codec: str
    total: float
    letters: int
    everyday: bool

    @property
    def convinces(self) -> bool:
        least = _LEAST_EVERYDAY if self.everyday else _LEAST
        return self.letters > 0 and self.total >= least * self.letters - _GRACE


def guess(sample: bytes, *, whole: bool, declared: str = "") -> str:
    """The encoding of ``sample`` as Python's name, or "" where none is convincing.

    The last character may be cut unless ``whole``. The declared encoding, also Python's name, wins unless another one
    is far likelier.
    """
    fits = _fits(sample, whole)
    if not fits:
        return declared
    best = fits[0]
    if declared:
        said = next((fit for fit in fits if fit.codec == declared), None)
        lead = best.total - said.total if said else 0.0
        return best.codec if best.convinces and lead > max(_FAR, best.letters * _FAR_LETTER) else declared
    decoded = _decoded(sample, best.codec, whole)
    rival = next((fit for fit in fits[1:] if _decoded(sample, fit.codec, whole) != decoded), None)
    close = rival is not None and best.total - rival.total < _CLOSE
    return best.codec if best.convinces and not close else ""


def known_name(codec: str) -> str:
    """What people call an encoding that Python calls ``codec``."""
    return _NAMES.get(codec, codec)


def _fits(sample: bytes, whole: bool) -> list[_Fit]:
    """The encodings that can decode the sample, the likeliest first."""
    latin: dict[str, tuple[float, _Fit]] = {}
    fits: dict[str, _Fit] = {}
    for codec, languages in _LANGUAGES.items():
        text = _decoded(sample, codec, whole)
        if not text or BINARY.search(text):
            continue
        accented, plain, switches = _words(text)
        for model in map(_model, languages.split()):
            total, letters = _score(accented, model)
            total += (_RARE if codec in _RARELY else 0.0) + (0.0 if model.latin else switches * _SWITCH)
            fit = _Fit(codec, total, letters, model.everyday)
            if not model.latin:
                fits[codec] = max(fits.get(codec, fit), fit, key=lambda fit: fit.total)
                continue
            # Which Latin language it is, and so which encoding, the words without accents tell as well.
            both = total + _score(plain, model)[0]
            if codec not in latin or both > latin[codec][0]:
                latin[codec] = (both, fit)
    best, first = max(latin.values(), key=lambda pair: pair[0], default=(0.0, None))
    for codec, (both, fit) in latin.items():
        fits[codec] = replace(fit, total=both - best + (first.total if first else 0.0))
    order = list(_LANGUAGES)
    return sorted(fits.values(), key=lambda fit: (-fit.total, order.index(fit.codec)))


def _decoded(sample: bytes, codec: str, whole: bool) -> str:
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample, whole)
    except UnicodeDecodeError:
        return ""


def _words(text: str) -> tuple[Words, Words, int]:
    """The words that are not all ASCII, those that are, and how often one of the first follows one of the second."""
    words: Counter[str] = Counter()
    letters = switches = 0
    in_ascii = True
    for match in _WORD.finditer(text):
        word = match.group()
        words[word] += 1
        letters += 0 if word.isascii() else len(word)
        switches += in_ascii and not word.isascii()
        in_ascii = word.isascii()
        if letters > _ENOUGH:
            break
    accented = [(word, times) for word, times in words.items() if not word.isascii()]
    return accented, [(word, times) for word, times in words.items() if word.isascii()], switches


def _score(words: Words, model: _Model) -> tuple[float, int]:
    """The logarithm of the words' probability in a language, and the number of their letters."""
    total, letters = 0.0, 0
    for word, times in words:
        total += times * _word_score(word, model)
        letters += times * len(word)
    return total, letters


def _word_score(word: str, model: _Model) -> float:
    score, before, after_small = 0.0, "^", False
    small = word.lower()
    if len(small) != len(word):  # Turkish İ
        small = "".join(letter.lower()[0] for letter in word)
    for letter, written in zip(small, word, strict=True):
        foreign = not model.latin and "a" <= letter <= "z"
        if letter in _SIGNS:
            score += _SIGN
            before, after_small = "^", False
            continue
        if foreign:
            score += _ASCII_LETTER
        else:
            pair = model.pairs.get(before + letter)
            score += model.letters.get(letter, _FLOOR) if pair is None else pair
        if not model.latin and before != "^" and foreign != ("a" <= before <= "z"):
            score += model.mixed
        if after_small and letter != written:
            score += _MIXED
        before, after_small = letter, letter == written and not foreign
    return score


@cache
def _model(language: str) -> _Model:
    everyday = _everyday(language)
    letters: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    first: Counter[str] = Counter()
    for word in _NAME.findall(_names(language).lower()):
        for before, letter in zip("^" + word, word, strict=False):
            letters[letter] += 1
            pairs[before + letter] += 1
            first[before] += 1
    unseen = _UNSEEN_EVERYDAY if everyday else _UNSEEN
    known = everyday | set(letters)
    count = letters.total()
    share = {letter: (1 - unseen) * letters[letter] / count + unseen / len(known) for letter in known}
    return _Model(
        pairs={
            pair: math.log(_PAIR * times / first[pair[0]] + (1 - _PAIR) * share[pair[1]])
            for pair, times in pairs.items()
        },
        letters={letter: math.log((1 - _PAIR) * part) for letter, part in share.items()},
        everyday=bool(everyday),
        latin=letters["a"] > count / 100,
        mixed=_MIXED_EVERYDAY if everyday or language == "th" else _MIXED,
    )


def _names(language: str) -> str:
    from babel import Locale

    locale = Locale.parse(language)
    cities = (str(zone.get("city", "")) for zone in locale.time_zones.values())
    parts = [*locale.territories.values(), *locale.languages.values(), *locale.scripts.values()]
    text = " ".join([*parts, *locale.currencies.values(), *cities, *[_COMMON.get(language, "")] * _COMMON_TIMES])
    return text.translate(_FOLDS.get(language, {}))


def _everyday(language: str) -> set[str]:
    if language not in _EVERYDAY:
        return set()
    codec, first, last = _EVERYDAY[language]
    cells = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0x40, 0xFF))
    return set("".join(cell.decode(codec, "ignore") for cell in cells))
