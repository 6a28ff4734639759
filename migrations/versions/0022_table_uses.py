"""Which requests use which tables: what was seen, by route, and what triggers of a probe note on the platform."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0022_table_uses"
down_revision = "0021_packed_keys"
branch_labels = None
depends_on = None

TABLES = {
    "engine.table_uses": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        route text COLLATE "C" NOT NULL,
        table_name text COLLATE "C" NOT NULL,
        operation text NOT NULL,
        request text COLLATE "C" NOT NULL,
        way text NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_table_uses PRIMARY KEY (org_id, migration, route, table_name, operation, request),
        CONSTRAINT ck_table_uses_operation CHECK (operation IN ('read', 'insert', 'update', 'delete', 'write')),
        CONSTRAINT ck_table_uses_way CHECK (way IN ('window', 'triggers', 'dry run'))
    """,
    "engine.request_notes": """
        org_id uuid NOT NULL,
        request text COLLATE "C" NOT NULL,
        table_name text COLLATE "C" NOT NULL,
        operation text NOT NULL,
        method text NOT NULL,
        path text NOT NULL,
        noted_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_request_notes PRIMARY KEY (org_id, request, table_name, operation)
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
