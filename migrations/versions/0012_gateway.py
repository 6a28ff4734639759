"""Route tables, the pointer to the current one, and the gateway's processes."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0012_gateway"
down_revision = "0011_units"
branch_labels = None
depends_on = None

TABLES = {
    "engine.route_tables": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        epoch bigint NOT NULL,
        checksum text NOT NULL,
        document jsonb NOT NULL,
        created_by text NOT NULL,
        reason text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_route_tables PRIMARY KEY (org_id, migration, version)
    """,
    "engine.route_pointers": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        epoch bigint NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_route_pointers PRIMARY KEY (org_id, migration)
    """,
    "engine.gateway_processes": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        epoch bigint NOT NULL,
        armed jsonb NOT NULL,
        held jsonb NOT NULL,
        in_flight jsonb NOT NULL,
        lease_seconds double precision NOT NULL,
        started_at timestamptz NOT NULL DEFAULT now(),
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_gateway_processes PRIMARY KEY (org_id, migration, name)
    """,
}


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
