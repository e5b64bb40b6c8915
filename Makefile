# Every target works from a plain clone: git, make and Python 3.11+ are all it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.from-lock
LOCKING := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup mailman demo test check races soak nightly mutants bench picture lock clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## Build .venv from the lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("postbot needs Python 3.11 or newer; say which one with: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@echo "Building .venv from requirements.lock (once; about a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

mailman: .venv/mailman/.from-lock ## Build GNU Mailman 3 for its tests (Python 3.11 or 3.12; about a minute)

.venv/mailman/.from-lock: tests/mailman/requirements.txt | $(STAMP)
	@$(PYTHON) -m venv .venv/mailman
	@.venv/mailman/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

demo: $(STAMP) ## A month in the life of a small site, on your machine, with no account
	@$(BIN)/postbot demo

test: $(STAMP) ## Run the tests
	@$(BIN)/pytest -n auto --dist loadgroup -rs

check: $(STAMP) ## Format, lint, types, import contract, tests: all that must be green
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -n auto --dist loadgroup -rs

races: $(STAMP) ## Every act of a person in every gap between two requests (CI tries one in 60)
	@RACES=1 $(BIN)/pytest -n auto -q tests/stories/test_races.py

soak: $(STAMP) ## The long forms, two hours: every kill, 1,000 crash schedules, 30 days, 10 minutes of storm
	@$(BIN)/python -m tests.crashes --matrix
	@$(BIN)/python -m tests.crashes --seeds $(or $(SEEDS),1000)
	@$(BIN)/python -m tests.replicas --minutes 10
	@$(BIN)/python -m tests.hardship.soak
	@SOAK=1 $(BIN)/pytest -n auto --dist loadgroup -q -rs --ignore tests/crashes --ignore tests/replicas --ignore tests/hardship/test_soak.py

nightly: $(STAMP) ## Ten thousand random crash schedules, some four hours; a seed that fails is printed and replays
	@$(BIN)/python -m tests.crashes --seeds $(or $(SEEDS),10000)

mutants: $(STAMP) ## Take each guard out of the code in turn: at least one test must fail
	@$(BIN)/python -m tests.mutants

bench: $(STAMP) ## Print the figures, with other tools beside them, in one run; PLOT=FILE draws how the cost grows, too
	@$(BIN)/python -m tests.bench $(if $(PLOT),--plot $(PLOT))

picture: $(STAMP) ## Draw docs/demo.svg and the pictures of docs/hr.md again (these need Chromium)
	@$(BIN)/postbot demo --svg docs/demo.svg > /dev/null
	@$(BIN)/python -m tests.pictures

lock: $(STAMP) ## Resolve pyproject.toml again into requirements.lock, and from that the locks of the image
	@$(BIN)/uv pip compile $(LOCKING) --group pyproject.toml:dev pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile $(LOCKING) --constraint requirements.lock --extra postgres pyproject.toml \
		-o config/deploy/requirements.lock
	@echo hatchling | $(BIN)/uv pip compile $(LOCKING) --constraint requirements.lock - -o config/deploy/build.lock

clean: ## Remove what the targets made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
