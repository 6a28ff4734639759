"""Catalogue, customers, orders, payments, promotions, affiliates."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0004_commerce"
down_revision = "0003_identity"
branch_labels = None
depends_on = None

TABLES = {
    "products": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        sku text,
        name text,
        slug text,
        state text NOT NULL DEFAULT 'draft',
        description text,
        currency text,
        price numeric(18,4),
        cost numeric(18,4),
        weight numeric(18,4),
        is_taxable boolean,
        attributes jsonb,
        media jsonb,
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_products PRIMARY KEY (org_id, id),
        CONSTRAINT fk_products_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_products_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id),
        CONSTRAINT ck_products_state
            CHECK (state IN ('draft', 'active', 'inactive',
                'out_of_stock', 'archived', 'unknown'))
    """,
    "customers": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        first_name text,
        last_name text,
        email text,
        email_folded text GENERATED ALWAYS AS (lower(email)) STORED,
        phone text,
        locale text,
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_customers PRIMARY KEY (org_id, id),
        CONSTRAINT fk_customers_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_customers_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id)
    """,
    "promotions": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        code text NOT NULL,
        name text,
        active boolean NOT NULL DEFAULT true,
        starts_at timestamptz,
        ends_at timestamptz,
        rules jsonb,
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_promotions PRIMARY KEY (org_id, id),
        CONSTRAINT fk_promotions_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_promotions_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id),
        CONSTRAINT uq_promotions_org_id_code UNIQUE (org_id, code)
    """,
    "affiliates": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        code text,
        name text,
        state text NOT NULL DEFAULT 'pending',
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_affiliates PRIMARY KEY (org_id, id),
        CONSTRAINT fk_affiliates_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_affiliates_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id),
        CONSTRAINT ck_affiliates_state
            CHECK (state IN ('pending', 'active', 'suspended', 'closed', 'unknown')),
        CONSTRAINT uq_affiliates_org_id_code UNIQUE (org_id, code)
    """,
    "orders": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        customer_id uuid,
        affiliate_id uuid,
        number text,
        state text NOT NULL DEFAULT 'draft',
        currency text NOT NULL,
        email text,
        discount_code text,
        subtotal_amount numeric(18,4),
        tax_amount numeric(18,4),
        shipping_amount numeric(18,4),
        discount_amount numeric(18,4),
        total_amount numeric(18,4),
        refunded_amount numeric(18,4),
        placed_at timestamptz NOT NULL DEFAULT now(),
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_orders PRIMARY KEY (org_id, id),
        CONSTRAINT fk_orders_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_orders_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id),
        CONSTRAINT fk_orders_org_id_customer_id
            FOREIGN KEY (org_id, customer_id)
            REFERENCES customers (org_id, id) ON DELETE SET NULL (customer_id),
        CONSTRAINT fk_orders_org_id_affiliate_id
            FOREIGN KEY (org_id, affiliate_id)
            REFERENCES affiliates (org_id, id) ON DELETE SET NULL (affiliate_id),
        CONSTRAINT ck_orders_state
            CHECK (state IN ('draft', 'pending', 'confirmed', 'processing', 'on_hold', 'shipped',
                'delivered', 'completed', 'cancelled', 'declined', 'refunded', 'unknown')),
        CONSTRAINT ck_orders_currency CHECK (currency ~ '^[A-Z]{3}$')
    """,
    "addresses": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        customer_id uuid,
        order_id uuid,
        kind text NOT NULL,
        name text,
        company text,
        line1 text,
        line2 text,
        city text,
        region text,
        postal_code text,
        country text,
        phone text,
        extra jsonb,
        CONSTRAINT pk_addresses PRIMARY KEY (org_id, id),
        CONSTRAINT fk_addresses_org_id_customer_id
            FOREIGN KEY (org_id, customer_id)
            REFERENCES customers (org_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_addresses_org_id_order_id
            FOREIGN KEY (org_id, order_id)
            REFERENCES orders (org_id, id) ON DELETE CASCADE,
        CONSTRAINT ck_addresses_kind CHECK (kind IN ('billing', 'shipping')),
        CONSTRAINT ck_addresses_one_owner CHECK (num_nonnulls(customer_id, order_id) = 1)
    """,
    "order_items": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        order_id uuid NOT NULL,
        position integer NOT NULL,
        external_id text,
        product_id uuid,
        sku text,
        name text,
        description text,
        quantity numeric(18,4) NOT NULL,
        quantity_refunded numeric(18,4) NOT NULL DEFAULT 0,
        quantity_pending_refund numeric(18,4) NOT NULL DEFAULT 0,
        unit_price numeric(18,4),
        amount numeric(18,4),
        refunded_amount numeric(18,4),
        weight numeric(18,4),
        extra jsonb,
        CONSTRAINT pk_order_items PRIMARY KEY (org_id, id),
        CONSTRAINT fk_order_items_org_id_order_id
            FOREIGN KEY (org_id, order_id)
            REFERENCES orders (org_id, id) ON DELETE CASCADE,
        CONSTRAINT fk_order_items_org_id_product_id
            FOREIGN KEY (org_id, product_id)
            REFERENCES products (org_id, id) ON DELETE SET NULL (product_id)
    """,
    "tracking_numbers": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        order_id uuid NOT NULL,
        position integer NOT NULL,
        carrier text,
        code text NOT NULL,
        extra jsonb,
        CONSTRAINT pk_tracking_numbers PRIMARY KEY (org_id, id),
        CONSTRAINT fk_tracking_numbers_org_id_order_id
            FOREIGN KEY (org_id, order_id)
            REFERENCES orders (org_id, id) ON DELETE CASCADE
    """,
    "transactions": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        order_id uuid,
        state text NOT NULL DEFAULT 'pending',
        amount numeric(18,4),
        currency text NOT NULL,
        processor text,
        response_code text,
        details jsonb,
        client_id uuid,
        extra jsonb,
        version integer NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz,
        CONSTRAINT pk_transactions PRIMARY KEY (org_id, id),
        CONSTRAINT fk_transactions_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_transactions_org_id_client_id
            FOREIGN KEY (org_id, client_id)
            REFERENCES clients (org_id, id) ON DELETE SET NULL (client_id),
        CONSTRAINT fk_transactions_org_id_order_id
            FOREIGN KEY (org_id, order_id)
            REFERENCES orders (org_id, id) ON DELETE SET NULL (order_id),
        CONSTRAINT ck_transactions_state
            CHECK (state IN ('pending', 'authorized', 'captured', 'declined',
                'failed', 'voided', 'refunded', 'disputed', 'unknown')),
        CONSTRAINT ck_transactions_currency CHECK (currency ~ '^[A-Z]{3}$')
    """,
}

