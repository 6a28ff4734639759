"""Signatures of dry runs that were used: each is good once, in whatever process it arrives."""

from alembic import op

revision = "0016_dry_runs"
down_revision = "0015_job_output_age"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not logged: what a crash takes is two minutes of signatures whose requests have no effect.
    op.execute(
        "CREATE UNLOGGED TABLE dry_run_nonces ("
        " nonce text NOT NULL,"
        " used_at timestamptz NOT NULL DEFAULT now(),"
        " CONSTRAINT pk_dry_run_nonces PRIMARY KEY (nonce))"
    )
    op.execute("CREATE INDEX ix_dry_run_nonces_used_at ON dry_run_nonces (used_at)")


def downgrade() -> None:
    op.execute("DROP TABLE dry_run_nonces")
