# `make help` lists the targets. Everything is installed into .venv from hash-locked requirements;
# nothing is installed by hand, nothing outside this checkout is changed but the build cache.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS := .venv-docs
SCANS := .venv-scans

.DEFAULT_GOAL := help
.PHONY: help demo practice azure-e2e test sim coverage lint bench bench-planner docs-tables crds chart
.PHONY: bench-start chaos binary image gitops install-yaml monitoring pictures recordings rules scans
.PHONY: chart-docs docs workflows testbed lock clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "azlm needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

testbed: $(STAMP) ## Build the embedded control plane's binaries (cached outside the checkout)
	$(BIN)/python -m testbed build

demo: testbed ## Run a whole migration on the embedded real control plane
	$(BIN)/python -m testbed demo

TEST_WORKERS ?= 0

test: testbed ## Run all tests, those on the real control plane included; TEST_WORKERS=2: side by side
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile

SEEDS ?= 10000

sim: $(STAMP) ## Simulate whole migrations with faults: 10,000 seeds, or SEEDS=500
	$(BIN)/python -m simtest --seeds $(SEEDS)

coverage: $(STAMP) ## Branches of the pure core that unit tests and the simulation reach (95 % at least)
	scripts/coverage

lint: $(STAMP) ## Check style, types, import contracts, lock files and the Dockerfile
	scripts/lint

practice: testbed ## Serve a cluster with the operator, to try azlm's commands on, until Ctrl-C
	$(BIN)/python -m testbed practice

azure-e2e: testbed ## Run the demo on a small AKS cluster of its own (SUBSCRIPTION=, LOCATION=, RECORD=1, DRY_RUN=1)
	$(BIN)/python -m testbed azure --subscription "$(SUBSCRIPTION)" --location "$(or $(LOCATION),westeurope)" $(if $(RECORD),--record) $(if $(DRY_RUN),--dry-run)

bench: testbed ## Measure azlm against kubectl drain; RIVALS=all: and against Karpenter
	$(BIN)/python -m bench --rivals "$(RIVALS)"

chaos: testbed ## Migrate while the control plane and the operator are killed, cut off and stopped
	$(BIN)/python -m testbed chaos --write

bench-planner: $(STAMP) ## Measure the planner alone, up to 5,000 nodes and 100,000 pods
	$(BIN)/python -m bench.planner

bench-start: $(STAMP) ## Measure how long azlm takes to start, and dist/kubectl-azlm if it was built
	$(BIN)/python -m bench.start

docs-tables: $(STAMP) ## Write the generated tables of docs/
	scripts/docs-tables

crds: $(STAMP) ## Write crds/ and the chart's copy from the pydantic models
	$(BIN)/azlm crd > crds/azurelinuxmigrations.azlm.dev.yaml
	cp crds/azurelinuxmigrations.azlm.dev.yaml deploy/chart/files/crd.yaml

CHART_TOOLS := helm helm-unittest

chart: testbed ## Build helm and helm-unittest (cached), and lint, render, install and test the chart
	for tool in $(CHART_TOOLS); do $(BIN)/python -m testbed build $$tool || exit 1; done
	$(BIN)/python -m pytest -q tests/deploy

chart-docs: $(STAMP) ## Build helm-docs (cached), and write the README of the chart from its values
	$$($(BIN)/python -m testbed where helm-docs) --chart-search-root=deploy/chart --log-level=error

$(SCANS)/.installed: requirements/scans.txt
	$(PYTHON) -m venv $(SCANS)
	$(SCANS)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

SCAN_TOOLS := gitleaks helm helm-docs kubeconform kube-score

scans: $(STAMP) $(SCANS)/.installed ## Build the scanners (cached), and scan the rendered chart and the commits
	for tool in $(SCAN_TOOLS); do $(BIN)/python -m testbed build $$tool || exit 1; done
	$(BIN)/python -m pytest -q tests/deploy/test_scans.py

binary: ## Build kubectl azlm as a single file, and its archive for krew, in dist/
	PYTHON=$(PYTHON) scripts/binary

workflows: $(STAMP) ## Build actionlint and krew's validator (cached); check workflows and release files
	$(BIN)/python -m testbed build actionlint
	$(BIN)/python -m testbed build validate-krew-manifest
	$(BIN)/python -m testbed build helm
	$$($(BIN)/python -m testbed where actionlint)
	$(BIN)/zizmor --quiet --offline .github
	$(BIN)/python -m pytest -q tests/deploy/test_release.py

image: testbed ## Build the image, run it as a pod, push, describe and sign it on loopback (root)
	$(BIN)/python -m testbed image

GITOPS_TOOLS := kustomize-controller argocd kustomize helm kstatus

gitops: testbed ## Build Flux and Argo CD (cached; 20 minutes), and migrate from Git under both
	for tool in $(GITOPS_TOOLS); do $(BIN)/python -m testbed build $$tool || exit 1; done
	AZLM_GITOPS=1 $(BIN)/python -m pytest -q tests/gitops

rules: $(STAMP) ## Build promtool (cached), and check and test the alerts
	$(BIN)/python -m testbed build promtool
	$(BIN)/python -m pytest -q tests/deploy/test_rules.py

recordings: testbed ## Record azlm status -w through a migration, as pictures in docs/
	$(BIN)/python -m testbed record

pictures: testbed docs ## Draw the dashboards (Perses's viewer; npm), azlm ui and the site as pictures in docs/
	$(BIN)/python -m testbed pictures

monitoring: $(STAMP) ## Write the generated files of deploy/monitoring, and the chart's copies
	$(BIN)/python -m monitoring

install-yaml: $(STAMP) ## Write dist/install.yaml: all objects of the base in one file
	mkdir -p dist
	$(BIN)/kubectl kustomize --load-restrictor LoadRestrictionsNone deploy/kustomize/base > dist/install.yaml

$(DOCS)/.installed: requirements/docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

docs: $(DOCS)/.installed ## Build the site of docs/ into dist/site, and check its links
	$(DOCS)/bin/zensical build --strict
	$(PYTHON) -m docgen.links dist/site

lock: ## Refresh the hash-locked requirements from pyproject.toml (needs uv)
	scripts/lock

clean: ## Remove the virtual environment and caches of this checkout
	rm -rf $(VENV) $(DOCS) $(SCANS) .cache .testbed .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
