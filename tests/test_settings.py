"""Where settings come from: flags over the environment over ``.env`` over defaults, and nothing misspelt."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from rag.errors import SettingsError, UsageError
from rag.settings import Settings, load


@pytest.fixture(autouse=True)
def _no_cache_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests read the defaults, so not even the machine's cache folder is set."""
    monkeypatch.delenv("ISNAD_CACHE_DIR", raising=False)


def test_defaults_need_no_configuration() -> None:
    """With nothing set the page is local, the model the bundled one and the folders the user's own."""
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert settings.embedding_model == settings.chroma_url == ""
    assert settings.min_confidence is None
    assert settings.data_dir.is_absolute() and settings.cache_dir.is_absolute()
    assert settings.data_dir != settings.cache_dir


def test_every_setting_has_a_description() -> None:
    """Each setting says what it is for, which is where the documentation takes it from."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("data_dir", "/srv/مقالات", Path("/srv/مقالات")),
        ("cache_dir", "/srv/缓存", Path("/srv/缓存")),
        ("embedding_model", "intfloat/multilingual-e5-base", "intfloat/multilingual-e5-base"),
        ("chroma_url", "http://localhost:8000/", "http://localhost:8000"),
        ("min_confidence", "0.4", 0.4),
        ("host", "0.0.0.0", "0.0.0.0"),
        ("port", "8080", 8080),
    ],
)
@pytest.mark.parametrize("source", ["environment", "file"])
def test_each_setting_is_read_from_the_environment_and_from_the_file(
    source: str, name: str, value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``ISNAD_`` and the name in capitals sets it, in the environment as in ``.env``, in the type it has."""
    variable = f"ISNAD_{name.upper()}"
    if source == "environment":
        monkeypatch.setenv(variable, value)
    else:
        Path(".env").write_text(f"{variable}={value}\n", encoding="utf-8")
    assert getattr(load(), name) == expected


def test_flags_win_over_the_environment_and_that_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest place counts: a flag, then the environment, then ``.env``, then the default."""
    assert load().port == 7860
    Path(".env").write_text("ISNAD_PORT=1001\nISNAD_HOST=file\n", encoding="utf-8")
    assert load().port == 1001
    monkeypatch.setenv("ISNAD_PORT", "1002")
    assert load().port == 1002
    assert load(port=1003).port == 1003
    assert load(port=1003).host == "file"


def test_a_flag_that_was_not_given_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """None stands for a flag that is not there."""
    monkeypatch.setenv("ISNAD_PORT", "1002")
    assert load(port=None, host=None).port == 1002


def test_an_empty_value_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable set to nothing counts as not set, so that it can be switched off."""
    monkeypatch.setenv("ISNAD_PORT", "")
    assert load().port == 7860


def test_an_empty_variable_does_not_bring_back_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable also switches off what ``.env`` says, because the environment is nearer."""
    Path(".env").write_text("ISNAD_CHROMA_URL=http://localhost:8000\n", encoding="utf-8")
    monkeypatch.setenv("ISNAD_CHROMA_URL", "")
    assert load().chroma_url == ""


@pytest.mark.parametrize("source", ["environment", "file"])
@pytest.mark.parametrize("name", ["ISNAD_DATADIR", "ISNAD_", "ISNAD_ملف"])
def test_an_unknown_name_is_refused(source: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is an error that names it and all that there are, not a silent default."""
    if source == "environment":
        monkeypatch.setenv(name, "x")
    else:
        Path(".env").write_text(f"{name}=x\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load()
    message = str(caught.value)
    assert name in message and "\n" not in message
    assert all(f"ISNAD_{known.upper()}" in message for known in Settings.model_fields)


def test_other_programs_settings_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names without the prefix mean nothing here, wherever they stand."""
    monkeypatch.setenv("CHROMA_URL", "http://elsewhere")
    Path(".env").write_text("PORT=1\nHOST=elsewhere\n", encoding="utf-8")
    assert (load().port, load().chroma_url) == (7860, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seven"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("MIN_CONFIDENCE", "1.5"),
        ("MIN_CONFIDENCE", "nan"),
        ("MIN_CONFIDENCE", "high"),
        ("CHROMA_URL", "localhost:8000"),
        ("CHROMA_URL", "http://"),
        ("CHROMA_URL", "http://localhost:eight"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value is a usage error in one line that names the setting and the value."""
    monkeypatch.setenv(f"ISNAD_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert isinstance(caught.value, UsageError) and caught.value.exit_code == 2
    assert f"ISNAD_{name}" in str(caught.value) and value in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_cannot_be_changed() -> None:
    """What was read at the start stays as it is."""
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]
    assert settings.port == 7860


def test_a_flag_of_another_name_is_refused() -> None:
    """A flag that is no setting cannot slip through."""
    with pytest.raises(SettingsError, match="ISNAD_COLOUR"):
        load(colour="red")