INDEXES = (
    "ix_products_org_id_sku ON products (org_id, sku)",
    "ix_customers_org_id_created_at ON customers (org_id, created_at, id)",
    "ix_customers_org_id_email_folded ON customers (org_id, email_folded)",
    "ix_orders_org_id_affiliate_id ON orders (org_id, affiliate_id)",
    "ix_orders_org_id_created_at ON orders (org_id, created_at, id)",
    "ix_orders_org_id_customer_id ON orders (org_id, customer_id)",
    "ix_orders_org_id_number ON orders (org_id, number)",
    "ix_orders_org_id_placed_at ON orders (org_id, placed_at, id)",
    "ix_addresses_org_id_customer_id ON addresses (org_id, customer_id)",
    "ix_addresses_org_id_order_id ON addresses (org_id, order_id, kind)",
    "ix_order_items_org_id_order_id ON order_items (org_id, order_id, position)",
    "ix_order_items_org_id_product_id ON order_items (org_id, product_id)",
    "ix_tracking_numbers_org_id_code ON tracking_numbers (org_id, code)",
    "ix_tracking_numbers_org_id_order_id ON tracking_numbers (org_id, order_id, position)",
    "ix_transactions_org_id_created_at ON transactions (org_id, created_at, id)",
    "ix_transactions_org_id_order_id ON transactions (org_id, order_id)",
)


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
