"""Audit entries, seals and checkpoints; kept messages."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0002_audit"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None

TABLES = {
    "audit_entries": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        principal text NOT NULL,
        action text NOT NULL,
        entity text NOT NULL,
        entity_id text NOT NULL,
        before jsonb,
        after jsonb,
        request_id text,
        content_hash bytea NOT NULL,
        xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint,
        CONSTRAINT pk_audit_entries PRIMARY KEY (org_id, id)
    """,
    "audit_seals": """
        org_id uuid NOT NULL,
        seq bigint NOT NULL,
        entry_id uuid NOT NULL,
        previous_hash bytea NOT NULL,
        chain_hash bytea NOT NULL,
        sealed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_audit_seals PRIMARY KEY (org_id, seq),
        CONSTRAINT uq_audit_seals_org_id_entry_id UNIQUE (org_id, entry_id)
    """,
    "audit_checkpoints": """
        org_id uuid NOT NULL,
        seq bigint NOT NULL,
        chain_hash bytea NOT NULL,
        key_id text NOT NULL,
        signature bytea NOT NULL,
        made_at timestamptz NOT NULL,
        horizon bigint NOT NULL,
        CONSTRAINT pk_audit_checkpoints PRIMARY KEY (org_id, seq)
    """,
    "kept_messages": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        channel text NOT NULL,
        recipient text NOT NULL,
        template text NOT NULL,
        locale text NOT NULL,
        subject text,
        body text NOT NULL,
        variables jsonb NOT NULL,
        idempotency_key text NOT NULL,
        CONSTRAINT pk_kept_messages PRIMARY KEY (org_id, id),
        CONSTRAINT uq_kept_messages_org_id_idempotency_key UNIQUE (org_id, idempotency_key)
    """,
}
INDEXES = (
    "ix_audit_entries_xid ON audit_entries (xid, org_id, id)",
    "ix_audit_entries_entity ON audit_entries (org_id, entity, entity_id, id)",
    "ix_audit_checkpoints_made_at ON audit_checkpoints (made_at)",
)
AUDIT = "audit_entries, audit_seals, audit_checkpoints"
SYSTEM_WIDE = "'00000000-0000-0000-0000-000000000000'::uuid"


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")
    # A log-in that fails belongs to no tenant: it is written without one, and read by the system only.
    op.execute(
        f"CREATE POLICY system_wide ON audit_entries FOR INSERT TO caravan_app WITH CHECK (org_id = {SYSTEM_WIDE})"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {AUDIT} FROM caravan_app, caravan_system")
    op.execute("REVOKE INSERT ON audit_seals, audit_checkpoints FROM caravan_app")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
