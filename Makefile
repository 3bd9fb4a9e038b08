# Clientele. Only Go is needed to build and run; `make test` fetches the rest itself.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory

# One binary without C: it runs on any machine of its kind.
export CGO_ENABLED := 0

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The version is written in by hand: a checkout that belongs to somebody else must build too.
BUILD    := -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
TOOL     := go tool -modfile=tools/go.mod
SOURCES  := $(wildcard cmd internal bench)

# Tests mostly wait, for a database or a browser: more of them than processors.
PARALLEL ?= $(shell echo $$((2 * $$(nproc 2>/dev/null || echo 4))))
TIMEOUT  ?= 15m
# make test RUN=Invitation   make bench BENCH=Check
RUN      ?=
BENCH    ?= .

.DEFAULT_GOAL := help
.PHONY: help run build test check lint fmt generate cover bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build, load the demo into ./data on the first start, and serve
	@[[ -n "$${CLIENTELE_DATABASE_URL:-}$${CLIENTELE_DATABASE_URL_FILE:-}$${CLIENTELE_CONFIG:-}" ]] || bin/clientele demo --if-empty
	@exec bin/clientele serve

build: ## build bin/clientele
	@go build $(BUILD) -o bin/clientele ./cmd/clientele

test: ## install what the tests need, check, and run all tests on both engines
	@tools/setup-tests
	@$(MAKE) check
	go test -timeout $(TIMEOUT) -parallel $(PARALLEL) $(if $(RUN),-run '$(RUN)') ./...

check: ## the quick checks: formatting and vet
	@out=$$(gofmt -l $(SOURCES) | grep -v '_templ\.go$$' || true); \
	  [[ -z "$$out" ]] || { printf 'not formatted, run make fmt:\n%s\n' "$$out" >&2; exit 1; }
	@go vet ./...

lint: ## the slow checks: golangci-lint, dead code, generated files
	$(TOOL) golangci-lint run ./...
	@out=$$($(TOOL) deadcode -test ./...); \
	  [[ -z "$$out" ]] || { printf 'nobody calls these:\n%s\n' "$$out" >&2; exit 1; }
	@tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; \
	  find $(SOURCES) -name '*.templ' -exec cp --parents -t "$$tmp" {} +; \
	  $(TOOL) templ generate -log-level error -path "$$tmp"; \
	  cd "$$tmp"; find . -name '*_templ.go' | while read -r f; do \
	    cmp -s "$$f" "$(CURDIR)/$$f" || { echo "$$f is older than its .templ, run make generate" >&2; exit 1; }; done

fmt: ## format Go and templ files
	@$(TOOL) gofumpt -w $(SOURCES)
	@$(TOOL) templ fmt -log-level error $(SOURCES)

generate: ## write templ, CSS and golden files anew
	$(TOOL) templ generate -log-level error
	go generate ./...
	CLIENTELE_UPDATE_GOLDENS=1 go test -count=1 -run Golden ./...

cover: ## measure what the tests reach, into bin/cover.html
	@tools/setup-tests
	@mkdir -p bin
	go test -timeout $(TIMEOUT) -parallel $(PARALLEL) -coverpkg=./internal/... -coverprofile=bin/cover.out ./...
	@go tool cover -html=bin/cover.out -o bin/cover.html
	@go tool cover -func=bin/cover.out | tail -n 1

bench: ## run the benchmarks
	@tools/setup-tests
	go test -run '^$$' -bench '$(BENCH)' -benchmem -timeout 60m $(addsuffix /...,$(addprefix ./,$(filter-out cmd,$(SOURCES))))

clean: ## stop the tests' database and remove what was built; ./data stays
	@tools/test-postgres stop || true
	@rm -rf bin
