# What there is to run: `make help`.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
# Cargo uses all cores by itself, and one line at a time can be read.
.NOTPARALLEL:
.DEFAULT_GOAL := help

TARGET := $(or $(CARGO_TARGET_DIR),target)
XTASK := $(TARGET)/debug/xtask
SIMULATOR := $(TARGET)/debug/smartcar-simulator
# What the bench sets the Worker against.
HELLO := tests/load/peers/hello/build/index.js

files = $(shell find $(1) -type f 2>/dev/null)
CRATE := $(call files,src) Cargo.toml Cargo.lock

.PHONY: help demo docs docs-dev test test-native test-package test-browser test-edge test-consumers test-browsers test-openapi test-features test-msrv \
    test-minimal-versions test-workflows deny advisories release-check doctor fuzz mutants bench bench-browser load build size package worker fmt lint reproducible tools machine clean

help: ## What there is to run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: worker dist/demo/index.html $(SIMULATOR) ## Connect a simulated car in your browser; API=v3 by Smartcar's v3
	@exec $(XTASK) demo

test: artefacts $(SIMULATOR) ## Every check and test
	@scripts/need chromium
	@$(XTASK) test

test-native: $(XTASK) ## A part of `make test`: what needs neither a browser nor the Worker
	@$(XTASK) test native

test-package: artefacts $(SIMULATOR) ## A part of `make test`: the npm package as its users meet it
	@scripts/need chromium
	@$(XTASK) test package

test-browser: package ## A part of `make test`: the browser module in Chromium
	@scripts/need chromium
	@$(XTASK) test browser

test-edge: artefacts $(SIMULATOR) ## A part of `make test`: the Worker in workerd
	@scripts/need chromium
	@$(XTASK) test edge

test-consumers: package $(SIMULATOR) docs ## The npm package in frameworks and deployed from a folder of its own, and the documentation's site, with what npm fetches
	@scripts/need chromium
	@$(XTASK) test consumers

test-browsers: worker dist/demo/index.html $(SIMULATOR) ## A whole connection in Firefox and in WebKit
	@scripts/need firefox webkit xvfb
	@$(XTASK) test browsers

test-openapi: worker $(SIMULATOR) ## The HTTP API against its description, by schemathesis, which it fetches from PyPI
	@scripts/need python
	@$(XTASK) test openapi

test-features: $(XTASK) ## The crate with each set of its features, natively and as WebAssembly
	@$(XTASK) test features

test-msrv: $(XTASK) ## Everything that is compiled, by the oldest Rust that Cargo.toml promises; rustup installs it
	@$(XTASK) test msrv

test-minimal-versions: $(XTASK) ## The crate with the oldest versions of its dependencies that Cargo.toml allows
	@$(XTASK) test minimal-versions

test-workflows: $(XTASK) ## The workflows of .github, by zizmor, which it fetches from PyPI
	@scripts/need python
	@$(XTASK) test workflows

deny: $(XTASK) ## The dependencies: their licences, where they come from, and what must not be among them
	@$(XTASK) deny

advisories: $(XTASK) ## What is known against the dependencies, as GitHub's database has it
	@$(XTASK) advisories

release-check: artefacts ## Whether this can be released: docs/releasing.md, without publishing anything
	@$(XTASK) release-check

# Its tools want Node 22.19, which the tools of the tests bring along where the machine has an older one.
docs docs-dev: export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

docs: docs/site/node_modules/.package-lock.json ## The documentation as a site: dist/docs/. DOCS_BASE=/folder/ where it is not at the root of its host
	@cd docs/site && npm run --silent build

docs-dev: docs/site/node_modules/.package-lock.json ## The documentation on a server, which follows what you edit
	@cd docs/site && npm run --silent dev

docs/site/node_modules/.package-lock.json: docs/site/package.json docs/site/package-lock.json
	@scripts/need node
	@cd docs/site && npm ci --silent
	@touch $@

doctor: | machine ## What is right and wrong with your settings, before you deploy. REDIRECT_URIS="https://…", LOCAL=1 for .dev.vars
	@cargo run --quiet --locked --package smartcar-doctor -- $(if $(LOCAL),--local) $(REDIRECT_URIS)

fuzz: $(XTASK) ## Fuzz what reads untrusted input, FUZZ_SECONDS (60) for each of its targets
	@$(XTASK) fuzz

mutants: $(XTASK) ## Break each line that a token depends on, or those of MUTANTS (src/seal): a test has to notice
	@$(XTASK) mutants

bench: worker $(SIMULATOR) $(HELLO) ## A storm of 1,000 requests for a token at its expiry, and what a request costs
	@exec $(XTASK) bench

bench-browser: package ## What the npm package costs a page and a back end, set against Smartcar's own packages, which come from npm
	@scripts/need chromium
	@exec $(XTASK) bench browser

load: worker $(SIMULATOR) ## LOAD_LANES (128) connections at once for LOAD_SECONDS (60): nothing fails, and memory stays
	@$(XTASK) load

build: artefacts ## Both WebAssembly modules, the npm package and the demo page
	@$(XTASK) check-build
	@$(XTASK) shares

.PHONY: artefacts
artefacts: package worker dist/demo/index.html

size: $(XTASK) ## What each part of the browser module takes of it
	@$(XTASK) shares

package: dist/package/package.json dist/simulator/package.json ## The npm package, with the browser module and the Worker, and that of the simulator: dist/

worker: worker/build/index.js ## The Worker: worker/build/

fmt: ## Format the Rust sources
	@cargo fmt --all

reproducible: artefacts ## Build both modules again in another folder, and compare
	@$(XTASK) check-reproducible

lint: $(XTASK) ## rustfmt and clippy, for every target
	@$(XTASK) test lint

tools: $(XTASK) ## Everything that the build needs
	@$(XTASK) tools

clean: ## Remove what was built, but not the tools
	@rm -rf dist worker/build .wrangler docs/site/pages docs/site/.vitepress/cache
	@cargo clean --quiet --package smartcar-connect --package smartcar-connect-worker

# What the machine has to bring along. Looked at every time, and quick.
machine:
	@scripts/need cargo cc node pkg-config openssl

$(XTASK): $(call files,xtask) Cargo.toml Cargo.lock | machine
	@scripts/need xtask
	@$@ check-lock
	@touch $@

$(SIMULATOR): $(call files,tests/simulator) Cargo.toml Cargo.lock $(XTASK)
	@$(XTASK) simulator
	@touch $@

dist/package/package.json: worker/build/index.js worker/entry.js $(CRATE) $(call files,pkg-template) $(call files,doctor) docs/configuration.md \
    CHANGELOG.md LICENSE-MIT LICENSE-APACHE $(XTASK)
	@$(XTASK) package

worker/build/index.js: $(CRATE) docs/openapi.json $(call files,worker/src) worker/Cargo.toml $(XTASK)
	@$(XTASK) worker
	@touch $@

$(HELLO): $(call files,tests/load/peers/hello/src) tests/load/peers/hello/Cargo.toml Cargo.lock $(XTASK)
	@$(XTASK) hello
	@touch $@

dist/simulator/package.json: $(call files,tests/simulator) Cargo.toml Cargo.lock LICENSE-MIT LICENSE-APACHE $(XTASK)
	@$(XTASK) simulator-package

dist/demo/index.html: dist/package/package.json $(call files,worker/demo)
	@$(XTASK) demo-assets
