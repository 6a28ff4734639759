"""The certificate of a drill: what was done, how long each step took, what was lost or doubled. Dated, hashed, filed as JSON and page."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from caravan.migration.cutover.errors import CertificateRefusedError

__all__ = ["FORMAT", "Certificate", "Leg", "Probed", "check_certificate", "file_certificate"]

FORMAT: Final = "caravan drill certificate 1"


@dataclass(frozen=True, slots=True)
class Leg:
    """One way of the drill. ``steps`` are (name, seconds); ``held_seconds`` is how long clients waited."""

    name: str
    transition: str
    ended: str
    seconds: float
    held_seconds: float
    steps: Sequence[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class Probed:
    """Rows written to be looked for: how many, which were not found on a side, which were found more than once."""

    written: int
    lost: Sequence[str]
    doubled: Sequence[str]


@dataclass(frozen=True, slots=True)
class Certificate:
    """``sums`` are rows and checksums by moment, side and data set; ``problems`` is empty when it passed."""

    migration: str
    unit: str
    by: str
    began: str
    ended: str
    versions: Mapping[str, str]
    legs: Sequence[Leg]
    probes: Probed
    sums: Mapping[str, Mapping[str, Mapping[str, Any]]]
    problems: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether nothing stands against it."""
        return not self.problems

    @property
    def lost_and_doubled(self) -> int:
        """How many probes were lost or doubled."""
        return len(self.probes.lost) + len(self.probes.doubled)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values, without its hash."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return {"format": FORMAT, "passed": self.passed, **plain}

    @property
    def hash(self) -> str:
        """SHA-256 of the document as JSON: keys sorted, no blanks, UTF-8."""
        return _hash(self.document())


def file_certificate(certificate: Certificate, folder: Path) -> tuple[Path, Path]:
    """Write the JSON file and the page beside it; returns both. Nothing is written over."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{certificate.began.replace(':', '-')}-{certificate.unit}-drill"
    document, page = folder / f"{stem}.json", folder / f"{stem}.md"
    with document.open("x", encoding="utf-8") as file:
        json.dump({**certificate.document(), "sha256": certificate.hash}, file, indent=1, ensure_ascii=False)
        file.write("\n")
    with page.open("x", encoding="utf-8") as file:
        file.write(_page(certificate))
    return document, page


def check_certificate(document: Mapping[str, Any]) -> str:
    """Return the hash of a certificate that was read from its file.

    Raises:
        CertificateRefusedError: it is none, or one of its bytes was changed.
    """
    content = {key: value for key, value in document.items() if key != "sha256"}
    if content.get("format") != FORMAT:
        raise CertificateRefusedError(f"The format is {content.get('format')!r}, not {FORMAT!r}.")
    found = _hash(content)
    if found != document.get("sha256"):
        raise CertificateRefusedError(f"Its content has the hash {found}, it says {document.get('sha256')}.")
    return found


def moment(at: datetime) -> str:
    """Return a time as certificates write it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _hash(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _page(certificate: Certificate) -> str:
    lines = [
        f"# Drill of {certificate.unit} ({certificate.migration}): {'passed' if certificate.passed else 'FAILED'}",
        "",
        f"By {certificate.by}, from {certificate.began} to {certificate.ended}. SHA-256 `{certificate.hash}`.",
        "",
        *(f"- {problem}" for problem in certificate.problems),
        *([""] if certificate.problems else []),
        _probes_told(certificate.probes),
    ]
    for leg in certificate.legs:
        lines += ["", f"## {leg.name}: {leg.ended}", ""]
        lines += [
            f"{leg.seconds:.2f} s, of which clients waited {leg.held_seconds:.3f} s.",
            "",
            "| step | seconds |",
            "|---|---|",
        ]
        lines += [f"| {name} | {seconds:.3f} |" for name, seconds in leg.steps]
    for when, sides in certificate.sums.items():
        lines += ["", f"## Rows {when}", "", "| side | data set | rows | checksum |", "|---|---|---|---|"]
        lines += [
            f"| {side} | {name} | {sums['rows']} | `{sums['checksum']}` |"
            for side, sets in sides.items()
            for name, sums in sets.items()
        ]
    versions = ", ".join(f"{name} {version}" for name, version in certificate.versions.items())
    return "\n".join([*lines, "", f"Versions: {versions}.", ""])


def _probes_told(probes: Probed) -> str:
    return f"Probes: {probes.written} written, {len(probes.lost)} lost, {len(probes.doubled)} doubled."
