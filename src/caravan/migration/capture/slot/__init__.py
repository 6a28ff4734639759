"""PostgreSQL's log through a logical slot that is read by SQL: no replication connection, so it passes through poolers."""
