# What there is to run: `make help`.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
# Cargo uses all cores by itself, and one line at a time can be read.
.NOTPARALLEL:
.DEFAULT_GOAL := help

# The same version as the crate `worker`.
WORKER_BUILD_VERSION := 0.8.7

TARGET := $(or $(CARGO_TARGET_DIR),target)
XTASK := $(TARGET)/debug/xtask
SIMULATOR := $(TARGET)/debug/smartcar-simulator
WORKER_BUILD := $(TARGET)/tools/worker-build-$(WORKER_BUILD_VERSION)/bin/worker-build
NPM := node_modules/.package-lock.json
STEP := scripts/step
# What the bench sets the Worker against.
HELLO := tests/load/peers/hello/build/index.js

# The Node of the lock file comes first, whatever the machine has: wrangler wants a newer one than Debian's.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Nothing of wrangler's calls home, and it works offline.
export CLOUDFLARE_CF_FETCH_ENABLED := false
export WRANGLER_HIDE_BANNER := true
export WRANGLER_SEND_ERROR_REPORTS := false
export WRANGLER_SEND_METRICS := false

files = $(shell find $(1) -type f 2>/dev/null)
CRATE := $(call files,src) Cargo.toml Cargo.lock

.PHONY: help demo test fuzz bench build package worker fmt lint tools machine clean

help: ## What there is to run
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: worker dist/demo/index.html $(SIMULATOR) ## Connect a simulated car in your browser
	@exec node scripts/demo.mjs $(SIMULATOR)

test: artefacts $(SIMULATOR) ## Every check and test
	@scripts/need chromium
	@scripts/test

fuzz: | machine ## Fuzz what reads untrusted input, FUZZ_SECONDS (60) for each of 6 targets
	@scripts/fuzz

bench: worker $(SIMULATOR) $(HELLO) ## A storm of 1,000 requests for a token at its expiry, and what a request costs
	@export SMARTCAR_SIMULATOR=$${SMARTCAR_SIMULATOR:-$(abspath $(SIMULATOR))}; \
		node tests/load/bench.mjs && node tests/load/cpu.mjs

build: artefacts ## Both WebAssembly modules, the npm package and the demo page
	@$(STEP) -o "Check what was built" $(XTASK) check-build

.PHONY: artefacts
artefacts: package worker dist/demo/index.html

package: dist/package/package.json ## The browser module and the npm package: dist/

worker: worker/build/index.js ## The Worker: worker/build/

fmt: ## Format the Rust sources
	@cargo fmt --all

lint: | $(NPM) wasm-target ## rustfmt and clippy, for every target
	@scripts/test lint

tools: machine wasm-target $(NPM) $(WORKER_BUILD) $(XTASK) ## Everything that the build needs

clean: ## Remove what was built, but not the tools
	@rm -rf dist worker/build .wrangler
	@cargo clean --quiet --package smartcar-connect --package smartcar-connect-worker

# What the machine has to bring along. Looked at every time, and quick.
machine:
	@scripts/need cargo cc node pkg-config openssl

.PHONY: wasm-target
wasm-target: | machine
	@[[ -d $$(rustc --print target-libdir --target wasm32-unknown-unknown) ]] || \
		$(STEP) "Add the wasm32 target" rustup target add wasm32-unknown-unknown

$(NPM): package.json package-lock.json | machine
	@$(STEP) "Install the npm tools" npm ci
	@touch $@

$(WORKER_BUILD): | machine
	@CARGO_PROFILE_DEV_DEBUG=0 $(STEP) "Install worker-build $(WORKER_BUILD_VERSION) (once)" \
		cargo install worker-build --debug --locked --version $(WORKER_BUILD_VERSION) \
		--root $(TARGET)/tools/worker-build-$(WORKER_BUILD_VERSION)

$(XTASK): $(call files,xtask) Cargo.toml Cargo.lock | machine
	@$(STEP) "Build the build tool" cargo build --locked --package xtask
	@$(STEP) -o "Check the lock file" $@ check-lock
	@touch $@

$(SIMULATOR): $(call files,tests/simulator) Cargo.toml Cargo.lock | machine
	@$(STEP) "Build the simulator" cargo build --locked --package smartcar-simulator
	@touch $@

dist/package/package.json: $(CRATE) $(call files,pkg-template) CHANGELOG.md LICENSE-MIT LICENSE-APACHE $(XTASK) | wasm-target $(NPM)
	@$(STEP) "Build the browser module and the package" $(XTASK) package

worker/build/index.js: $(CRATE) $(call files,worker/src) worker/Cargo.toml $(XTASK) | wasm-target $(NPM) $(WORKER_BUILD)
	@$(STEP) "Build the Worker" $(XTASK) worker $(WORKER_BUILD)
	@touch $@

$(HELLO): $(call files,tests/load/peers/hello/src) tests/load/peers/hello/Cargo.toml Cargo.lock $(XTASK) | wasm-target $(NPM) $(WORKER_BUILD)
	@cd tests/load/peers/hello && WASM_BINDGEN_BIN=$(abspath $(dir $(XTASK))/bindgen) \
		WASM_OPT_BIN=$(abspath node_modules/.bin/wasm-opt) ESBUILD_BIN=$(abspath node_modules/.bin/esbuild) \
		LOG=$(abspath $(TARGET))/log/hello.log $(abspath $(STEP)) "Build the hello world of the crate worker" \
		$(abspath $(WORKER_BUILD)) --release --locked
	@touch $@

dist/demo/index.html: dist/package/package.json $(call files,worker/demo)
	@$(STEP) "Assemble the demo page" $(XTASK) demo-assets
