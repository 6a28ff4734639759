"""Flows of changes between the stores: their positions, the position of each row, foreign writes, ids of rows born here."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0017_flows"
down_revision = "0016_dry_runs"
branch_labels = None
depends_on = None

TABLES = {
    "engine.flows": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        direction text COLLATE "C" NOT NULL,
        epoch bigint NOT NULL DEFAULT 0,
        holder text NOT NULL DEFAULT '',
        mode text NOT NULL DEFAULT 'apply',
        wish text NOT NULL DEFAULT 'run',
        state text NOT NULL DEFAULT 'stopped',
        start_number bigint NOT NULL,
        applied_number bigint NOT NULL,
        applied_resume text NOT NULL DEFAULT '',
        applied_at timestamptz,
        head_number bigint NOT NULL,
        head_at timestamptz,
        stop_number bigint,
        pending bigint NOT NULL DEFAULT 0,
        lag_seconds double precision NOT NULL DEFAULT 0,
        transactions bigint NOT NULL DEFAULT 0,
        rows_applied bigint NOT NULL DEFAULT 0,
        rows_passed bigint NOT NULL DEFAULT 0,
        rows_refused bigint NOT NULL DEFAULT 0,
        foreign_writes bigint NOT NULL DEFAULT 0,
        heartbeat_at timestamptz NOT NULL DEFAULT now(),
        started_at timestamptz NOT NULL DEFAULT now(),
        error_code text,
        error text,
        CONSTRAINT pk_flows PRIMARY KEY (org_id, migration, source, direction),
        CONSTRAINT ck_flows_direction CHECK (direction IN ('forward', 'reverse')),
        CONSTRAINT ck_flows_mode CHECK (mode IN ('apply', 'watch')),
        CONSTRAINT ck_flows_wish CHECK (wish IN ('run', 'stop')),
        CONSTRAINT ck_flows_state CHECK (state IN ('running', 'stopped', 'failed'))
    """,
    "engine.applied": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        row_id uuid NOT NULL,
        number bigint NOT NULL,
        step integer NOT NULL,
        deleted boolean NOT NULL,
        CONSTRAINT pk_applied PRIMARY KEY (org_id, migration, data_set, row_id)
    """,
    "engine.foreign_writes": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        direction text COLLATE "C" NOT NULL,
        collection text NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        number bigint NOT NULL,
        step integer NOT NULL,
        committed_at timestamptz NOT NULL,
        CONSTRAINT pk_foreign_writes PRIMARY KEY (org_id, id),
        CONSTRAINT uq_foreign_writes_org_id_migration_source_direction_number_step
            UNIQUE (org_id, migration, source, direction, number, step)
    """,
    "engine.row_aliases": """
        org_id uuid NOT NULL,
        alias uuid NOT NULL,
        row_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        CONSTRAINT pk_row_aliases PRIMARY KEY (org_id, alias)
    """,
}


# A change comes for one record: what an earlier version of it left is found by the record.
INDEXES = (
    "CREATE INDEX ix_findings_key ON engine.findings (org_id, migration, data_set, key)",
    "CREATE INDEX ix_dangling_references_record_id ON engine.dangling_references (org_id, record_id)",
)


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)
    for statement in INDEXES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX engine.ix_dangling_references_record_id")
    op.execute("DROP INDEX engine.ix_findings_key")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
