# One line a recipe; what it does is in scripts/. `make` alone lists the targets.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo run test lint docs bench build-release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## app, Consul and MySQL under one pilot; CHECK=1 tries it all out by itself and gives a verdict
	@scripts/demo.sh

run: ## pilot runs app on SQLite: no Consul, no MySQL, no root
	@scripts/run.sh

test: ## every check there is: lint, unit tests, end-to-end tests
	@scripts/test.sh

lint: ## formatting, clippy, unused dependencies, licences, shell scripts
	@scripts/lint.sh

docs: ## write anew what is made from the code: tables, examples' output, schema, completions, manual page
	@scripts/docs.sh

bench: ## pilot beside tini, dumb-init, s6 and supervisord, as a table
	@scripts/bench.sh

build-release: ## the static binaries, in target/x86_64-unknown-linux-musl/release
	@scripts/build-release.sh

clean: ## remove what was built and the demo's data; downloaded tools in .tools stay
	@rm -rf target .demo
