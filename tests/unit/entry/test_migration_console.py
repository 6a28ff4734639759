"""Where the console of `caravan run` is, and who may come in."""

from pathlib import Path

import pytest

from caravan.core.settings import Settings
from caravan.entry.migration_console import console_child, console_door
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.console import token_digest

HEAD = '[migration]\nname = "a"\norg = "b"\n'
OPERATOR = f'[operators.ann]\ntoken = "{token_digest("a token")}"\n'


def file(text: str = HEAD) -> MigrationConfig:
    return read_config_text(Path("migration.toml"), text)


def test_without_operators_a_token_for_this_run_is_made_and_only_its_digest_is_handed_on() -> None:
    door = console_door(Settings(), file())
    assert door.token is not None
    assert (
        door.told()
        == f"console http://127.0.0.1:8083/console  operator {door.operator}  token {door.token} (of this run)"
    )
    assert console_door(Settings(), file()).token != door.token
    child = console_child(Settings(), file(), door, {"CARAVAN_HOME": "home"})
    assert [*child.command][-2:] == [door.operator, token_digest(door.token)]
    assert door.token not in {*child.command, *child.environment.values()}
    assert child.environment["CARAVAN_PORT"] == "8083"


def test_with_operators_in_the_file_nobody_else_comes_in() -> None:
    door = console_door(Settings(), file(HEAD + OPERATOR))
    assert (door.told(), door.token) == ("console http://127.0.0.1:8083/console", None)
    assert [*console_child(Settings(), file(HEAD + OPERATOR), door, {}).command][-1].endswith(
        "migration.toml"
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "console.example"])  # noqa: S104 - listens on none of them
def test_where_others_can_reach_it_no_token_is_printed(host: str) -> None:
    door = console_door(Settings(console_host=host), file())
    assert door.token is None
    assert "nobody can log in" in door.told()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"console_host": "::1"}, "http://[::1]:8083"),
        ({"console_port": 9000}, "http://127.0.0.1:9000"),
        ({"console_url": "https://shop.example/"}, "https://shop.example"),
    ],
)
def test_its_address_is_the_one_people_type(given: dict[str, object], url: str) -> None:
    door = console_door(Settings(**given), file(HEAD + OPERATOR))  # type: ignore[arg-type]  # checked by pydantic
    assert door.url == url
    child = console_child(
        Settings(), file(HEAD + OPERATOR), door, {"CARAVAN_PUBLIC_URL": "https://api.example"}
    )
    assert child.environment["CARAVAN_PUBLIC_URL"] == url, "cookies are for this address"
