"""The guide's contract file can be read, and its commands and options exist."""

import re
from pathlib import Path

import pytest
import typer

from caravan.entry.commands import contract as contract_command
from caravan.entry.commands import record as record_command
from caravan.migration.contract import Contract, read_contract
from caravan.migration.contract.formats import BY_NAME
from caravan.migration.contract.schemas import lines_of

GUIDE = (Path(__file__).parents[4] / "docs/guide/contract.md").read_text(encoding="utf-8")
COMMANDS = {"record": record_command.app, "contract": contract_command.app}


@pytest.fixture
def sample(tmp_path: Path) -> Contract:
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    file = tmp_path / "contract.toml"
    file.write_text(f'[contract]\nversion = 1\nname = "guide"\n{block}')
    return read_contract(file)


def test_the_sample_says_what_the_guide_says(sample: Contract) -> None:
    assert sample.routes["GET /deduper/jobs"].effect == "write"
    answer = sample.routes["GET /orders/{order_id}"].answers[200]
    assert dict(answer.headers) == {"cache-control": "no-store", "etag": None}
    assert answer.body is not None
    assert len(lines_of(answer.body)) == 10


def test_every_shape_of_text_is_in_the_guide() -> None:
    assert {name for name in BY_NAME if f"`{name}`" not in GUIDE} == set()


@pytest.mark.parametrize(
    "line", sorted(set(re.findall(r"caravan (?:record|contract) [a-z]+[^\n`|#]*", GUIDE)))
)
def test_commands_and_options_of_the_guide_exist(line: str) -> None:
    _, app, name, *rest = line.split()
    group = typer.main.get_command(COMMANDS[app])
    command = group.commands[name]  # type: ignore[attr-defined]  # Typer keeps its classes private
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known
