# Everything a developer or operator does, by one word. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

BIN := .venv/bin
ENGINE_BIN := .venv-rasa/bin
BOOTSTRAP := .cache/bootstrap
UV := $(BOOTSTRAP)/bin/uv
APP_STAMP := .venv/.installed
ENGINE_STAMP := .venv-rasa/.installed
TEXTS := $(wildcard locale/*/LC_MESSAGES/*.po)
COMPILED := $(TEXTS:.po=.mo)
ENCODER_STAMP := .cache/encoder/.built

export RASA_TELEMETRY_ENABLED := false

.PHONY: help
help: ## Show this list.
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Running

.PHONY: run
run: setup ## Set everything up if needed and start the product.
	@exec $(BIN)/lotse up

.PHONY: setup
setup: $(APP_STAMP) $(ENGINE_STAMP) $(ENCODER_STAMP) texts-compile ## Install both environments.

.PHONY: train
train: setup ## Train the model if its sources changed.
	$(BIN)/lotse train

# Environments

$(UV):
	@echo "==> Fetching uv"
	@command -v python3 >/dev/null || { echo "Python 3 is missing. Install Python 3.11 and try again."; exit 1; }
	@python3 -m venv $(BOOTSTRAP)
	@$(BOOTSTRAP)/bin/pip install --quiet --disable-pip-version-check "uv>=0.9"

$(APP_STAMP): requirements/dev.txt pyproject.toml | $(UV)
	@echo "==> Installing the application's environment (.venv, Python 3.11 or newer)"
	@$(UV) venv --quiet --allow-existing --python 3.11 .venv || { scripts/explain-python 3.11; exit 1; }
	@$(UV) pip sync --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(ENGINE_STAMP): requirements/engine.txt | $(UV)
	@echo "==> Installing the engine's environment (.venv-rasa, Python 3.10); this takes a minute"
	@$(UV) venv --quiet --allow-existing --python 3.10 .venv-rasa || { scripts/explain-python 3.10; exit 1; }
	@$(UV) pip sync --python $(ENGINE_BIN)/python --require-hashes requirements/engine.txt
	@touch $@

$(ENCODER_STAMP): $(APP_STAMP) $(wildcard encoder/*.py)
	@echo "==> Building the sentence encoder"
	@$(BIN)/python -m encoder build
	@mkdir -p $(@D) && touch $@

.PHONY: locks
locks: | $(UV) ## Compile requirements/*.txt anew from pyproject.toml.
	$(UV) pip compile --quiet --universal --python-version 3.11 --group pyproject.toml:dev --generate-hashes --no-header -o requirements/dev.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --group pyproject.toml:app --generate-hashes --no-header -c requirements/dev.txt -o requirements/app.txt
	$(UV) pip compile --quiet --universal --python-version 3.10 --group pyproject.toml:engine --generate-hashes --no-header -o requirements/engine.txt

# Texts

.PHONY: texts
texts: $(APP_STAMP) ## Extract texts from code and domain, update and compile the catalogues.
	$(BIN)/python -m bot.i18n.catalogues update
	$(MAKE) --no-print-directory texts-compile

.PHONY: texts-compile
texts-compile: $(APP_STAMP) $(COMPILED)

%.mo: %.po | $(APP_STAMP)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

# Checking

.PHONY: check
check: setup ## Lint, types, borders between rooms, drift of texts and migrations.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m bot.i18n.catalogues check
	$(BIN)/python -m bot.db.check_drift
	PYTHONWARNINGS=ignore $(ENGINE_BIN)/rasa data validate --domain domain --data nlu stories --fail-on-warnings

.PHONY: test
test: setup train ## Run every test.
	$(ENGINE_BIN)/python -m pytest -c tests/engine/pytest.ini tests/engine
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile tests/unit tests/integration
	$(BIN)/python -m pytest tests --ignore tests/engine --ignore tests/unit --ignore tests/integration

.PHONY: fuzz
fuzz: setup ## Try the public interface with thousands of requests made from its own description.
	LOTSE_FUZZ_EXAMPLES=$${LOTSE_FUZZ_EXAMPLES:-500} $(BIN)/python -m pytest tests/unit/api/test_fuzz.py

.PHONY: bench
bench: setup train ## Measure this product beside a stock Rasa assistant.
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.booking
	$(BIN)/python -m benchmarks.exchange
	$(BIN)/python -m benchmarks.console
	$(BIN)/python -m benchmarks.search_scale

.PHONY: clean
clean: ## Remove environments, model, caches. The database in var/ stays.
	rm -rf .venv .venv-rasa .cache models
