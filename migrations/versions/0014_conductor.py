"""The conductor: its state, traffic of the last hour, differences by cause, alarms, holds, and requests for four eyes."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0014_conductor"
down_revision = "0013_outbox_held"
branch_labels = None
depends_on = None

TABLES = {
    "engine.conductors": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        name text NOT NULL,
        version bigint NOT NULL,
        taken bigint NOT NULL,
        figures jsonb NOT NULL,
        started_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_conductors PRIMARY KEY (org_id, migration)
    """,
    "engine.conductor_state": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        part text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        document jsonb NOT NULL,
        written_at timestamptz NOT NULL,
        CONSTRAINT pk_conductor_state PRIMARY KEY (org_id, migration, part)
    """,
    "engine.route_traffic": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        route text COLLATE "C" NOT NULL,
        side text COLLATE "C" NOT NULL,
        arm text COLLATE "C" NOT NULL,
        requests integer NOT NULL,
        errors integer NOT NULL,
        judged integer NOT NULL DEFAULT 0,
        differing integer NOT NULL DEFAULT 0,
        seconds double precision NOT NULL,
        latencies jsonb NOT NULL,
        CONSTRAINT pk_route_traffic PRIMARY KEY (org_id, migration, at, route, side, arm),
        CONSTRAINT ck_route_traffic_side CHECK (side IN ('old', 'new'))
    """,
    "engine.difference_groups": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        cause text NOT NULL,
        kind text NOT NULL,
        reported boolean NOT NULL,
        members jsonb NOT NULL,
        example jsonb NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        CONSTRAINT pk_difference_groups PRIMARY KEY (org_id, migration, id)
    """,
    "engine.migration_alerts": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        cause text COLLATE "C" NOT NULL,
        unit text COLLATE "C",
        severity text NOT NULL,
        said text NOT NULL,
        facts jsonb NOT NULL,
        began_at timestamptz NOT NULL,
        told jsonb NOT NULL DEFAULT '{}',
        ended_at timestamptz,
        CONSTRAINT pk_migration_alerts PRIMARY KEY (org_id, id)
    """,
    "engine.unit_holds": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C" NOT NULL,
        by text NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL,
        CONSTRAINT pk_unit_holds PRIMARY KEY (org_id, migration, unit)
    """,
    "engine.operator_requests": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        unit text COLLATE "C",
        action text NOT NULL,
        wish jsonb NOT NULL,
        state text NOT NULL,
        by text NOT NULL,
        asked_at timestamptz NOT NULL,
        settled_by text,
        settled_at timestamptz,
        CONSTRAINT pk_operator_requests PRIMARY KEY (org_id, id),
        CONSTRAINT ck_operator_requests_state CHECK (state IN ('open', 'done', 'refused'))
    """,
}

INDEXES = (
    (
        "CREATE UNIQUE INDEX uq_migration_alerts_open ON engine.migration_alerts (org_id, migration, cause)"
        " WHERE ended_at IS NULL"
    ),
    "CREATE INDEX ix_operator_requests_open ON engine.operator_requests (org_id, migration, state)",
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
