# Every target makes the environment it needs; `make run` and `make test` are all a newcomer types.
SHELL := /bin/sh
VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.ready
MONGO := .caravan/mongodb-server/.ready
ARGS  ?=

.DEFAULT_GOAL := help
.PHONY: help setup mongodb-server run test test-fast test-unit test-integration test-contract test-e2e test-postgres15 demo-http demo-data bench lint format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the environment in .venv

$(STAMP): pyproject.toml requirements/dev.txt
	@sh scripts/make-environment.sh $(VENV)
	@touch $(STAMP)

mongodb-server: $(MONGO) ## a MongoDB-compatible server for tests, in an environment of its own

$(MONGO): requirements/mongodb-server.txt | $(STAMP)
	@sh scripts/make-mongodb-server.sh $(BIN)/python

run: setup ## servers, schema, sample, API, worker and console on 127.0.0.1:8000
	@exec $(BIN)/caravan up $(ARGS)

test: setup ## the whole suite with the coverage gate
	@sh scripts/test.sh $(ARGS)

test-fast: setup ## what changed matters: unit and contract tests, no browser
	$(BIN)/pytest -q -n 2 --dist worksteal tests/unit tests/contracts $(ARGS)

test-unit: setup ## no server at all
	$(BIN)/pytest -q -n 2 --dist worksteal tests/unit $(ARGS)

test-integration: setup ## real PostgreSQL, Valkey and processes
	$(BIN)/pytest -q -n 2 --dist worksteal tests/integration $(ARGS)

test-contract: setup ## what callers of the old URLs rely on
	$(BIN)/pytest -q tests/contracts $(ARGS)

test-e2e: setup ## the pages in a real browser, the commands in a real shell
	$(BIN)/pytest -q tests/e2e $(ARGS)

test-postgres15: setup ## the database's part again, on the oldest PostgreSQL we support
	@sh scripts/test-postgres15.sh $(ARGS)

demo-http: setup ## shadow, canary and rollback with real processes, each promise with its figure
	$(BIN)/python scripts/demo_http.py $(ARGS)

demo-data: setup ## the data half with real servers: load, follow, verify, switch, and the way back
	@$(BIN)/python scripts/demo_data.py $(ARGS)

bench: setup ## side-by-side figures into bench/figures
	$(BIN)/python -m bench $(ARGS)

lint: setup ## ruff, mypy --strict, import contracts, our own rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.lint src tests bench

format: setup ## rewrite to the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## refresh requirements/*.txt (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra embedded pyproject.toml -o requirements/runtime.txt $(ARGS)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --extra embedded --group dev pyproject.toml -o requirements/dev.txt $(ARGS)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  requirements/mongodb-server.in -o requirements/mongodb-server.txt $(ARGS)

clean: ## remove the environment and what the embedded servers keep
	rm -rf $(VENV) .caravan .coverage* .mypy_cache .ruff_cache .pytest_cache
