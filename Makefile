# One line a recipe; what it does is in scripts/. `make` alone lists the targets.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo run build push test test-slow test-random test-images test-moto lint docs docs-site fuzz release sign deploy create-stack update-stack scale-app delete-stack expire-stacks aws-rehearsal tags jenkins bench bench-drain build-release clean

# How the image is called: REPO=registry.example/app make push. A default only; settings come by environment or after `make`.
# Branch names never stand here: the scripts read them from the environment, for make would run what is in them.
# scripts/stack.sh ends with 3 when there is nothing to do, which is no failure to whoever says `make`.
REPO ?= app
export REPO

random_events := tests::random::under_a_million_random_events_every_stop_ends_and_nothing_is_doubled_lost_or_left_behind

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: ## app, Consul and MySQL under one pilot; CHECK=1 breaks things by itself and gives a verdict
	@scripts/demo.sh

run: ## pilot runs app on SQLite: no Consul, no MySQL, no root
	@scripts/run.sh

build: ## the image of this commit, under its git hash and its branch name; REPO=, DOCKERFILE=, PREBUILT=1, ARCH=arm64
	@scripts/build-image.sh

push: ## both names to the registry, verified; prints IMAGE=repo@sha256:... (also into image.env)
	@scripts/push.sh

test: ## every check but those that take minutes: lint, stacks, unit tests, end-to-end tests, demo
	@scripts/test.sh

test-slow: ## what takes minutes because Consul does: a service that it removes after its time, a cluster that loses servers
	@scripts/test.sh --ignore-default-filter -E 'package(pilot-tests) & binary(consul) & test(/^slow::/)'

test-random: ## 200 million random events against the rules, from a new seed that is printed; EVENTS=n, SEED=n
	@PILOT_RANDOM_SEED="$${SEED:-new}" PILOT_RANDOM_EVENTS="$${EVENTS:-200000000}" cargo test --profile random -p pilot-core --lib -- --exact $(random_events) --nocapture

test-images: ## the slow checks of the images: built from source by both builders, arm64, compose
	@scripts/test-images.sh

test-moto: ## pilot in and out of a target group of moto's, a second opinion next to our own stand-in
	@scripts/test-moto.sh

lint: ## formatting, clippy, dependencies (unused, licences, sources), third-party notices, shell scripts, Dockerfiles
	@scripts/lint.sh

release: ## a version's name for the pushed image of this commit; VERSION=1.2.3, or IMAGE=repo@sha256:... VERSION=1.2.3
	@scripts/release.sh

sign: ## signature and bill of materials for IMAGE=repo@sha256:... with COSIGN_KEY=file
	@scripts/sign.sh

deploy: ## master to production: IMAGE=repo@sha256:... or TAG=githash, nothing that may move; BACK=1 for an older one
	@scripts/deploy.sh

create-stack: ## this branch's stack, and the base stacks that are missing; then push an image and update-stack
	@scripts/stack.sh up || [ $$? -eq 3 ]

update-stack: ## this branch's stack gets TAG=githash (or IMAGE=, or its newest pushed commit), proven to be what runs
	@scripts/deploy.sh branch

scale-app: ## at least CONTAINERS=n containers in this branch's stack
	@scripts/stack.sh scale "$$CONTAINERS" || [ $$? -eq 3 ]

delete-stack: ## deletes this branch's stack and its database; never master's, never the base stacks
	@scripts/stack.sh down || [ $$? -eq 3 ]

expire-stacks: ## deletes branches' stacks that nobody has changed for DAYS=14
	@scripts/stack.sh expire $${DAYS:+"$$DAYS"} || [ $$? -eq 3 ]

aws-rehearsal: ## in a throw-away AWS account: makes, deploys, rolls back and deletes everything; costs a few dollars
	@scripts/aws-rehearsal.sh

tags: ## what the image of this checkout is called
	@scripts/tags.sh

jenkins: ## renders jenkins/app.yaml into the XML that Jenkins imports
	@scripts/render-jenkins.sh

docs: ## rewrite what is made from the code: tables, examples' output, schema, completions, manual page, notices
	@scripts/docs.sh

docs-site: ## the documentation as a site with search, in target/docs-site; dead links fail
	@scripts/docs-site.sh

fuzz: ## each fuzzer for a minute (FUZZ_SECONDS=10 for less); needs a C++ compiler
	@scripts/fuzz.sh

bench: ## pilot next to tini, dumb-init, s6 and supervisord, as a table
	@scripts/bench.sh

bench-drain: ## requests that fail while instances behind nginx and HAProxy are replaced, as a table; BENCH_SECONDS=12 is short
	@scripts/bench-drain.sh

build-release: ## the static binaries, in target/x86_64-unknown-linux-musl/release
	@scripts/build-release.sh

clean: ## remove what was built and the demo's data; downloaded tools in .tools stay
	@rm -rf target .demo
