# One word per chore; each sets up what it needs in .venv, from Python 3.11 (or later) and pip.
#
#   make demo     record three real trainings in demo/ and list them
#   make test     run every test
#   make check    lint, format, types, and the tests of the architecture and its budgets
#   make fix      put right what the tools can put right
#   make bench    measure what recording and reading cost
#   make fuzz     feed the reader of metrics with garbage for a minute (needs atheris)
#   make page     build the page of `meticulous ui` from frontend/ (needs npm)
#   make reference  write docs/reference/command-line.md anew
#
# Another Python: PYTHON=python3.12 make test (in a .venv of its own, .venv-python3.12).

ifdef PYTHON
VENV := .venv-$(notdir $(PYTHON))
else
VENV := .venv
PYTHON := $(shell for python in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
endif
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 4
PAGE := src/meticulous/web/static/index.html
TESTS ?= tests

.PHONY: help demo test check fix bench fuzz page reference picture constraints
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

# Debian splits venv from Python: without it, the pip of the machine fills an empty environment.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or later is needed and was not found" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $(PYTHON) does not run, or is older than Python 3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
		$(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

$(VENV)/.examples: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[examples]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(VENV)/.examples

demo: $(VENV)/.examples
	@$(BIN)/python examples/demo.py demo

test: $(VENV)/.dev $(PAGE)
	cd frontend && npm run --silent test
	$(BIN)/python -m pytest -n $(WORKERS) $(TESTS)

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py tests/test_budgets.py tests/test_import.py tests/test_public.py

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

fuzz: $(VENV)/.dev
	$(PIP) install --quiet atheris
	$(BIN)/python tests/fuzz/fuzz_history.py -max_total_time=60

# Not `npm ci`, which refuses a lock that was made where a registry lacks the parts of other
# operating systems; the versions are those of the lock either way.
page $(PAGE): $(shell find frontend -name node_modules -prune -o -type f -print 2>/dev/null)
	@command -v npm >/dev/null || { echo "make: the page needs npm (Node.js 20 or later)" >&2; exit 1; }
	cd frontend && npm install --no-save --silent && npm run --silent build

reference: $(VENV)/.dev
	$(BIN)/python docs/reference/command_line.py

picture: $(VENV)/.dev $(PAGE)
	$(BIN)/python docs/pictures/terminal.py docs/pictures/list.svg
	$(BIN)/python docs/pictures/page.py docs/pictures

constraints: pyproject.toml
	rm -rf $(VENV)
	$(MAKE) $(BIN)/python
	$(PIP) install --quiet --editable '.[dev]'
	{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt
