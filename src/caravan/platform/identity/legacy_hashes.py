"""Password hashes of older systems, verified as those systems made them and replaced at the next log-in."""

import hashlib
import hmac
import re
from typing import Final

from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.base import ensure_bytes, ensure_str
from pwdlib.hashers.bcrypt import BcryptHasher

__all__ = ["LegacyBcrypt", "LegacyScrypt"]

_BCRYPT_LIMIT: Final = 72
_SCRYPT: Final = re.compile(r"scrypt:([^:]{1,256}):((?:[0-9a-fA-F]{2}){16,128})")
_SCRYPT_MEMORY: Final = 64 * 1024 * 1024


class LegacyBcrypt(BcryptHasher):
    """``$2a$``, ``$2b$`` and ``$2y$``. bcrypt looks at 72 bytes; older libraries cut there silently, this one refuses."""

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's protocol names it so
        try:
            return super().verify(ensure_bytes(password)[:_BCRYPT_LIMIT], hash)
        except ValueError:  # an impossible cost factor or salt
            return False


class LegacyScrypt(HasherProtocol):
    """``scrypt:salt:hex`` as Node's ``scryptSync(password, salt, length)`` makes it: N 16384, r 8, p 1.

    The length of the key is that of the hex part. The salt is the text itself; where it reads as hex, its bytes are
    tried too, for both ways of calling it are found.
    """

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's protocol names it so
        return _SCRYPT.fullmatch(ensure_str(hash)) is not None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Make such a hash, 64 bytes long; for tests and fixtures, nothing new is stored like this."""
        text = (salt or b"caravan").hex()
        return f"scrypt:{text}:{_scrypt(ensure_bytes(password), text.encode(), 64).hex()}"

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's protocol names it so
        match = _SCRYPT.fullmatch(ensure_str(hash))
        if match is None:
            return False
        text, expected = match[1], bytes.fromhex(match[2])
        salts = [text.encode()]
        if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
            salts.append(bytes.fromhex(text))
        return any(
            hmac.compare_digest(_scrypt(ensure_bytes(password), salt, len(expected)), expected)
            for salt in salts
        )

    def check_needs_rehash(self, hash: str | bytes) -> bool:  # noqa: A002, ARG002 - always, whatever the hash
        return True


def _scrypt(password: bytes, salt: bytes, length: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=16384, r=8, p=1, maxmem=_SCRYPT_MEMORY, dklen=length)
