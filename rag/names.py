"""Names in a sentence and whether a source has them, across scripts: by spelling, by sound, by country."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache

import regex
from anyascii import anyascii

from rag.language import primary, script
from rag.spelling import fold

_WORD = regex.compile(r"(?V1)[[\p{L}\p{M}]--[\p{Han}\p{Hiragana}]][[\p{L}\p{M}\p{Nd}]--[\p{Han}\p{Hiragana}]]*")
_CAPITALISED = regex.compile(r"\p{Lu}[\p{L}\p{M}]*")
# What may stand between the words of one name.
_JOINT = regex.compile(r"[ \u00a0-]|[-’'‑](?=\p{Lu})| (?:de|di|da|del|der|von|van|bin|ibn|el|al|la|le|du|des|of)[ -]")
# A name in Chinese or Japanese is told only by the dot between its parts, or where katakana stands for a foreign word.
_DOTTED = regex.compile(r"\p{Han}{2,4}(?:[·・‧]\p{Han}{1,4})+|[\p{Katakana}ー]{3,}(?:[・＝=][\p{Katakana}ー]+)*")
_STARTS = regex.compile(r"(?:^|[.!?:«“\"„‘(]\s*|[-—–]\s)$")
# In German every noun has a capital, so that one alone tells nothing.
_ALL_NOUNS = frozenset({"de", "lb"})
_PREFIX = {"Arab": r"(?:[وفبلك]{0,2}(?:ال|لل)?|)", "Hebr": r"[והבלכמש]{0,3}"}
_SHORTEST_STEM = 3

# Countries by names that CLDR has not, and by what their people and their governments are called.
_ALSO = {
    "US": "america american americans us usa washington امريكا اميركا امريكي اميركي امريكيه اميركيه "
    "واشنطن واشنطن امريكايي"
    " америк американск сша вашингтон abd amerika amerikan americain americaine etats-unis estadounidense eeuu"
    " amerikanisch americano americana 美国 美國 华盛顿 米国 アメリカ ארהב אמריק अमेरिक امريك 미국 美方",
    "GB": "britain british uk london england english بريطانيا بريطاني لندن انگليس بريتانيا британ лондон "
    "англи ingiltere ingiliz"
    " britannique britanico britisch britannico britanico 英国 伦敦 イギリス 英國 בריטני ब्रिटेन ब्रिटिश برطانيہ 영국",
    "RU": "russia russian moscow kremlin روسيا روسي موسكو كرملين روسيه مسكو росси российск москв московск "
    "кремл rus rusya moskova"
    " russe russie moscou rusia ruso rusa moscu russisch russo moskau 俄罗斯 俄方 俄国 莫斯科 "
    "ロシア モスクワ רוסי מוסקבה रूस روس 러시아",
    "CN": "china chinese beijing الصين صيني بكين چين چيني پكن кита китай китайск пекин cin cinli pekin "
    "chine chinois pekin chino"
    " chinesisch cinese pequim 中国 中方 北京 סין בייג'ינג चीन بيجنگ 중국 베이징",
    "TR": "turkey turkish turkiye ankara turks turk تركيا تركي انقره تركيه آنكارا турци турецк анкар turc "
    "turque turquie turco turca"
    " turquia turkisch turkei 土耳其 安卡拉 トルコ טורקיה טורקי तुर्की तुर्किए تركي 터키 튀르키예",
    "IR": "iran iranian tehran ايران ايراني طهران تهران иран тегеран tahran iranien irani iranisch "
    "teheran 伊朗 德黑兰 イラン テヘラン"
    " איראן טהרן ईरान तेहरान 이란",
    "SY": "syria syrian damascus سوريا سوريه سوري دمشق сири сирийск дамаск suriye sam syrie syrien siria "
    "sirio 叙利亚 大马士革"
    " シリア סוריה दमिश्क सीरिया شام 시리아",
    "IL": "israel israeli اسرائيل اسرائيلي израил isra 以色列 イスラエル ישראל इज़राइल इसराइल इज़रायल 이스라엘",
    "UA": "ukraine ukrainian kyiv kiev اوكرانيا اوكراني كييف اوكراين украин киев україн київ ukrayna "
    "ukrainien ucrania ucraniano"
    " 乌克兰 基辅 ウクライナ אוקראינה यूक्रेन يوكرين 우크라이나",
    "DE": "germany german berlin المانيا الماني برلين آلمان герман немец берлин almanya alman allemagne "
    "allemand aleman alemania"
    " deutsch tedesco germania alemao 德国 柏林 ドイツ גרמני जर्मन جرمن 독일",
    "FR": "france french paris فرنسا فرنسي باريس فرانسه франц париж fransa fransiz francais frances "
    "franzosisch frankreich"
    " francese francia 法国 巴黎 フランス צרפת फ्रांस فرانس 프랑스",
    "EU": "eu european europe الاوروبي اوروبا اروپا евросоюз европ avrupa europeen europea europaisch "
    "欧盟 欧洲 ヨーロッパ 欧州 אירופ यूरोप يورپ 유럽",
    "UN": "un united-nations onu الامم-المتحده سازمان-ملل оон bm birlesmis nations-unies naciones-unidas "
    "uno 联合国 国連 האום संयुक्त-राष्ट्र 유엔",
}  # fmt: skip

_ALIKE = str.maketrans(dict(zip("pvwqgcxzdjy", "bffkkkkstss", strict=True)))
_VOWELS = regex.compile(r"[aeiouh'` -]")
_CHINESE = regex.compile(r"\p{Han}")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it stands in a text; ``sure`` where its capital is not that of the first word of a sentence."""

    text: str
    start: int
    end: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, folded, with the consonants of its sound."""

    folded: str
    sound: str
    start: int
    end: int


def read_names(text: str, language: str) -> list[Name]:
    """The names that the writing of a text shows: capitalised words, foreign names in Chinese and Japanese."""
    dotted = [Name(match.group(), match.start(), match.end()) for match in _DOTTED.finditer(text)]
    if script(language) in ("Arab", "Hebr", "Deva", "Beng", "Thai", "Hans", "Jpan", "Kore"):
        return dotted
    names: list[Name] = []
    for match in _CAPITALISED.finditer(text):
        start, end = match.span()
        if start and text[start - 1].isalpha():
            continue
        if names and _JOINT.fullmatch(text[names[-1].end : start]):
            names[-1] = Name(text[names[-1].start : end], names[-1].start, end, True)
        else:
            names.append(Name(match.group(), start, end, _STARTS.search(text[:start]) is None))
    if primary(language) in _ALL_NOUNS:
        names = [name if len(name.text.split()) > 1 else Name(name.text, name.start, name.end, False) for name in names]
    return [name for each in names if len((name := _without_first(each, text)).text) > 1] + dotted


def _without_first(name: Name, text: str) -> Name:
    """The name without a first word that has its capital from standing first in the sentence."""
    first, space, rest = name.text.partition(" ")
    if not space or _STARTS.search(text[: name.start]) is None:
        return name
    return Name(rest, name.start + len(first) + 1, name.end)


@lru_cache(maxsize=2048)
def read_words(text: str) -> tuple[Word, ...]:
    """The words of a text by spelling and sound."""
    found = []
    for match in _WORD.finditer(text):
        folded = fold(match.group())
        found.append(Word(folded, sound(match.group()), match.start(), match.end()))
    return tuple(found)


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """The consonants of a word's sound, roughly, in Latin letters: "hmn" and "kmn" for Khamenei in most scripts."""
    latin = anyascii(word).casefold()
    for pair, letter in (("kh", "k"), ("gh", "k"), ("ch", "s"), ("sh", "s"), ("ph", "f"), ("th", "t"), ("ts", "s")):
        latin = latin.replace(pair, letter)
    if not word.isascii() and script_of(word) in ("Arab", "Hebr"):
        # There waw and ya are long vowels more often than not.
        latin = latin[:1] + latin[1:].replace("w", "").replace("y", "").replace("v", "")
    plain = _VOWELS.sub("", latin[:1]) + _VOWELS.sub("", latin[1:].replace("y", "").replace("w", "f"))
    return str(regex.sub(r"(.)\1+", r"\1", regex.sub(r"[^a-z0-9]", "", plain).translate(_ALIKE)))


