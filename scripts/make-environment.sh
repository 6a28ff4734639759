#!/bin/sh
# Makes the virtual environment: with uv when present, else with python3 -m venv. Says in one line what is missing.
set -eu
venv=$1
python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
if [ -z "$python" ]; then
    echo "Caravan needs Python 3.11 or newer. Install it (Debian, Ubuntu: apt-get install python3) and run make again." >&2
    exit 1
fi

no_index() {
    echo "The packages could not be installed. If the lines above speak of a connection, this machine reaches no package" >&2
    echo "index: set PIP_INDEX_URL (or UV_INDEX_URL) to yours and run make again." >&2
    exit 1
}

echo "Making the environment in $venv ($("$python" --version 2>&1))"
if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "$python" "$venv"
    VIRTUAL_ENV=$venv uv pip install --quiet --require-hashes -r requirements/dev.txt || no_index
    VIRTUAL_ENV=$venv uv pip install --quiet --no-deps -e . || no_index
else
    if ! "$python" -m venv --help >/dev/null 2>&1 || ! "$python" -c 'import ensurepip' 2>/dev/null; then
        echo "This Python has no venv module. Install one package (Debian, Ubuntu: apt-get install python3-venv; or: pip install uv) and run make again." >&2
        exit 1
    fi
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt || no_index
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -e . || no_index
fi

# Compiled once here: where PYTHONDONTWRITEBYTECODE is set, every start would compile some 4,000 files again.
"$venv/bin/python" -m compileall -q "$venv/lib" src >/dev/null 2>&1 || true
