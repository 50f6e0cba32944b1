# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every target is one script of tools/, which makes what it needs below build/. `make` alone lists them.

.DEFAULT_GOAL := help
.PHONY: help demo test unit units-all-pythons sanity lint docs docs-lint artifact integration fuzz lab bench build changelog clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-26s %s\n", $$1, $$2 }'

demo: ## see the collection at work: relays on loopback, a gate that passes and one that fails, Pangolin's config
	@tools/demo

test: ## everything that CI runs
	@tools/test

unit: ## unit tests with the newest ansible-core, a quarter of the made-up examples
	@PROCESSES=6 EXAMPLES=few tools/unit core-2.21

units-all-pythons: ## unit tests: ansible-core 2.19, 2.20, 2.21, and the host's half on every Python from 3.8 that is here
	@tools/test environment unit

sanity: ## ansible-test sanity with ansible-core 2.19, 2.20 and 2.21
	@tools/sanity

lint: ## ansible-lint (production profile), ruff, mypy
	@tools/lint

docs-lint: ## documentation of plugins and roles, and the changelog's fragments
	@tools/lint-docs

docs: ## build the documentation site into build/docs/html
	@tools/docs

artifact: ## the built collection, installed, with only meta/ plugins/ roles/ playbooks/ left
	@tools/check-artifact

integration: ## tests against real relays on loopback (root)
	@tools/integration

fuzz: ## a coverage-guided fuzzer on all that takes a relay's bytes (tools/fuzz 3600 climb: longer)
	@tools/fuzz

lab: ## tests in network namespaces: hosts, a provider's router, many relays (root)
	@tools/lab run

bench: ## how fast a probe is
	@tools/bench

build: ## build the artifact into build/artifact
	@tools/build

changelog: ## write CHANGELOG.md for the version in galaxy.yml
	@tools/changelog

clean: ## remove everything that was generated
	rm -rf build tests/output
