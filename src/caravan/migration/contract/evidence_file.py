"""The machine's half of a contract: counts, ranges, inventory and samples, as JSON beside the file that people review."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from caravan.migration.contract.errors import ContractInvalid
from caravan.migration.contract.facts import facts
from caravan.migration.contract.inventory_lines import inventory
from caravan.migration.contract.learning import Learnt
from caravan.migration.contract.model import Contract
from caravan.migration.contract.samples import Sample

__all__ = ["RouteSamples", "evidence_path", "read_samples", "write_evidence"]

VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RouteSamples:
    """Samples of one route by status; a sample's number is its place, from 1."""

    by_status: Mapping[int, tuple[Sample, ...]] = field(default_factory=dict)


def evidence_path(contract_file: Path) -> Path:
    """Return the file beside a contract file."""
    return contract_file.with_name(f"{contract_file.stem}.evidence.json")


def write_evidence(file: Path, learnt: Learnt, known: Contract) -> None:
    """Write what was seen, for those who want to know why a line says what it says."""
    told = inventory(learnt, known)
    lines = {line.route: line for line in told.lines}
    routes = {
        key: {
            "inventory": lines[key],
            "answers": {
                str(status): {
                    "count": answer.count,
                    "fields": facts(answer.body.evidence),
                    "samples": [sample.to_json() for sample in answer.samples],
                }
                for status, answer in sorted(seen.answers.items())
            },
        }
        for key, seen in sorted(learnt.observations.items())
    }
    whole = {
        "version": VERSION,
        "routes": routes,
        "dead": told.dead,
        "unknown": {str(status): count for status, count in sorted(told.unknown.items())},
        "failed": told.failed,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")


def read_samples(file: Path) -> dict[str, RouteSamples]:
    """Return the samples by route; none where there is no such file.

    Raises:
        ContractInvalid: the file is no evidence of ours.
    """
    if not file.exists():
        return {}
    try:
        whole: dict[str, Any] = orjson.loads(file.read_bytes())
        if whole["version"] != VERSION:
            raise ContractInvalid(f"{file}: version {whole['version']} is not known here")
        return {key: _samples(key, route["answers"]) for key, route in whole["routes"].items()}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractInvalid(f"{file}: this is no evidence of a contract ({type(error).__name__})") from None


def _samples(key: str, answers: Mapping[str, Any]) -> RouteSamples:
    method = key.partition(" ")[0]
    return RouteSamples(
        {
            int(status): tuple(Sample.from_json(method, sample) for sample in answer["samples"])
            for status, answer in answers.items()
        }
    )
