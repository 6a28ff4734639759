"""Mappings by name: ``caravan.legacy.rps.mapping:orders``."""

from importlib import import_module
from typing import Any, Final

from caravan.migration.mapping.contract import Mapping
from caravan.migration.mapping.errors import MappingNotFoundError, NotAMappingError

__all__ = ["load_mapping"]

_ASKED: Final = (
    "entity",
    "version",
    "tables",
    "repeated",
    "sums",
    "invariants",
    "key_of",
    "map",
    "references",
)


def load_mapping(name: str) -> Mapping:
    """Return the mapping that ``module:attribute`` names.

    Raises:
        MappingNotFoundError: the text has no such form, or module or attribute is missing.
        NotAMappingError: the attribute is something else.
    """
    module_name, separator, attribute = name.partition(":")
    if not (separator and module_name and attribute):
        raise MappingNotFoundError(f"{name!r} does not have the form 'module:attribute'")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise MappingNotFoundError(f"mapping {name!r}: there is no module {error.name!r}") from None
    found: Any = getattr(module, attribute, None)
    if found is None:
        there = sorted(key for key, value in vars(module).items() if _is_mapping(value))
        raise MappingNotFoundError(
            f"module {module_name!r} has no {attribute!r}; its mappings are {', '.join(there)}"
        )
    if not _is_mapping(found):
        raise NotAMappingError(f"{name!r} is a {type(found).__name__}")
    return found  # type: ignore[no-any-return]  # checked above by what it has


def _is_mapping(value: object) -> bool:
    return not isinstance(value, type) and all(hasattr(value, name) for name in _ASKED)
