"""The migration file says how answers are compared."""

from datetime import date
from pathlib import Path

import pytest

from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.shadow import (
    ComparisonRuleError,
    Effect,
    Judge,
    MaskRefusedError,
    apply_masks,
    asked_routes,
    budget_of,
    judge_settings,
)
from caravan.migration.shadow.canonical import AnyId, Token
from caravan.migration.shadow.heads import IGNORED_HEADERS

TODAY = date(2027, 1, 1)
FILE = """
[migration]
name = "shop"
org = "retail"

[legacy]
base_url = "http://127.0.0.1:3000"
hosts = ["shop.example.com"]

[new]
base_url = "https://api.example.com/v2"

[compare]
ignore_headers = ["X-Frame-Options"]

[[compare.canonical]]
path = "$.id"
kind = "id"

[[routes]]
template = "/orders/{id}"
methods = ["GET", "HEAD"]
effect = "read"

[routes.compare]
headers = ["ETag"]
unordered = [{path = "$.lines", key = "sku"}, {path = "$.tags"}]

[[routes.compare.masks]]
path = "$.served_by"
owner = "Nadia"
reason = "The name of the process."
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

[gates]
alpha = 0.02
coverage = 0.9

[shadow]
extra_load = 0.05
p95_rise = 0.3
reask_times = 5
"""
GET = "GET /orders/{id}"


def config(text: str = FILE) -> MigrationConfig:
    return read_config_text(Path("migration.toml"), text)


def test_rules_of_all_routes_and_of_one_come_together() -> None:
    settings = judge_settings(config())
    assert settings.declared[GET] == {"$.id": AnyId(), "$.token": Token("hex", 32, 32)}
    assert settings.declared["POST /orders"] == {"$.id": AnyId()}
    assert settings.declared_sets["HEAD /orders/{id}"] == {"$.lines": "sku", "$.tags": None}
    assert settings.ignored(GET) == (IGNORED_HEADERS | {"x-frame-options"}) - {"etag"}
    assert settings.ignored("POST /orders") == IGNORED_HEADERS | {"x-frame-options"}
    assert (settings.alpha, settings.coverage_needed, settings.reask_times) == (0.02, 0.9, 5)
    assert settings.old_hosts.names == {"127.0.0.1:3000", "shop.example.com"}
    assert settings.new_hosts.names == {"api.example.com"}


def test_routes_keep_their_declared_effect_and_the_budget_its_share() -> None:
    assert {name: route.effect for name, route in asked_routes(config()).items()} == {
        GET: Effect.READ,
        "HEAD /orders/{id}": Effect.READ,
        "POST /orders": Effect.WRITE,
    }
    assert (budget_of(config()).share, budget_of(config()).rise) == (0.05, 0.3)


def test_masks_of_the_file_are_in_force_until_their_last_day() -> None:
    judge, late = Judge(), Judge()
    apply_masks(judge, config(), TODAY)
    apply_masks(late, config(), date(2027, 4, 1))
    assert {(mask.route, mask.path) for mask in judge.masks} == {
        (GET, "$.served_by"),
        ("HEAD /orders/{id}", "$.served_by"),
    }
    assert list(late.masks) == []
    with pytest.raises(MaskRefusedError):
        apply_masks(Judge(), config(FILE.replace("$.served_by", "$.lines[*]")), TODAY)


def test_an_alphabet_that_is_not_known_is_named() -> None:
    with pytest.raises(ComparisonRuleError, match="klingon is no alphabet of tokens; there are digits"):
        judge_settings(config(FILE.replace('"hex"', '"klingon"')))
