"""Outbox, inbox, schedules, heartbeats, idempotency keys."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0001_foundation"
down_revision = None
branch_labels = None
depends_on = None

TABLES = {
    "outbox": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        name text NOT NULL,
        payload jsonb NOT NULL,
        key text,
        client_id uuid,
        project_id uuid,
        principal text NOT NULL,
        request_id text,
        trace text,
        state text NOT NULL DEFAULT 'new',
        due_at timestamptz NOT NULL DEFAULT now(),
        relays integer NOT NULL DEFAULT 0,
        failures integer NOT NULL DEFAULT 0,
        reason text,
        relayed_at timestamptz,
        done_at timestamptz,
        CONSTRAINT pk_outbox PRIMARY KEY (org_id, id),
        CONSTRAINT uq_outbox_id UNIQUE (id),
        CONSTRAINT ck_outbox_state CHECK (state IN ('new', 'relayed', 'done', 'parked', 'dropped'))
    """,
    "inbox": """
        org_id uuid NOT NULL,
        event_id uuid NOT NULL,
        handler text NOT NULL,
        handled_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_inbox PRIMARY KEY (org_id, event_id, handler)
    """,
    "scheduled_runs": """
        name text NOT NULL,
        due_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_scheduled_runs PRIMARY KEY (name, due_at)
    """,
    "heartbeats": """
        kind text NOT NULL,
        name text NOT NULL,
        process text NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        sleeping boolean NOT NULL DEFAULT false,
        CONSTRAINT pk_heartbeats PRIMARY KEY (kind, name, process)
    """,
    "idempotency_keys": """
        principal text NOT NULL,
        method text NOT NULL,
        path text NOT NULL,
        key text NOT NULL,
        fingerprint bytea NOT NULL,
        org_id uuid,
        status integer NOT NULL,
        headers jsonb NOT NULL,
        body bytea,
        secret boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (principal, method, path, key)
    """,
}
INDEXES = (
    "ix_outbox_new ON outbox (seq) WHERE state = 'new'",
    "ix_outbox_relayed ON outbox (due_at) WHERE state = 'relayed'",
    "ix_outbox_key ON outbox (org_id, key, seq) WHERE key IS NOT NULL AND state IN ('new', 'relayed', 'parked')",
    "ix_outbox_parked ON outbox (seq) WHERE state = 'parked'",
    "ix_outbox_done_at ON outbox (done_at) WHERE done_at IS NOT NULL",
    "ix_heartbeats_sleeping ON heartbeats (kind) WHERE sleeping",
    "ix_idempotency_keys_created_at ON idempotency_keys (created_at)",
)
SYSTEM_WIDE = "'00000000-0000-0000-0000-000000000000'::uuid"


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")
    for table in ("outbox", "inbox"):
        for statement in row_security_statements(table):
            op.execute(statement)
    # What belongs to no tenant (a forgotten password) is written without one, and read by the system only.
    op.execute(
        f"CREATE POLICY system_wide ON outbox FOR INSERT TO caravan_app WITH CHECK (org_id = {SYSTEM_WIDE})"
    )
    # Every transaction may change its rows' state; rewriting what was said to happen is for nobody.
    op.execute("REVOKE UPDATE, TRUNCATE ON outbox FROM caravan_app, caravan_system")
    op.execute(
        "GRANT UPDATE (state, due_at, relays, failures, reason, relayed_at, done_at)"
        " ON outbox TO caravan_app, caravan_system"
    )
    op.execute("REVOKE DELETE ON outbox, inbox FROM caravan_app")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
