"""Products."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.legacy.rps.mapping.states import PRODUCT_STATES, state
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Main, Side

__all__ = ["products"]

products: Final = Entity(
    entity="product",
    main=Main(
        table="products",
        fields=(
            kinds.created(),
            kinds.text("sku"),
            kinds.text("name", note="may be null in the data, whatever the portal's table says"),
            kinds.text("slug", "urlKey"),
            state(PRODUCT_STATES),
            kinds.text("description"),
            kinds.money("cost"),
            kinds.money("weight"),
            kinds.flag("is_taxable"),
            kinds.json_list("attributes"),
            kinds.json_list("media"),
            kinds.date("deleted_at"),
        ),
    ),
    sides=(
        Side(
            table="legacy_rps.products",
            fields=(
                kinds.text("state", note="word for word"),
                kinds.key_text("code", note="a UUID, as text"),
                kinds.text("descriptor"),
                kinds.flag("is_discount"),
                kinds.flag("is_redeemable"),
                kinds.json("cms"),
                kinds.key_text("cross_product"),
                kinds.text("cross_banner"),
                kinds.date("modified_at"),
            ),
        ),
    ),
)
