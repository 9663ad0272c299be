# Each target is a line or two over Meson, npm or a script in tools/; each installs what it needs (tools/setup.sh).
NODE := node_modules/.bin/node

.PHONY: build run test check e2e bench fuzz faults tsan soak fmt clean help
build: ## the server (build/bellwire) and the demo page; the default
	@tools/setup.sh build
	@tools/build.sh

run: build ## the demo on localhost: two people in one window, nothing to configure
	@exec build/bellwire dev

test: ## everything that proves it right: C, sanitizers, fuzz corpora, packages, system, two real browser calls
	@tools/setup.sh build test
	@$(NODE) tools/test.mjs

check: ## everything that can be seen without running it: format, layers, warnings, analysis, types, lint, protocol
	@tools/setup.sh build check
	@$(NODE) tools/check.mjs

e2e: ## all browser tests, in Chromium and Firefox, in network namespaces of their own
	@tools/setup.sh build test e2e
	@$(NODE) tools/test.mjs e2e

bench: ## figures: start, memory, and whatever bench/*.bench.mjs measure
	@tools/setup.sh build bench
	@tools/build.sh && $(NODE) bench/run.mjs

fuzz: ## libFuzzer on every target, FUZZ_SECONDS each (60); finds stay in fuzz/corpus
	@tools/setup.sh build check
	@$(NODE) tools/fuzz.mjs

faults: ## kill -9, full disks, power cuts: the long runs of tests/ledger
	@tools/setup.sh build test
	@$(NODE) tools/test.mjs faults

tsan: ## the system tests against a server built with ThreadSanitizer
	@tools/setup.sh build test
	@$(NODE) tools/test.mjs tsan

soak: ## random walks over the rules of calls with new seeds for SOAK_SECONDS (600)
	@tools/setup.sh build test
	@$(NODE) tools/test.mjs soak

fmt: ## clang-format and biome, in place
	@tools/setup.sh build check
	@git ls-files 'server/*.[ch]' 'fuzz/*.[ch]' | xargs -r clang-format -i
	@$(NODE) node_modules/.bin/biome check --write

clean: ## remove what was built, keep what was installed
	rm -rf build build-* packages/*/dist apps/*/dist

help: ## this list
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16
