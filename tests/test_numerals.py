"""Numbers and dates are read in every writing, strictly in a sentence and generously in a source."""

from __future__ import annotations

import pytest

from rag.facts import missing, read_claims, read_known
from rag.types import Flaw


def _flaws(sentence: str, language: str, source: str, source_language: str, published: str = "") -> list[str]:
    known = read_known(source, source_language, published)
    return [problem.flaw.value for problem in missing(read_claims(sentence, language), [known])]


@pytest.mark.parametrize(
    ("sentence", "language", "source", "source_language"),
    [
        ("About 1,600 people left.", "en", "نُقل نحو ١٦٠٠ شخص.", "ar"),
        ("It cost 18 million euros.", "en", "这笔转会耗资1800万欧元。", "zh"),
        ("The law passed after eighteen months.", "en", "بعد ثمانية عشر شهرًا أُقرّ القانون.", "ar"),
        ("Стоимость — 7 миллионов евро.", "ru", "हर साल 70 लाख यूरो ख़र्च होंगे।", "hi"),
        ("Yüzde 83'ü iyileşti.", "tr", "83% of them recovered.", "en"),
        ("Nos 83 % se han curado.", "es", "۸۳ درصد آنان بهبود یافتند.", "fa"),
        ("Vor zweiundzwanzig Jahren begann es.", "de", "Началось двадцать два года назад.", "ru"),
        ("Il y a quatre-vingt-dix-sept élèves.", "fr", "Ci sono novantasette alunni.", "it"),
        ("Faiz 4,75'e çıktı.", "tr", "The rate rose to 4.75%.", "en"),
        ("收成减少了三分之一。", "zh", "They pick a third less.", "en"),
        ("Two weeks later it rained.", "en", "وبعد أسبوعين هطل المطر.", "ar"),
        ("Ada dua puluh satu orang.", "id", "There were 21 people.", "en"),
        ("More than 2,300 people came.", "en", "Пришли 2347 человек.", "ru"),
        ("Thousands of people came.", "en", "Пришли 2400 человек.", "ru"),
        ("במאה השתים עשרה נבנה המנזר.", "he", "The monastery was built in the twelfth century.", "en"),
        ("5万人が集まった。", "ja", "50,000 people gathered.", "en"),
        ("1401 سال سختی بود", "fa", "The year 2022 was hard.", "en"),
    ],
)
def test_a_number_is_the_same_in_any_writing(sentence: str, language: str, source: str, source_language: str) -> None:
    """Digits of every script, words, shares and magnitudes are told to be the same number."""
    assert _flaws(sentence, language, source, source_language) == []


@pytest.mark.parametrize(
    ("sentence", "language", "source", "source_language"),
    [
        ("About 1,700 people left.", "en", "نُقل نحو ١٦٠٠ شخص.", "ar"),
        ("It cost 18 billion euros.", "en", "这笔转会耗资1800万欧元。", "zh"),
        ("After sixteen months it passed.", "en", "بعد ثمانية عشر شهرًا أُقرّ القانون.", "ar"),
        ("阿拉伯有三个月。", "zh", "It takes him two months.", "en"),
        ("۸۵ درصد آنان بهبود یافتند.", "fa", "83% of them recovered.", "en"),
        ("Прошло сорок лет.", "ru", "Fifty years have passed.", "en"),
        ("About 8,200 kilometres.", "en", "8000 Kilometer.", "de"),
    ],
)
def test_a_changed_number_is_noticed(sentence: str, language: str, source: str, source_language: str) -> None:
    """A number that the source does not have is a flaw, round or not."""
    assert _flaws(sentence, language, source, source_language) == [Flaw.NUMBER]


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("One of the judges spoke for the first time.", "en"),
        ("Un des juges a parlé à une élève.", "fr"),
        ("Yargıçlardan biri ilk kez bir öğrenciyle konuştu.", "tr"),
        ("تحدث أحد القضاة لأول مرة.", "ar"),
        ("法官十分满意，一些人来了。", "zh"),
        ("Один из судей впервые выступил.", "ru"),
        ("", "fa"),
    ],
)
def test_words_that_count_nothing_are_no_numbers(sentence: str, language: str) -> None:
    """ "One of", "un", "bir", "十分" raise no alarm."""
    assert _flaws(sentence, language, "Nothing here.", "en") == []


@pytest.mark.parametrize(
    ("sentence", "language", "source", "source_language"),
    [
        ("They met on Tuesday.", "en", "التقيا اليوم.", "ar"),
        ("They met on 19 July 2022.", "en", "Salı günü görüştüler.", "tr"),
        ("Они встретились во вторник, 19 июля.", "ru", "他们于7月19日星期二会面。", "zh"),
        ("۲۸ تیر ۱۴۰۱ دیدار کردند.", "fa", "They met on July 19, 2022.", "en"),
        ("نُشر في 18 تموز 2022.", "ar", "It happened yesterday.", "en"),
        ("Am Montag begann es.", "de", "Ça a commencé lundi.", "fr"),
        ("Le 19/07/2022 ils se sont vus.", "fr", "They met on July 19.", "en"),
    ],
)
def test_a_day_is_the_same_in_any_words(sentence: str, language: str, source: str, source_language: str) -> None:
    """Dates, days of the week before publication, "yesterday" and the calendars of Iran and ours agree."""
    assert _flaws(sentence, language, source, source_language, "2022-07-19") == []


@pytest.mark.parametrize(
    ("sentence", "language", "source", "source_language"),
    [
        ("They met on Friday.", "en", "التقيا يوم الثلاثاء.", "ar"),
        ("They met on 21 July 2022.", "en", "Salı günü görüştüler.", "tr"),
        ("Они встретились 19 августа.", "ru", "他们于7月19日会面。", "zh"),
        ("۲۹ تیر ۱۴۰۱ دیدار کردند.", "fa", "They met on July 19, 2022.", "en"),
    ],
)
def test_a_changed_day_is_noticed(sentence: str, language: str, source: str, source_language: str) -> None:
    """A date or a day of the week that the source does not give is a flaw."""
    assert _flaws(sentence, language, source, source_language, "2022-07-19") == [Flaw.DATE]
