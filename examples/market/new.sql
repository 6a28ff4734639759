-- The new shop's tables, PostgreSQL. An order's number is what customers know; it is the old shop's key and goes on from there.
CREATE SCHEMA market;

CREATE TABLE market.products (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    sku text NOT NULL,
    title text NOT NULL,
    price numeric(18, 4) NOT NULL,
    stock integer NOT NULL CHECK (stock >= 0),
    listed boolean NOT NULL DEFAULT true,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, sku)
);

CREATE SEQUENCE market.order_numbers;
CREATE TABLE market.orders (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    number bigint NOT NULL DEFAULT nextval('market.order_numbers'),
    reference text NOT NULL,
    customer text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid')),
    total numeric(18, 4) NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, number),
    UNIQUE (org_id, reference)
);

CREATE TABLE market.order_lines (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    position integer NOT NULL,
    product_id uuid NOT NULL,
    quantity integer NOT NULL CHECK (quantity > 0),
    price numeric(18, 4) NOT NULL,
    extra jsonb,  -- what a document's line has beyond these columns
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, order_id, position),
    FOREIGN KEY (org_id, order_id) REFERENCES market.orders,
    FOREIGN KEY (org_id, product_id) REFERENCES market.products
);

CREATE TABLE market.payments (
    org_id uuid NOT NULL,
    id uuid NOT NULL,
    order_id uuid NOT NULL,
    reference text NOT NULL,
    amount numeric(18, 4) NOT NULL,
    paid_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, id),
    UNIQUE (org_id, reference),
    FOREIGN KEY (org_id, order_id) REFERENCES market.orders
);
