"""Where the broker is: the URL that Celery takes."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

from caravan.core.outbox.errors import BrokerExtraMissingError, BrokerMissingError
from caravan.core.settings import Settings

__all__ = ["broker_url"]

_SQS_NEEDS: Final = ("boto3", "pycurl", "urllib3")
"""What kombu's SQS transport imports; the extra ``sqs`` brings them."""


def broker_url(settings: Settings, valkey_socket: Path | None = None) -> str:
    """Return BROKER_URL, else REDIS_URL, else the embedded server's socket, as kombu writes it.

    Raises:
        BrokerMissingError: when there is none of the three.
        BrokerExtraMissingError: when it is Amazon SQS, and the extra that speaks with it is not installed.
    """
    if settings.broker_url:
        return _kombu(settings.broker_url)
    if settings.redis_url:
        return _kombu(settings.redis_url)
    if valkey_socket is not None:
        return f"redis+socket://{quote(str(valkey_socket))}?virtual_host=0"
    raise BrokerMissingError("Background work needs a broker, and neither BROKER_URL nor REDIS_URL is set.")


def _kombu(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "sqs" and (missing := [name for name in _SQS_NEEDS if find_spec(name) is None]):
        raise BrokerExtraMissingError(
            f"BROKER_URL names Amazon SQS, which needs the extra `sqs`; not installed: {', '.join(missing)}."
        )
    if parts.scheme != "unix":
        return url
    query = parse_qs(parts.query)
    login = f"{parts.netloc.removesuffix('@')}@" if parts.netloc.strip("@") else ""
    return f"redis+socket://{login}{parts.path}?virtual_host={query.get('db', ['0'])[0]}"