def script_of(word: str) -> str:
    """The code of the script, "Arab" or "Hebr", for words in those, else ""."""
    first = ord(next(iter(word), "a"))
    return "Hebr" if 0x0590 <= first < 0x0600 else "Arab" if 0x0600 <= first < 0x0900 else ""


def likeness(word: str, text: str) -> float:
    """How like the most similar word of a text is to one word of a name, 0 to 1, by spelling and by sound."""
    if _CHINESE.search(word) or not (parts := read_words(word)):
        return _chinese(word, text)
    part = parts[0]
    score = max((_alike(part, each) for each in read_words(text)), default=0.0)
    return max(score, _among_chinese(part.sound, text)) if _CHINESE.search(text) else score


def _alike(part: Word, word: Word) -> float:
    if part.folded == word.folded:
        return 1.0
    if word.folded.isascii() == part.folded.isascii() and word.folded[:2] == part.folded[:2]:
        shared = _shared(part.folded, word.folded)
        shorter = min(len(part.folded), len(word.folded))
        if shared >= 4 and shared >= 0.75 * shorter and abs(len(part.folded) - len(word.folded)) <= 5:
            return 1.0
    if not part.sound or not word.sound or abs(len(part.sound) - len(word.sound)) > 2:
        return 0.0
    if part.sound == word.sound:
        return 1.0 if len(part.sound) > 2 else 0.7
    if word.sound.endswith(part.sound) and len(part.sound) > 2:
        return 0.9
    if not set(part.sound[:2]) & set(word.sound[:3]):
        return 0.0
    return SequenceMatcher(None, part.sound, word.sound, autojunk=False).ratio()


