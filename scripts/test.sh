#!/bin/sh
# The whole suite: in parallel, with the coverage gates. Set CARAVAN_REQUIRE_ALL=1 to make skips failures.
set -eu
bin=.venv/bin
workers=${CARAVAN_TEST_WORKERS:-2}
rm -f .coverage .coverage.*
# A shell that runs us in the background ignores SIGINT, and children inherit that: Ctrl-C could not be tested.
listen='import os, signal, sys
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])'
"$bin/python" -c "$listen" "$bin/pytest" -q -n "$workers" --dist worksteal --cov --cov-report= "$@" tests
"$bin/coverage" report --precision=1 | tail -n 40
# Money, log-in and idempotency are gated whole.
"$bin/coverage" report --precision=1 --fail-under=100 --include='*/core/money.py,*/core/idempotency/*,*/identity/passwords.py,*/identity/*tokens.py,*/identity/totp.py,*/identity/log_in.py,*/identity/refresh.py'
