"""Units of a migration: states, transitions, leases, measurements, decisions, and the hash-chained journal."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0011_units"
down_revision = "0010_refresh_successor"
branch_labels = None
depends_on = None

TABLES = {
    "engine.migrations": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        file_hash text NOT NULL,
        document jsonb NOT NULL,
        read_at timestamptz NOT NULL,
        CONSTRAINT pk_migrations PRIMARY KEY (org_id, migration)
    """,
    "engine.units": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        stage integer NOT NULL DEFAULT 0,
        share double precision NOT NULL DEFAULT 0,
        salt text NOT NULL DEFAULT '',
        armed boolean NOT NULL DEFAULT false,
        held boolean NOT NULL DEFAULT false,
        entered_at timestamptz NOT NULL,
        CONSTRAINT pk_units PRIMARY KEY (org_id, migration, unit),
        CONSTRAINT ck_units_state CHECK (state BETWEEN 0 AND 9),
        CONSTRAINT ck_units_share CHECK (share BETWEEN 0 AND 1)
    """,
    "engine.unit_states": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        stage integer NOT NULL,
        share double precision NOT NULL,
        entered_at timestamptz NOT NULL,
        left_at timestamptz,
        transition uuid,
        by text NOT NULL,
        CONSTRAINT pk_unit_states PRIMARY KEY (org_id, id)
    """,
    "engine.unit_transitions": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        edge text NOT NULL,
        phase text NOT NULL,
        before jsonb NOT NULL,
        after jsonb NOT NULL,
        steps jsonb NOT NULL,
        inverse jsonb NOT NULL,
        done_steps integer NOT NULL DEFAULT 0,
        by text NOT NULL,
        ended_at timestamptz,
        CONSTRAINT pk_unit_transitions PRIMARY KEY (org_id, id),
        CONSTRAINT ck_unit_transitions_phase CHECK (phase IN ('acting', 'unwinding', 'done', 'undone'))
    """,
    "engine.unit_measurements": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        measured_at timestamptz NOT NULL,
        figures jsonb NOT NULL,
        CONSTRAINT pk_unit_measurements PRIMARY KEY (org_id, id)
    """,
    "engine.unit_decisions": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        edge text NOT NULL,
        passed boolean NOT NULL,
        checks jsonb NOT NULL,
        by text NOT NULL,
        CONSTRAINT pk_unit_decisions PRIMARY KEY (org_id, id)
    """,
    "engine.migration_leases": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        holder text NOT NULL,
        fencing bigint NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT pk_migration_leases PRIMARY KEY (org_id, migration)
    """,
    "engine.migration_journal": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        number bigint NOT NULL,
        at timestamptz NOT NULL,
        unit text,
        transition uuid,
        phase text NOT NULL,
        by text NOT NULL,
        facts jsonb NOT NULL,
        previous text NOT NULL,
        hash text NOT NULL,
        CONSTRAINT pk_migration_journal PRIMARY KEY (org_id, migration, number)
    """,
    "engine.accepted_differences": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        route text NOT NULL,
        path text NOT NULL,
        kind text NOT NULL,
        owner text NOT NULL,
        reason text NOT NULL,
        until date NOT NULL,
        by text NOT NULL,
        withdrawn_at timestamptz,
        CONSTRAINT pk_accepted_differences PRIMARY KEY (org_id, id)
    """,
}

INDEXES = (
    "CREATE INDEX ix_unit_states_unit ON engine.unit_states (org_id, migration, unit, entered_at)",
    (
        "CREATE UNIQUE INDEX uq_unit_transitions_open ON engine.unit_transitions (org_id, migration, unit)"
        " WHERE phase IN ('acting', 'unwinding')"
    ),
    "CREATE INDEX ix_unit_measurements_unit ON engine.unit_measurements (org_id, migration, unit, kind, measured_at)",
    "CREATE INDEX ix_unit_decisions_unit ON engine.unit_decisions (org_id, migration, unit, created_at)",
    (
        "CREATE UNIQUE INDEX uq_accepted_differences_open ON engine.accepted_differences"
        " (org_id, migration, route, path, kind) WHERE withdrawn_at IS NULL"
    ),
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
