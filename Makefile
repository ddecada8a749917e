# Everything a person or CI does with Millrace. `make run` and `make test` need Python 3.11 or newer and make, nothing else.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CLASSES := $(VENV)/kafka-classes.jsa
PACKAGES := models agents streams web sandbox
TESTS ?= tests
# What an installation is made from: gRPC's messages are made by it.
BUILT := pyproject.toml setup.py web/grpc/proto/millrace/v1/payments.proto clients/python/pyproject.toml

.PHONY: help run test check format lint types imports drift docs lock bench faults faults-all fault-tools clean

help:
	@echo "make run      start the whole system on this machine; Ctrl-C stops it, the data stays"
	@echo "              STRIPE_API_KEY=sk_test_… talks to Stripe instead of the simulator"
	@echo "make test     all tests (TESTS=tests/models for a part of them)"
	@echo "make check    what CI runs: format, lint, types, import walls, generated documents, tests"
	@echo "make format   put every file into the project's form"
	@echo "make docs     write the generated documents anew"
	@echo "make bench    benchmarks, kept in docs/benchmarks.md"
	@echo "make faults   the fault campaign, each fault once;  make faults-all: all of it, some three hours"
	@echo "make lock     resolve requirements/*.in into hash-locked pins"
	@echo "make clean    remove the virtual environment, caches and the data in .run"

# Given here or in the environment, never on a command line that others could read.
ifdef STRIPE_API_KEY
export MILLRACE_STRIPE_API_KEY := $(STRIPE_API_KEY)
endif

run: $(VENV)/.sandbox
	@$(BIN)/millrace up

test: $(VENV)/.dev $(CLASSES)
	$(BIN)/pytest -n 3 $(TESTS)

check: lint types imports drift test

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

drift: $(VENV)/.dev
	$(BIN)/python docs/generate.py --check

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench --keep

# Both go on where they were stopped; .faults/ holds what is known, and the systems in which something was wrong.
faults: $(VENV)/.dev $(CLASSES) fault-tools
	$(BIN)/python -m tests.faults.campaign --seeds 1

faults-all: $(VENV)/.dev $(CLASSES) fault-tools
	$(BIN)/python -m tests.faults.campaign --seeds 10 --keep
	$(BIN)/python -m tests.faults.campaign --faults F21 --seeds 40 --keep
	$(BIN)/python -m tests.faults.campaign --bugs --seeds 20 --keep
	$(BIN)/pytest tests/faults/planted/each_is_missed.py
	$(BIN)/python -m tests.faults.soak --minutes 30
	$(BIN)/python -m tests.simulation --seeds 10000 --into .faults/simulation.jsonl
	$(BIN)/python -m tests.simulation --planted --enough 3 --seeds 2000 --into .faults/simulation.jsonl
	$(BIN)/python -m tests.faults.campaign --report --keep
	$(BIN)/python -m tests.faults.delivery.chaos --seeds 20
	$(BIN)/python -m tests.faults.delivery.chaos --seeds 5 --brokers 3
	MILLRACE_FUZZ=20 $(BIN)/pytest --timeout 3600 tests/models/test_interleavings.py tests/web/test_bad_input.py \
		tests/web/graphql/test_bad_queries.py tests/web/test_schemathesis.py

# A firewall and writes that fail; what is missing is named in the report.
fault-tools:
	@command -v nft cc unshare >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get install -y --no-install-recommends nftables gcc libc6-dev util-linux iproute2 >/dev/null; } || \
		echo "Some faults cannot be injected: they need root and, on Debian, nftables and gcc."

clean:
	-@test ! -x $(BIN)/millrace || $(BIN)/millrace down
	rm -rf $(VENV) .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info clients/python/build clients/python/*.egg-info

# Two stamps: what runs, and what tests and checks besides. A second call finds them newer than the pins and does nothing.
$(VENV)/.sandbox: requirements/sandbox.txt $(BUILT) | $(BIN)/python
	@echo "Installing pinned packages (once, about 200 MB) …"
	@$(PIP) install --require-hashes -r requirements/sandbox.txt
	@$(PIP) install --no-deps --no-build-isolation -e . -e clients/python
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(BUILT) | $(BIN)/python
	@echo "Installing pinned packages (once, about 250 MB) …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e . -e clients/python
	@touch $@ $(VENV)/.sandbox

# Starts of Kafka take less than half the CPU time with it; they succeed without.
$(CLASSES): sandbox/kafka.py | $(VENV)/.dev
	@echo "Archiving Kafka's classes (once, some 10 s) …"
	@$(BIN)/python -m sandbox.kafka_classes || echo "… could not be done: Kafka will start slower"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on the PATH"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# The resolver lives in an environment of its own: it is no dependency of the project.
LOCK := build/lock
UV = $(LOCK)/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

lock: $(LOCK)/bin/uv
	$(UV) requirements/dev.in -o requirements/dev.txt
	$(UV) -c requirements/dev.txt requirements/sandbox.in -o requirements/sandbox.txt
	$(UV) -c requirements/dev.txt requirements/service.in -o requirements/service.txt

$(LOCK)/bin/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found on the PATH"; exit 1; }
	@$(PYTHON) -m venv $(LOCK)
	@$(LOCK)/bin/pip install --quiet --disable-pip-version-check uv
