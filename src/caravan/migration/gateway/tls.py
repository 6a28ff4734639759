"""TLS by file: a certificate and its key, read again on reload."""

import ssl
from pathlib import Path

from caravan.core.errors import CaravanError

__all__ = ["CertificateError", "load_certificate", "server_context"]


class CertificateError(CaravanError):
    code = "gateway.certificate"
    status = 500
    title = "The gateway's certificate cannot be used"
    fix = "Name a PEM file with the chain in tls_certificate and its key in tls_key, in [gateway] of the migration file."
    exit_code = 2


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Return a context for HTTP/1.1 over TLS 1.2 or later; raises ``CertificateError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, certificate, key)
    return context


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Load certificate and key; connections made from now on get them. The old ones stay when the new cannot be read."""
    try:
        probe = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        probe.load_cert_chain(certificate, key)
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{certificate}: {error}") from None
