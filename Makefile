# Everything that one does with Plaza. `make` alone lists it.

SHELL := /bin/sh
CACHE := $(or $(PLAZA_CACHE),$(HOME)/.cache/plaza)
# CI's clones are new each time: builds are kept outside of them.
ifdef CI
export CARGO_TARGET_DIR ?= $(CACHE)/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
PLAZA := $(TARGET)/local/plaza

# Where `make up` keeps its data, who may reach it, and on which port.
DATA ?=
HOST ?=
PORT ?=
ARGS ?=
WHERE := $(if $(DATA),--data "$(DATA)")

.DEFAULT_GOAL := help
.PHONY: help up ctl down test e2e images chaos bench fmt spa build bootstrap generate screenshots

help: ## What there is
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  DATA=folder HOST=name PORT=number ARGS="--no-demo --realtime-off" go with `make up`.'

up: bootstrap spa build ## Run all of Plaza on this machine, in the foreground
	@exec $(PLAZA) up $(WHERE) $(if $(HOST),--host "$(HOST)") $(if $(PORT),--port $(PORT)) --spa frontend/dist $(ARGS)

ctl: ## Look at a running Plaza or stop parts of it: make ctl ARGS="stop redis"
	@$(PLAZA) ctl $(WHERE) $(or $(ARGS),status)

down: ## Stop a running Plaza from another terminal
	@$(PLAZA) ctl $(WHERE) down

test: ## Everything that CI checks
	@scripts/test $(ARGS)

chaos: bootstrap ## Break a running Plaza for an hour and count: ARGS="--duration-s 600 --seed 7"
	@echo "  building plaza; the first time takes some minutes"
	@cargo build -q --profile local -p plaza -p plaza-chaos
	@$(TARGET)/local/plaza-chaos --plaza $(PLAZA) --duration-s 3600 --people 100 --rooms 20 --rate 50 \
		--report $(TARGET)/chaos.json $(ARGS)

bench: bootstrap ## Measure Plaza on this machine against its targets: ARGS="--only room-1000,reads"
	@echo "  building plaza for release; this takes some minutes"
	@cargo build -q --release -p plaza -p plaza-bench
	@$(TARGET)/release/plaza-bench --plaza $(TARGET)/release/plaza \
		--report $(TARGET)/bench.json --markdown $(TARGET)/bench.md $(ARGS)

images: ## Make the container images: ARGS="plaza centrifugo postgres redis" for some of them
	@k8s/images/build $(ARGS)

e2e: ## Try images and operator on a real Kubernetes node, then compose.yaml: ARGS="postgres" for some tests on the node
	@scripts/e2e $(ARGS)

fmt: ## Format everything
	cargo fmt --all
	cd frontend && npm run format

generate: ## Write the generated files anew: schema, settings, query data, CRD, chart
	scripts/sqlx-data
	cargo run -q -p plaza -- schema > "$(TARGET)/schema" && mv "$(TARGET)/schema" gateway/schema.graphql
	cargo run -q -p plaza -- crd > "$(TARGET)/crd" && mv "$(TARGET)/crd" k8s/crds/chatdeployments.yaml
	cargo run -q -p plaza -- crd-reference > "$(TARGET)/reference" && mv "$(TARGET)/reference" docs/crd-reference.md
	operator/kubernetes/build
	charts/generate
	cargo run -q -p plaza -- config-reference > "$(TARGET)/reference" && mv "$(TARGET)/reference" docs/configuration.md
	cd frontend && npm run codegen

screenshots: bootstrap spa build ## Take the pictures of docs/images
	scripts/beside-plaza $(PLAZA) npm --prefix frontend run screenshots

bootstrap: ## Install what is missing
	@scripts/bootstrap

spa: ## Build the web app
	@scripts/spa

build: ## Build plaza for this machine
	@echo "  building plaza; the first time takes some minutes"
	@cargo build -q --profile local -p plaza
