"""Checks an evidence folder without a database: every byte, the chain of the journal, and what must agree with it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caravan.migration.cutover.certificate import check_certificate
from caravan.migration.cutover.errors import CertificateRefusedError, EvidenceUnreadableError
from caravan.migration.cutover.evidence import layout
from caravan.migration.cutover.evidence.layout import digest, line
from caravan.migration.units import verify_chain

__all__ = ["Problem", "Proven", "verify_evidence"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold: in which file, and what."""

    file: str
    said: str


@dataclass(frozen=True, slots=True)
class Proven:
    """What a folder says, and what is wrong with it: with no problems, every byte is as it was exported."""

    manifest: str
    migration: str
    entries: int
    last_hash: str
    certificates: int
    problems: tuple[Problem, ...]


def verify_evidence(folder: Path, *, manifest: str | None = None) -> Proven:
    """Check it; ``manifest`` is the SHA-256 that was printed at the export, without which a folder made anew does not show.

    Raises:
        EvidenceUnreadableError: there is no manifest of this format.
    """
    content, said = _manifest(folder)
    found = digest(content)
    problems = [*_stamped(found, manifest), *_files(folder, said)]
    journal, broken = _journal(folder)
    problems += broken
    if len(journal) != said.get("entries"):
        problems.append(
            Problem(layout.JOURNAL, f"it has {len(journal)} entries, the manifest says {said.get('entries')}")
        )
    problems += _agreeing(folder, journal)
    certificates = [entry for entry in journal if entry.get("phase") == "certificate"]
    return Proven(
        found,
        str(said.get("migration")),
        len(journal),
        str(journal[-1].get("hash")) if journal else "",
        len(certificates),
        tuple(problems),
    )


def _manifest(folder: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        content = (folder / layout.MANIFEST).read_bytes()
        said = json.loads(content)
    except (OSError, ValueError) as error:
        raise EvidenceUnreadableError(f"{folder / layout.MANIFEST}: {error}") from None
    if not isinstance(said, dict) or said.get("format") != layout.FORMAT:
        raise EvidenceUnreadableError(f"{folder / layout.MANIFEST} is not of the format {layout.FORMAT!r}.")
    return content, said


def _stamped(found: str, wanted: str | None) -> Iterator[Problem]:
    if wanted is not None and wanted != found:
        yield Problem(layout.MANIFEST, f"its SHA-256 is {found}, not {wanted}")


def _files(folder: Path, said: Mapping[str, Any]) -> Iterator[Problem]:
    listed: Mapping[str, Any] = said.get("files", {})
    for name, facts in sorted(listed.items()):
        place = folder / name
        if not place.is_file():
            yield Problem(name, "it is missing")
        elif digest(place.read_bytes()) != facts.get("sha256"):
            yield Problem(
                name,
                f"it was changed: it has {place.stat().st_size} bytes, {facts.get('bytes')} were exported",
            )
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(there - {*listed, layout.MANIFEST}):
        yield Problem(name, "it was not exported")


def _journal(folder: Path) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Read the journal and check its chain; a line that cannot be read is named, and the rest is not judged."""
    entries: list[dict[str, Any]] = []
    place = folder / layout.JOURNAL
    if not place.is_file():
        return [], []
    for number, text in enumerate(place.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            entry = json.loads(text)
        except ValueError:
            return entries, [Problem(layout.JOURNAL, f"line {number} is no JSON")]
        entries.append(entry)
    broken = verify_chain(entries)
    return entries, [] if broken is None else [Problem(layout.JOURNAL, broken.said)]


def _agreeing(folder: Path, journal: list[dict[str, Any]]) -> Iterator[Problem]:
    """Check what the journal vouches for: certificates and decisions."""
    told = {str(entry["facts"]["certificate"]) for entry in journal if entry.get("phase") == "certificate"}
    for path in sorted((folder / layout.CERTIFICATES).glob("*.json")):
        name = str(path.relative_to(folder))
        try:
            found = check_certificate(json.loads(path.read_bytes()))
        except (ValueError, CertificateRefusedError) as error:
            yield Problem(name, str(error))
            continue
        if found not in told:
            yield Problem(name, "no entry of the journal tells of this certificate")
        told.discard(found)
    for missing in sorted(told):
        yield Problem(layout.CERTIFICATES, f"the certificate {missing} of the journal is missing")
    yield from _decisions(folder, journal)


def _decisions(folder: Path, journal: list[dict[str, Any]]) -> Iterator[Problem]:
    place = folder / layout.DECISIONS
    if not place.is_file():
        return
    guards = [
        line({**entry["facts"], "unit": entry["unit"], "by": entry["by"]})
        for entry in journal
        if entry.get("phase") == "guard"
    ]
    for number, text in enumerate(place.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            decision = json.loads(text)
        except ValueError:
            continue  # told by its hash already
        decided = line({key: value for key, value in decision.items() if key != "created_at"})
        if decided not in guards:
            yield Problem(layout.DECISIONS, f"line {number} is not what the journal says was decided")