def _shared(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _chinese(name: str, text: str) -> float:
    if name in text:
        return 1.0
    parts = regex.split(r"[·・‧＝=]", name)
    if _CHINESE.search(text):
        return max((len(part) for part in parts if part in text), default=0) / max(map(len, parts))
    sounds = [sound(part).replace("r", "l") for part in parts]
    words = [word.sound.replace("r", "l") for word in read_words(text)]
    scores = [
        max((SequenceMatcher(None, part, word, autojunk=False).ratio() for word in words if word), default=0.0)
        for part in sounds
    ]
    return max(scores)


def _among_chinese(sounded: str, text: str) -> float:
    """Whether the consonants are those of some characters of a text, one behind the other."""
    if len(sounded) < _SHORTEST_STEM:
        return 0.0
    return float(sounded.replace("r", "l") in _pinyin(text))


@lru_cache(maxsize=512)
def _pinyin(text: str) -> str:
    return str(
        regex.sub(r"(.)\1+", r"\1", "".join(sound(each).replace("r", "l") for each in text if _CHINESE.match(each)))
    )


# --- Countries --------------------------------------------------------------------------------------------------------


def countries(text: str, language: str) -> dict[str, str]:
    """The countries that a text speaks of, their peoples and languages too: by CLDR code, the words that say so."""
    spoken = primary(language)
    plain = fold(text).replace("\u200c", "")
    return {code: plain[start:end] for code, start, end in _countries(plain, spoken)}


def _countries(plain: str, language: str) -> Iterator[tuple[str, int, int]]:
    pattern, codes = _atlas(language)
    for match in pattern.finditer(plain):
        yield codes[match.group(1)], match.start(), match.end()


@cache
def _atlas(language: str) -> tuple[regex.Pattern[str], dict[str, str]]:
    """A pattern for the stems of all countries' names in a language, and the code for each stem."""
    from babel import Locale, UnknownLocaleError
    from babel.core import get_global

    codes: dict[str, str] = {}
    try:
        locale = Locale.parse(language or "en")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    subtags = get_global("likely_subtags")
    languages = {
        code: str(subtags.get(code, "")).rpartition("_")[2]
        for code in locale.languages
        if len(code) == 2 and code not in ("en", "es", "pt", "ar", "fr")
    }
    named = [(str(name), territory) for territory, name in locale.territories.items() if not territory.isdigit()]
    named += [
        (str(name), languages[code]) for code, name in locale.languages.items() if len(languages.get(code, "")) == 2
    ]
    for name, code in named:
        stem = _stem(fold(name))
        if len(stem) >= _SHORTEST_STEM or (_CHINESE.match(stem) and len(stem) > 1):
            codes.setdefault(stem, code)
    for code, words in _ALSO.items():
        for word in words.split():
            codes[_stem(fold(word.replace("-", " "))) if len(word) > 4 else fold(word)] = code
    prefix = _PREFIX.get(script(language), "")
    stems = "|".join(regex.escape(stem) for stem in sorted(codes, key=len, reverse=True))
    edge = "" if script(language) in ("Hans", "Jpan", "Kore", "Thai") else r"(?<![\p{L}\p{M}])"
    short = "" if not edge else r"(?:(?<=\p{L}{4})\p{L}{0,6}|(?!\p{L}))"
    return regex.compile(rf"{edge}{prefix}({stems}){short}"), codes


def _stem(name: str) -> str:
    name = name.removeprefix("ال") if len(name) > 5 else name
    return regex.sub(r"(?:[aeiouyاهةيаеиійяьыу]|ия|ie|ia)$", "", name) if len(name) > 5 else name
