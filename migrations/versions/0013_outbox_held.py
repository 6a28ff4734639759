"""Events that wait behind a parked one are held: due never, and out of the index that the relay walks at each poll."""

from alembic import op

revision = "0013_outbox_held"
down_revision = "0012_gateway"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX ix_outbox_new")
    op.execute("CREATE INDEX ix_outbox_new ON outbox (seq) WHERE state = 'new' AND due_at < 'infinity'")


def downgrade() -> None:
    op.execute("UPDATE outbox SET due_at = now() WHERE state = 'new' AND due_at = 'infinity'")
    op.execute("DROP INDEX ix_outbox_new")
    op.execute("CREATE INDEX ix_outbox_new ON outbox (seq) WHERE state = 'new'")
