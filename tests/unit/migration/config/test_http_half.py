"""The tables of the HTTP half: routes, units, gates, gateway; and what is said of mistakes in them."""

from pathlib import Path

import pytest

from caravan.migration.config import ConfigError, MigrationConfig, read_config_text

GOOD = """
[migration]
name = "shop"
org = "retail"

[legacy]
base_url = "http://127.0.0.1:3000/"
hosts = ["shop.example.com"]

[new]
base_url = "https://api.example.com/base"

[[units]]
name = "orders"
lag = 2

[[routes]]
template = "/orders/{id}"
methods = ["GET", "HEAD"]
effect = "read"
key = "header:Authorization"
unit = "orders"
shadow = 0.5
fallback = true

[routes.compare]
ignore_headers = ["X-Powered-By"]
unordered = [{path = "$.tags", key = "id"}]

[[routes.compare.masks]]
path = "$.servedBy"
owner = "Nadia"
reason = "host name of the process"
until = 2027-03-31

[[routes.compare.canonical]]
path = "$.token"
kind = "token"
alphabet = "hex"
shortest = 32
longest = 32

[[routes]]
template = "/orders"
methods = ["POST"]
effect = "write"
key = "cookie:sid"
unit = "orders"

[gates]
stages = [1, 50, 100]
soak = 60

[shadow]
sample = 0.1

[[canary.counters]]
name = "paid"
kind = "metrics"
url = "http://127.0.0.1:9100/metrics"
query = "orders_paid_total"
harm = "fewer"

[gateway]
listen = "[::1]:8443"
trusted_proxies = ["10.0.0.0/8"]

[gateway.override]
header = "X-Caravan-Side"
secrets = ["0000000000000000000000000000000000000000000000000000000000000000"]

[alerts]
webhook = "https://hooks.example.com/x"
email = ["ops@example.com"]

[operators.nadia]
token = "1111111111111111111111111111111111111111111111111111111111111111"
may = ["view", "accept", "switch"]
"""


def read(text: str) -> MigrationConfig:
    return read_config_text(Path("migration.toml"), text)


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as found:
        read(text)
    return found.value.message.splitlines()


def test_a_whole_file_is_typed_values() -> None:
    config = read(GOOD)
    first, second = config.routes
    assert config.legacy is not None
    assert config.legacy.base_url == "http://127.0.0.1:3000"
    assert (config.sample_of(first), config.sample_of(second)) == (0.5, 0.1)
    assert first.compare.ignore_headers == ("x-powered-by",)
    assert first.compare.canonical[0].as_json() == {
        "kind": "token", "alphabet": "hex", "shortest": 32, "longest": 32,
    }  # fmt: skip
    assert first.compare.masks[0].until.isoformat() == "2027-03-31"
    assert config.routes_of("orders") == config.routes
    unit = config.unit("orders")
    assert unit is not None
    assert (unit.lag, unit.has_data) == (2.0, False)
    assert config.gateway.address == ("::1", 8443)
    assert config.operators["nadia"].may == ("view", "accept", "switch")
    assert (config.gates.stages, config.gates.alpha) == ((1, 50, 100), 0.01)


def test_defaults_are_those_of_the_guide() -> None:
    config = read('[migration]\nname = "a"\norg = "b"\n')
    assert (config.gates.r0, config.gates.min_keys, config.gates.max_mismatch) == (0.001, 3000, 0.0)
    assert (config.shadow.sample, config.shadow.extra_load) == (0.0, 0.01)
    assert config.gateway.address == ("127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("good", "wrong", "said"),
    [
        ('effect = "read"', 'efect = "read"', ":20:1: routes./orders/{id}.efect: there is no such key; did you mean effect?"),
        ('effect = "read"', 'effect = "maybe"', ":20:1: routes./orders/{id}.effect: input should be 'read' or 'write'"),
        ('unit = "orders"\nshadow', 'unit = "order"\nshadow', ":22:1: routes./orders/{id}.unit: 'order' is no unit"),
        ('key = "cookie:sid"\n', "", ":43:1: routes./orders: is of a unit and has no key"),
        ('"cookie:sid"', '"jwt:sub"', "routes./orders.key: names a claim of a token"),
        ('"cookie:sid"', '"user"', "routes./orders.key: is no cohort key; write header:NAME"),
        ("[1, 50, 100]", "[50, 1]", "gates.stages: does not rise"),
        ("[1, 50, 100]", "[0, 50]", "gates.stages.0: "),
        ("sample = 0.1", "sample = 10", ":55:1: shadow.sample: input should be less than or equal to 1; correct the value"),
        ("soak = 60", "soek = 60", "gates.soek: there is no such key; did you mean soak?"),
        ('"[::1]:8443"', '"8443"', "gateway.listen: is no HOST:PORT"),
        ("10.0.0.0/8", "10.0.0/8", "gateway.trusted_proxies: '10.0.0/8' is no address or network"),
        ("shortest = 32\n", "", "routes./orders/{id}.compare.canonical.$.token: the kind token needs shortest; add it"),
        ('kind = "token"', 'kind = "id"', "the kind id does not take alphabet, longest, shortest; it takes no parameter"),
        ('owner = "Nadia"\n', "", "masks.$.servedBy.owner: is missing; add it"),
        ("http://127.0.0.1:3000/", "127.0.0.1:3000", "legacy.base_url: is no http address"),
        ('["POST"]', '["POST"]\nmethod = 1', "did you mean methods?"),
        ('template = "/orders"\nmethods = ["POST"]', 'template = "/orders/{other}"', "GET /orders/{other} is routed twice"),
        ('template = "/orders"', 'template = "/orders/{a}{b}"', "a parameter is a whole segment, such as {id}"),
        ('template = "/orders"', 'template = "/orders/{rest:path}/x"', "{name:path} takes all the rest of a path"),
        ('["POST"]', '["post", "POST"]', "POST /orders is routed twice"),
        ("[alerts]", "[allerts]", "allerts: there is no such key; did you mean alerts?"),
        ('url = "http://127.0.0.1:9100/metrics"\n', "", "a counter of kind metrics needs url"),
        ('token = "1', 'token = "x', "operators.nadia.token: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place_and_what_to_do(good: str, wrong: str, said: str) -> None:
    assert good in GOOD
    told = refused(GOOD.replace(good, wrong))
    assert any(said in line for line in told), told
    assert all(line.startswith("migration.toml:") for line in told)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for good, wrong in (
        ('unit = "orders"\nshadow', 'unit = "order"\nshadow'),
        ("soak = 60", "soek = 60"),
        ("lag = 2", 'lag = "two"'),
        ('"POST"', '"PO ST"'),
    ):
        text = text.replace(good, wrong)
    lines = [int(line.split(":")[1]) for line in refused(text)]
    assert lines == sorted(lines)
    assert len(lines) == 4
