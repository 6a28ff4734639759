"""The servers that Caravan brings along: PostgreSQL and Valkey from wheels, below ``.caravan/``."""

from caravan.core.embedded.addresses import PostgresAddress, ValkeyAddress
from caravan.core.embedded.errors import (
    DataOfAnotherVersionError,
    EmbeddedDiskFullError,
    EmbeddedPermissionError,
    EmbeddedServerError,
    PlatformNotSupportedError,
    ServerBinariesMissingError,
    ServerDidNotStartError,
    ServerDidNotStopError,
    TrigramsBrokenError,
)
from caravan.core.embedded.facts import Memory, ServerFacts, available_extensions, server_facts
from caravan.core.embedded.postgres import EmbeddedPostgres
from caravan.core.embedded.servers import RunningServers, embedded_servers
from caravan.core.embedded.valkey import EmbeddedValkey

__all__ = [
    "DataOfAnotherVersionError",
    "EmbeddedDiskFullError",
    "EmbeddedPermissionError",
    "EmbeddedPostgres",
    "EmbeddedServerError",
    "EmbeddedValkey",
    "Memory",
    "PlatformNotSupportedError",
    "PostgresAddress",
    "RunningServers",
    "ServerBinariesMissingError",
    "ServerDidNotStartError",
    "ServerDidNotStopError",
    "ServerFacts",
    "TrigramsBrokenError",
    "ValkeyAddress",
    "available_extensions",
    "embedded_servers",
    "server_facts",
]
