# headroom: one Makefile for everything. `make help` lists the targets.
#
# Knobs: CC=gcc|clang   FLAVOUR=release|debug|asan|ubsan|tsan   OPT=-O0..-O3   PREFIX=/usr/local   HEADROOM_DATA=folder of real data
# Every (flavour, compiler, optimisation) has its own folder of objects, build/FLAVOUR-CC, so switching never rebuilds what is there.

ifeq ($(origin CC),default)
CC := gcc
endif
FLAVOUR ?= release
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3
WERROR  ?= -Werror

# ---- folders and sources -------------------------------------------------------------------------------------------
SOURCES      := $(filter-out sim/%/test_%.c,$(sort $(wildcard sim/*/*.c models/*.c models/*/*.c)))
HEADERS      := $(sort $(wildcard sim/*/*.h models/*.h models/*/*.h))
TEST_SOURCES := $(sort $(wildcard tests/*/test_*.c))
VECTOR_SOURCES := $(sort $(wildcard tests/vectors/*.c))
TEST_SUPPORT := $(sort $(wildcard tests/support/*.c))
C_FILES      := $(SOURCES) $(HEADERS) $(TEST_SOURCES) $(VECTOR_SOURCES) $(TEST_SUPPORT) $(sort $(wildcard tests/*.h tests/*/*.h))

ifdef OPT
OUT := build/$(FLAVOUR)$(OPT)-$(notdir $(CC))
else
OUT := build/$(FLAVOUR)-$(notdir $(CC))
endif
PROGRAM      := $(OUT)/headroom
OBJECTS      := $(SOURCES:%.c=$(OUT)/%.o)
# What a test program is linked with: everything but the program's own main.
TEST_OBJECTS := $(filter-out $(OUT)/sim/app/main.o,$(OBJECTS)) $(TEST_SUPPORT:%.c=$(OUT)/%.o)
TEST_BINARIES := $(TEST_SOURCES:%.c=$(OUT)/%)
VECTOR_RUNNER := $(OUT)/tests/vectors/vectors

# ---- flags ---------------------------------------------------------------------------------------------------------
# build/deps exists when libraries were unpacked without root (`make deps-local`); the system's own come first otherwise.
LOCAL := $(wildcard $(CURDIR)/build/deps/env.mk)
ifneq ($(LOCAL),)
include $(LOCAL)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wno-sign-conversion $(WERROR)
# No contraction and no errno: the same bits under every compiler and level. No -ffast-math, ever.
NUMERIC  := -ffp-contract=off -fno-math-errno
HDF5     := $(shell pkg-config --exists hdf5-serial 2>/dev/null && echo hdf5-serial || echo hdf5)
PACKAGES := $(HDF5) gsl libfyaml libdeflate zlib sqlite3 libmd
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

LEVEL_release := -O3
LEVEL_debug   := -O1
LEVEL_asan    := -O1
LEVEL_ubsan   := -O1
LEVEL_tsan    := -O1
FLAGS_release := -DNDEBUG
FLAGS_debug   := -fno-omit-frame-pointer
FLAGS_asan    := -fno-omit-frame-pointer -fsanitize=address -fno-sanitize-recover=all
FLAGS_ubsan   := -fno-omit-frame-pointer -fsanitize=undefined -fno-sanitize-recover=all
FLAGS_tsan    := -fno-omit-frame-pointer -fsanitize=thread
ifeq ($(origin LEVEL_$(FLAVOUR)),undefined)
$(error FLAVOUR=$(FLAVOUR) is not one of release debug asan ubsan tsan)
endif

BASE_CFLAGS := -std=c17 -D_GNU_SOURCE $(or $(OPT),$(LEVEL_$(FLAVOUR))) -g $(WARNINGS) $(NUMERIC) -fopenmp -I. $(FLAGS_$(FLAVOUR)) $(PKG_CFLAGS)
LINK        := $(CC) -g -fopenmp $(filter -fsanitize% -fno-sanitize%,$(FLAGS_$(FLAVOUR))) $(LDFLAGS)
LIBS        := $(PKG_LIBS) -lhdf5_hl -lm

# A parallel build unless the caller has chosen.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
SUB      = --no-print-directory $(PARALLEL)
# One test run on this flavour's programs. Further options (folders to leave out, --short) come in TEST_OPTIONS.
RUN_TESTS = HEADROOM=$(CURDIR)/$(PROGRAM) $(PYTHON) tests/run.py --programs $(OUT) $(TEST_OPTIONS)

