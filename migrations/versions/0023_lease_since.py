"""Since when a migration's lease is held: whoever waits for it can tell a moment's work from a process that hangs."""

from alembic import op

revision = "0023_lease_since"
down_revision = "0022_table_uses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE engine.migration_leases ADD COLUMN taken_at timestamptz NOT NULL DEFAULT now()")


def downgrade() -> None:
    op.execute("ALTER TABLE engine.migration_leases DROP COLUMN taken_at")
