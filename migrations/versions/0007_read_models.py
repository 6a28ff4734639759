"""Functions of the hot reads: each sets the tenant, reads and writes the whole answer, in one round trip.

Optional filters and sorts are fixed fragments put together here and in the function; values travel in USING alone.
"""

from pathlib import Path

from alembic import op

revision = "0007_read_models"
down_revision = "0006_legacy_rps"
branch_labels = None
depends_on = None

FOLDER = Path(__file__).parents[1] / "read_models"

LIST_SIGNATURE = "(uuid, uuid, jsonb, text, integer, text, uuid)"
DETAIL_SIGNATURE = "(uuid, uuid, uuid)"

TIMES = "read_time(t.created_at) AS created_at, read_time(t.updated_at) AS updated_at, t.version"
BETWEEN = {
    "from": "t.created_at >= ($3->>'from')::timestamptz",
    "to": "t.created_at < ($3->>'to')::timestamptz",
}
CREATED = {"created_at": ("t.created_at", "timestamptz")}


def equal(name: str, kind: str = "text") -> str:
    return f"t.{name} = ($3->>'{name}')::{kind}"


def contains(*columns: str) -> str:
    return "(" + " OR ".join(f"lower({column}) LIKE read_contains($3->>'q')" for column in columns) + ")"


def word(column: str) -> tuple[str, str]:
    return f"coalesce(t.{column}, '')", "text"


def amount(column: str) -> tuple[str, str]:
    return f"coalesce(t.{column}, 'NaN')", "numeric"


LISTS = {
    "orders": {
        "table": "orders",
        "columns": f"""t.id, t.number, t.state, t.currency, t.email, t.customer_id, t.affiliate_id, t.client_id,
            t.discount_code, t.subtotal_amount::text, t.tax_amount::text, t.shipping_amount::text,
            t.discount_amount::text, t.total_amount::text, t.refunded_amount::text,
            read_time(t.placed_at) AS placed_at, {TIMES}""",
        "sorts": CREATED
        | {
            "placed_at": ("t.placed_at", "timestamptz"),
            "number": word("number"),
            "state": ("t.state", "text"),
            "email": word("email"),
            "total_amount": amount("total_amount"),
        },
        "filters": BETWEEN
        | {
            "state": equal("state"),
            "number": equal("number"),
            "customer_id": equal("customer_id", "uuid"),
            "affiliate_id": equal("affiliate_id", "uuid"),
            "q": contains("t.number", "t.email"),
        },
    },
    "customers": {
        "table": "customers",
        "columns": f"t.id, t.client_id, t.first_name, t.last_name, t.email, t.phone, t.locale, {TIMES}",
        "sorts": CREATED
        | {"email": word("email"), "first_name": word("first_name"), "last_name": word("last_name")},
        "filters": BETWEEN
        | {
            "email": "t.email_folded = lower($3->>'email')",
            "q": contains("t.email", "coalesce(t.first_name, '') || ' ' || coalesce(t.last_name, '')"),
        },
    },
    "transactions": {
        "table": "transactions",
        "columns": f"""t.id, t.client_id, t.order_id, t.state, t.amount::text, t.currency, t.processor,
            t.response_code, {TIMES}""",
        "sorts": CREATED
        | {"amount": amount("amount"), "state": ("t.state", "text"), "processor": word("processor")},
        "filters": BETWEEN
        | {
            "state": equal("state"),
            "processor": equal("processor"),
            "order_id": equal("order_id", "uuid"),
            "q": contains("t.processor", "t.response_code"),
        },
    },
    "products": {
        "table": "products",
        "columns": f"""t.id, t.client_id, t.sku, t.name, t.slug, t.state, t.currency, t.price::text, t.cost::text,
            t.weight::text, t.is_taxable, {TIMES}""",
        "sorts": CREATED | {"sku": word("sku"), "name": word("name"), "price": amount("price")},
        "filters": BETWEEN | {"state": equal("state"), "sku": equal("sku"), "q": contains("t.sku", "t.name")},
    },
    "promos": {
        "table": "promotions",
        "columns": f"""t.id, t.client_id, t.code, t.name, t.active, read_time(t.starts_at) AS starts_at,
            read_time(t.ends_at) AS ends_at, {TIMES}""",
        "sorts": CREATED | {"code": ("t.code", "text"), "name": word("name")},
        "filters": BETWEEN
        | {"active": equal("active", "boolean"), "code": equal("code"), "q": contains("t.code", "t.name")},
    },
    "affiliates": {
        "table": "affiliates",
        "columns": f"t.id, t.client_id, t.code, t.name, t.state, {TIMES}",
        "sorts": CREATED | {"code": word("code"), "name": word("name"), "state": ("t.state", "text")},
        "filters": BETWEEN
        | {"state": equal("state"), "code": equal("code"), "q": contains("t.code", "t.name")},
    },
}

# What a detail has beyond the columns of its list.
DETAILS = {
    "order": ("orders", "order.sql"),
    "customer": ("customers", "customer.sql"),
    "transaction": ("transactions", "t.details, t.extra"),
    "product": ("products", "t.description, t.attributes, t.media, t.extra"),
    "promo": ("promos", "t.rules, t.extra"),
    "affiliate": ("affiliates", "t.extra"),
}


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def filled(template: str, **parts: str) -> str:
    for name, part in parts.items():
        template = template.replace(f"@{name}@", part)
    return template


def list_function(name: str) -> str:
    spec = LISTS[name]
    sorts = ",\n".join(
        f"('{sort}', $k${key}$k$, '{kind}')"
        for sort, (key, kind) in spec["sorts"].items()  # type: ignore[attr-defined]  # a mapping of mappings
    )
    filters = "\n".join(
        f"|| CASE WHEN p_filters ? '{key}' THEN $f$ AND {condition}$f$ ELSE '' END"
        for key, condition in spec["filters"].items()  # type: ignore[attr-defined]  # see above
    )
    return filled(
        text_of("list.sql"),
        name=name,
        table=str(spec["table"]),
        columns=str(spec["columns"]),
        sorts=sorts,
        filters=filters,
    )


def detail_function(name: str) -> str:
    listed, more = DETAILS[name]
    spec = LISTS[listed]
    columns = f"{spec['columns']}, {text_of(more) if more.endswith('.sql') else more}"
    return filled(text_of("detail.sql"), name=name, table=str(spec["table"]), columns=columns)


def run(statement: str) -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statement)


def upgrade() -> None:
    run(text_of("answers.sql"))
    for name in LISTS:
        run(list_function(name))
    for name in DETAILS:
        run(detail_function(name))
    run(text_of("rps_lists.sql"))
    run(filled(text_of("rps_order.sql"), address=text_of("rps_address.sql")))


def downgrade() -> None:
    run(text_of("rps_drop.sql"))
    for name in DETAILS:
        run(f"DROP FUNCTION read_{name}{DETAIL_SIGNATURE}")
    for name in LISTS:
        run(f"DROP FUNCTION read_{name}{LIST_SIGNATURE}")
    run(text_of("answers_drop.sql"))
