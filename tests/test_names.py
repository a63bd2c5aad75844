"""Names are found again across scripts, by spelling, by sound, and by the country that they mean."""

from __future__ import annotations

import pytest

from rag.facts import SAME_WORD
from rag.names import countries, likeness, read_names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Khamenei", "قال خامنئي ذلك"),
        ("Khamenei", "Хаменеи сказал это"),
        ("Erdogan", "Erdoğan'ın açıklaması"),
        ("Velmora", "شهر ولمورا"),
        ("Korel", "किरण कोरेल ने कहा"),
        ("Halvik", "哈尔维克港"),
        ("Хендрик", "Hendrik came"),
    ],
)
def test_a_name_is_found_in_another_script(name: str, text: str) -> None:
    """The consonants of a name's sound carry it from script to script."""
    assert likeness(name, text) >= SAME_WORD


@pytest.mark.parametrize("text", ["قال أردوغان ذلك", "Путин сказал это", "普京说", "", "Putin'in açıklaması"])
def test_another_name_is_not(text: str) -> None:
    """A name is not found where another stands, nor in nothing."""
    assert likeness("Khamenei", text) < SAME_WORD


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Germany and the Turkish government", "en"),
        ("ألمانيا والحكومة التركية", "ar"),
        ("德国和土耳其政府", "zh"),
        ("Almanya ve Türk hükümeti", "tr"),
        ("правительство Германии и Турции", "ru"),
        ("دولت آلمان و ترکیه", "fa"),
    ],
)
def test_countries_are_the_same_in_every_language(text: str, language: str) -> None:
    """A country, its people and its language are one, whatever the language that names them."""
    assert {"DE", "TR"} <= set(countries(text, language))


def test_a_capital_at_the_start_makes_no_name() -> None:
    """Of the first word of a sentence it is not sure that it is a name; of one within it is."""
    assert [(name.text, name.sure) for name in read_names("The mayor met Ana Korel. Then Putin left.", "en")] == [
        ("The", False),
        ("Ana Korel", True),
        ("Putin", True),
    ]
