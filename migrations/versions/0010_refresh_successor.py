"""The token that followed one of the console's, readable with that one alone: two tabs that renew at once share it."""

from alembic import op

revision = "0010_refresh_successor"
down_revision = "0009_quarantine_clock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE refresh_tokens ADD COLUMN successor bytea")


def downgrade() -> None:
    op.execute("ALTER TABLE refresh_tokens DROP COLUMN successor")
