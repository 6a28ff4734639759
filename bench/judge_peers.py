"""Two peers from PyPI over pairs of answers; run by a Python that has them, reads JSON lines, needs nothing of Caravan.

Prints per peer and scenario how many pairs it flagged, and the paths it named: `apiparity-check` as it comes, `traffic-diff` as
it comes and with its noise rules on (uuids and timestamps are noise, tags are a set).
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias


def main() -> None:
    """Read pairs from standard input, write the figures to standard output."""
    flagged: dict[tuple[str, str], int] = defaultdict(int)
    paths: dict[tuple[str, str], set[str]] = defaultdict(set)
    peers = {"apiparity-check": _apiparity(), **_traffic_diff()}
    for line in sys.stdin:
        pair = json.loads(line)
        for name, compare in peers.items():
            found = {re.sub(r"\d+", "*", path) for path in compare(pair["old"], pair["new"])}
            flagged[name, pair["scenario"]] += bool(found)
            paths[name, pair["scenario"]] |= found
    keys = sorted({*flagged})
    print(json.dumps([[*key, flagged[key], sorted(paths[key])] for key in keys]))


Compare: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], set[str]]


def _apiparity() -> Compare:
    models = import_module("apiparity.models")
    compare_snapshots = import_module("apiparity.comparison").compare_snapshots

    def snapshot(answer: dict[str, Any]) -> object:
        headers = tuple((name.lower(), (value,)) for name, value in answer["headers"])
        body = answer["body"].encode()
        return models.ResponseSnapshot(
            answer["status"],
            headers,
            dict(answer["headers"])["Content-Type"],
            body,
            False,  # noqa: FBT003 - a positional field of theirs
            len(body),
            1.0,
            None,
        )

    case = models.RequestCase("case", "GET", "/")
    rules = models.ComparisonConfig(), models.NormalizationConfig(), models.RedactionConfig()

    def compare(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
        found = compare_snapshots(
            snapshot(old),
            snapshot(new),
            case=case,
            comparison=rules[0],
            normalization=rules[1],
            redaction=rules[2],
        )
        return {each.path or each.category for each in found if each.severity == "error"}

    return compare


def _traffic_diff() -> dict[str, Compare]:
    Config = import_module("shadowdiff.config").Config  # noqa: N806 - a class of theirs
    diff = import_module("shadowdiff.diff").compare

    def with_rules(config: object) -> Compare:
        def compare(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
            found = diff(old["status"], old["body"].encode(), new["status"], new["body"].encode(), config)
            return {each.path for each in found}

        return compare

    noise = Config(ignore_values=("uuid", "iso_timestamp"), unordered_lists={"$.tags": None})
    return {"traffic-diff": with_rules(Config()), "traffic-diff with noise rules": with_rules(noise)}


if __name__ == "__main__":
    main()
