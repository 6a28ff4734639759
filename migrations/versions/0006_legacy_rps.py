"""What only RPS has."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0006_legacy_rps"
down_revision = "0005_engine"
branch_labels = None
depends_on = None

TABLES = {
    "legacy_rps.orders": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        state text,
        type text,
        token text,
        locale_type text,
        descriptor text,
        site_theme text,
        purchase_type text,
        display_type text,
        shipment_type text,
        redemption_code text,
        risk_source text,
        fulfillment_state text,
        external_fulfillment_id text,
        external_order_number text,
        subscription_id text,
        payment_page_id text,
        conversion_tracking_id text,
        conversion_tracking text,
        affiliate_tour_id text,
        affiliate_tour text,
        affiliate text,
        base_amount numeric(18,4),
        refund_request numeric(18,4),
        tax_refund_amount numeric(18,4),
        shipping_refund numeric(18,4),
        affiliate_payout numeric(18,4),
        quantity numeric(18,4),
        quantity_refunded numeric(18,4),
        weight numeric(18,4),
        risk_score numeric(18,4),
        shipped integer,
        returned integer,
        sales_check integer,
        charged_back integer,
        redeemed integer,
        shipping_refund_request integer,
        representment integer,
        split_count integer,
        shipping_priority integer,
        installment_payments integer,
        timeout_seconds integer,
        can_ship_partial boolean,
        email_sent boolean,
        tracking_email_sent boolean,
        is_continuity boolean,
        modified_at timestamptz,
        transaction_date timestamptz,
        fulfillment_date timestamptz,
        transit_date timestamptz,
        delivery_date timestamptz,
        rma_date timestamptz,
        blacklist_date timestamptz,
        last_refund_date timestamptz,
        redemption_date timestamptz,
        email_sent_date timestamptz,
        tracking_email_sent_date timestamptz,
        geo jsonb,
        source jsonb,
        origin jsonb,
        promotions jsonb,
        transactions jsonb,
        history jsonb,
        notes jsonb,
        extra jsonb,
        CONSTRAINT pk_orders PRIMARY KEY (org_id, id),
        CONSTRAINT fk_orders_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES orders (org_id, id) ON DELETE CASCADE
    """,
    "legacy_rps.order_items": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        order_id uuid NOT NULL,
        warehouse_id text,
        do_not_ship boolean,
        meta jsonb,
        CONSTRAINT pk_order_items PRIMARY KEY (org_id, id),
        CONSTRAINT fk_order_items_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES order_items (org_id, id) ON DELETE CASCADE
    """,
    "legacy_rps.customers": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        doctrine_class text,
        modified_at timestamptz,
        CONSTRAINT pk_customers PRIMARY KEY (org_id, id),
        CONSTRAINT fk_customers_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES customers (org_id, id) ON DELETE CASCADE
    """,
    "legacy_rps.products": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        state text,
        code text,
        descriptor text,
        is_discount boolean,
        is_redeemable boolean,
        cms jsonb,
        cross_product text,
        cross_banner text,
        modified_at timestamptz,
        CONSTRAINT pk_products PRIMARY KEY (org_id, id),
        CONSTRAINT fk_products_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES products (org_id, id) ON DELETE CASCADE
    """,
    "legacy_rps.transactions": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        state text,
        modified_at timestamptz,
        CONSTRAINT pk_transactions PRIMARY KEY (org_id, id),
        CONSTRAINT fk_transactions_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES transactions (org_id, id) ON DELETE CASCADE
    """,
    "legacy_rps.affiliates": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        state text,
        CONSTRAINT pk_affiliates PRIMARY KEY (org_id, id),
        CONSTRAINT fk_affiliates_org_id_id
            FOREIGN KEY (org_id, id)
            REFERENCES affiliates (org_id, id) ON DELETE CASCADE
    """,
}

INDEXES = ("ix_order_items_org_id_order_id ON legacy_rps.order_items (org_id, order_id)",)


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
