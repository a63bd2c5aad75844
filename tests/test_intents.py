"""What a message wants: precise patterns in 18 languages, and no question taken for anything else."""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from rag.intents import Intent, load_patterns, read_day, read_intent

# A message of each intent; of the second and third the topic as well.
_SAID = {
    "en": (
        "Hello!",
        "Which articles do you have about Syria?",
        "Summarise the article about the grain deal",
        "What happened on 19 July?",
        "Who says so?",
        "What can you do?",
        "Thank you very much",
    ),
    "ar": (
        "السلام عليكم",
        "ما المقالات التي لديك عن سوريا؟",
        "لخّص المقال عن رازوني",
        "ماذا حدث في 19 يوليو؟",
        "ما مصدرك؟",
        "من أنت؟",
        "شكرًا جزيلًا",
    ),
    "fa": (
        "سلام",
        "چه مقاله‌هایی درباره سوریه داری؟",
        "مقاله درباره خامنه‌ای را خلاصه کن",
        "در ۱۹ ژوئیه چه شد؟",
        "منبعت چیست؟",
        "چه کاری می‌توانی انجام دهی؟",
        "خیلی ممنون",
    ),
    "tr": (
        "Merhaba",
        "Suriye hakkında hangi makaleler var?",
        "Suriye hakkındaki makaleyi özetle",
        "19 Temmuz'da ne oldu?",
        "Bunu kim söylüyor?",
        "Neler yapabilirsin?",
        "Teşekkür ederim",
    ),
    "ru": (
        "Привет!",
        "Какие статьи есть о Сирии?",
        "Перескажи статью о зерне",
        "Что произошло 19 июля?",
        "Кто это сказал?",
        "Что ты умеешь?",
        "Большое спасибо",
    ),
    "uk": (
        "Доброго дня",
        "Які статті є про Сирію?",
        "Перекажи статтю про борщ",
        "Що сталося 19 липня?",
        "Звідки це?",
        "Хто ти?",
        "Дуже дякую",
    ),
    "fr": (
        "Bonjour !",
        "Quels articles avez-vous sur la Syrie ?",
        "Résume l'article sur les médailles Fields",
        "Que s'est-il passé le 19 juillet ?",
        "Qui a dit ça ?",
        "Qui es-tu ?",
        "Merci beaucoup",
    ),
    "es": (
        "¡Hola!",
        "¿Qué artículos tienes sobre Siria?",
        "Resume el artículo sobre Nadal",
        "¿Qué pasó el 19 de julio?",
        "¿Quién lo dice?",
        "¿Qué puedes hacer?",
        "Muchas gracias",
    ),
    "de": (
        "Guten Tag",
        "Welche Artikel gibt es über Syrien?",
        "Fasse den Artikel über das 9-Euro-Ticket zusammen",
        "Was ist am 19. Juli passiert?",
        "Wer sagt das?",
        "Was kannst du?",
        "Vielen Dank",
    ),
    "it": (
        "Buongiorno",
        "Quali articoli ci sono sulla Siria?",
        "Riassumi l'articolo sulla Siria",
        "Cosa è successo il 19 luglio?",
        "Chi lo dice?",
        "Chi sei?",
        "Grazie mille",
    ),
    "pt": (
        "Olá",
        "Que artigos há sobre a Síria?",
        "Resuma o artigo sobre a Síria",
        "O que aconteceu em 19 de julho?",
        "Quem disse isso?",
        "Quem é você?",
        "Muito obrigado",
    ),
    "zh": (
        "你好",
        "有哪些关于叙利亚的文章？",
        "总结一下关于问天的文章",
        "7月19日发生了什么？",
        "来源是什么？",
        "你能做什么？",
        "谢谢",
    ),
    "ja": (
        "こんにちは",
        "シリアに関する記事はありますか？",
        "桜島の記事を要約してください",
        "7月19日に何が起きましたか？",
        "誰が言ったのですか？",
        "何ができますか？",
        "ありがとうございます",
    ),
    "ko": (
        "안녕하세요",
        "시리아에 대한 기사가 있나요?",
        "웹 망원경에 대한 기사를 요약해 줘",
        "7월 19일에 무슨 일이 있었나요?",
        "출처가 뭐예요?",
        "뭘 할 수 있어?",
        "감사합니다",
    ),
    "hi": (
        "नमस्ते",
        "सीरिया के बारे में कौन से लेख हैं?",
        "मुर्मू के बारे में लेख का सारांश दीजिए",
        "19 जुलाई को क्या हुआ?",
        "यह किसने कहा?",
        "आप क्या कर सकते हैं?",
        "बहुत धन्यवाद",
    ),
    "ur": (
        "السلام علیکم",
        "شام کے بارے میں کون سے مضامین ہیں؟",
        "سیلاب کے بارے میں مضمون کا خلاصہ دیں",
        "19 جولائی کو کیا ہوا؟",
        "یہ کس نے کہا؟",
        "آپ کیا کر سکتے ہیں؟",
        "بہت شکریہ",
    ),
    "he": (
        "שלום",
        "אילו כתבות יש על סוריה?",
        "סכם את הכתבה על רולאן גארוס",
        "מה קרה ב-19 ביולי?",
        "מי אמר את זה?",
        "מי אתה?",
        "תודה רבה",
    ),
    "id": (
        "Halo",
        "Artikel apa yang ada tentang Suriah?",
        "Ringkas artikel tentang gandum",
        "Apa yang terjadi pada 19 Juli?",
        "Apa sumbernya?",
        "Siapa kamu?",
        "Terima kasih",
    ),
}
_INTENTS = (
    Intent.GREETING,
    Intent.ARTICLES,
    Intent.SUMMARY,
    Intent.DAY,
    Intent.SOURCE,
    Intent.ABILITY,
    Intent.THANKS,
)
_TOPICS = {
    "en": ("Syria", "the grain deal"),
    "ar": ("سوريا", "رازوني"),
    "fa": ("سوریه", "خامنه‌ای"),
    "tr": ("Suriye", "Suriye"),
    "zh": ("叙利亚", "问天"),
    "ja": ("シリア", "桜島"),
    "ko": ("시리아", "웹 망원경"),
    "he": ("סוריה", "רולאן גארוס"),
}


