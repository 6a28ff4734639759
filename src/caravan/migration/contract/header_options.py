"""Headers as a command line gives them."""

from collections.abc import Iterable

from caravan.core.errors import CaravanError

__all__ = ["HeaderInvalid", "headers_of"]


class HeaderInvalid(CaravanError):  # noqa: N818 - named after the situation, as all errors a user sees
    code = "header_invalid"
    status = 422
    title = "The header cannot be understood"
    exit_code = 2
    fix = "Write 'Name: value', such as 'Authorization: Bearer …'."


def headers_of(options: Iterable[str]) -> dict[str, str]:
    """Return the headers by name.

    Raises:
        HeaderInvalid: one has no name or no colon; its value, which may be secret, is not told.
    """
    found = {}
    for number, option in enumerate(options, 1):
        name, colon, value = option.partition(":")
        if not colon or not name.strip():
            raise HeaderInvalid(f"header {number} has no name before a colon")
        found[name.strip()] = value.strip()
    return found
