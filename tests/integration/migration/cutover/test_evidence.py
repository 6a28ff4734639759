"""Evidence is checked without a database; every changed byte, missing or reordered entry is named."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from caravan.core.database import DatabaseAddress
from caravan.migration.config import MigrationConfig, read_config_text
from caravan.migration.cutover.drill import Drill
from caravan.migration.cutover.errors import EvidenceUnreadableError
from caravan.migration.cutover.evidence import export_evidence, verify_evidence
from caravan.migration.units import Accepted, accept, append, connected, entries, verify_chain
from tests.integration.migration.cutover.acting import NOW
from tests.integration.migration.cutover.shop import TEXT, Shop
from tests.integration.migration.cutover.test_drill import FakeProbes

MASK = """
[[compare.masks]]
path = "$.servedBy"
owner = "bob"
reason = "the host's name"
until = 2026-05-01
"""


@pytest.fixture(scope="module")
def exported(module_database: DatabaseAddress, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A switch, a drill and an accepted difference, exported once."""
    home = tmp_path_factory.mktemp("evidence")
    file = home / "migration.toml"
    file.write_text(TEXT + MASK)
    contract = home / "shop.contract"
    contract.write_bytes(b"GET /orders 200\n")
    config: MigrationConfig = read_config_text(file, file.read_text())
    with connected(module_database) as connection:
        shop = Shop(module_database, connection, switched=False)
        shop.world.quiet = True
        shop.act("switch")
        Drill(shop.cutovers, FakeProbes(shop.world), each=1).run("orders")
        accepted = Accepted("POST /orders", "$.total", "value", "ann", "rounded since 2019", date(2026, 3, 1))
        accept(connection, shop.scope, accepted, by="ann", at=NOW)
        stamp = export_evidence(
            connection, shop.scope, config, home / "out", at=NOW, inputs=[contract], seeds={"campaign": 7}
        )
    return home / "out", stamp


@pytest.fixture
def folder(exported: tuple[Path, str], tmp_path: Path) -> Path:
    shutil.copytree(exported[0], tmp_path / "copy")
    return tmp_path / "copy"


def test_what_was_exported_holds_and_has_all_that_decisions_rest_on(exported: tuple[Path, str]) -> None:
    folder, stamp = exported
    proven = verify_evidence(folder, manifest=stamp)
    assert proven.problems == ()
    assert (proven.migration, proven.certificates) == ("shop", 1)
    assert proven.entries > 60
    assert (folder / "inputs" / "migration.toml").read_text() == TEXT + MASK
    assert (folder / "inputs" / "shop.contract").is_file()
    accepted = [json.loads(line) for line in (folder / "accepted-differences.jsonl").read_text().splitlines()]
    assert {(one["path"], one["owner"], one["until"], one["by"]) for one in accepted} == {
        ("$.servedBy", "bob", "2026-05-01", "the file"),
        ("$.total", "ann", "2026-03-01", "ann"),
    }
    versions = json.loads((folder / "versions.json").read_text())
    assert versions["seeds"] == {"campaign": 7}
    assert versions["schema"]


def test_every_changed_byte_of_every_file_is_named_with_its_file(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) == 10
    for path in files:
        content = path.read_bytes()
        for place in (0, len(content) // 2, len(content) - 2):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            name = str(path.relative_to(folder))
            if name == "manifest.json":
                try:
                    problems = verify_evidence(folder, manifest=stamp_of(content)).problems
                except EvidenceUnreadableError:
                    continue
            else:
                problems = verify_evidence(folder).problems
            assert name in {problem.file for problem in problems}, (name, place)
        path.write_bytes(content)


def stamp_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def rewritten(
    folder: Path, change: Callable[[list[str]], list[str]], name: str = "journal.jsonl"
) -> list[str]:
    """Change a file and put the manifest right, as a forger would; returns what is found."""
    path, manifest = folder / name, folder / "manifest.json"
    said = json.loads(manifest.read_text())
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))
    said["files"][name] = {"sha256": stamp_of(path.read_bytes()), "bytes": path.stat().st_size}
    if name == "journal.jsonl":
        said["entries"] = len(path.read_text().splitlines())
    manifest.write_text(json.dumps(said))
    return [problem.said for problem in verify_evidence(folder).problems]


def test_a_forged_journal_is_found_though_the_manifest_was_put_right(folder: Path) -> None:
    journal = folder / "journal.jsonl"
    whole = journal.read_text()

    def forged(change: Callable[[list[str]], list[str]]) -> str:
        found = rewritten(folder, change)
        journal.write_text(whole)
        return found[0]

    assert forged(lambda lines: [*lines[:4], *lines[5:]]).startswith("entry 5 is missing")
    assert forged(lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]]).startswith("entry 5 is missing")
    assert forged(lambda lines: [*lines[:4], lines[4].replace('"by":"ann"', '"by":"eve"'), *lines[5:]]) == (
        "entry 5 was changed"
    )
    assert forged(lambda lines: [*lines[:4], lines[3], *lines[4:]]).startswith("entry 5 is missing")


def test_a_cut_tail_shows_by_the_stamp_that_was_kept(folder: Path, exported: tuple[Path, str]) -> None:
    cut = rewritten(folder, lambda lines: lines[:-1])
    assert cut == []
    (problem,) = verify_evidence(folder, manifest=exported[1]).problems
    assert problem.file == "manifest.json"


def test_decisions_and_certificates_have_to_be_what_the_journal_says(folder: Path) -> None:
    found = rewritten(
        folder,
        lambda lines: [
            line.replace('"passed":false', '"passed":true').replace("ann", "eve") for line in lines
        ],
        "decisions.jsonl",
    )
    assert found[0].endswith("is not what the journal says was decided")
    (certificate,) = (folder / "certificates").glob("*.json")
    certificate.unlink()
    said = [problem.said for problem in verify_evidence(folder).problems]
    assert "it is missing" in said
    assert any("of the journal is missing" in one for one in said)


def test_what_is_no_evidence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceUnreadableError, match=r"manifest\.json"):
        verify_evidence(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": "something"}')
    with pytest.raises(EvidenceUnreadableError, match="is not of the format"):
        verify_evidence(tmp_path)


def test_numbers_of_any_size_survive_the_database(module_database: DatabaseAddress) -> None:
    """What is hashed is what is read: also minus zero, and numbers that the database writes out."""
    with connected(module_database) as connection:
        shop = Shop(module_database, connection, switched=False)
        with connection.transaction(), connection.cursor() as cursor:
            facts = {"numbers": [-0.0, 0.0, 1e22, 1.5e300, 1e-9, 1e16, 123456.789, 1.0, 3e5]}
            append(cursor, shop.scope, at=NOW, phase="measured", by="ann", facts=facts)
        assert verify_chain(one.as_json() for one in entries(connection, shop.scope)) is None
