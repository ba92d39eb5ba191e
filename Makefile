# Every target does its own set-up: Debian 12 with Python 3.11 and make is enough.
# pip's and uv's own configuration (pip.conf, PIP_*, UV_*) is honoured.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
HYPOTHESIS_PROFILE ?= fast
TEST_PROCESSES ?= auto
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fmt bench attack docs vectors schemas lock

help: ## show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## make .venv from the lock file (the other targets do it when needed)

$(READY): pyproject.toml uv.lock .ci/setup
	@.ci/setup
	@touch $@

demo: $(READY) ## from an officer's check to a verified receipt, every channel, on this machine alone
	@$(BIN)/receipt-service demo $(ARGS)

serve: $(READY) ## the same, and it stays: API, worker, demo phone and mailbox
	@$(BIN)/receipt-service demo --serve $(ARGS)

test: $(READY) ## the whole test-suite; ARGS="-k stub" narrows it
	@.ci/test-tools
	@HYPOTHESIS_PROFILE=$(HYPOTHESIS_PROFILE) $(BIN)/pytest -n $(TEST_PROCESSES) --maxprocesses 4 --dist worksteal --durations 10 $(ARGS)

check: $(READY) ## lint, format, types, import contracts, every test imports, generated files, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest --collect-only -qq >/dev/null || { $(BIN)/pytest --collect-only -q | tail -n 40; exit 1; }
	$(BIN)/uv lock --check --quiet
	$(BIN)/pytest -q tests/architecture

fmt: $(READY) ## put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## measure the ladder, print it, write docs/benchmarks.md
	@.ci/test-tools
	$(BIN)/python -m tests.bench $(ARGS)

attack: $(READY) ## attack a log of 50,000 leaves in every way we know, and print what finds each attack
	@$(BIN)/pytest -q -s tests/acceptance/test_log_attacks.py $(ARGS)

docs: $(READY) ## check the documents: links, commands, decisions, words
	$(BIN)/pytest -q tests/architecture/test_documents.py tests/architecture/test_decisions.py

vectors: $(READY) ## make the conformance vectors anew
	$(BIN)/python -m tests.vectors.receipts.make_receipts
	$(BIN)/python -m tests.vectors.log.make_log
	$(BIN)/python -m tests.vectors.api.make_examples

schemas: $(READY) ## write the API's schemas and the reference pages of docs/ anew
	$(BIN)/receipt-service openapi --write schemas
	$(BIN)/python docs/write_settings.py
	$(BIN)/python docs/write_reference.py
	$(BIN)/python docs/write_indicators.py

lock: $(READY) ## resolve the dependencies anew, a week behind the newest
	$(BIN)/uv lock
	@$(MAKE) --no-print-directory setup
