# Needs python3 (3.11 or newer) and nothing else: no root, no server.
# PYTHON, VENV and the address of a package index (pip's own settings) can be given from outside.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What runs until it is stopped ends with make, even when make is killed.
RUN := exec env ABUSEDESK_SUPERVISOR=$$PPID $(BIN)/abusedesk

.DEFAULT_GOAL := help
.PHONY: help demo serve test bench chaos fuzz assurance lint format clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.base ## fill ./var with a day of made-up complaints and serve it on http://127.0.0.1:8000
	@$(RUN) demo

serve: $(VENV)/.base ## serve the installation in ./var
	@$(RUN) serve

test: $(VENV)/.dev ## run every test, against an embedded PostgreSQL of their own
	@$(BIN)/python -m pytest -q -n auto --dist loadfile $(TESTS)

bench: $(VENV)/.dev ## measure the figures, print them, and write var/bench.json
	@$(BIN)/python -m benchmarks

chaos: $(VENV)/.dev ## kill workers, watch and database at random and count what was done twice (OPTIONS="--seed 1")
	@$(BIN)/python -m benchmarks.chaos $(OPTIONS)

fuzz: $(VENV)/.fuzz ## feed the readers broken messages for an hour (SECONDS=60 for a minute)
	@$(BIN)/python -m fuzz $(SECONDS)

assurance: $(VENV)/.dev ## write docs/reference/assurance.md anew from the grading function
	@$(BIN)/python -m abusedesk.vocabulary.assurance_table >docs/reference/assurance.md

lint: $(VENV)/.dev ## style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.dev ## put the sources into their form
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

clean: ## remove the virtual environment and what tools left behind; ./var stays
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A stamp is as new as the lock it was installed from, so a changed lock, and only that, installs again.
$(VENV)/.dev: requirements/dev.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@requirements/install requirements/dev.txt $(VENV)
	@touch $(VENV)/.base $@

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r $<
	@touch $@

$(VENV)/.base: requirements/base.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	@requirements/install requirements/base.txt $(VENV)
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "abusedesk needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1 || echo missing);" \
	       "install it, or name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "making the virtual environment $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) -m venv does not work; on Debian: apt install python3-venv" >&2; exit 1; }
