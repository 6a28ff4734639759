"""How much of its log a source keeps for a flow: what nobody reads in time fills its disk."""

from alembic import op

revision = "0020_flow_retained"
down_revision = "0019_operators"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE engine.flows ADD COLUMN retained_bytes bigint")


def downgrade() -> None:
    op.execute("ALTER TABLE engine.flows DROP COLUMN retained_bytes")
