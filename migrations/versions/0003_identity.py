"""Organisations, users, memberships, credentials."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0003_identity"
down_revision = "0002_audit"
branch_labels = None
depends_on = None

TABLES = {
    "organisations": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        code text NOT NULL,
        name text NOT NULL,
        external_id text,
        CONSTRAINT pk_organisations PRIMARY KEY (id),
        CONSTRAINT uq_organisations_code UNIQUE (code),
        CONSTRAINT uq_organisations_external_id UNIQUE (external_id),
        CONSTRAINT ck_organisations_code CHECK (code ~ '^[a-z0-9-]{3,32}$')
    """,
    "clients": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        code text NOT NULL,
        name text NOT NULL,
        external_id text,
        CONSTRAINT pk_clients PRIMARY KEY (org_id, id),
        CONSTRAINT uq_clients_org_id_code UNIQUE (org_id, code),
        CONSTRAINT uq_clients_org_id_external_id UNIQUE (org_id, external_id),
        CONSTRAINT ck_clients_code CHECK (code ~ '^[a-z0-9-]{3,32}$'),
        CONSTRAINT fk_clients_org_id FOREIGN KEY (org_id) REFERENCES organisations (id)
    """,
    "projects": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        client_id uuid,
        code text NOT NULL,
        name text NOT NULL,
        external_id text,
        CONSTRAINT pk_projects PRIMARY KEY (org_id, id),
        CONSTRAINT uq_projects_org_id_code UNIQUE (org_id, code),
        CONSTRAINT uq_projects_org_id_external_id UNIQUE (org_id, external_id),
        CONSTRAINT ck_projects_code CHECK (code ~ '^[A-Za-z0-9._-]{1,64}$'),
        CONSTRAINT fk_projects_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_projects_org_id_client_id
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id)
    """,
    "users": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        email text NOT NULL,
        username text,
        display_name text NOT NULL,
        locale text NOT NULL DEFAULT 'en',
        home_org_id uuid,
        password_hash text,
        password_changed_at timestamptz,
        must_change_password boolean NOT NULL DEFAULT false,
        totp_secret bytea,
        totp_enabled_at timestamptz,
        totp_last_step integer NOT NULL DEFAULT 0,
        last_login_at timestamptz,
        disabled_at timestamptz,
        CONSTRAINT pk_users PRIMARY KEY (id),
        CONSTRAINT uq_users_email UNIQUE (email),
        CONSTRAINT uq_users_username UNIQUE (username),
        CONSTRAINT ck_users_email CHECK (email = lower(email)),
        CONSTRAINT ck_users_username CHECK (username ~ '^[a-z0-9._-]{3,64}$'),
        CONSTRAINT fk_users_home_org_id FOREIGN KEY (home_org_id) REFERENCES organisations (id)
    """,
    "memberships": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        user_id uuid NOT NULL,
        client_id uuid,
        role text NOT NULL,
        permissions jsonb NOT NULL DEFAULT '[]'::jsonb,
        CONSTRAINT pk_memberships PRIMARY KEY (org_id, id),
        CONSTRAINT uq_memberships_org_id_user_id UNIQUE (org_id, user_id),
        CONSTRAINT fk_memberships_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_memberships_user_id FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT fk_memberships_org_id_client_id
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id)
    """,
    "invites": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        email text NOT NULL,
        role text NOT NULL,
        client_id uuid,
        token_hash bytea NOT NULL,
        created_by uuid,
        expires_at timestamptz NOT NULL,
        accepted_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT pk_invites PRIMARY KEY (org_id, id),
        CONSTRAINT uq_invites_token_hash UNIQUE (token_hash),
        CONSTRAINT fk_invites_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_invites_org_id_client_id
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id),
        CONSTRAINT fk_invites_created_by FOREIGN KEY (created_by) REFERENCES users (id)
    """,
    "refresh_families": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        user_id uuid NOT NULL,
        chosen_org_id uuid,
        chosen_client_id uuid,
        user_agent text,
        address text,
        last_used_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoked_because text,
        CONSTRAINT pk_refresh_families PRIMARY KEY (id),
        CONSTRAINT fk_refresh_families_user_id
            FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
        CONSTRAINT fk_refresh_families_chosen_org_id
            FOREIGN KEY (chosen_org_id) REFERENCES organisations (id),
        CONSTRAINT fk_refresh_families_chosen_org_id_chosen_client_id
            FOREIGN KEY (chosen_org_id, chosen_client_id) REFERENCES clients (org_id, id)
    """,
    "refresh_tokens": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        family_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        used_at timestamptz,
        CONSTRAINT pk_refresh_tokens PRIMARY KEY (id),
        CONSTRAINT uq_refresh_tokens_token_hash UNIQUE (token_hash),
        CONSTRAINT fk_refresh_tokens_family_id
            FOREIGN KEY (family_id) REFERENCES refresh_families (id) ON DELETE CASCADE
    """,
    "api_keys": """
        org_id uuid NOT NULL,
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        name text NOT NULL,
        prefix text NOT NULL,
        secret_hash bytea NOT NULL,
        scopes jsonb NOT NULL,
        client_id uuid,
        created_by uuid,
        last_used_at timestamptz,
        expires_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT pk_api_keys PRIMARY KEY (org_id, id),
        CONSTRAINT uq_api_keys_prefix UNIQUE (prefix),
        CONSTRAINT fk_api_keys_org_id FOREIGN KEY (org_id) REFERENCES organisations (id),
        CONSTRAINT fk_api_keys_org_id_client_id
            FOREIGN KEY (org_id, client_id) REFERENCES clients (org_id, id),
        CONSTRAINT fk_api_keys_created_by FOREIGN KEY (created_by) REFERENCES users (id)
    """,
    "recovery_codes": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        user_id uuid NOT NULL,
        code_hash bytea NOT NULL,
        used_at timestamptz,
        CONSTRAINT pk_recovery_codes PRIMARY KEY (id),
        CONSTRAINT uq_recovery_codes_user_id_code_hash UNIQUE (user_id, code_hash),
        CONSTRAINT fk_recovery_codes_user_id
            FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    """,
    "password_resets": """
        id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        user_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz,
        CONSTRAINT pk_password_resets PRIMARY KEY (id),
        CONSTRAINT uq_password_resets_token_hash UNIQUE (token_hash),
        CONSTRAINT fk_password_resets_user_id
            FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
    """,
    "login_attempts": """
        subject bytea NOT NULL,
        failures integer NOT NULL,
        last_failed_at timestamptz NOT NULL,
        locked_until timestamptz,
        CONSTRAINT pk_login_attempts PRIMARY KEY (subject)
    """,
}

INDEXES = {
    "ix_projects_org_id_client_id": "projects (org_id, client_id)",
    "ix_users_home_org_id": "users (home_org_id)",
    "ix_memberships_user_id": "memberships (user_id)",
    "ix_memberships_org_id_client_id": "memberships (org_id, client_id)",
    "ix_refresh_families_user_id": "refresh_families (user_id)",
    "ix_refresh_tokens_family_id": "refresh_tokens (family_id)",
    "ix_password_resets_user_id": "password_resets (user_id)",
    "ix_login_attempts_last_failed_at": "login_attempts (last_failed_at)",
}

TENANT_TABLES = ("clients", "projects", "memberships", "invites", "api_keys")


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.execute(f"CREATE TABLE {table} ({columns})")
    for index, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {index} ON {columns}")
    for table in TENANT_TABLES:
        for statement in row_security_statements(table):
            op.execute(statement)
    for statement in row_security_statements("organisations", column="id"):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
