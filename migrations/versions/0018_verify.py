"""Verifications: their runs, the nodes of their trees, and the repairs that were asked for."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0018_verify"
down_revision = "0017_flows"
branch_labels = None
depends_on = None

TABLES = {
    "engine.verify_runs": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        plan text NOT NULL,
        state text NOT NULL,
        finished_at timestamptz,
        report jsonb,
        CONSTRAINT pk_verify_runs PRIMARY KEY (org_id, id),
        CONSTRAINT ck_verify_runs_state CHECK (state IN ('running', 'same', 'different', 'not judged', 'left'))
    """,
    "engine.verify_nodes": """
        org_id uuid NOT NULL,
        run_id uuid NOT NULL,
        node text COLLATE "C" NOT NULL,
        verdict text NOT NULL,
        facts jsonb NOT NULL,
        judged_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_verify_nodes PRIMARY KEY (org_id, run_id, node),
        CONSTRAINT ck_verify_nodes_verdict CHECK (verdict IN ('planned', 'same', 'different'))
    """,
    "engine.verify_repairs": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        plan jsonb NOT NULL,
        by text NOT NULL,
        finished_at timestamptz,
        outcome jsonb,
        CONSTRAINT pk_verify_repairs PRIMARY KEY (org_id, id)
    """,
}

INDEXES = (
    (
        "CREATE UNIQUE INDEX uq_verify_runs_running ON engine.verify_runs (org_id, migration, subject)"
        " WHERE state = 'running'"
    ),
    "CREATE INDEX ix_verify_runs_subject ON engine.verify_runs (org_id, migration, subject, created_at)",
)


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
