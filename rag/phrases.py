"""The few sentences that Isnad itself says in an answer, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from rag.language import name, primary


@dataclass(frozen=True, slots=True)
class Phrases:
    """``quoted`` introduces verbatim quotations, ``not_found`` says that the articles do not answer."""

    quoted: str
    not_found: str


_PHRASES = {
    "ar": Phrases("نقلًا حرفيًا عن المقالات", "لا تجيب المقالات عن هذا السؤال."),
    "bn": Phrases("নিবন্ধগুলি থেকে হুবহু উদ্ধৃতি", "নিবন্ধগুলিতে এই প্রশ্নের উত্তর নেই।"),
    "de": Phrases("Wörtlich aus den Artikeln", "Die Artikel beantworten diese Frage nicht."),
    "el": Phrases("Αυτολεξεί από τα άρθρα", "Τα άρθρα δεν απαντούν σε αυτή την ερώτηση."),
    "en": Phrases("Quoted from the articles", "The articles do not answer this question."),
    "es": Phrases("Citado textualmente de los artículos", "Los artículos no responden a esta pregunta."),
    "fa": Phrases("نقل مستقیم از مقاله‌ها", "مقاله‌ها به این پرسش پاسخ نمی‌دهند."),
    "fr": Phrases("Cité mot pour mot des articles", "Les articles ne répondent pas à cette question."),
    "he": Phrases("ציטוט מילה במילה מן הכתבות", "הכתבות אינן עונות על השאלה הזאת."),
    "hi": Phrases("लेखों से शब्दशः उद्धृत", "लेखों में इस प्रश्न का उत्तर नहीं है।"),
    "id": Phrases("Dikutip langsung dari artikel", "Artikel-artikel ini tidak menjawab pertanyaan tersebut."),
    "it": Phrases("Citato testualmente dagli articoli", "Gli articoli non rispondono a questa domanda."),
    "ja": Phrases("記事からの原文どおりの引用", "記事にはこの質問への答えがありません。"),
    "ko": Phrases("기사에서 그대로 인용", "기사에는 이 질문에 대한 답이 없습니다."),
    "nl": Phrases("Letterlijk uit de artikelen", "De artikelen beantwoorden deze vraag niet."),
    "pl": Phrases("Dosłownie z artykułów", "Artykuły nie odpowiadają na to pytanie."),
    "pt": Phrases("Citado textualmente dos artigos", "Os artigos não respondem a esta pergunta."),
    "ru": Phrases("Дословно из статей", "В статьях нет ответа на этот вопрос."),
    "sv": Phrases("Ordagrant ur artiklarna", "Artiklarna besvarar inte den här frågan."),
    "sw": Phrases("Imenukuliwa neno kwa neno kutoka kwenye makala", "Makala hazijibu swali hili."),
    "th": Phrases("คัดลอกตามต้นฉบับจากบทความ", "บทความไม่มีคำตอบสำหรับคำถามนี้"),
    "tr": Phrases("Makalelerden aynen alıntı", "Makaleler bu soruyu yanıtlamıyor."),
    "uk": Phrases("Дослівно зі статей", "У статтях немає відповіді на це запитання."),
    "ur": Phrases("مضامین سے لفظ بہ لفظ اقتباس", "مضامین میں اس سوال کا جواب نہیں ہے۔"),
    "vi": Phrases("Trích nguyên văn từ các bài báo", "Các bài báo không trả lời câu hỏi này."),
    "zh": Phrases("以下为文章原文引述", "这些文章没有回答这个问题。"),
}


def phrases(language: str) -> Phrases:
    """The phrases in ``language`` (BCP 47), or in English where there are none."""
    return _PHRASES.get(primary(language), _PHRASES["en"])


def introduction(reader: str, quoted: list[str]) -> str:
    """The line before the quotes, in the language ``reader``; names the languages ``quoted`` if there are others."""
    spoken = primary(reader) if primary(reader) in _PHRASES else "en"
    others = list(dict.fromkeys(primary(code) for code in quoted if code))
    languages = "" if not others or others == [primary(reader)] else _listed(others, spoken)
    return f"{phrases(spoken).quoted}{languages}:"


def _listed(codes: list[str], reader: str) -> str:
    comma = {"ar": "، ", "fa": "، ", "ur": "، ", "zh": "、", "ja": "、"}.get(reader, ", ")
    return f" ({comma.join(name(code, reader=reader) for code in codes)})"
