"""Jobs, their queues, slots and output; each step of a job is a function, so that all who run jobs keep one law."""

from pathlib import Path

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0008_jobs"
down_revision = "0007_read_models"
branch_labels = None
depends_on = None

FOLDER = Path(__file__).parents[1] / "jobs"

TABLES = {
    "job_queues": """
        org_id uuid NOT NULL,
        name text NOT NULL,
        concurrency integer NOT NULL DEFAULT 1,
        last_number bigint NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 0,
        pending bigint NOT NULL DEFAULT 0,
        running bigint NOT NULL DEFAULT 0,
        completed bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        cancelled bigint NOT NULL DEFAULT 0,
        claimed_at timestamptz,
        held_by text,
        hold_fence bigint NOT NULL DEFAULT 0,
        hold_expires_at timestamptz,
        CONSTRAINT pk_job_queues PRIMARY KEY (org_id, name),
        CONSTRAINT ck_job_queues_concurrency CHECK (concurrency > 0)
    """,
    "jobs": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        queue text NOT NULL,
        number bigint NOT NULL,
        workflow text NOT NULL,
        parameters jsonb NOT NULL,
        reference text,
        principal text,
        request_id text,
        state text NOT NULL DEFAULT 'pending',
        fence bigint,
        started_at timestamptz,
        finished_at timestamptz,
        ended_at timestamptz,
        cancel_requested_at timestamptz,
        error text,
        reason text,
        exit_code integer,
        signal integer,
        duration_ms bigint,
        peak_memory bigint,
        output_bytes bigint,
        progress jsonb,
        result jsonb,
        CONSTRAINT pk_jobs PRIMARY KEY (org_id, id),
        CONSTRAINT uq_jobs_org_id_queue_number UNIQUE (org_id, queue, number),
        CONSTRAINT ck_jobs_state CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
        CONSTRAINT fk_jobs_org_id_queue FOREIGN KEY (org_id, queue) REFERENCES job_queues (org_id, name)
    """,
    "job_slots": """
        org_id uuid NOT NULL,
        queue text NOT NULL,
        slot integer NOT NULL,
        holder text,
        job_id uuid,
        fence bigint NOT NULL DEFAULT 0,
        expires_at timestamptz,
        CONSTRAINT pk_job_slots PRIMARY KEY (org_id, queue, slot)
    """,
    "job_output": """
        org_id uuid NOT NULL,
        job_id uuid NOT NULL,
        position bigint NOT NULL,
        stream text NOT NULL,
        content bytea NOT NULL,
        written_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT pk_job_output PRIMARY KEY (org_id, job_id, position),
        CONSTRAINT fk_job_output_org_id_job_id FOREIGN KEY (org_id, job_id) REFERENCES jobs (org_id, id)
    """,
}
INDEXES = (
    "ix_jobs_unfinished ON jobs (org_id, queue, state, number) WHERE state IN ('pending', 'running')",
    "ix_job_queues_pending ON job_queues (claimed_at) WHERE pending > 0",
    "ix_job_slots_holder ON job_slots (holder) WHERE holder IS NOT NULL",
)
FUNCTIONS = {
    "job_create": "(uuid, uuid, text, integer, text, jsonb, text, text, text)",
    "job_cancel": "(uuid, text, bigint)",
    "job_claim": "(text, double precision)",
    "job_finish": "(uuid, uuid, text, bigint, text, text, text, integer, integer, bigint, bigint, bigint, jsonb, jsonb)",
    "job_renew": "(text, double precision)",
    "job_cancelled": "(text)",
    "job_holders": "()",
    "job_take_over": "(text, double precision, text[], uuid[])",
    "job_hold": "(uuid, text, text, double precision)",
    "job_hold_renew": "(uuid, text, bigint, double precision)",
    "job_hold_end": "(uuid, text, bigint)",
    "job_queue_version": "(uuid, text)",
}


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
        for statement in row_security_statements(table):
            op.execute(statement)
    for index in INDEXES:
        op.execute(f"CREATE INDEX {index}")
    for name in ("transitions", "lifecycle", "leases", "holds"):
        text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
        op.get_bind().execution_options(no_parameters=True).exec_driver_sql(text)
    op.execute("REVOKE DELETE, TRUNCATE ON jobs, job_queues FROM caravan_app, caravan_system")


def downgrade() -> None:
    for name, arguments in FUNCTIONS.items():
        op.execute(f"DROP FUNCTION {name}{arguments}")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP TABLE job_transitions")
    for name in ("job_guard", "job_born", "job_counted"):
        op.execute(f"DROP FUNCTION {name}()")
