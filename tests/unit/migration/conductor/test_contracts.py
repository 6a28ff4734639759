"""What the judge waits to see: the frozen contract's parameters and classes of status, and the declared roles."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from caravan.migration.conductor import ContractNotFrozenError, contracts_of
from caravan.migration.conductor.roles import role_tagger
from caravan.migration.config import MigrationConfig, Shadow, read_config_text
from caravan.migration.contract import AnswerShape, Contract, Route, freeze, write_contract
from caravan.migration.contract.schemas import Field, Schema
from caravan.migration.exchange import Answer, Exchange, Request

ROUTE = Route(
    "GET",
    "/orders/{order_id}",
    "read",
    path={"order_id": Schema()},
    query={"full": Field(Schema())},
    answers={status: AnswerShape() for status in (200, 201, 404, 503)},
)
FILE = """
[migration]
name = "a"
org = "b"
[shadow]
contract = "contract.toml"
role = "cookie:role"
roles = ["admin"]
[[routes]]
template = "/orders/{id}"
effect = "read"
[[routes]]
template = "/orders"
effect = "read"
[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
"""


def config(folder: Path, contract: Contract, text: str = FILE) -> MigrationConfig:
    write_contract(folder / "contract.toml", contract)
    return read_config_text(folder / "migration.toml", text)


def test_routes_are_matched_by_their_shape_and_errors_of_the_server_are_not_waited_for(
    tmp_path: Path,
) -> None:
    found = contracts_of(config(tmp_path, freeze(Contract("a", {ROUTE.key: ROUTE}))))
    assert found.keys() == {"GET /orders/{id}", "GET /orders"}, "what writes is never asked again"
    one = found["GET /orders/{id}"]
    assert sorted(one.parameters | one.statuses | one.roles) == ["2xx", "4xx", "admin", "full"]
    unknown = found["GET /orders"]
    assert sorted(unknown.parameters | unknown.statuses | unknown.roles) == ["admin"]


def test_without_contract_and_roles_nothing_is_asked_for(tmp_path: Path) -> None:
    plain = FILE.replace('contract = "contract.toml"\nrole = "cookie:role"\nroles = ["admin"]\n', "")
    assert contracts_of(read_config_text(tmp_path / "migration.toml", plain)) == {}


def test_a_contract_that_was_changed_since_it_was_frozen_is_refused(tmp_path: Path) -> None:
    contract = Contract("a", {ROUTE.key: ROUTE})
    with pytest.raises(ContractNotFrozenError, match=r"contract\.toml"):
        contracts_of(config(tmp_path, contract))


@pytest.mark.parametrize(
    ("told_by", "request_", "tags"),
    [
        ("header:X-Role", Request("GET", "/", (("x-role", "admin"),)), ("side:old", "role:admin")),
        ("cookie:role", Request("GET", "/", (("Cookie", "a=b; role=admin"),)), ("side:old", "role:admin")),
        ("query:role", Request("GET", "/?role=admin"), ("side:old", "role:admin")),
        ("header:X-Role", Request("GET", "/", (("X-Role", "made-up"),)), ("side:old",)),
        ("cookie:role", Request("GET", "/"), ("side:old",)),
    ],
)
def test_a_request_has_the_role_that_the_declared_place_tells(
    told_by: str, request_: Request, tags: tuple[str, ...]
) -> None:
    tagged = role_tagger(Shadow(role=told_by, roles=("admin",)))
    exchange = Exchange(
        UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC), request_, Answer(200), tags=("side:old",)
    )
    assert tagged(exchange).tags == tags
