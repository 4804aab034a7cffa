# Every target sets up what it needs, says what it does, and does nothing twice. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

VENV := .venv
PY := $(VENV)/bin/python
LOCALKUBE := $(VENV)/bin/localkube
NODES ?= 2
MINUTES ?= 10
STAMP := $(VENV)/.set-up

# Started now, printed at the end of the long targets.
BEGUN := $(shell date +%s)
define took
@echo "== $(1): $$(( $$(date +%s) - $(BEGUN) )) s since make began"
endef

.PHONY: help setup lint test test-unit test-api test-e2e images push cluster-up cluster-down cluster-purge load install demo bench soak clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## Put the Python side into .venv

$(STAMP): pyproject.toml constraints.txt
	@echo "== setting up $(VENV)"
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; on Debian: apt-get install python3 python3-venv"; exit 1; }
	test -x $(PY) || python3 -m venv $(VENV) || { echo "the venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[node,dev]'
	touch $@

lint: setup ## ruff, mypy --strict, import-linter
	@$(VENV)/bin/ruff check src cluster images guests tests benchmarks
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache | tail -12

test-unit: setup ## Tests without a cluster, under a minute
	@$(PY) -m pytest -q -n 2 tests/unit

cluster-up: setup ## A real Kubernetes on this machine (built first where it cannot be downloaded)
	@$(LOCALKUBE) up --nodes $(NODES)

cluster-down: ## Stop it; its state stays for the next time
	@test ! -x $(LOCALKUBE) || $(LOCALKUBE) down

cluster-purge: ## Stop it and forget its state
	@test ! -x $(LOCALKUBE) || $(LOCALKUBE) down --purge

images: setup ## Build the container images and the demo guest
	@$(PY) -m images build

push: images ## Push the images: make push REGISTRY=registry.example.org/team
	@test -n "$(REGISTRY)" || { echo "say where: make push REGISTRY=registry.example.org/team"; exit 1; }
	$(PY) -m images push "$(REGISTRY)"

load: setup ## Put the images within reach of the cluster's nodes
	@# Both at once: the images wait for the network while Kubernetes is compiled.
	$(MAKE) --no-print-directory -j2 cluster-up images
	$(LOCALKUBE) load build/images/*.tar

install: load ## Install the add-on into the cluster
	@$(VENV)/bin/virt-operator install --kubeconfig "$$($(LOCALKUBE) kubeconfig)" --image "$$($(PY) -m images reference)"

demo: install ## All of it, then the guide's virtual machine boots before your eyes
	@examples/demo.sh
	$(call took,demo)

test-api: install ## Tests against the real API server
	@KUBECONFIG="$$($(LOCALKUBE) kubeconfig)" $(PY) -m pytest -q tests/api

test-e2e: install ## Tests with real guests
	@# Modules side by side: much of the time a test waits for a guest. Then, alone, those that break or count what all share.
	export KUBECONFIG="$$($(LOCALKUBE) kubeconfig)"
	$(PY) -m pytest -v --durations=15 -n 2 --dist loadfile -m "not alone" tests/e2e
	$(PY) -m pytest -v --durations=15 -m alone tests/e2e

test: lint test-unit test-api test-e2e ## Everything, with its own set-up
	$(call took,test)

bench: install ## Measure the promises of docs/SPECIFICATION.md
	@KUBECONFIG="$$($(LOCALKUBE) kubeconfig)" $(PY) -m benchmarks

soak: install ## Kill our pods at random moments while machines live (MINUTES=10); nothing may be lost or left
	@KUBECONFIG="$$($(LOCALKUBE) kubeconfig)" $(PY) -m benchmarks.soak --minutes $(MINUTES)

clean: cluster-purge ## Remove the cluster, the images and the environment (not the caches of compiled programs)
	rm -rf build $(VENV)
