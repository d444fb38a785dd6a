# Everything a person types. `make help` lists it; `.ci/run` is `make test`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DATA ?= data
PORT ?= 8420
PYTEST ?=
# Two test processes a core, as tests also wait; three to eight.
WORKERS := $(shell n=$$(( 2 * $$(nproc 2>/dev/null || echo 2) )); echo $$(( n < 3 ? 3 : n > 8 ? 8 : n )))
# The tests start hundreds of processes: compile each module once.
unexport PYTHONDONTWRITEBYTECODE
# The one tool that writes locks; only `make lock` needs it.
UV := uv==0.13.8

# What `make check` runs: each module by itself. The rest starts whole servers and calls every route.
UNITS := kit model store engine event_log realtime webhooks http dialects cli demo

.PHONY: help run cluster check test lint format migration figures bench bench-large wheel lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The one private address webhooks may go to here is the README's receiver.
run: .venv/.run ## Serve Koine with demo data (DATA=data PORT=8420)
	@export KOINE_OUTBOUND_ALLOW="$${KOINE_OUTBOUND_ALLOW-127.0.0.1:9000}"; \
	exec $(BIN)/koine serve --demo --data $(DATA) --port $(PORT)

cluster: .venv/.test ## Two nodes on one PostgreSQL and three NATS servers, to try it with (docs/nodes.md)
	@exec $(BIN)/python -m examples.cluster --port $(PORT)

check: lint ## Lint, then the unit tests on SQLite alone: for the loop while working
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --db sqlite \
	  $(UNITS:%=tests/%) tests/test_*.py $(PYTEST)

test: lint ## Lint, then the whole suite on both databases (PYTEST="-k words" for a part)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(PYTEST)

lint: .venv/.test ## Style, types and layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "make format would change files" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }

format: .venv/.test ## Format the sources
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format .

migration: .venv/.test ## Write a migration of what changed in store/tables/ (NAME="what changes")
	@test -n "$(NAME)" || { echo 'NAME is missing: make migration NAME="..."' >&2; exit 1; }
	@$(BIN)/alembic -c src/koine/store/migrations/alembic.ini revision --autogenerate -m "$(NAME)"
	@$(BIN)/ruff format --quiet src/koine/store/migrations

# About an hour on two cores. RIG="kill --seed 7" runs one, and replaces its line alone.
figures: .venv/.test ## Run the chaos rigs and write docs/figures.md (RIG=name for one)
	@$(BIN)/python -m chaos $(or $(RIG),all) --write docs/figures.md

bench: .venv/.test ## Measure against the database itself, at most five minutes
	@$(BIN)/python -m bench

bench-large: .venv/.test ## Measure with a million conversations, on both databases
	@$(BIN)/python -m bench.large

wheel: .venv/.run ## Build dist/koine_server-VERSION-py3-none-any.whl
	@$(PIP) wheel --no-deps --no-build-isolation --no-index --wheel-dir dist .

# Hashes of every file of a release, for all Pythons and machines; UPGRADE=--upgrade takes newer ones.
lock: ## Write requirements/*.txt again from pyproject.toml (UPGRADE=--upgrade)
	@.ci/venv
	@test -x .cache/uv/bin/uv || $(BIN)/python -m venv .cache/uv
	@.cache/uv/bin/python -m pip --disable-pip-version-check --quiet install $(UV)
	@$(COMPILE) --output-file requirements/run.txt
	@$(COMPILE) --extra test --constraints requirements/run.txt --output-file requirements/test.txt

COMPILE = .cache/uv/bin/uv pip compile pyproject.toml requirements/build.in --quiet --no-config \
  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
  --custom-compile-command "make lock" $(UPGRADE)

clean: ## Remove what was built (never ./data)
	@rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests -name __pycache__ -prune -exec rm -rf {} +

# A stamp is newer than its lock when the environment has the packages of the lock.
.venv/.run: requirements/run.txt pyproject.toml
	@.ci/venv
	@echo "Installing what Koine needs (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/.test: requirements/test.txt pyproject.toml
	@.ci/venv
	@echo "Installing what the tests need (once)"
	@$(PIP) install --require-hashes --no-deps -r requirements/test.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@
