"""Output of jobs is found by its age: it is kept for a time, the jobs for good."""

from alembic import op

revision = "0015_job_output_age"
down_revision = "0014_conductor"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A row before the first byte says that the rest is gone; it is never looked for.
    op.execute("CREATE INDEX ix_job_output_written ON job_output (written_at) WHERE position >= 0")


def downgrade() -> None:
    op.execute("DROP INDEX ix_job_output_written")
