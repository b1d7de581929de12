# Two commands on a bare machine with Python ≥ 3.11: `make run` and `make test`.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE = $(VENV)/lock/bin/uv pip compile --universal --python-version 3.11 --no-header \
  --no-emit-index-url --no-emit-find-links --generate-hashes --quiet --group build

# Files in the order of the folders: the slow ones of e2e begin early, and the quick ones of unit fill up the end.
PYTEST = $(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup run test cover lint check bench chaos lock clean

help:
	@echo "make setup   builds $(VENV), with $(BIN)/notify"
	@echo "make run     sets up and starts everything; ARGS=\"--port 8080\" goes to notify up"
	@echo "make test    sets up and runs linters and all tests; TESTS=\"tests/unit -k token\" runs some, JOBS=4 on more processes"
	@echo "make cover   runs all tests, and prints which lines and branches none of them reached"
	@echo "make lint    runs the linters"
	@echo "make bench   measures; BENCH=\"newsletter --recipients 1000000\" measures one part"
	@echo "make chaos   kills processes while they work, and counts; CHAOS=\"--kills 50 --seed 1\""
	@echo "make lock    pins the dependencies anew"

setup: $(VENV)/.runtime

run: setup
	@exec $(BIN)/notify up $(ARGS)

# The first Python of 3.11 or later; PYTHON=… names another.
$(BIN)/python:
	@python="$(PYTHON)"; \
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	  [ -n "$$python" ] && break; \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && python="$$candidate"; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or later is needed (found: $$(python3 --version 2>&1)): apt-get install python3 python3-venv, or brew install python" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python cannot make a virtual environment: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the service needs (once)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need (once)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

# What the machine lacks is named before anything runs; in CI it is an error.
check: $(VENV)/.dev
	@$(BIN)/python -m tests.machine

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In CI what failed runs once more: a test that then passes is unsteady, and is named above, to be mended.
AGAIN = [ $$? = 1 ] && [ -n "$$CI" ] && echo "Once more, what failed:" && \
  $(PYTEST) --last-failed --last-failed-no-failures none $(TESTS)

test: check lint
	$(PYTEST) $(TESTS) || { $(AGAIN); }

# Apart: it makes Python code, and the start of every process, take half as long again.
cover: check
	$(PYTEST) --cov --cov-report=term:skip-covered $(TESTS)

bench: $(VENV)/.dev
	@$(BIN)/python -m benchmarks $(BENCH)

chaos: $(VENV)/.dev
	@$(BIN)/python -m benchmarks.chaos $(CHAOS)

lock: $(VENV)/.dev
	@[ -x $(VENV)/lock/bin/uv ] || { $(BIN)/python -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv; }
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) --group dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage* build ./*.egg-info
