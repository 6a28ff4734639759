"""What is allowed in a migration file and still deserves a look: told by `caravan migration check`, never an error."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from caravan.migration.config.agreements import Disagreement
from caravan.migration.config.model import MigrationConfig

__all__ = ["advice"]

_LONGEST_MASK: Final = timedelta(days=180)


def advice(config: MigrationConfig, today: date) -> Iterator[Disagreement]:
    """Yield what to look at, each with its place in the file."""
    yield from _sides(config)
    yield from _files(config)
    yield from _ended(config, today)
    yield from _units(config)
    yield from _routes(config)


def _sides(config: MigrationConfig) -> Iterator[Disagreement]:
    if config.routes and config.legacy is None:
        yield Disagreement(("routes",), "there are routes and no [legacy]; add it with base_url")
    if config.units and config.new is None:
        yield Disagreement(("units",), "there are units and no [new]; add it with base_url before a canary")


def _files(config: MigrationConfig) -> Iterator[Disagreement]:
    for name in config.sources:
        path = config.path_of(name)
        if path is not None and not path.exists():
            yield Disagreement(
                ("sources", name, "path"), f"{path} is not there; put the dump there, or use --source"
            )
    for key in ("tls_certificate", "tls_key"):
        file = getattr(config.gateway, key)
        if file is not None and not (config.file.parent / file).exists():
            yield Disagreement(
                ("gateway", key), f"{config.file.parent / file} is not there; put the PEM file there"
            )


def _ended(config: MigrationConfig, today: date) -> Iterator[Disagreement]:
    for number, waiver in enumerate(config.waivers):
        if not waiver.holds(today):
            yield Disagreement(
                ("waivers", number, "until"), f"ended on {waiver.until}; decide anew, or remove it"
            )
    for number, route in enumerate(config.routes):
        for index, mask in enumerate(route.compare.masks):
            place = ("routes", number, "compare", "masks", index, "until")
            if mask.until < today:
                yield Disagreement(place, f"ended on {mask.until}; decide anew, or remove it")
            elif mask.until - today > _LONGEST_MASK:
                yield Disagreement(
                    place, f"{mask.until} is further away than {_LONGEST_MASK.days} days; it will be refused"
                )


def _units(config: MigrationConfig) -> Iterator[Disagreement]:
    for number, unit in enumerate(config.units):
        if not config.routes_of(unit.name):
            yield Disagreement(("units", number), "has no route; give some routes this unit, or remove it")
        if unit.has_data:
            yield Disagreement(
                ("units", number, "data_sets"),
                "data changes sides with this unit: its way behind `replayed` comes with data sets",
            )


def _routes(config: MigrationConfig) -> Iterator[Disagreement]:
    for number, route in enumerate(config.routes):
        if config.units and route.unit is None:
            yield Disagreement(("routes", number), "is of no unit: it stays on the old side for ever")
        if route.effect == "read" and not {*route.methods} <= {"GET", "HEAD", "OPTIONS"}:
            yield Disagreement(
                ("routes", number, "effect"),
                f"{', '.join(route.methods)} is declared to read: it will be asked again on both sides; be sure",
            )
