# Slipway. `make demo` and `make test` do everything on a fresh Debian 12 or Ubuntu machine.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON := build/venv/bin/python
BIN := build/release/bin/slipway
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
export CCACHE_SLOPPINESS := pch_defines,time_macros,include_file_mtime,include_file_ctime
export PATH := $(CURDIR)/build/venv/bin:$(PATH)

.PHONY: help
help: ## Print this
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.PHONY: deps
deps: ## Install what the build needs (apt, pinned Python packages, ONNX Runtime)
	@tools/deps.sh

.PHONY: build
build: deps ## Build the program: build/release/bin/slipway
	@cmake --preset release >/dev/null
	@cmake --build --preset release

.PHONY: demo
demo: build ## Train, register, deploy and score two real models; KEEP=1 leaves the server running
	@$(PYTHON) examples/demo/demo.py --bin $(BIN)

.PHONY: test
test: lint build unit asan tsan fuzz python-test ## Everything: lint, unit, sanitizers, fuzz, SDK, integration, faults
	@SLIPWAY_BIN=$(CURDIR)/$(BIN) $(PYTHON) -m pytest -q tests/integration
	@SLIPWAY_BIN=$(CURDIR)/$(BIN) $(PYTHON) -m pytest -q tests/faults

.PHONY: quick
quick: deps ## The inner loop: debug build and C++ unit tests
	@cmake --preset debug >/dev/null
	@cmake --build --preset debug --target tests
	@ctest --test-dir build/debug --output-on-failure -j2

.PHONY: unit
unit: quick

.PHONY: asan
asan: deps ## C++ tests under the address and undefined-behaviour sanitizers
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan --target tests
	@ctest --test-dir build/asan --output-on-failure -j2

.PHONY: tsan
tsan: deps ## C++ tests under the thread sanitizer
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan --target tests
	@ctest --test-dir build/tsan --output-on-failure -j2

FUZZ_SECONDS ?= 10
.PHONY: fuzz
fuzz: deps ## Build every fuzz target and run each for FUZZ_SECONDS (10)
	@cmake --preset fuzz >/dev/null
	@cmake --build --preset fuzz --target fuzzers
	@tools/run_fuzzers.sh build/fuzz $(FUZZ_SECONDS)

.PHONY: python-test
python-test: deps ## Tests of the SDK and of the runtime package
	@cd clients/sdk && $(CURDIR)/$(PYTHON) -m pytest -q
	@cd runtime && $(CURDIR)/$(PYTHON) -m pytest -q

.PHONY: integration
integration: build ## Integration and fault tests against the real program
	@SLIPWAY_BIN=$(CURDIR)/$(BIN) $(PYTHON) -m pytest -q tests/integration
	@SLIPWAY_BIN=$(CURDIR)/$(BIN) $(PYTHON) -m pytest -q tests/faults

.PHONY: lint
lint: deps ## Format, layers, house rules, clang-tidy on what changed, ruff, mypy
	@tools/lint.sh

.PHONY: fmt
fmt: deps ## Format C++ and Python
	@git ls-files -co --exclude-standard '*.h' '*.cc' | xargs clang-format-19 -i
	@$(PYTHON) -m ruff format clients runtime tests tools bench examples

.PHONY: bench
bench: build ## Measure against peers and the floor; a table, and JSON in build/bench
	@$(PYTHON) bench/run.py --bin $(BIN)

.PHONY: lock
lock: deps ## Resolve requirements/tools.in into tools.lock again
	@uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
	  --generate-hashes requirements/tools.in -o requirements/tools.lock

.PHONY: clean
clean: ## Remove build products, not the installed dependencies
	@rm -rf build/release build/debug build/asan build/tsan build/fuzz build/bench
