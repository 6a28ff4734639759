#!/bin/sh
# Makes the environment of the MongoDB-compatible server that tests start: of its own, since its licence (GPL-2) is not ours.
set -eu
venv=.caravan/mongodb-server
echo "Making the test server for MongoDB in $venv"
mkdir -p .caravan
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "$1" "$venv"
    VIRTUAL_ENV=$venv uv pip install --quiet --require-hashes -r requirements/mongodb-server.txt
else
    "$1" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/mongodb-server.txt
fi
touch "$venv/.ready"
