"""Sentences and passages in any script, with offsets that are exact."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.split import PASSAGE_TOKENS, split_passages
from rag.build import Model
from rag.sentences import split_sentences
from rag.types import Article

# Pieces of many scripts, their full stops and traps, from which hypothesis builds texts.
_PIECES = st.sampled_from(
    [
        "Hello there. ",
        "Dr. Smith paid 3.5 million! ",
        "هل ذهبت؟ ",
        "نعم؛ ",
        "قال: «لا». ",
        "یہ جملہ ہے۔ ",
        "我喜欢猫。",
        "真的吗？",
        "これは。",
        "ภาษาไทย ไม่มี ",
        "यह वाक्य है। ",
        "Ելք։ ",
        "И он ушёл… ",
        "\n",
        "\r\n",
        "\n\n",
        "\u2028",
        "  ",
        "\t",
        "😀",
        "👩\u200d👩\u200d👧 ",
        "\u200f",
        "\u202e",
        "a" * 700,
        "字" * 300,
        "x ",
        "é",
        "\u0301",
        "3. toplantı ",
        "”",
        "“",
        "؟",
        "。",
        "...",
        "ﷺ",
        "\u00a0",
        "\u200b",
        "\x0b",
    ]
)
_TEXTS = st.one_of(st.lists(_PIECES, max_size=40).map("".join), st.text(max_size=300))


def _words(texts: list[str] | tuple[str, ...]) -> list[int]:
    """A stand-in for the tokenizer that needs no model: one token for every three characters."""
    return [len(text) // 3 + 1 for text in texts]


@settings(max_examples=300, deadline=None)
@given(text=_TEXTS, language=st.sampled_from(["en", "ar", "fa", "zh", "th", "tr", ""]))
def test_sentences_cover_the_text_in_order(text: str, language: str) -> None:
    """Sentences follow one another, hold no white space at their ends, and leave out nothing but white space."""
    position = 0
    for start, end in split_sentences(text, language):
        assert position <= start < end <= len(text)
        assert not text[position:start].strip(), "something between two sentences was lost"
        assert text[start:end] == text[start:end].strip()
        position = end
    assert not text[position:].strip()


@settings(max_examples=200, deadline=None)
@given(text=_TEXTS, language=st.sampled_from(["en", "ar", "zh", "th", ""]), budget=st.integers(5, 60))
def test_passages_are_cut_from_the_article_exactly(text: str, language: str, budget: int) -> None:
    """``article.text[start:end] == passage.text``, sentences are whole, every sentence is in a passage."""
    article = Article(id="a", title="", text=text, language=language)
    passages = split_passages(article, version="v", count_tokens=_words, budget=budget)
    covered: set[int] = set()
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.sentences[0][0] == passage.start
        assert passage.sentences[-1][1] == passage.end
        for index, (start, end) in enumerate(passage.sentences):
            assert text[start:end] == passage.sentence(index)
        assert sum(_words([passage.sentence(i) for i in range(len(passage.sentences))])) <= max(budget, 2)
        covered |= set(range(passage.start, passage.end))
    assert {i for i, character in enumerate(text) if not character.isspace()} <= covered
    assert len({passage.id for passage in passages}) == len(passages)


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("ar", "هل تحدث الوزير؟ نعم، تحدث أمس؛ لكنه لم يوضح. ثم غادر!", 4),
        ("ur", "یہ پہلا جملہ ہے۔ یہ دوسرا ہے؟ ہاں۔", 3),
        ("fa", "او گفت: «این خوب است.» سپس رفت. آیا؟ بله!", 4),
        ("zh", "他说：“好的。”然后走了。是吗？是的！价格是3.5元。", 5),
        ("zh", "喷发持续了13个小时。25日3时13分结束！3人受伤。", 3),
        ("ja", "雨が降った。川は増水した！本当？", 3),
        ("hi", "यह पहला वाक्य है। क्या यह दूसरा है? हाँ।", 3),
        ("en", "Mr. Smith went to the U.S. yesterday. He paid 3.5 million. “Really?” she asked.", 3),
        ("tr", "Prof. Dr. Ahmet 3. toplantıda konuştu. Sonra gitti.", 2),
        ("ru", "В 2022 г. В. В. Путин прибыл. Он сказал: «Да.» И уехал.", 3),
        ("de", "Am 22. Juli wurde z. B. Dr. Müller gewählt. Er kam.", 2),
        ("en", "", 0),
        ("ar", " \n\n\u00a0", 0),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) == 2 else None,
)
def test_sentence_ends_of_the_world(language: str, text: str, count: int) -> None:
    """Each script's own marks end a sentence; abbreviations, ordinals and decimals do not."""
    assert len(split_sentences(text, language)) == count


def test_thai_is_cut_at_its_spaces() -> None:
    """A script without full stops still gives sentences short enough to quote."""
    text = "ประโยคนี้ยาวมากและไม่มีเครื่องหมายวรรคตอนใดเลย " * 10
    spans = split_sentences(text, "th")
    assert len(spans) > 2
    assert all(end - start <= 160 for start, end in spans)


def test_a_title_repeated_at_the_top_is_not_a_passage() -> None:
    """Lines that only repeat the title are left out; the same words further down are not."""
    text = "خبر عاجل\n\nخبر عاجل\n\nوصل الوفد إلى المدينة. وقال إن خبر عاجل سيصدر."
    article = Article(id="a", title="خبر عاجل", text=text, language="ar")
    (passage,) = split_passages(article, version="v", count_tokens=_words)
    assert passage.text.startswith("وصل الوفد")


@pytest.mark.parametrize("language", ["ar", "zh", "en", "th"])
def test_passages_keep_to_the_models_own_tokens(model: Model, language: str) -> None:
    """No passage exceeds the budget in the tokens of the real model, and neighbours share a sentence where one fits."""
    content = json.loads((resources.files("rag") / "assets" / "language_text" / f"{language}.json").read_text("utf-8"))
    article = Article(id="a", title="", text="\n\n".join(content["passages"]), language=language)
    passages = split_passages(article, version="v", count_tokens=model.embedder.count_tokens)
    for passage in passages:
        used = model.embedder.count_tokens([passage.sentence(i) for i in range(len(passage.sentences))])
        assert sum(used) <= PASSAGE_TOKENS
    shared = [set(a.sentences) & set(b.sentences) for a, b in pairwise(passages)]
    assert sum(bool(both) for both in shared) >= len(shared) // 2
