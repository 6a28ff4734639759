#!/bin/sh
# What the database must bear, once more on the oldest PostgreSQL we support, where one is reachable.
set -eu
url=${CARAVAN_TEST_POSTGRES15_URL:-postgresql://postgres@127.0.0.1:5432/postgres}
probe='import sys, psycopg; sys.exit(psycopg.connect(sys.argv[1], connect_timeout=2).info.server_version // 10000 != 15)'
if ! .venv/bin/python -c "$probe" "$url" 2>/dev/null; then
    echo "PostgreSQL 15 is not reachable at $url; start one: docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:15" >&2
    [ -z "${CARAVAN_REQUIRE_ALL:-}" ]
    exit
fi
export CARAVAN_TEST_DATABASE_URL="$url"
# A server as it is installed has wal_level = replica: what follows its changes by a slot runs on the embedded server alone.
.venv/bin/pytest -q -n "${CARAVAN_TEST_WORKERS:-2}" --dist worksteal "$@" \
    tests/integration/core/database tests/integration/core/idempotency tests/integration/core/outbox \
    tests/integration/commerce tests/integration/legacy/rps tests/integration/platform \
    tests/integration/migration/load tests/integration/migration/verify tests/integration/migration/units \
    tests/integration/migration/gateway/test_publishing.py tests/integration/migration/gateway/test_following.py \
    tests/contracts/rps --ignore tests/integration/legacy/rps/test_live_mongodb.py
