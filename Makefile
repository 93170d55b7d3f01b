# Every target gets what it needs by itself; nothing is installed, tools lie below target/tools.

SHELL := /bin/bash
TIMED := tests/tools/timed
# The set-up writes this file; a recipe that compiles or runs etcd reads it.
ENV := . target/tools/env &&
RELEASE := "$${CARGO_TARGET_DIR:-target}/release/etcd-charm"
DENY := target/tools/cargo-deny/bin/cargo-deny
# Some minutes of fuzzing.
TIMES ?= 50
# What `make pack` packs.
CHARM ?= $(shell cat release/charms)
.DEFAULT_GOAL := help

.PHONY: help setup build demo demo-lxd costs test format lint unit integration stories interop fuzz corpus crash hostile properties deny pack pack-test clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

setup: ## fetch protoc and all etcd versions that the tests use
	@tests/tools/setup all

build: ## build the charm's program as it is shipped
	@tests/tools/setup basic
	@$(ENV) cargo build --release

demo: ## show the charm at work in a simulated Juju model
	@tests/tools/setup basic
	@$(ENV) cargo build --release -p etcd-charm -p etcd-client-example
	@$(ENV) cargo build -p etcd-charm-demo
	@$(ENV) cargo run -q -p etcd-charm-demo --bin etcd-charm-demo -- --charm $(RELEASE)

.PHONY: shipping
shipping: ## check workflows, Terraform modules and what else publishing needs
	@tests/tools/setup basic
	@tests/shipping/setup
	@$(ENV) cargo test --test shipping

.PHONY: statuses
statuses: ## print what an operator reads in a whole life of the charm: statuses and results of actions
	@tests/tools/setup all
	@$(ENV) cargo build --release
	@$(ENV) cargo run -q -p etcd-charm-demo --bin statuses -- $(RELEASE)

costs: ## measure what hooks cost, beside COSTS_CLIENTS other clients; prints a Markdown table
	@tests/tools/setup basic
	@$(ENV) cargo build --release
	@$(ENV) cargo test --test stories --no-run
	@$(ENV) cargo test -q --test stories -- table $(RELEASE)

.PHONY: costs-signed
costs-signed: ## measure how clients come, with certificates from etcd and with their own, COSTS_ARRIVALS of each, then COSTS_CLIENTS at once
	@tests/tools/setup basic
	@$(ENV) cargo build --release
	@$(ENV) cargo test --test stories --no-run
	@$(ENV) cargo test -q --test stories -- table-signed $(RELEASE)

demo-lxd: ## show the LXD integrator at work, with a real LXD in a simulated Juju model
	@tests/tools/setup basic
	@charms/lxd-integrator/tests/setup
	@$(ENV) cargo test -q -p lxd-integrator --test lxd --no-run
	@$(ENV) LXD_DEMO=1 cargo test -q -p lxd-integrator --test lxd

.PHONY: demo-valkey
demo-valkey: ## show the charm of Valkey at work, with real servers in a simulated Juju model
	@tests/tools/setup basic
	@charms/valkey/tests/setup
	@$(ENV) cargo test -q -p valkey-charm --test valkey --no-run
	@$(ENV) VALKEY_DEMO=1 cargo test -q -p valkey-charm --test valkey

test: ## everything that CI checks
	@$(TIMED) setup tests/tools/setup all
	@$(TIMED) python tests/tools/python
	@$(TIMED) format cargo fmt --all --check
	@$(ENV) $(TIMED) lint cargo clippy --workspace --all-targets -- -D warnings
	@$(TIMED) shipping tests/shipping/setup
	@$(TIMED) lxd charms/lxd-integrator/tests/setup || test $$? -eq 69
	@$(TIMED) valkey charms/valkey/tests/setup || test $$? -eq 69
	@$(TIMED) charmcraft tests/package/setup || echo "test: LEFT OUT: packing the charm, for the reason above"
	@$(ENV) $(TIMED) tests tests/tools/all

