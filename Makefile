# Every command a person needs. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
GRAPHS ?= 100000
MINUTES ?= 30
export GRAPHS MINUTES
export UV_PROJECT_ENVIRONMENT := .venv

MODULES := web/node_modules/.package-lock.json
# types of the API, which only the type checker reads
SCHEMA := web/src/api/schema.d.ts
WEB := $(filter-out $(SCHEMA) web/openapi.json, \
  $(wildcard web/*.json web/*.ts web/*.html) $(shell find web/src web/public -type f))
# Cloudflare's own tools, for tests alone
NODETOOLS := tests/nodetools/node_modules/.package-lock.json
# the last file that a build of the dashboard writes
DASHBOARD := src/awaitstep/static/.built
# what Cloudflare wants beside a module; never installed, as our own `workers` stands in its place
SDK := src/awaitstep/providers/cloudflare/sdk/.built

# the wheel as it is installed, its engine compiled: what is measured, and tested once more
WHEEL := build/wheel/.installed

.PHONY: help setup run test soak check fix bench bench-scale screenshots build lock pyodide browser clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

.venv/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "AwaitStep needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python has no venv module. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Bytecode at once, as pip makes it: not every machine lets Python write it when a module is imported,
# and without it a start takes twice as long.
.venv/runtime: .venv/uv requirements/runtime.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(SDK): requirements/sdk.txt | .venv/uv
	@rm -rf $(@D)
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes --target $(@D) -r requirements/sdk.txt
	@touch $@

.venv/dev: .venv/runtime requirements/dev.txt | $(SDK)
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	@touch $@

# it may need uv to get itself a Node
$(MODULES): web/package.json web/package-lock.json web/.npmrc | .venv/uv
	@web/npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(SCHEMA): $(MODULES) web/openapi.py $(shell find src/awaitstep -name '*.py') | .venv/runtime
	@$(BIN)/python web/openapi.py
	@web/npm run --silent api >/dev/null
	@touch $@

$(DASHBOARD): $(WEB) $(MODULES)
	@web/npm run --silent build -- --logLevel error
	@touch $@

setup: .venv/runtime $(SDK) $(DASHBOARD) ## install what is missing into .venv

run: setup ## start server and runner on loopback with an example deployed (ARGS="--port 8080 …")
	@exec $(BIN)/awaitstep dev $(ARGS)

# Without them some tests are skipped, and say so.
$(NODETOOLS): tests/nodetools/package.json tests/nodetools/package-lock.json | .venv/uv
	@NODE_AT_LEAST=22 web/npm ci --prefix ../tests/nodetools --no-audit --no-fund --loglevel=error && touch $@ \
	  || echo "Wrangler, Miniflare and Pyodide could not be installed; the tests that need them will say so."

# Cloudflare's own package, which reads back what tests deployed; 105 MB, so it stays apart.
.venv/cloudflare/ready: requirements/cloudflare.txt | .venv/uv
	@rm -rf .venv/cloudflare
	@$(BIN)/uv venv --quiet --no-project --python $(BIN)/python .venv/cloudflare
	@$(BIN)/uv pip install --quiet --python .venv/cloudflare/bin/python --require-hashes -r requirements/cloudflare.txt && touch $@ \
	  || echo "The package cloudflare could not be installed; the test that needs it will say so."

browser:
	@command -v chromium >/dev/null || { echo "installing chromium for the browser tests"; \
	  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium) >/dev/null 2>&1 \
	  || echo "chromium could not be installed; the browser tests will say so"; }

test: .venv/dev $(DASHBOARD) $(NODETOOLS) .venv/cloudflare/ready browser ## run every test (with ARGS: some of Python's)
	@$(if $(ARGS),,web/npm run --silent test)
	@$(BIN)/pytest --numprocesses auto --dist worksteal $(ARGS) || { test $$? -eq 1 || exit 1; \
	  echo "Those that failed, once more, one at a time: whoever passes now fails on a busy machine."; \
	  $(BIN)/pytest --numprocesses 0 --last-failed --last-failed-no-failures none $(ARGS); }

soak: .venv/dev $(NODETOOLS) ## kill servers under load for MINUTES=30, then compare GRAPHS=100000 random graphs with their meaning
	@$(BIN)/pytest tests/crash -m soak -p no:xdist $(ARGS)
	@$(BIN)/pytest tests/property -m soak --numprocesses auto $(ARGS)

check: .venv/dev $(SCHEMA) ## formatter, linter, types, import arrows
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@web/npm run --silent check

fix: .venv/dev $(MODULES) ## let the formatter and linter repair what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@web/npm run --silent fix

.venv/peers/ready: .venv/uv requirements/peers.txt
	@rm -rf .venv/peers
	@$(BIN)/uv venv --quiet --no-project --python $(BIN)/python .venv/peers
	@$(BIN)/uv pip install --quiet --python .venv/peers/bin/python --require-hashes -r requirements/peers.txt
	@touch $@

# The peers are only measured beside ours: where they cannot be installed, the figures say so.
bench: .venv/dev $(DASHBOARD) $(WHEEL) ## print the figures, with DBOS and Prefect beside, and keep them in bench/results/latest.json
	@$(if $(ARGS),true,$(MAKE) --no-print-directory .venv/peers/ready) 2> .venv/peers.log || true
	@PYTHONPATH=$(CURDIR)/$(dir $(WHEEL)) $(BIN)/python -m bench $(ARGS)

bench-scale: .venv/dev $(WHEEL) ## print what many, long and listed runs cost (ARGS="due --due 1000" for a part)
	@PYTHONPATH=$(CURDIR)/$(dir $(WHEEL)) $(BIN)/python -m bench.scale $(ARGS)

screenshots: .venv/dev $(DASHBOARD) browser ## shoot the pictures of the README in docs/images
	@$(BIN)/python docs/images/shoot.py

build: .venv/dev $(SDK) $(DASHBOARD) ## build the wheel into dist/, its engine compiled where there is a C compiler
	@rm -rf dist
	@$(BIN)/uv build --quiet --wheel --no-build-isolation && ls dist

$(WHEEL): hatch_build.py pyproject.toml $(shell find src -name '*.py' -o -name '*.sql' -o -name '*.json') $(DASHBOARD) $(SDK) | .venv/dev
	@rm -rf $(@D)
	@$(MAKE) --no-print-directory --silent build >/dev/null
	@$(BIN)/uv pip install --quiet --compile-bytecode --no-deps --target $(@D) dist/*.whl
	@touch $@

lock: .venv/uv ## lock the packages anew, with hashes
	@for group in runtime dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    $$([ $$group = dev ] && echo "--extra dev") pyproject.toml -o requirements/$$group.txt || exit 1; done
	@for tool in uv build node peers sdk cloudflare; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	    requirements/$$tool.in -o requirements/$$tool.txt || exit 1; done

pyodide: $(MODULES) ## write down anew which compiled packages Cloudflare's Python has
	@$(BIN)/python requirements/pyodide.py

clean: ## remove what the commands above made
	@rm -rf .venv build dist src/awaitstep/static $(dir $(SDK)) web/node_modules tests/nodetools/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
