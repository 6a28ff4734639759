"""Ledger, legacy keys, quarantine, findings."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0005_engine"
down_revision = "0004_commerce"
branch_labels = None
depends_on = None

TABLES = {
    "engine.load_runs": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        status text NOT NULL,
        finished_at timestamptz,
        report jsonb,
        CONSTRAINT pk_load_runs PRIMARY KEY (org_id, id)
    """,
    "engine.ledger": """
        org_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        chunk integer NOT NULL,
        first_ordinal bigint NOT NULL,
        records integer NOT NULL,
        quarantined integer NOT NULL,
        source_hash bytea NOT NULL,
        mapping_version text NOT NULL,
        sums jsonb NOT NULL,
        stale boolean NOT NULL DEFAULT false,
        committed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_ledger PRIMARY KEY (org_id, migration, data_set, chunk)
    """,
    "engine.legacy_keys": """
        org_id uuid NOT NULL,
        row_id uuid NOT NULL,
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        tag text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        chunk integer,
        ordinal bigint NOT NULL,
        CONSTRAINT pk_legacy_keys PRIMARY KEY (org_id, row_id),
        CONSTRAINT uq_legacy_keys_org_id_migration_data_set_tag_key
            UNIQUE (org_id, migration, data_set, tag, key)
    """,
    "engine.quarantine": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        chunk integer NOT NULL,
        ordinal bigint NOT NULL,
        file text NOT NULL,
        byte_offset bigint NOT NULL,
        reason text COLLATE "C" NOT NULL,
        field text NOT NULL,
        detail text NOT NULL,
        tag text COLLATE "C",
        key text COLLATE "C",
        row_id uuid,
        sealed bytea,
        purged_at timestamptz,
        CONSTRAINT pk_quarantine PRIMARY KEY (org_id, id)
    """,
    "engine.findings": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        chunk integer,
        kind text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        field text NOT NULL,
        detail text NOT NULL,
        CONSTRAINT pk_findings PRIMARY KEY (org_id, id)
    """,
    "engine.dangling_references": """
        org_id uuid NOT NULL,
        table_name text COLLATE "C" NOT NULL,
        row_id uuid NOT NULL,
        column_name text COLLATE "C" NOT NULL,
        migration text COLLATE "C" NOT NULL,
        data_set text COLLATE "C" NOT NULL,
        chunk integer NOT NULL,
        record_id uuid NOT NULL,
        target_table text COLLATE "C" NOT NULL,
        wanted_id uuid NOT NULL,
        source text NOT NULL,
        tag text NOT NULL,
        key text NOT NULL,
        CONSTRAINT pk_dangling_references PRIMARY KEY (org_id, table_name, row_id, column_name)
    """,
}

INDEXES = (
    "CREATE INDEX ix_load_runs_org_id_migration ON engine.load_runs (org_id, migration, created_at)",
    "CREATE INDEX ix_legacy_keys_chunk ON engine.legacy_keys (org_id, migration, data_set, chunk)",
    "CREATE INDEX ix_quarantine_chunk ON engine.quarantine (org_id, migration, data_set, chunk)",
    "CREATE INDEX ix_quarantine_row_id ON engine.quarantine (org_id, row_id)",
    "CREATE INDEX ix_findings_chunk ON engine.findings (org_id, migration, data_set, chunk)",
    "CREATE INDEX ix_dangling_references_chunk ON engine.dangling_references (org_id, migration, data_set, chunk)",
    "CREATE INDEX ix_dangling_references_wanted_id ON engine.dangling_references (org_id, wanted_id)",
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
