# Every target makes the environment it needs: a fresh machine with Python 3.11 or newer, make and gcc is enough.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HOME_DIR := $(if $(PARK_AUDIT_HOME),$(PARK_AUDIT_HOME),data)
REALDATA ?= ../shared/realdata
REAL_HOME ?= $(HOME_DIR)/real_park

.PHONY: help env nightly nightly-real test test-fast dev docs bench lint format lock clean
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

env: $(STAMP)

# pip compiles to bytecode as it installs, which halves every later start.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

nightly: env  ## refresh everything: a sample park when data/raw is empty, then the full nightly
	$(BIN)/park-audit nightly --sample-if-empty

nightly-real: env  ## the same on the real feeds of examples/real_park, in a home of its own
	$(BIN)/python examples/real_park/assemble.py --realdata $(REALDATA) --home $(REAL_HOME)
	PARK_AUDIT_FEEDS=examples/real_park/feeds PARK_AUDIT_STANDARDS=examples/real_park/standards $(BIN)/park-audit nightly --home $(REAL_HOME)

test: env  ## all tests
	$(BIN)/python -m pytest -n auto --dist loadfile

test-fast: env  ## all but the slow ones
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

dev: env  ## Dagster's web server on localhost
	$(BIN)/park-audit dev

docs: env  ## dbt docs of the published models, one static page
	$(BIN)/park-audit docs

bench: env  ## the ratios of the design's budgets, in one run
	$(BIN)/park-audit bench

lint: env  ## ruff, and sqlfluff in dbt's DuckDB dialect
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/tests --config dbt_project/.sqlfluff

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --universal resolves once for every platform; --no-emit-index-url and --no-header keep addresses out of the file.
lock:  ## renew requirements.lock from pyproject.toml
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -o requirements.lock
	rm -rf $(VENV)-lock

clean:  ## everything that was made, except the raw data and the environment
	rm -rf $(HOME_DIR)/lake $(HOME_DIR)/warehouse $(HOME_DIR)/published $(HOME_DIR)/dagster_home $(HOME_DIR)/logs
	rm -rf dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