@pytest.mark.parametrize("language", _SAID)
def test_wishes_are_read_in_every_language(language: str) -> None:
    """Each of the seven, also where the message is taken for another language of its script."""
    for message, intent in zip(_SAID[language], _INTENTS, strict=True):
        assert read_intent(message, language).intent is intent, message
        assert read_intent(message, "").intent is intent, message
    assert read_intent(_SAID[language][3], language).day == "--07-19"
    assert set(load_patterns()) == set(_SAID)


def _written() -> list[dict[str, Any]]:
    """Ways in which people write each wish, and questions that look like one."""
    return [json.loads(line) for line in Path(__file__).with_name("intents.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", _written(), ids=lambda row: f"{row['language']}-{row['intent']}")
def test_wishes_are_read_however_they_are_written(row: dict[str, Any]) -> None:
    """With topic and day as asked for; questions whole; and no other wish where the language is not known."""
    for message in row["said"]:
        wish = read_intent(message, row["language"])
        assert wish.intent == row["intent"], message
        assert wish.topic in row.get("topics", [""]), message
        assert wish.day == row.get("day", ""), message
        assert read_intent(message, "").intent == row["intent"], message
        if wish.intent is Intent.QUESTION:
            assert wish.message == message


def test_every_wish_is_written_in_many_ways_in_every_language() -> None:
    """At least ten, and sixty questions in all that are none."""
    said: Counter[tuple[str, str]] = Counter()
    for row in _written():
        said[row["language"], row["intent"]] += len(row["said"])
    assert [(code, each) for code in _SAID for each in _INTENTS if said[code, each.value] < 10] == []
    assert sum(number for (_, intent), number in said.items() if intent == Intent.QUESTION) >= 60


@pytest.mark.parametrize("language", _TOPICS)
def test_the_topic_is_what_is_asked_about(language: str) -> None:
    """Without the words for an article, and as it was written."""
    found = tuple(read_intent(message, language).topic for message in _SAID[language][1:3])
    assert found == _TOPICS[language]


@pytest.mark.parametrize(
    ("message", "language", "left"),
    [
        ("Hi! What did Khamenei say?", "en", "What did Khamenei say?"),
        ("Hello, thanks! And what about Russia?", "en", "And what about Russia?"),
        ("السلام عليكم، ماذا قال بوتين؟", "ar", "ماذا قال بوتين؟"),
        ("你好，问天什么时候发射的？", "zh", "问天什么时候发射的？"),
        ("שלום, מה אמר פוטין?", "he", "מה אמר פוטין?"),
        ("¡Hola! ¿Qué dijo Putin?", "es", "¿Qué dijo Putin?"),
        ("Hi-tech exports fell by how much?", "en", "Hi-tech exports fell by how much?"),
        ("Hello Kitty was made in which year?", "en", "Hello Kitty was made in which year?"),
        ("", "", ""),
        ("?!", "", "?!"),
    ],
)
def test_a_greeting_before_a_question_is_taken_off(message: str, language: str, left: str) -> None:
    """What is left is the question, word for word."""
    wish = read_intent(message, language)
    assert (wish.intent, wish.message) == (Intent.QUESTION, left)


@pytest.mark.parametrize(
    "message",
    [
        "What day did the summit open?",
        "Who said that Syria must stay whole?",
        "What does the article of confederation say?",
        "Which articles of the constitution concern taxes?",
        "What happened in Tehran on 19 July?",
        "Who thanked Erdogan for his help?",
        "What is the source of the Nile?",
        "Where does the gas come from?",
        "Summaries of what were published by NASA?",
        "من قال إن سوريا يجب أن تبقى موحدة؟",
        "ما مصدر نهر النيل؟",
        "ماذا حدث في طهران يوم 19 يوليو؟",
        "Nil'in kaynağı nerededir?",
        "谁说叙利亚必须保持统一？",
        "尼罗河的来源是什么？",
        "כמה כתבים היו בוועידה ב-19 ביולי?",
        "What happened on the bridge?",
        "a" * 5000,
    ],
)
def test_questions_stay_questions(message: str) -> None:
    """Though they have a date, a source, an article or thanks in them."""
    for language in ("en", "ar", ""):
        assert read_intent(message, language).intent is Intent.QUESTION


def _questions() -> list[str]:
    samples = Path(__file__).with_name("sample_questions.jsonl").read_text("utf-8").splitlines()
    asked = [json.loads(line)[name] for line in samples for name in ("question_en", "question_native")]
    shown = json.loads((resources.files("ui") / "assets" / "sample_questions.json").read_text("utf-8"))
    for file in (resources.files("rag") / "assets" / "language_text").iterdir():
        asked += json.loads(file.read_text("utf-8"))["questions"]
    return [*asked, *shown]


def test_no_sample_question_is_taken_for_anything_else() -> None:
    """Nor any of the 32 questions in 26 languages, and none loses a word."""
    questions = _questions()
    assert len(questions) > 800
    assert [q for q in questions if read_intent(q, "en").intent is not Intent.QUESTION] == []
    assert [q for q in questions if read_intent(q, "en").message != q.strip()] == []


@pytest.mark.parametrize(
    ("text", "language", "day"),
    [
        ("19 July 2022", "en", "2022-07-19"),
        ("Tuesday, July 19, 2022", "en", "2022-07-19"),
        ("2022-07-19", "en", "2022-07-19"),
        ("19.07.2022", "de", "2022-07-19"),
        ("الثلاثاء ١٩ تموز ٢٠٢٢", "ar", "2022-07-19"),
        ("۲۸ تیر ۱۴۰۱", "fa", "2022-07-19"),
        ("۲۸ تیر", "fa", "--07-19"),
        ("2022年7月19日", "zh", "2022-07-19"),
        ("19 Temmuz 2022 tarihinde", "tr", "2022-07-19"),
        ("July 2022", "en", ""),
        ("19 July and 20 July", "en", ""),
        ("Tuesday", "en", ""),
        ("the bridge on 19 July", "en", ""),
        ("", "en", ""),
    ],
)
def test_days_are_read_as_they_are_written(text: str, language: str, day: str) -> None:
    """One day and nothing but it, in words or digits of the language."""
    assert read_day(text, language) == day
