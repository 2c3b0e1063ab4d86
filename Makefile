# Everything a fresh machine needs is Python 3.11 or newer and make; the virtual environment makes the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)

.DEFAULT_GOAL := help
.PHONY: help demo test soak lint types check bench clean

help:  ## Show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	$(BIN)/python -m compileall -q measure_cli
	@touch $@

demo: $(VENV)/installed  ## Build the starter stack on demo data
	$(BIN)/measure build

test: $(VENV)/installed  ## Run the tests
	$(BIN)/python -m pytest -n auto --dist worksteal

soak: $(VENV)/installed  ## Run the long tests, hundreds of kills among them, and show each
	$(BIN)/python -m pytest -n auto --dist worksteal -vv -m soak

lint: $(VENV)/installed  ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed  ## Check types
	$(BIN)/mypy

check: lint types test  ## Lint, types and tests; continuous integration runs the soak, too

bench: $(VENV)/installed  ## Print the benchmark table
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	$(BIN)/python -m benchmarks

clean:  ## Remove what the other targets made
	rm -rf $(VENV) warehouse .measure .pytest_cache .mypy_cache .ruff_cache dist
