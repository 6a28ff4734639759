"""Orders: their own columns, what only RPS has, lines, addresses, tracking numbers."""

from typing import Final

from caravan.legacy.rps.mapping import kinds
from caravan.legacy.rps.mapping.addresses import order_address
from caravan.legacy.rps.mapping.states import ORDER_STATES, state
from caravan.migration.mapping.contract import Invariant
from caravan.migration.mapping.entity import Entity
from caravan.migration.mapping.fields import Child, Main, Side

__all__ = ["orders"]

_MAIN: Final = Main(
    table="orders",
    fields=(
        kinds.created(),
        kinds.created("placed_at"),
        kinds.reference("customer_id", "customer", "customer", "customers"),
        kinds.reference("affiliate_id", "affiliate", "affiliate", "affiliates"),
        kinds.text("number", "orderNumber", note="not unique; a repetition is a finding"),
        state(ORDER_STATES),
        kinds.currency(),
        kinds.text("email"),
        kinds.text("discount_code"),
        kinds.money("subtotal_amount", "amount"),
        kinds.money("tax_amount"),
        kinds.money("shipping_amount"),
        kinds.money("discount_amount"),
        kinds.money("total_amount"),
        kinds.money("refunded_amount", "refundAmount"),
        kinds.date("deleted_at"),
    ),
)

_SIDE: Final = Side(
    table="legacy_rps.orders",
    fields=(
        kinds.text("state", note="word for word"),
        kinds.text("type"),
        kinds.text("token"),
        kinds.text("locale_type"),
        kinds.text("descriptor"),
        kinds.text("site_theme"),
        kinds.text("purchase_type"),
        kinds.text("display_type"),
        kinds.text("shipment_type"),
        kinds.text("redemption_code"),
        kinds.text("risk_source"),
        kinds.text("fulfillment_state"),
        kinds.key_text("external_fulfillment_id"),
        kinds.key_text("external_order_number"),
        kinds.key_text("subscription_id"),
        kinds.key_text("payment_page_id"),
        kinds.key_text("conversion_tracking_id"),
        kinds.key_text("conversion_tracking"),
        kinds.key_text("affiliate_tour_id"),
        kinds.key_text("affiliate_tour"),
        kinds.key_text("affiliate", note="the reference, whether or not it points anywhere"),
        kinds.money("base_amount"),
        kinds.money("refund_request"),
        kinds.money("tax_refund_amount"),
        kinds.money("shipping_refund"),
        kinds.money("affiliate_payout"),
        kinds.money("quantity"),
        kinds.money("quantity_refunded"),
        kinds.money("weight"),
        kinds.money("risk_score"),
        kinds.count("shipped"),
        kinds.count("returned"),
        kinds.count("sales_check"),
        kinds.count("charged_back"),
        kinds.count("redeemed"),
        kinds.count("shipping_refund_request"),
        kinds.count("representment"),
        kinds.number("split_count"),
        kinds.number("shipping_priority"),
        kinds.number("installment_payments"),
        kinds.number("timeout_seconds"),
        kinds.flag("can_ship_partial"),
        kinds.flag("email_sent"),
        kinds.flag("tracking_email_sent"),
        kinds.flag("is_continuity"),
        kinds.date("modified_at"),
        kinds.date("transaction_date"),
        kinds.date("fulfillment_date"),
        kinds.date("transit_date"),
        kinds.date("delivery_date"),
        kinds.date("rma_date"),
        kinds.date("blacklist_date"),
        kinds.date("last_refund_date"),
        kinds.date("redemption_date"),
        kinds.date("email_sent_date"),
        kinds.date("tracking_email_sent_date"),
        kinds.json("geo"),
        kinds.json("source"),
        kinds.json("origin"),
        kinds.json_list("promotions"),
        kinds.json_list("transactions"),
        kinds.json_list("history"),
        kinds.json_list("notes"),
        kinds.json("extra"),
    ),
)

_ITEMS: Final = Child(
    table="order_items",
    entity="order_item",
    source="items",
    parent="order_id",
    position="position",
    inherited=("created_at",),
    fields=(
        kinds.key_text("external_id", "_id"),
        kinds.reference("product_id", "product", "product", "products"),
        kinds.text("sku"),
        kinds.text("name"),
        kinds.text("description"),
        kinds.quantity("quantity", "qtyOrdered"),
        kinds.quantity("quantity_refunded", "qtyRefunded"),
        kinds.quantity("quantity_pending_refund", "qtyPendingRefund"),
        kinds.money("unit_price", "price"),
        kinds.money("amount"),
        kinds.money("refunded_amount", "refundAmount"),
        kinds.money("weight"),
    ),
    side=Side(
        table="legacy_rps.order_items",
        parent="order_id",
        sparse=True,
        fields=(kinds.key_text("warehouse_id"), kinds.flag("do_not_ship"), kinds.json("meta")),
    ),
)

_TRACKING: Final = Child(
    table="tracking_numbers",
    entity="tracking_number",
    source="trackingNumbers",
    parent="order_id",
    position="position",
    inherited=("created_at",),
    on_bad="empty",
    fields=(kinds.text("carrier", "type"), kinds.text("code", required=True)),
)

orders: Final = Entity(
    entity="order",
    main=_MAIN,
    sides=(_SIDE,),
    children=(
        _ITEMS,
        order_address("billingAddress", "billing"),
        order_address("shippingAddress", "shipping"),
        _TRACKING,
    ),
    repeated=(("number", "orderNumber", "number.repeated"),),
    sums=(
        ("subtotal_amount", "coalesce(sum(t.subtotal_amount), 0)"),
        ("total_amount", "coalesce(sum(t.total_amount), 0)"),
        ("refunded_amount", "coalesce(sum(t.refunded_amount), 0)"),
    ),
    invariants=(
        Invariant(
            "lines_without_gap",
            "SELECT 'order ' || i.order_id || ': its lines are not numbered 0, 1, 2 …' AS detail"
            " FROM order_items i JOIN legacy_rps.orders o ON o.org_id = i.org_id AND o.id = i.order_id"
            " WHERE i.org_id = %(org_id)s GROUP BY i.order_id"
            " HAVING count(*) <> max(i.position) + 1 OR min(i.position) <> 0",
        ),
    ),
)
