# The front door. Each target says what it installs before it does, and needs nothing beside this folder.
# BUILD is the release build; tests also run in BUILD-san (AddressSanitizer and UndefinedBehaviorSanitizer).

SHELL := /bin/bash
BUILD ?= build
SAN := $(BUILD)-san

SEEDS ?= 10000

.PHONY: help build install build-san demo demo-stop check sim test crash-matrix bench format clean fresh

help: ## this text
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## berthd, berthctl and the pages into build/
	@dev/install --for build
	@test -f $(BUILD)/build.ninja || meson setup --buildtype=release $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet
	@dev/web $(BUILD)

install: build ## berthd, berthctl, pipelines and manual pages into /usr/local (or DESTDIR)
	@meson install -C $(BUILD) --no-rebuild --quiet

build-san:
	@dev/install --for test
	@test -f $(SAN)/build.ninja || meson setup --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false $(SAN) >$(SAN).log 2>&1 || { cat $(SAN).log; exit 1; }
	@rm -f $(SAN).log
	@ninja -C $(SAN) --quiet

demo: ## an order becomes a live hosting account on four lab nodes; leaves it running
	@dev/install --for demo
	@$(MAKE) --no-print-directory build
	@demo/run

demo-stop: ## end what `make demo` left running
	@demo/stop

check: ## formatting, static analysis, unit tests, simulator: before each commit
	@dev/install --for test
	@$(MAKE) --no-print-directory build build-san
	@dev/check $(BUILD) $(SAN)

sim: build ## SEEDS simulated companies (10000), from seed 1
	@$(BUILD)/tests/sim/berth-sim --count $(SEEDS) --jobs $$(nproc)

test: check ## everything: check, then many seeds, the lab, the pipeline on real servers, crashes
	@dev/test $(BUILD) $(SAN)

crash-matrix: ## every point of the crash matrix, and a minute of kills under load; writes docs/reliability.md: about twelve minutes
	@dev/install --for test
	@$(MAKE) --no-print-directory build
	@BERTH_BUILD=$(CURDIR)/$(BUILD) BERTH_CRASH=full BERTH_CRASH_REPORT=docs/reliability.md \
		node --test --test-concurrency=1 tests/crash/matrix.test.mjs tests/crash/under_load.test.mjs

bench: ## figures, one JSON object per line; ratios within one run
	@dev/install --for test
	@$(MAKE) --no-print-directory build
	@dev/bench $(BUILD)

format: ## lay out the C sources
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

fresh: ## both commands of the README in a fresh minimal Debian 12
	@dev/fresh-machine

clean: ## remove what was built
	@rm -rf $(BUILD) $(SAN)
