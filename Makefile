# Two commands matter: `make run` and `make test`.  Everything is built by
# meson below build/; this file says which builds there are and what they
# are for.
#
#   build/pinline        the release binary (-O3 -g, assertions on, no fault points)
#   build/meson-test     the build the tests use (warnings are errors, fault points)
#   build/meson-asan     address and undefined-behaviour sanitizers
#   build/meson-tsan     thread sanitizer
#   build/meson-fuzz     libFuzzer targets (clang)

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE   := $(or $(PINLINE_CACHE),$(CURDIR)/.cache)
DEPS    := -Ddeps=$(CACHE)/deps
RELEASE := build/meson-release
TEST    := build/meson-test
ASAN    := build/meson-asan
TSAN    := build/meson-tsan
FUZZ    := build/meson-fuzz
SECONDS := 300

# $(call meson,DIR,OPTIONS): configure once, and again when the options change
define meson
@mkdir -p build
@if [ "$$(cat $(1)/.options 2>/dev/null)" != '$(2) $(DEPS)' ]; then \
    echo "configuring $(1)"; rm -rf $(1); \
    $(3) meson setup $(1) $(2) $(DEPS) > build/setup.log 2>&1 || { tail -n 20 build/setup.log; exit 1; }; \
    echo '$(2) $(DEPS)' > $(1)/.options; fi
endef

# $(call ninja,DIR,TARGETS): build, quietly unless it fails
define ninja
@ninja -C $(1) $(2) --quiet > build/ninja.log 2>&1 || { \
    grep -vE '^(ninja: Entering|\[[0-9]+/[0-9]+\])' build/ninja.log; exit 1; }
endef

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile

## make run        build, then run the main job once on made-up rows
.PHONY: run
run: build
	@build/pinline run $(ARGS)

## make build      only build: the result is build/pinline
.PHONY: build
build: deps
	$(call meson,$(RELEASE),-Doptimization=3 -Ddebug=true -Dinject=false -Dwerror=false)
	@[ -e build/pinline ] || echo "building build/pinline (once; about a minute)"
	$(call ninja,$(RELEASE),src/pinline)
	@ln -f $(RELEASE)/src/pinline build/pinline

## make install    put it below PREFIX=/usr/local, DESTDIR in front; make uninstall
.PHONY: install uninstall
install: build
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/install build/pinline

uninstall:
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" tools/install --remove build/pinline

## make test       every test suite; the last line is "N passed, N failed"
.PHONY: test
test: test-deps build build-test build-asan
	@tests/run $(TEST) $(ASAN):unit,contract,fuzz

## make check      the quick part of the tests, for the inner loop
.PHONY: check
check: build-test
	@tests/run $(TEST):unit,style-fast

## make test-long  make test, then TSan, valgrind, fuzzing, long crash rounds
.PHONY: test-long
test-long: test long-deps build-tsan build-fuzz
	@tests/run $(ASAN):rest $(TSAN):unit,contract,fault,rest $(TEST)+valgrind:unit $(TEST):long
	@ROUNDS=100 KINESIS_ROUNDS=10 STREAM_COMMITS=5000 OVERLOAD_SECONDS=100 TEST_TIMEOUT=20 tests/run $(TEST):fault
	@tools/fuzz $(FUZZ) $(SECONDS)

## make asan       unit and contract tests under ASan and UBSan
.PHONY: asan
asan: test-deps build-asan
	@tests/run $(ASAN):unit,contract,fuzz

## make tsan       unit, contract and fault tests under TSan
.PHONY: tsan
tsan: test-deps build-tsan
	@tests/run $(TSAN):unit,contract,fault

## make fuzz       every fuzz target; SECONDS=300 each
.PHONY: fuzz
fuzz: long-deps build-fuzz
	@tools/fuzz $(FUZZ) $(SECONDS)

## make bench      measure against the rivals; writes bench/RESULTS.md
.PHONY: bench
bench: build
	@tools/setup bench
	@tools/venv "$(CACHE)" bench bench/requirements.txt
	$(call ninja,$(RELEASE),benches)
	@bench/run $(ARGS)

## make docs       what is made from the program: man pages, reference, transcripts
.PHONY: docs
docs: build-test
	@tools/make-docs $(TEST)/src/pinline
	@tools/make-invariants
	@PINLINE=$(TEST)/src/pinline tests/e2e/cli_cases.py --write

## make format     clang-format on every C file
.PHONY: format
format:
	@tools/setup test
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

## make clean      remove build/ (what was fetched stays in .cache)
.PHONY: clean
clean:
	rm -rf build

.PHONY: deps test-deps long-deps build-test build-asan build-tsan build-fuzz
deps:
	@tools/setup build
	@tools/get-deps "$(CACHE)/deps"

test-deps: deps
	@tools/setup test
	@tools/get-test-deps "$(CACHE)"

long-deps: test-deps
	@tools/setup long

build-test: deps
	$(call meson,$(TEST),-Dbuildtype=debugoptimized)
	$(call ninja,$(TEST))

build-asan: deps
	$(call meson,$(ASAN),-Doptimization=1 -Ddebug=true -Db_sanitize=address$(comma)undefined -Db_lundef=false -Dwerror=false)
	$(call ninja,$(ASAN))

build-tsan: deps
	$(call meson,$(TSAN),-Doptimization=1 -Ddebug=true -Db_sanitize=thread -Db_lundef=false -Dwerror=false)
	$(call ninja,$(TSAN))

build-fuzz: long-deps
	$(call meson,$(FUZZ),-Dfuzz=true -Doptimization=1 -Ddebug=true -Db_sanitize=address$(comma)undefined -Db_lundef=false -Dwerror=false,CC=clang-19)
	$(call ninja,$(FUZZ),fuzzers)

comma := ,
