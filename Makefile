.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup test demo lint clean

BIN := .venv/bin
PYTHON ?=
export PYTHON

help:  ## this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.stamp  ## install everything, pinned, into .venv (once)

.venv/.stamp: pyproject.toml constraints.txt scripts/setup.sh
	@scripts/setup.sh

demo: setup  ## teach a telecom help-desk student from a real manual; leaves runs/telecom_demo/report.html
	$(BIN)/seodang run recipes/telecom_demo.yaml

lint: setup  ## style, types and the rule that rooms do not import each other
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-logo

test: lint  ## everything that CI runs before the demo: lint, then the tests
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

clean:  ## remove what was built; .venv and runs/ stay
	rm -rf build dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