export PYTHONDONTWRITEBYTECODE := 1

# ---- what people call ----------------------------------------------------------------------------------------------
.PHONY: all help demo test check nightly bench crash faults cluster lint lint-deep format asan ubsan tsan install clean \
        vectors deps deps-test deps-local program objects test-programs run-tests debug
.DEFAULT_GOAL := all

all: ## build build/headroom
	@.ci/deps --check build
	@$(MAKE) $(SUB) program

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo '  knobs: CC=gcc|clang FLAVOUR=release|debug|asan|ubsan|tsan OPT=-O0..-O3 PREFIX=DIR HEADROOM_DATA=DIR'

demo: ## install what is missing, build, run configs/quickstart.yaml, compare the strategies
	@.ci/deps build
	@$(MAKE) $(SUB) program
	@./build/headroom run configs/quickstart.yaml -o demo.h5 --force

test: ## install what is missing, build, run every test; last line: N passed, N failed, N skipped
	@.ci/deps build test
	@$(MAKE) $(SUB) program test-programs
	@$(RUN_TESTS)

check: ## everything before a change goes in: lints, tests with gcc and clang, asan, ubsan, tsan
	@.ci/deps build test
	@$(MAKE) $(SUB) lint
	@$(MAKE) $(SUB) lint-deep
	@$(MAKE) $(SUB) CC=gcc run-tests
	@$(MAKE) $(SUB) CC=clang run-tests
	@$(MAKE) $(SUB) asan
	@$(MAKE) $(SUB) ubsan
	@$(MAKE) $(SUB) tsan
	@echo 'check: all passed'

nightly: ## check, then the long tests (HEADROOM_NIGHTLY=1) and the bench
	@$(MAKE) $(SUB) check
	@HEADROOM_NIGHTLY=1 HEADROOM_TEST_LIMIT_S=7200 $(MAKE) $(SUB) run-tests
	@$(MAKE) $(SUB) bench

# Each prints its figures; the same tests run with few repetitions in `make test` and whole in `make nightly`.
LONG_TEST = HEADROOM=$(CURDIR)/$(PROGRAM) HEADROOM_NIGHTLY=1 PYTHONPATH=tests $(PYTHON)
crash: ## 1,000 kills at random instants, and one before every call on a file: nothing lost, nothing twice, equal bytes
	@$(MAKE) $(SUB) program
	@$(LONG_TEST) tests/crash/test_storm.py -v

faults: ## every open, read, write, truncation, fsync, rename, removal and allocation fails in turn
	@$(MAKE) $(SUB) program
	@$(LONG_TEST) tests/faults/test_faults.py -v

cluster: ## a real Slurm and mpirun on this machine run a sweep in shares (skipped where the packages are missing)
	@$(MAKE) $(SUB) program
	@$(LONG_TEST) tests/shards/test_launchers.py -v

# What is measured is what `make demo` builds; `make bench BENCH_CC=clang` measures the other compiler (same bits, other loops).
BENCH_CC ?= gcc
bench: ## speed against SimPy and by itself; one line a figure, build/bench.csv
	@.ci/deps build test
	@$(MAKE) $(SUB) CC=$(BENCH_CC) OPT= build/release-$(BENCH_CC)/headroom
	@$(PYTHON) bench/run_bench.py --program build/release-$(BENCH_CC)/headroom --csv build/bench.csv

# The autoscalers against files of cases: make vectors VECTORS=DIR.
VECTORS ?= tests/vectors/cases
vectors: ## run every vector file of the folder VECTORS against the autoscalers
	@.ci/deps build test
	@$(MAKE) $(SUB) $(VECTOR_RUNNER)
	@$(VECTOR_RUNNER) $(VECTORS)

lint: ## layers, units in names, globals, lengths, banned calls, lone headers, spaces, paths
	@$(MAKE) $(SUB) objects
	@$(PYTHON) tests/lint/lint.py --objects $(OUT)

