"""Affiliates."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.legacy.rps.mapping.states import AFFILIATE_STATES, state
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Main, Side

__all__ = ["affiliates"]

affiliates: Final = Entity(
    entity="affiliate",
    main=Main(
        table="affiliates",
        fields=(
            kinds.created(),
            kinds.text("code"),
            kinds.text("name"),
            state(AFFILIATE_STATES),
            kinds.date("deleted_at"),
        ),
    ),
    sides=(Side(table="legacy_rps.affiliates", fields=(kinds.text("state", note="word for word"),)),),
)
