"""The alarm rules ask for metrics that there are."""

import re
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # the library has no types
from prometheus_client import REGISTRY

from caravan.migration.conductor import measurements as of_conductor
from caravan.migration.gateway import measurements as of_gateway
from caravan.migration.sync import measurements as of_flows

RULES = Path("deploy/prometheus/caravan-migration.yml")


def test_every_rule_reads_metrics_that_exist() -> None:
    assert of_conductor.__all__
    assert of_gateway.__all__
    assert of_flows.__all__
    known = {sample for metric in REGISTRY.collect() for sample in (metric.name, f"{metric.name}_total")}
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert len(rules) > 4
    for rule in rules:
        asked = set(re.findall(r"caravan_[a-z_]+", rule["expr"]))
        assert asked
        assert asked <= known, rule["alert"]
        assert {"summary", "description"} <= rule["annotations"].keys()
