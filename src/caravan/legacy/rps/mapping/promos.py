"""Promotion codes."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Main

__all__ = ["promos"]

promos: Final = Entity(
    entity="promotion",
    main=Main(
        table="promotions",
        fields=(
            kinds.created(),
            kinds.text("code", required=True, note="unique in RPS"),
            kinds.text("name"),
            kinds.json("rules", "meta"),
            kinds.date("deleted_at"),
        ),
    ),
)
