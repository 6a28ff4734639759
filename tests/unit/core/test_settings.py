"""Settings come from the environment, `.env` or a secrets directory; a wrong one is named."""

from pathlib import Path

import pytest

from caravan.core.settings import Settings, SettingsError, load_settings, variable_name


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "BROKER_URL",
        *(variable_name(field) for field in Settings.model_fields),
    ):
        monkeypatch.delenv(name, raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()
    assert settings.database_url is None
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.keys_folder == Path(".caravan/keys")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CARAVAN_PORT=9001\nDATABASE_URL=postgresql://a/b\n")
    monkeypatch.setenv("CARAVAN_PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.database_url) == (9002, "postgresql://a/b")


def test_a_secret_may_lie_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "CARAVAN_PORTAL_TOKEN_SECRET").write_text("kept-apart")
    monkeypatch.setenv("CARAVAN_SECRETS_DIR", str(secrets))
    secret = load_settings().portal_token_secret
    assert secret is not None
    assert secret.get_secret_value() == "kept-apart"


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAVAN_TRUSTED_HOSTS", "api.example.com, localhost ,")
    assert load_settings().trusted_hosts == ("api.example.com", "localhost")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("CARAVAN_PORT", "eighty", "CARAVAN_PORT: .*integer.*'eighty'.*example: 8000"),
        ("CARAVAN_PORT", "70000", "CARAVAN_PORT: .*65535"),
        ("DATABASE_URL", "mysql://a/b", r"DATABASE_URL: must begin with postgresql://.*given: \*\*\*"),
        ("REDIS_URL", "http://a", "REDIS_URL: must begin with redis://"),
        ("CARAVAN_LOG_LEVEL", "loud", "CARAVAN_LOG_LEVEL: .*'debug'"),
        ("CARAVAN_ACCESS_TOKEN_SECONDS", "5", "CARAVAN_ACCESS_TOKEN_SECONDS: .*60.*example: 900"),
    ],
)
def test_a_wrong_value_names_the_variable_the_problem_and_an_example(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=says):
        load_settings()


def test_all_wrong_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARAVAN_PORT", "x")
    monkeypatch.setenv("CARAVAN_PROCESSES", "0")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.message.count("\n") == 1


def test_the_public_address_is_what_people_type() -> None:
    assert load_settings(public_url="https://api.example.com/").url == "https://api.example.com"
