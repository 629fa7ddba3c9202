# The commands of this checkout. `make` alone lists them.
#
# Rule: Python 3.11 and make are enough; `run`, `test`, `check` and `bench` do their own set-up; all
# that is made lies in .venv, .comptoir and the caches that `clean` removes.

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PY := $(BIN)/python

# What `make run`, `make test` and the others may be given, as NAME=value:
EXIT ?=
ARGS ?=
COVERAGE ?=
TESTS ?=
SECONDS ?= 3600
SOAK_SEEDS ?= 10000
DELIVERIES ?= 10000
OPERATIONS ?= 1000000
EXAMPLES ?= 1000
SEQUENCES ?= 2000
SEED ?=
SEEDS ?= 300
FROM ?= 1
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PROFILE ?=

# Compiled modules are kept, whatever the caller's shell says: some environments (images of Python are
# among them) switch that off, and then every daemon that starts compiles all of ours anew: a quarter
# of its start, which the suite pays for hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check lint docs bench bench-guard bench-docs simulate soak lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

# Named after the folder: a checkout that was moved has commands that point at where it was.
READY := .venv/.ready-$(shell pwd -P | cksum | cut -d' ' -f1)

setup: $(READY)  ## .venv with the commands comptoir and comptoir-sandbox

$(READY): requirements.lock pyproject.toml tools/setup.sh
	@PYTHON='$(PYTHON)' tools/setup.sh
	@touch $@

run: setup  ## the demo: daemon, sandbox, 20,000 webhooks, a kill; EXIT=1 ends after it
	@$(BIN)/comptoir demo $(if $(EXIT),--exit) $(ARGS)

# The suite in parts, four at once on two processors (tools/run_tests.py); with ARGS it is one pytest.
# COVERAGE=1 measures branches as well, at some cost in time.
test: setup  ## the whole test suite; ARGS=… goes to one pytest, COVERAGE=1 measures branches
ifneq ($(COVERAGE),)
	@$(PY) -m coverage erase
endif
ifneq ($(ARGS),)
	@$(PY) $(if $(COVERAGE),-m coverage run --parallel-mode) -m pytest $(ARGS)
else
	@$(PY) tools/run_tests.py $(if $(COVERAGE),--coverage)
endif
ifneq ($(COVERAGE),)
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage report
endif

# The suite with coverage belongs to the check. Who has just run `make test` on this very tree (.ci/run
# has) says TESTS=done, and only the static gates remain.
check: lint  ## every gate: format, lint, types, imports, tidy, the suite with branch coverage
ifneq ($(TESTS),done)
	@$(MAKE) --no-print-directory test COVERAGE=1
endif
	@echo 'make check: all gates passed'

# Every gate is run and all that fail are named, since one of them seldom fails alone. pyright is a
# program for node that its wheel brings along; what it caches stays in .venv.
GATES := ruff-format ruff mypy pyright imports docs tidy
lint: setup  ## the gates of check that run no daemon
	@failed=; for gate in $(GATES); do \
		echo "-- $$gate"; $(MAKE) --no-print-directory gate-$$gate || failed="$$failed $$gate"; \
	done; test -z "$$failed" || { echo "make lint: failed:$$failed" >&2; exit 1; }

.PHONY: $(addprefix gate-,$(GATES))
gate-ruff-format:
	@$(BIN)/ruff format --check .
gate-ruff:
	@$(BIN)/ruff check .
gate-mypy:
	@$(BIN)/mypy
gate-pyright:
	@command -v node >/dev/null || { \
		echo 'pyright needs node (Debian, Ubuntu: apt-get install nodejs)' >&2; exit 1; }
	@PYRIGHT_PYTHON_CACHE_DIR=$(CURDIR)/.venv/pyright PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright
gate-imports:
	@PYTHONPATH=.src $(PY) tools/lint_imports.py
gate-docs:
	@$(PY) docs/generate.py --check
gate-tidy:
	@$(PY) -m pytest -q tests/repo/test_tidy.py

docs: setup  ## write the generated pages of docs/ anew
	@$(PY) docs/generate.py

# What takes long is asked for by name: `size` makes a million wallets, `history` five million events.
bench: setup  ## the figures of this machine; ARGS=… names benches, PROFILE=1 draws where time goes
ifneq ($(PROFILE),)
	@$(PY) -m bench profile
else
	@$(PY) -m bench $(ARGS)
endif

bench-guard: setup  ## fails when the ratio to the tuned peer fell; before a release, on a quiet machine
	@$(PY) -m bench.guard $(ARGS)

bench-docs: setup  ## take the figures of bench/results/ over into docs/performance.md
	@$(PY) -m bench.pages

simulate: setup  ## the simulation: SEEDS=300 from FROM=1 in JOBS processes; SEEDS=1 prints a trace
	@$(PY) -m tests.simulation --seeds $(SEEDS) --from $(FROM) --jobs $(JOBS) $(ARGS)

# The simulation first: what it finds, it finds in a minute of seeds, and a defect that it knows would
# only cost the hour that follows.
soak: setup  ## 10,000 seeds, properties, a million ledger operations, 10,000 purchases ten times, SECONDS=3600 of kills; SEED=…
	@$(PY) -m tests.simulation --seeds $(SOAK_SEEDS) --from $(or $(SEED),1001) --jobs $(JOBS) --full
	@TESTS_EXAMPLES=$(EXAMPLES) $(PY) -m pytest -q -m hypothesis -o faulthandler_timeout=0 $(ARGS)
	@TESTS_DELIVERIES=$(DELIVERIES) TESTS_LEDGER_OPERATIONS=$(OPERATIONS) TESTS_SPECIMENS=300 TESTS_BATCH_SEEDS=1000 TESTS_LONG_SEQUENCES=$(SEQUENCES) TESTS_SOAK_SECONDS=$(SECONDS) $(if $(SEED),TESTS_SEED=$(SEED)) $(PY) -m pytest -s -m soak -o faulthandler_timeout=0 $(ARGS)

# uv resolves for every Python and platform at once; it writes no registry's address. It is no part
# of the lock, because only this command needs it. The extra `mq` has a lock of its own, of its sources alone, since PyPI has no
# wheel of it: what it needs beside itself is in requirements.lock.
lock: setup  ## resolve pyproject.toml into requirements.lock and requirements-mq.lock anew
	@$(PY) -m pip install --quiet 'uv==0.13.*'
	@$(BIN)/uv pip compile --quiet --no-header --generate-hashes --no-emit-index-url --universal \
		--group dev pyproject.toml -o requirements.lock $(ARGS)
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["mq"], sep="\n")' \
		| $(BIN)/uv pip compile --quiet --no-header --no-annotate --no-deps --generate-hashes --no-emit-index-url \
		--universal - -o requirements-mq.lock $(ARGS)

clean:  ## stop an embedded database, then remove .venv, .comptoir, caches and builds
	@if [ -x $(BIN)/comptoir ] && [ -d .comptoir ]; then $(BIN)/comptoir db destroy --yes || { \
		echo 'make clean: the database is in use; once none runs, remove .comptoir' >&2; exit 1; }; fi
	@rm -rf .venv .comptoir build dist ./*.egg-info .coverage .coverage.* .hypothesis \
		.mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