lint-deep: ## clang-tidy and cppcheck (slow)
	@mkdir -p build; echo 'clang-tidy'; printf '%s\n' $(SOURCES) | xargs -r -P "$$(nproc)" -n 4 sh -c \
	  'clang-tidy --quiet "$$@" -- -std=c17 -D_GNU_SOURCE -DNDEBUG -fopenmp -I. $(PKG_CFLAGS) 2>build/clang-tidy.$$$$.log || { cat build/clang-tidy.$$$$.log >&2; exit 255; }; rm -f build/clang-tidy.$$$$.log' lint
	@echo 'cppcheck'; cppcheck --quiet --std=c11 --language=c --force --max-configs=1 --error-exitcode=1 --inline-suppr -j "$$(nproc)" \
	  --enable=warning,performance,portability --suppressions-list=tests/lint/cppcheck.txt -I. -D_GNU_SOURCE -DNDEBUG $(SOURCES)

format: ## clang-format over all C files, in place
	@clang-format -i $(C_FILES)

asan: ## tests under AddressSanitizer and LeakSanitizer (clang)
	@$(MAKE) $(SUB) CC=clang FLAVOUR=asan TEST_OPTIONS='--programs-only --short' run-tests

ubsan: ## tests under UndefinedBehaviorSanitizer (clang)
	@$(MAKE) $(SUB) CC=clang FLAVOUR=ubsan TEST_OPTIONS='--programs-only --short' run-tests

tsan: ## tests under ThreadSanitizer (clang, Archer)
	@$(MAKE) $(SUB) CC=clang FLAVOUR=tsan TEST_OPTIONS='--programs-only --short' run-tests

debug: ## build build/debug-CC/headroom with internal checks on
	@$(MAKE) $(SUB) FLAVOUR=debug program

install: ## program and configs under PREFIX (default /usr/local; DESTDIR honoured)
	@.ci/deps --check build
	@$(MAKE) $(SUB) FLAVOUR=release program
	install -D -m 755 build/headroom $(DESTDIR)$(PREFIX)/bin/headroom
	cd configs && find . -type f ! -name '*.h5' ! -name '*.journal*' -exec install -D -m 644 {} $(DESTDIR)$(abspath $(PREFIX))/share/headroom/configs/{} \;

clean: ## remove build/ (libraries from deps-local are kept)
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} + 2>/dev/null || true

deps: ## install the Debian packages that the build needs
	@.ci/deps build

deps-test: ## install those that the build and the tests need
	@.ci/deps build test

deps-local: ## without root: unpack the packages into build/deps, used by later builds
	@.ci/deps --local build test

program: $(PROGRAM) ## build without looking at the packages
ifeq ($(FLAVOUR)$(OPT),release)
	@cmp -s $(PROGRAM) build/headroom || cp -f $(PROGRAM) build/headroom
endif

objects: $(OBJECTS) ## compile everything, link nothing

test-programs: $(TEST_BINARIES) $(VECTOR_RUNNER) ## build the C tests

run-tests: program test-programs ## run the tests of this CC and FLAVOUR, installing nothing
	@$(RUN_TESTS)

# ---- how ------------------------------------------------------------------------------------------------------------
# V=1 shows whole commands.
SAY = $(if $(V),,@echo '  $(1)  $(OUT:build/%=%)  $(2)';)

$(PROGRAM): $(OBJECTS)
	$(call SAY,LINK,headroom)$(LINK) $^ $(LIBS) -o $@

$(OUT)/sim/%.o: sim/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC  ,$<)$(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# The catalogue is embedded (.incbin), which -MMD does not see.
$(OUT)/sim/lab/catalogue.o: configs/catalog/nodes.yaml

$(OUT)/models/%.o: models/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC  ,$<)$(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# Tests compare literals of every kind; conversions are not their subject.
$(OUT)/tests/%.o: tests/%.c Makefile
	@mkdir -p $(@D)
	$(call SAY,CC  ,$<)$(CC) $(BASE_CFLAGS) -Wno-conversion $(CFLAGS) -MMD -MP -c $< -o $@

$(TEST_BINARIES): %: %.o $(TEST_OBJECTS)
	$(call SAY,LINK,$(@:$(OUT)/%=%))$(LINK) $^ $(LIBS) -lcmocka -o $@

$(VECTOR_RUNNER): $(VECTOR_SOURCES:%.c=$(OUT)/%.o) $(filter-out $(OUT)/sim/app/main.o,$(OBJECTS))
	$(call SAY,LINK,$(@:$(OUT)/%=%))$(LINK) $^ $(LIBS) $(shell pkg-config --libs jansson) -o $@

.SECONDARY:
-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(VECTOR_SOURCES:%.c=$(OUT)/%.d) $(TEST_BINARIES:%=%.d)
