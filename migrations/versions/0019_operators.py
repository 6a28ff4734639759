"""Sessions of operators where the engine runs alone, and who has which page of a migration open."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0019_operators"
down_revision = "0018_verify"
branch_labels = None
depends_on = None

TABLES = {
    "engine.operator_sessions": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        digest text COLLATE "C" NOT NULL,
        id uuid NOT NULL,
        operator text COLLATE "C" NOT NULL,
        token text COLLATE "C" NOT NULL,
        began_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT pk_operator_sessions PRIMARY KEY (org_id, migration, digest)
    """,
    "engine.console_readers": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        who text COLLATE "C" NOT NULL,
        name text NOT NULL,
        place text NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_console_readers PRIMARY KEY (org_id, migration, who)
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
