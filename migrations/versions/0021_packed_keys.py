"""Legacy keys of chunks that were loaded in one piece, packed: a row per chunk until somebody asks for one of them."""

from alembic import op

from caravan.core.database.security import row_security_statements

revision = "0021_packed_keys"
down_revision = "0020_flow_retained"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE engine.packed_keys (
            org_id uuid NOT NULL,
            migration text COLLATE "C" NOT NULL,
            data_set text COLLATE "C" NOT NULL,
            chunk integer NOT NULL,
            first_ordinal bigint NOT NULL,
            tag text COLLATE "C" NOT NULL,
            row_ids uuid[] NOT NULL,
            keys text[] NOT NULL,
            CONSTRAINT pk_packed_keys PRIMARY KEY (org_id, migration, data_set, chunk)
        )
        """
    )
    # Hashes cannot be made smaller.
    op.execute("ALTER TABLE engine.packed_keys ALTER COLUMN row_ids SET STORAGE EXTERNAL")
    for statement in row_security_statements("engine.packed_keys"):
        op.execute(statement)


def downgrade() -> None:
    """Write the keys into the book, one by one, before their packs go."""
    op.execute(
        """
        INSERT INTO engine.legacy_keys (org_id, row_id, migration, data_set, tag, key, chunk, ordinal)
        SELECT p.org_id, u.row_id, p.migration, p.data_set, p.tag, u.key, p.chunk, p.first_ordinal + u.n - 1
        FROM engine.packed_keys p, unnest(p.row_ids, p.keys) WITH ORDINALITY AS u (row_id, key, n)
        ON CONFLICT DO NOTHING
        """
    )
    op.execute("DROP TABLE engine.packed_keys")
