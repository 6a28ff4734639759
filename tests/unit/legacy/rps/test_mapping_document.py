"""The mapping document and the example migration say what the mapping does."""

import tomllib
from pathlib import Path
from uuid import UUID, uuid5

from caravan.legacy.rps.mapping_document import EXAMPLE_ORGANISATION, EXAMPLE_SOURCE, examples, rendered
from caravan.migration.mapping.keys import id_of
from caravan.migration.mapping.registry import load_mapping

REPOSITORY = Path(__file__).resolve().parents[4]
DOCUMENT = REPOSITORY / "docs" / "mappings" / "rps.md"
MIGRATION = REPOSITORY / "examples" / "rps" / "migration.toml"

SHEET = """
order_number token currency locale_type state type email discount_code descriptor site_theme purchase_type display_type
shipment_type redemption_code risk_source fulfillment_state external_fulfillment_id external_order_number subscription_id
payment_page_id conversion_tracking_id affiliate_tour_id amount base_amount tax_amount shipping_amount discount_amount
total_amount refund_amount refund_request tax_refund_amount shipping_refund affiliate_payout quantity quantity_refunded
weight risk_score shipped returned sales_check charged_back redeemed shipping_refund_request representment split_count
shipping_priority installment_payments timeout_seconds can_ship_partial email_sent tracking_email_sent is_continuity
created_at modified_at transaction_date fulfillment_date transit_date delivery_date rma_date blacklist_date
last_refund_date redemption_date email_sent_date tracking_email_sent_date deleted_at geo source origin promotions extra
""".split()  # noqa: SIM905 - as the sheet lists them
RENAMED = {"order_number": "number", "amount": "subtotal_amount", "refund_amount": "refunded_amount"}


def test_the_document_is_what_the_mapping_makes() -> None:
    assert DOCUMENT.read_text("utf-8") == rendered(), (
        "python -m caravan.legacy.rps.mapping_document > docs/mappings/rps.md"
    )


def test_the_examples_of_ids_follow_the_rule_written_above_them() -> None:
    outer = UUID("6d6f7665-6361-5261-8a6e-636172617661")
    namespace = uuid5(outer, EXAMPLE_SOURCE + str(EXAMPLE_ORGANISATION))
    text = DOCUMENT.read_text("utf-8")
    for entity, tag, key, row_id in examples():
        assert row_id == uuid5(namespace, f"{entity}:{tag}:{key}")
        assert row_id.bytes == id_of(namespace.bytes, entity, tag, key)
        assert f"| {entity} | `{tag}` | `{key}` | `{row_id}` |" in text


def test_ids_never_change() -> None:
    assert [str(row_id) for *_, row_id in examples()] == [
        "abc23c43-b482-5dd7-bc71-a24768add41f",
        "1da8e54f-2893-5e9d-85b5-3f3bb05999a4",
        "477f3f93-5314-55e1-90f0-04d27decf660",
        "f2e105da-4349-53f1-b6cc-56f204d08b92",
        "5beeef59-042e-59ce-98c9-ce5c0d173969",
        "7a6e4fb2-cdf2-568e-8424-fadeb0e39e9e",
        "1ba3d1b5-55cc-5bdb-bac2-fb0fd023f5a6",
        "03f59f67-e082-5a8b-8115-9b6206f33694",
    ]


def test_every_column_the_legacy_orders_had_has_a_place() -> None:
    tables = load_mapping("caravan.legacy.rps.mapping:orders").tables[:2]
    columns = {column.name for table in tables for column in table.columns}
    assert {RENAMED.get(name, name) for name in SHEET} - columns == set()


def test_the_example_migration_names_mappings_that_exist() -> None:
    migration = tomllib.loads(MIGRATION.read_text("utf-8"))
    sets = migration["data_sets"]
    names = [each["name"] for each in sets]
    for position, each in enumerate(sets):
        assert load_mapping(each["mapping"]).tables
        assert each["source"] in migration["sources"]
        assert set(each["after"]) <= set(names[:position])
    assert sorted(names) == ["affiliates", "customers", "orders", "products", "promos", "transactions"]


def test_what_a_data_set_refers_to_comes_before_it() -> None:
    sets = tomllib.loads(MIGRATION.read_text("utf-8"))["data_sets"]
    filled = {each["name"]: load_mapping(each["mapping"]).tables[0].name for each in sets}
    for each in sets:
        before = {filled[name] for name in each["after"]}
        referred = {
            reference.table
            for table in load_mapping(each["mapping"]).tables
            for reference in table.references
        }
        assert referred == before


def test_the_example_waives_amounts_that_are_no_numbers_and_nothing_else() -> None:
    waivers = tomllib.loads(MIGRATION.read_text("utf-8"))["waivers"]
    assert [waiver["class"] for waiver in waivers] == ["amount.not_a_number"]
    assert waivers[0]["owner"]
    assert waivers[0]["reason"]
