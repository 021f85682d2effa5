# Sluice. Each target sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
BUILD := .build
STACK ?= sluice
PORT ?= 4566
SPEED ?= 1
PYTEST := $(BIN)/pytest -q
# What a stack is deployed from: said in every version that it captures.
COMMIT = $(shell git rev-parse HEAD > /dev/null 2>&1 \
	&& echo "$$(git rev-parse HEAD)$$(test -z "$$(git status --porcelain)" || echo -dirty)" || echo unknown)

# `sam` finds Python and make on the PATH; wheels for the layer come from the set-up's folder, so that a
# build needs no network. Nothing here ever talks to an account unless `make deploy` is asked to.
export PATH := $(abspath $(BIN)):$(PATH)
export SAM_CLI_TELEMETRY := 0
ifneq ($(wildcard $(BUILD)/wheels/.complete),)
layer-offline = PIP_NO_INDEX=1 PIP_FIND_LINKS=$(abspath $(BUILD)/wheels)
endif

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

# --- Set-up: a virtual environment from hashed requirements, and the layer's wheels -----------------

$(VENV)/.complete: requirements/bootstrap.txt requirements/dev.txt
	@echo "Setting up $(VENV) (once; a few minutes)…"
	@command -v python3.13 >/dev/null || { echo "Python 3.13 is needed: put python3.13 on the PATH (pyenv install 3.13)."; exit 1; }
	@test -x $(BIN)/python || python3.13 -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(PYTHON) --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

WHEELS := $(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
	--only-binary=:all: --python-version 3.13 --implementation cp --dest $(BUILD)/wheels -r layers/shared/requirements.txt

$(BUILD)/wheels/.complete: layers/shared/requirements.txt $(VENV)/.complete
	@mkdir -p $(BUILD)/wheels
	@$(WHEELS) --platform manylinux2014_x86_64
	@$(WHEELS) --platform manylinux2014_aarch64
	@touch $@

.PHONY: setup
setup: $(VENV)/.complete $(BUILD)/wheels/.complete ## Install everything the other targets need.

# --- Run ---------------------------------------------------------------------------------------------

.PHONY: demo
demo: setup ## The main job on this machine: push, approve, canary, promote, roll back.
	@$(PYTHON) -m demo $(DEMO)

.PHONY: up
up: setup ## Start the local cloud with the stack deployed; Ctrl-C ends it, the next one goes on.
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	@$(PYTHON) -m localcloud up --port $(PORT) --speed $(SPEED) --keep --deploy --parameter InfrastructureCommit=$(COMMIT)

.PHONY: down
down: setup ## End a local cloud that `make up` started, and forget its state.
	@$(PYTHON) -m localcloud down

# --- Prove -------------------------------------------------------------------------------------------

# A crash, a rival or a signal at every call of a capture and at every moment of a rollout.
RELIABILITY := tests/integration/machine $(wildcard tests/integration/test_*_faults.py)

.PHONY: test
test: check ## Everything that must pass: `check`, then every test.
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	$(PYTEST) -n 2 tests/unit tests/integration $(RELIABILITY:%=--ignore=%)
	$(PYTEST) -n 2 $(RELIABILITY)
	$(PYTEST) tests/judge # in two processes of their own
	$(PYTEST) -n 3 tests/localcloud # each worker has a cloud of its own
	$(PYTEST) -n 6 --maxschedchunk 1 tests/e2e # they mostly wait, all on one local cloud

.PHONY: check
check: setup ## Format, lint, types, template, architecture.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy layers/shared/sluice cli localcloud demo benchmarks
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint --region us-east-1
	$(PYTEST) tests/architecture

.PHONY: prove-permissions
prove-permissions: setup ## Remove every allowed action of every role; each must be missed by some test (long).
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	$(PYTHON) -m tests.permissions

.PHONY: prove-hooks
prove-hooks: setup ## Leave out every hook of the local cloud; each must be missed by a contract test (long).
	$(PYTHON) -m tests.localcloud.hooks

.PHONY: prove-engines
prove-engines: setup ## The same tests on the second engines of DynamoDB and Lambda.
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	LOCALCLOUD_SECOND=dynamodb $(PYTEST) tests/localcloud/test_data.py tests/localcloud/test_workflows_callbacks.py
	LOCALCLOUD_SECOND=dynamodb $(PYTEST) -n 2 tests/e2e/test_rollout.py tests/e2e/test_rollback.py
	LOCALCLOUD_SECOND=lambda $(PYTEST) -n 2 tests/e2e/test_rollout.py tests/e2e/test_rollback.py

.PHONY: prove-alias
prove-alias: setup ## Ten thousand questions during one rollout behind an alias: none lost, the split as the weights say.
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	SLUICE_E2E_QUESTIONS=10000 $(PYTEST) tests/e2e/test_alias_split.py

.PHONY: prove-large
prove-large: setup ## A real artifact of 6 GiB, captured without passing through the function (14 GB of memory).
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	PYTHONPATH=layers/shared $(PYTHON) -m benchmarks.large_artifact

.PHONY: fix
fix: setup ## Format, and mend what the linter can.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup ## Cold instruction counts and sizes of every function, into benchmarks/results/.
	@$(MAKE) --no-print-directory build ARCHITECTURE=x86_64
	$(PYTHON) -m benchmarks.cold_start

.PHONY: bench-judge
bench-judge: setup ## The judge against the rules that others deploy with (an hour or two; goes on where it stopped).
	$(PYTHON) -m benchmarks.judge --full --collect --render

# --- Ship --------------------------------------------------------------------------------------------

ARCHITECTURE ?= arm64
.PHONY: build
build: setup ## Build functions and layer with stock sam (ARCHITECTURE=arm64 or x86_64).
	@$(layer-offline) $(BIN)/sam build --parameter-overrides Architecture=$(ARCHITECTURE) > $(BUILD)/build.log 2>&1 \
		|| { cat $(BUILD)/build.log; exit 1; }

.PHONY: deploy
deploy: build ## Build for arm64 and deploy to the AWS account of your credentials (STACK=sluice).
	$(BIN)/sam deploy --stack-name $(STACK) --parameter-overrides Architecture=$(ARCHITECTURE) InfrastructureCommit=$(COMMIT)

COMPILE := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.13 \
	--override requirements/overrides.txt --custom-compile-command "make lock"

.PHONY: lock
lock: $(VENV)/.complete ## Resolve the requirements again.
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt layers/shared/requirements.in -o layers/shared/requirements.txt
