"""Dates as newspapers, feeds and exports write them."""

from __future__ import annotations

import pytest

from ingest.dates import is_ambiguous, iso_date, read_date


@pytest.mark.parametrize(
    ("language", "written", "published"),
    [
        ("en", "2022-07-19", "2022-07-19"),
        ("en", "2022-07-19T10:30:00+03:00", "2022-07-19T10:30:00+03:00"),
        ("en", "Tue, 19 Jul 2022 10:30:00 GMT", "2022-07-19T10:30:00+00:00"),
        ("en", "July 19, 2022", "2022-07-19"),
        ("ar", "19 يوليو 2022", "2022-07-19"),
        ("ar", "20 ذو الحجة 1443", "2022-07-19"),
        ("fa", "۲۸ تیر ۱۴۰۱", "2022-07-19"),
        ("fa", "سه‌شنبه ۲۸ تیر ۱۴۰۱", "2022-07-19"),
        ("fa", "۱۴۰۱/۰۴/۲۸ - ۱۲:۳۰", "2022-07-19T12:30:00"),
        ("fa", "1401-04-28", "2022-07-19"),
        ("ru", "19 июля 2022 г.", "2022-07-19"),
        ("zh", "2022年7月19日", "2022-07-19"),
        ("hi", "19 जुलाई 2022", "2022-07-19"),
        ("tr", "19 Temmuz 2022", "2022-07-19"),
    ],
)
def test_dates_are_read_as_they_are_written(language: str, written: str, published: str) -> None:
    """Also in other digits and in the calendars of Iran and Arabia."""
    assert read_date(written, language=language) == published


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "July 2022"), ("fa", "تیر ۱۴۰۱"), ("fa", "1401/13/45"), ("en", "yesterday"), ("en", "2022-02-30"),
     ("en", ""), ("en", "1" * 5000), ("ar", "١٤٤٣")],
)  # fmt: skip
def test_what_is_no_day_is_no_date(language: str, written: str) -> None:
    assert read_date(written, language=language) == ""


def test_a_day_that_could_be_a_month_is_ambiguous() -> None:
    assert is_ambiguous("03/04/2022") and not is_ambiguous("19/04/2022") and not is_ambiguous("2022-03-04")
    assert iso_date("19.07.2022") == ""