.PHONY: test-machines
test-machines: ## the charm on machines with systemd and apt, which are booted here; as root
	@tests/tools/setup basic
	@$(TIMED) image tests/machines/setup
	@$(ENV) cargo test --no-run --test machines
	@$(ENV) ETCD_CHARM_MACHINES=1 $(TIMED) machines setpriv --pdeathsig TERM cargo test --test machines
	@charms/valkey/tests/setup
	@$(ENV) ETCD_CHARM_MACHINES=1 exec $(TIMED) valkey setpriv --pdeathsig TERM cargo test -p valkey-charm --test machines

format: ## format the sources
	@cargo fmt --all

lint: ## check format and clippy's opinion
	@tests/tools/setup basic
	@cargo fmt --all --check
	@$(ENV) cargo clippy --workspace --all-targets -- -D warnings

unit: ## the fast tests: no etcd is started
	@tests/tools/setup basic
	@$(ENV) cargo test --workspace --lib --bins

stories: ## the tests that run the charm with a real etcd; FILTER=word picks some
	@tests/tools/setup all
	@tests/tools/python
	@$(ENV) cargo test --workspace --test '*' -- $(FILTER)

integration: stories ## the same, under the name that the makefiles of charms have for it

interop: ## the tests with requirers and providers that run Canonical's own libraries
	@tests/tools/setup all
	@tests/tools/python
	@$(ENV) cargo test --test stories -- interop_
	@$(ENV) cargo test -p data-requirer --test providers

fuzz: ## hostile input for all that reads; TIMES=100 is a hundred times what each test run does
	@tests/tools/setup basic
	@$(ENV) FUZZ_TIMES=$(TIMES) cargo test --test fuzz

corpus: ## judge every certificate of the corpus, beside Go's own parser
	@tests/tools/setup basic
	@$(ENV) cargo test --test certificates

properties: ## plans in a pure world, judged by its looks; CASES=1000 worlds of each kind
	@tests/tools/setup basic
	@$(ENV) $(if $(CASES),PROPTEST_CASES=$(CASES)) cargo test --test properties

deny: ## check licences, duplicates and sources of all that the charm is built from
	@test -x $(DENY) || cargo install --quiet --locked --debug --no-default-features \
		--root target/tools/cargo-deny --target-dir target/tools/making/cargo-deny cargo-deny@0.20.2
	@rm -rf target/tools/making/cargo-deny
	@$(DENY) check licenses bans sources

pack: ## pack the charms with charmcraft, which is fetched where it is missing; CHARM=<name> packs one, ETCD=<archive> puts that etcd in
	@tests/tools/setup basic
	@command -v charmcraft >/dev/null || tests/package/setup
	@$(if $(filter etcd,$(CHARM)),tests/package/pack etcd $(if $(ETCD),"$(abspath $(ETCD))"))
	@for charm in $(filter-out etcd,$(CHARM)); do tests/package/pack $$charm || exit; done

pack-test: ## pack the charm, look at what is in it, and let it serve a client
	@tests/tools/setup basic
	@tests/package/setup
	@$(ENV) cargo test --test package

crash: ## kill the charm at every call that it makes; CRASH_SWEEP=20 takes each 20th, CRASH_FAULTS some kinds
	@tests/tools/setup all
	@$(ENV) cargo build --release
	@$(ENV) CRASH_SWEEP=$${CRASH_SWEEP:-all} CRASH_CHARM="$$(realpath $(RELEASE))" cargo test --test stories -- $(or $(FILTER),crash_)

hostile: ## send every certificate of the corpus in every way, to every etcd
	@tests/tools/setup all
	@$(ENV) HOSTILE_SWEEP=all cargo test --test stories -- $(or $(FILTER),hostile::)

clean: ## remove everything that was built or fetched
	@cargo clean
	@rm -rf target
