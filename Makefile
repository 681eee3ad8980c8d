# A thin front: sets up what is missing, then calls meson and the tools. `make help` lists the targets.
BUILD ?= build
SECONDS ?= 2

.PHONY: all build demo test bench fuzz conformance install clean help

all: build

build: ## the program, at build/keystead
	@tools/setup build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) . >/dev/null
	@ninja -C $(BUILD) --quiet

demo: build ## the whole story on loopback, real processes
	@$(BUILD)/keystead demo

test: ## installs what is missing and runs every test
	@tools/setup build test
	@tools/test

bench: ## ratios to their yardsticks, into build/bench.json
	@tools/setup build test bench
	@$(MAKE) --no-print-directory build
	@bench/run --build $(BUILD)

fuzz: ## every fuzz target for SECONDS each
	@tools/setup build test
	@tools/fuzz --seconds $(SECONDS)

conformance: ## which requirement is implemented, tested, refused when wrong
	@tools/setup test
	@mkdir -p $(BUILD)
	@tools/conformance --out $(BUILD)/conformance.tsv

install: build
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD) build-*

help:
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile
