"""What the migration file declares for the comparison is what the judge's canonicalisers read."""

from pathlib import Path

import pytest

from caravan.migration.config import read_config_text
from caravan.migration.shadow.canonical import canonicaliser_from_json, canonicaliser_to_json

KINDS: dict[str, dict[str, object]] = {
    "uuid": {"forms": ["lower"]},
    "timestamp": {"forms": ["iso"], "within": 2.0},
    "url": {"hosts": ["a.example"]},
    "token": {"alphabet": "hex", "shortest": 8, "longest": 8},
    "counter": {"step": 1},
    "near": {"within": 0.001},
    "id": {},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_canonicaliser_can_be_declared(kind: str) -> None:
    parameters = "".join(f"{name} = {value!r}\n".replace("'", '"') for name, value in KINDS[kind].items())
    config = read_config_text(
        Path("migration.toml"),
        '[migration]\nname = "a"\norg = "b"\n[[compare.canonical]]\npath = "$.x"\n'
        f'kind = "{kind}"\n{parameters}',
    )
    (declared,) = config.compare.canonical
    made = canonicaliser_from_json(declared.as_json())
    written = canonicaliser_to_json(made)
    assert written["kind"] == kind
    assert {name: _listed(value) for name, value in written.items() if name in KINDS[kind]} == KINDS[kind]


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
