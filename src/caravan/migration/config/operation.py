"""How the engine runs: the gateway's sockets, where alarms go, who may press buttons."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from caravan.migration.config.table import Digest, HeaderName, HttpUrl, Seconds, Share, Table, matching

__all__ = ["Alerts", "Gateway", "Operator", "Override"]

_LISTEN: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]*):(\d{1,5})")
_LAST_PORT: Final = 65_535


class Override(Table):
    """The header with which testers choose a side. ``secrets`` are SHA-256 digests in hex, never the secrets."""

    header: HeaderName
    secrets: tuple[Digest, ...] = Field(min_length=1)


class Gateway(Table):
    """The engine's own proxy. ``listen`` is HOST:PORT; PEM files lie beside the migration file.

    ``hold_seconds``: how long writes may wait during a switch. ``sample_unknown``: the share of exchanges of unknown routes
    that is kept. ``trusted_proxies``: whose forwarding headers are believed.
    """

    listen: str = "127.0.0.1:8080"
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    override: Override | None = None
    trusted_proxies: tuple[str, ...] = ()
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    hold_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    sample_unknown: Share = 0.0

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        found = _LISTEN.fullmatch(value)
        if found is None or not 1 <= int(found[2]) <= _LAST_PORT:
            raise ValueError("is no HOST:PORT; write one such as 127.0.0.1:8080 or [::]:443")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ip_network(one, strict=False)
            except ValueError:
                raise ValueError(f"{one!r} is no address or network; write one such as 10.0.0.0/8") from None
        return value

    @model_validator(mode="after")
    def _both_or_none(self) -> "Gateway":
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("has tls_key without tls_certificate; add the certificate")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host (without brackets) and port."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]") or "127.0.0.1", int(port)


class Alerts(Table):
    """Where alarms go: a ``webhook`` that takes JSON, people by ``email``; and when a flow is one.

    ``lag``: seconds a flow may be behind, as much as the gate ``lag`` when absent. ``retained_mib``: how much of its log a source
    may keep for a flow.
    """

    webhook: HttpUrl | None = None
    email: tuple[
        Annotated[
            str,
            AfterValidator(
                matching(r"[^@\s]+@[^@\s]+", "is no e-mail address; write one such as ops@example.com")
            ),
        ],
        ...,
    ] = ()
    lag: Seconds | None = None
    retained_mib: Annotated[float, Field(gt=0, le=100_000_000)] = 4096.0


class Operator(Table):
    """Who may do what where the engine runs alone; ``token`` is the SHA-256 digest, in hex, of the token.

    Everybody may look; ``accept`` answers for differences, ``switch`` moves and holds units.
    """

    token: Digest
    may: tuple[Literal["view", "accept", "switch"], ...] = ("view",)
