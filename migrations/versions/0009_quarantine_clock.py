"""When a record was first quarantined, kept over reloads: the retention of its bytes counts from there."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0009_quarantine_clock"
down_revision = "0008_jobs"
branch_labels = None
depends_on = None

TABLE = "engine.quarantine_clock"


def upgrade() -> None:
    op.execute(
        f"""
        CREATE TABLE {TABLE} (
            org_id uuid NOT NULL,
            migration text COLLATE "C" NOT NULL,
            data_set text COLLATE "C" NOT NULL,
            record text COLLATE "C" NOT NULL,
            first_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk_quarantine_clock PRIMARY KEY (org_id, migration, data_set, record)
        )
        """
    )
    for statement in row_security_statements(TABLE):
        op.execute(statement)
    op.execute(
        f"""
        INSERT INTO {TABLE} (org_id, migration, data_set, record, first_at)
        SELECT org_id, migration, data_set, coalesce(tag || ':' || key, '@' || byte_offset), min(created_at)
        FROM engine.quarantine GROUP BY 1, 2, 3, 4
        """
    )


def downgrade() -> None:
    op.execute(f"DROP TABLE {TABLE}")
