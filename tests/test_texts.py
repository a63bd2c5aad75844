"""The texts of the page: the same ones in every language, each translated, and made so that they do what they say."""

from __future__ import annotations

from string import Formatter

import pytest
import regex

from rag.intents import Intent, read_intent
from ui.texts import DEFAULT, LANGUAGES, interface_language, text, texts

_OTHERS = [code for code in LANGUAGES if code != DEFAULT]
# Words that French and Spanish write as English does, and the French abbreviation of "page".
_SAME = {
    "fr": {
        "column_date",
        "conversation",
        "conversations",
        "library_title",
        "page_number",
        "question",
        "reader_title",
        "source",
        "sources",
    },
    "es": {"error_title"},
}
# What stays in Latin letters where another script is written: the command, keys, formats, and how a date is typed.
_LATIN = {
    *("isnad", "ingest", "FILE_OR_FOLDER", "Enter", "Esc", "Alt", "N", "YYYY", "MM", "DD"),
    *("Markdown", "HTML", "PDF", "Word", "EPUB", "JSON", "CSV", "zip"),
}
_TITLES = {
    "en": "Tehran summit puts Syria back on the table",
    "ar": "بوتين في طهران: اتفاقات طاقة وحديث عن تقليص دور الدولار",
    "fa": "دریاچه ارومیه همچنان تشنه است؛ اعتراض‌ها به خیابان رسید",
    "tr": "Erdoğan’dan İsveç ve Finlandiya’ya uyarı",
    "ru": "ОПЕК+ прибавит в сентябре лишь 100 тысяч баррелей в сутки",
    "fr": "Van Vleuten au sommet, le Tour de France Femmes a trouvé son public",
    "es": "Los drones que Moscú busca en Teherán: lo que se sabe y lo que se niega",
    "de": "Nach der Wartung ist vor der Drosselung",
    "zh": "国际粮价连跌四个月，黑海通道带来多少喘息",
}
_LEFT_TO_RIGHT_MARK = "\u200e"


def _placeholders(words: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(words) if name is not None)


def _wording(words: str) -> str:
    """The text without its placeholders."""
    return "".join(literal for literal, _, _, _ in Formatter().parse(words))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text(language: str) -> None:
    """A language has the texts of English, no more and no fewer."""
    assert set(texts(language)) == set(texts(DEFAULT))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty(language: str) -> None:
    """Every text says something, and has no spaces around it."""
    assert [key for key, words in texts(language).items() if not words or words != words.strip()] == []


@pytest.mark.parametrize("language", _OTHERS)
def test_the_same_values_are_put_in(language: str) -> None:
    """A translation has the placeholders of the English text, each as often."""
    different = {
        key: words
        for key, words in texts(language).items()
        if _placeholders(words) != _placeholders(texts(DEFAULT)[key])
    }
    assert different == {}


@pytest.mark.parametrize("language", _OTHERS)
def test_every_text_is_translated(language: str) -> None:
    """No text is the English one, except words that the language shares and texts without a word of their own."""
    same = {
        key
        for key, words in texts(language).items()
        if words == texts(DEFAULT)[key] and regex.search(r"\p{L}", _wording(words))
    }
    assert same == _SAME.get(language, set())


@pytest.mark.parametrize("language", ["ar", "fa", "ru", "zh"])
def test_no_english_is_left_over(language: str) -> None:
    """Where another script is written, only names of commands, keys and formats are in Latin letters."""
    found = {word for words in texts(language).values() for word in regex.findall(r"[\p{Latin}_]+", _wording(words))}
    assert found <= _LATIN


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_is_the_same_in_every_language(language: str) -> None:
    """Whoever has no articles reads a command that can be typed as it stands."""
    for key in ("empty_collection", "empty_collection_read_only"):
        assert text(key, language).endswith("isnad ingest FILE_OR_FOLDER")


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_a_date_is_not_turned_round(language: str) -> None:
    """In a right-to-left text a date is shown from left to right: behind Arabic letters its parts would change places
    (Unicode Bidirectional Algorithm, rule W2).
    """
    day = "2022-07-19"
    shown = [text("filter_from", language, day=day), text("filter_to", language, day=day), text("error_date", language)]
    assert [words for words in shown if f"{_LEFT_TO_RIGHT_MARK}{day}" not in words] == []


@pytest.mark.parametrize("asked", ["own", "en"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_is_understood_as_a_summary(language: str, asked: str) -> None:
    """A click on the example has the article of that title summed up, whatever the language is taken for."""
    for title in _TITLES.values():
        said = text("example_about", language, title=title)
        wish = read_intent(said, language if asked == "own" else asked)
        assert (wish.intent, wish.topic) == (Intent.SUMMARY, title), said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_example_may_name_a_question(language: str) -> None:
    """A headline that ends in a question mark is a topic as well."""
    wish = read_intent(text("example_about", language, title="Gemiler nasıl denetlenecek?"), language)
    assert (wish.intent, wish.topic) == (Intent.SUMMARY, "Gemiler nasıl denetlenecek")


@pytest.mark.parametrize(
    ("reader", "spoken"),
    [("fa-IR", "fa"), ("zh-Hant-TW", "zh"), ("de", "de"), ("en-GB", "en"), ("sw", "en"), ("", "en")],
)
def test_which_language_the_page_speaks(reader: str, spoken: str) -> None:
    """A reader's own language if the page speaks it, whatever the region; English for others and for nobody."""
    assert interface_language(reader) == spoken


def test_a_text_that_there_is_not() -> None:
    """A wrong key is an error, not an empty label."""
    with pytest.raises(KeyError):
        text("no_such_text", "ar")
    with pytest.raises(KeyError):
        text("", "ar")
