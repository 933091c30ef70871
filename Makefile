# pgqrs. `make` lists the targets; each sets itself up, and a second run redoes
# only what changed. What a fresh machine needs: Go, Python >= 3.11, a C compiler.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tests share one server and one machine: targets run one after the other.
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# A Go unpacked at its usual place counts even where PATH does not name it.
export PATH := $(PATH):/usr/local/go/bin

# PYTHON=python3.13 chooses an interpreter; otherwise the first that is new enough.
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
endif
export PYTHON

# ---- Pinned tools (pytest and mypy: tests/python/requirements.txt) ----------

GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
INEFFASSIGN := github.com/gordonklaus/ineffassign@v0.2.0
UNCONVERT   := github.com/mdempsky/unconvert@v0.0.0-20260816212528-33842c47157a
PYTHON_TOOLS := ruff==0.17.6 setuptools==84.2.1 pip-audit==2.10.1

# ---- Files ------------------------------------------------------------------

LIBRARY := build/libpgqrs.so.1
ARCHIVE := build/libpgqrs.a
CGOCHECK_LIBRARY := build/cgocheck/libpgqrs.so.1
# Absolute: the tests run in many directories.
export PGQRS_LIBRARY ?= $(CURDIR)/$(LIBRARY)

LIBRARY_SOURCES := $(shell find core capi include/pgqrs.h -type f ! -name '*_test.go' ! -path '*/testdata/*' \
	! -path 'core/enginetest/*' ! -name 'libpgqrs.*') go.mod go.sum VERSION
PACKAGE_SOURCES := $(shell find python -type f ! -name '*.pyc' ! -name 'libpgqrs.so*' ! -path '*.egg-info/*') \
	setup.py pyproject.toml MANIFEST.in README.md LICENSE
PYTHON_CODE := python/pgqrs examples tests benchmarks setup.py

# Runs a command beside a private PostgreSQL; inside such a run, or with
# PGQRS_TEST_DSN set, it starts none.
WITH_SERVER := $(PYTHON) tests/harness/pgcluster.py run --
VENV_PYTHON := .venv/bin/python
PYTEST := env PYTHONPATH=$(CURDIR)/python $(VENV_PYTHON) -m pytest
GO_TEST := go test -shuffle=on
# The crate, which has no dependencies; what it builds is kept beside the library.
CARGO := cd bindings/rust && env CARGO_TARGET_DIR=$(CURDIR)/build/rust cargo
# Packages with fuzz targets that `make test/faults` looks for new inputs with.
FUZZED := ./tests/faults/fuzz ./capi/internal/handle
PYTHON_TESTS ?= tests/python tests/packaging tests/demo
# What `make test/go` leaves to `make test/c` and `make test/bindings`.
ABI_TESTS := ./tests/abi/... ./tests/c/...
BINDINGS_TESTS := ./bindings/... ./tests/bindings/... ./tests/conformance/... ./tests/tworuntimes/... ./tests/install/...

# Where `make install` puts things: below DESTDIR, for a package; PREFIX is what they are told.
PREFIX ?= /usr/local
INSTALL_ROOT = $(DESTDIR)$(PREFIX)
VERSION := $(shell cat VERSION)
pkg-config = sed -e 's|@PREFIX@|$(PREFIX)|; s|@NAME@|$(1)|; s|@KIND@|$(2)|; s|@LIBS@|$(3)|; s|@VERSION@|$(VERSION)|' \
	capi/pgqrs.pc.in > $(INSTALL_ROOT)/lib/pkgconfig/$(1).pc

comma := ,
say = @printf '\033[1m%s\033[0m\n' '$(1)' | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi

# ---- Main targets -----------------------------------------------------------

.PHONY: help
help: ## List the targets
	@echo 'pgqrs, a durable job queue. Targets:'
	@grep -hE '^[a-z][a-z/]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z\/]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  %-18s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: .demo/venv/installed ## Queue ten thousand real files, kill a worker, check the result (DSN=postgresql://... for PostgreSQL)
	@env -u PYTHONPATH -u PGQRS_LIBRARY .demo/venv/bin/python examples/demo/run.py --directory .demo $(if $(DSN),--dsn '$(DSN)')

.PHONY: lib
lib: $(LIBRARY) ## Build the shared library, build/libpgqrs.so.1

.PHONY: lib/static
lib/static: $(ARCHIVE) ## Build the library as an archive, build/libpgqrs.a

.PHONY: install
install: $(LIBRARY) ## Install library, header, pkg-config file and reference page (PREFIX=/usr/local DESTDIR=)
	$(call say,install: $(INSTALL_ROOT))
	@install -d $(INSTALL_ROOT)/lib/pkgconfig $(INSTALL_ROOT)/include $(INSTALL_ROOT)/share/doc/pgqrs
	@install -m 755 $(LIBRARY) $(INSTALL_ROOT)/lib/libpgqrs.so.1.$(VERSION)
	@ln -sf libpgqrs.so.1.$(VERSION) $(INSTALL_ROOT)/lib/libpgqrs.so.1
	@ln -sf libpgqrs.so.1 $(INSTALL_ROOT)/lib/libpgqrs.so
	@install -m 644 include/pgqrs.h bindings/cpp/pgqrs.hpp $(INSTALL_ROOT)/include/
	@$(call pkg-config,pgqrs,shared,-lpgqrs)
	@go run ./include/headergen -html $(INSTALL_ROOT)/share/doc/pgqrs/pgqrs.html

.PHONY: install/static
install/static: $(ARCHIVE) ## Install the archive, the header and pgqrs-static.pc
	$(call say,install: $(INSTALL_ROOT))
	@install -d $(INSTALL_ROOT)/lib/pkgconfig $(INSTALL_ROOT)/include
	@install -m 644 $(ARCHIVE) $(INSTALL_ROOT)/lib/
	@install -m 644 include/pgqrs.h bindings/cpp/pgqrs.hpp $(INSTALL_ROOT)/include/
	@$(call pkg-config,pgqrs-static,static,-l:libpgqrs.a -pthread)

.PHONY: test
test: need/go need/cc need/python $(LIBRARY) $(ARCHIVE) .venv/ready ## Run every test on both engines (starts and stops its own PostgreSQL)
	$(call say,test: Python now; beside it C$(comma) Go$(comma) the bindings and crashing processes$(comma) whose output follows)
	@$(WITH_SERVER) bash .ci/lanes build/lanes.log \
		'$(MAKE) test/python PYTHON_TESTS="$(PYTHON_TESTS) --ignore=tests/python/crash"' \
		'$(MAKE) --keep-going test/c test/go test/bindings test/crash'

.PHONY: wheel
wheel: need/go need/cc .venv/ready ## Build the wheel into dist/
	$(call say,wheel: building)
	@rm -f dist/pgqrs-*.whl
	@env -u PGQRS_LIBRARY $(VENV_PYTHON) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/pgqrs-*.whl

.PHONY: clean
clean: ## Remove everything the other targets made
	@rm -rf build dist .venv .demo bindings/node/node_modules python/pgqrs.egg-info .pytest_cache .mypy_cache .ruff_cache benchmarks/.venvs benchmarks/.build
	@find python tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- Parts of the tests -----------------------------------------------------

.PHONY: test/go
test/go: need/go need/python ## Go tests: core, both engines, layers
	$(call say,go: tests of the core on both engines)
	@$(WITH_SERVER) $(GO_TEST) $$(go list ./... | grep -vE '/(tests/(abi|c|conformance|install|tworuntimes)|(tests/)?bindings)(/|$$)')

.PHONY: test/race
test/race: need/go need/cc need/python ## Go tests of the core and of the library under the race detector
	$(call say,go: tests of the core and of the library under the race detector)
	@$(WITH_SERVER) $(GO_TEST) -race $(RACE_FLAGS) ./core/... ./capi/...

.PHONY: test/conformance
test/conformance: need/go need/python ## The conformance suite, a named case a rule, on both engines
	@$(WITH_SERVER) $(GO_TEST) -count=1 -v -run 'TestEngine' ./core/postgres ./core/sqlite

.PHONY: test/torture
test/torture: need/go need/python ## The torture test of each engine: every message against a ledger
	@$(WITH_SERVER) $(GO_TEST) -count=1 -v -run '^TestTorture' ./core/postgres ./core/sqlite

.PHONY: test/faults
test/faults: need/go need/python $(LIBRARY) ## The fault laboratory: kills, cuts, failover, full disks, fuzzing (docs/faults.md; FUZZ_SECONDS=10)
	$(call say,faults: kills; cuts; failover; full disks; the model)
	@PGQRS_FAULTS=full $(WITH_SERVER) go test -count=1 -v -timeout 30m ./tests/faults | grep -vE '^=== |^ +--- PASS'
	$(call say,faults: fuzzing)
	@$(WITH_SERVER) bash -eu -o pipefail -c 'for package in $(FUZZED); do \
		for target in $$(go test -list "^Fuzz" $$package | grep ^Fuzz); do \
			echo "$$target"; go test -run "^$$" -fuzz "^$$target\$$" -fuzztime $(or $(FUZZ_SECONDS),10)s $$package | tail -n 3; \
		done; done'

.PHONY: soak
soak: need/go need/python $(LIBRARY) ## Produce, consume, kill and fail over for MINUTES=10, then the ledger check and slopes
	$(call say,soak: $(or $(MINUTES),10) minutes)
	@PGQRS_SOAK_MINUTES=$(or $(MINUTES),10) go test -count=1 -v -timeout 0 -run '^TestSoak$$' ./tests/faults | grep -vE '^=== '

.PHONY: test/c
test/c: need/go need/cc need/python $(LIBRARY) ## The C ABI: header, symbols, layout, C programs
	$(call say,c: tests of the ABI)
	@$(WITH_SERVER) $(GO_TEST) $(ABI_TESTS)

.PHONY: test/memory
test/memory: need/go need/cc need/python $(LIBRARY) ## valgrind, sanitizers on both engines, a million handles
	$(call say,memory: valgrind; sanitizers; a million handles)
	@PGQRS_MEMORY=full $(WITH_SERVER) go test -count=1 -v -run 'Memory|Sanitizers|Handles' ./tests/c | grep -vE '^=== '

# CGOCHECK narrows it: tests of the boundary itself, or tests/python for all of them.
CGOCHECK ?= $(addprefix tests/python/integration/test_,bridge.py gather.py losses.py tables.py)

.PHONY: test/cgocheck
test/cgocheck: need/python $(CGOCHECK_LIBRARY) .venv/ready ## Python tests over a library that checks every pointer it gives to C (CGOCHECK=tests/python: all)
	$(call say,cgocheck: $(CGOCHECK))
	@env PGQRS_LIBRARY=$(CURDIR)/$(CGOCHECK_LIBRARY) $(WITH_SERVER) $(PYTEST) -q $(CGOCHECK) $(PYTEST_FLAGS)

.PHONY: test/bindings
test/bindings: need/go need/cc need/python $(LIBRARY) $(ARCHIVE) ## The bindings of other languages: Go without cgo, and what is installed of other languages
	$(call say,bindings: go; and what is installed of others)
	@$(MAKE) --keep-going -j2 bindings/node/node_modules/ready build/java/jna.jar >/dev/null 2>&1 || true # the tests say what is skipped
	@CGO_ENABLED=0 $(WITH_SERVER) $(GO_TEST) -v $(BINDINGS_TESTS) | grep -vE '^(=== |\? |PASS$$)|^ *--- PASS'

.PHONY: test/python
test/python: need/python $(LIBRARY) .venv/ready ## Python tests on both engines, packaging and examples
	$(call say,python: tests of the package and of what surrounds it)
	@$(WITH_SERVER) $(PYTEST) -q $(PYTHON_TESTS) $(PYTEST_FLAGS)

.PHONY: test/crash
test/crash: need/python $(LIBRARY) .venv/ready ## The Python tests that kill, fork and block processes
	$(call say,python: processes that are killed$(comma) forked and blocked)
	@$(WITH_SERVER) $(PYTEST) -q tests/python/crash $(PYTEST_FLAGS)

# ---- Checks -----------------------------------------------------------------

.PHONY: lint
lint: need/go need/cc .venv/ready ## Formatting, static checks, types, import rules
	$(call say,lint: go)
	@go vet ./...
	@unformatted=$$(go run $(GOFUMPT) -l .); [ -z "$$unformatted" ] || { echo "not formatted (make fmt): $$unformatted" >&2; exit 1; }
	@go run $(STATICCHECK) ./...
	@go run $(INEFFASSIGN) ./...
	@go run $(UNCONVERT) ./...
	@go test -count=1 ./tests/layers
	$(call say,lint: python)
	@$(VENV_PYTHON) -m ruff check $(PYTHON_CODE)
	@$(VENV_PYTHON) -m ruff format --check $(PYTHON_CODE)
	@$(VENV_PYTHON) -m mypy python/pgqrs
	@$(VENV_PYTHON) -m mypy examples/demo examples/quickstart.py
	@$(VENV_PYTHON) -m mypy --config-file benchmarks/mypy.ini benchmarks
	$(call say,lint: rust)
	@if cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; then \
		($(CARGO) fmt --check) && $(CARGO) clippy --quiet --locked --offline --all-targets -- -D warnings; \
	else echo 'skipped: no cargo with clippy and rustfmt'; fi

.PHONY: audit
audit: need/go .venv/ready ## Known vulnerabilities and security linters; says so where a database cannot be reached
	$(call say,audit: vulnerabilities and security linters)
	@bash .ci/audit $(VENV_PYTHON)

.PHONY: fmt
fmt: need/go .venv/ready ## Format Go, Python and Rust
	@go run $(GOFUMPT) -w .
	@$(VENV_PYTHON) -m ruff check --fix --select I $(PYTHON_CODE)
	@$(VENV_PYTHON) -m ruff format $(PYTHON_CODE)
	@if cargo fmt --version >/dev/null 2>&1; then $(CARGO) fmt; fi

.PHONY: generate
generate: need/go ## Derive the generated files from their sources (capi/status.tsv, include/pgqrs.h)
	@go run ./capi/internal/statusgen
	@go run ./include/headergen

.PHONY: abi/baseline
abi/baseline: need/go need/cc $(LIBRARY) ## At a release: write down the ABI that later ones must keep
	@go test -count=1 ./tests/abi -run '^TestBaseline$$' -baseline

.PHONY: verify
verify: need/go need/cc $(LIBRARY) ## Check generated files, header, symbols, layout, pure Go core, changelog
	$(call say,verify: generated files)
	@go run ./capi/internal/statusgen -check
	@go run ./include/headergen -check
	$(call say,verify: core and bindings build without cgo)
	@CGO_ENABLED=0 go build ./core/... ./bindings/...
	@go vet ./...
	$(call say,verify: header as C99 and C++17)
	@printf '#include "pgqrs.h"\nint main(void) { return 0; }\n' > build/header.c
	@$${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only build/header.c
	@if command -v $${CXX:-c++} >/dev/null; then \
		$${CXX:-c++} -std=c++17 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c++ build/header.c; \
	else echo 'skipped: no C++ compiler'; fi
	$(call say,verify: symbols and layout)
	@foreign=$$(nm -D --defined-only $(LIBRARY) | awk '$$3 !~ /^(pgqrs_|PGQRS_1)/ {print $$3}'); \
		[ -z "$$foreign" ] || { echo "the library exports foreign symbols: $$foreign" >&2; exit 1; }
	@go test -count=1 ./tests/abi/...
	@grep -q '^## \[Unreleased\]' CHANGELOG.md || { echo 'CHANGELOG.md has no [Unreleased] section' >&2; exit 1; }

# ---- Benchmarks (benchmarks/README.md) ---------------------------------------

BENCH_PYTHON := benchmarks/.venvs/bench/bin/python
# SCENARIO=P1,P2 chooses; QUICK=1 shortens; PGQRS_BENCH_SOURCE=tree measures the checkout instead of a wheel.
BENCH_FLAGS := $(if $(QUICK),--quick) $(SCENARIO)

.PHONY: bench
bench: need/cc bench/rivals benchmarks/.venvs/bench/ready ## Measure everything beside floors and rivals (SCENARIO=P1,P2 QUICK=1)
	@env -u PGQRS_TEST_DSN -u PYTHONPATH $(BENCH_PYTHON) -m benchmarks $(BENCH_FLAGS)

.PHONY: bench/profiles
bench/profiles: need/go need/cc $(LIBRARY) benchmarks/.venvs/bench/ready ## Profile the hot paths into docs/benchmarks/profiles.md
	@env PYTHONPATH=$(CURDIR)/python:$(CURDIR) $(BENCH_PYTHON) -m benchmarks.profiles

.PHONY: bench/test
bench/test: benchmarks/.venvs/bench/ready ## Test the benchmark suite itself: its watchdog, its reports
	@$(BENCH_PYTHON) -m unittest discover -t . -s benchmarks/tests

.PHONY: bench/rivals
bench/rivals: need/go need/python ## Install what pgqrs is compared with, each into its own environment
	@for list in benchmarks/rivals/*/requirements.txt; do \
		name=$$(basename $$(dirname $$list)); directory=benchmarks/.venvs/$$name; \
		cmp -s $$list $$directory/installed.txt && continue; \
		printf 'bench: installing %s\n' "$$name"; \
		{ bash .ci/venv $$directory && $$directory/bin/python -m pip install --quiet -r $$list && \
			cp $$list $$directory/installed.txt; } || printf 'bench: %s cannot be installed and will be left out\n' "$$name" >&2; \
	done
	@mkdir -p benchmarks/.build
	@cd benchmarks/rivals/river && go build -o ../../.build/river . || echo 'bench: River cannot be built and will be left out' >&2
	@for program in benchmarks/go/*/main.go; do [ ! -e $$program ] || go build -o benchmarks/.build/ ./$$(dirname $$program); done
	@go test -c -o benchmarks/.build/bindings.test ./bindings
	@$(MAKE) bindings/node/node_modules/ready >/dev/null 2>&1 || true # B3 says what is left out

# The wheel users get, in the environment the suite runs in; not needed to measure the checkout.
benchmarks/.venvs/bench/ready: benchmarks/requirements.txt $(if $(filter tree,$(PGQRS_BENCH_SOURCE)),$(LIBRARY),$(LIBRARY_SOURCES) $(PACKAGE_SOURCES)) | need/go need/cc need/python
	$(call say,bench: preparing the environment)
	@bash .ci/venv benchmarks/.venvs/bench
	@$(BENCH_PYTHON) -m pip install --quiet -r benchmarks/requirements.txt
	@[ '$(PGQRS_BENCH_SOURCE)' = tree ] || env -u PGQRS_LIBRARY $(BENCH_PYTHON) -m pip install --quiet --force-reinstall --no-deps .
	@touch $@

# ---- What the targets stand on ----------------------------------------------

$(LIBRARY): $(LIBRARY_SOURCES) | need/go need/cc
	$(call say,lib: building $(LIBRARY))
	@mkdir -p build
	@bash capi/build.sh $(LIBRARY)
	@ln -sf libpgqrs.so.1 build/libpgqrs.so
	@touch $(LIBRARY)

# Go pointers that reach C memory are a crash in it, with the place.
$(CGOCHECK_LIBRARY): $(LIBRARY_SOURCES) | need/go need/cc
	$(call say,lib: building $(CGOCHECK_LIBRARY))
	@GOEXPERIMENT=cgocheck2 bash capi/build.sh $(CGOCHECK_LIBRARY)
	@touch $(CGOCHECK_LIBRARY)

$(ARCHIVE): $(LIBRARY_SOURCES) | need/go need/cc
	$(call say,lib: building $(ARCHIVE))
	@bash capi/build.sh $(ARCHIVE)
	@touch $(ARCHIVE)

# koffi, pinned. Without Node.js or a registry its tests are skipped.
bindings/node/node_modules/ready: bindings/node/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null
	@npm --prefix bindings/node ci --silent --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000
	@touch $@

# JNA, pinned. Without Java, Maven or a registry the example in Java is skipped.
JNA_VERSION := 5.17.0
JNA_SHA256  := b3a9408e7c51e08ef0e3bfcc08f443f6ec0f6191ba8cd7c18d53d2b22e5bdbc0
build/java/jna.jar: Makefile
	@command -v java >/dev/null && command -v mvn >/dev/null
	@timeout 60 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dmdep.stripVersion=true \
	  -Dartifact=net.java.dev.jna:jna:$(JNA_VERSION) -DoutputDirectory=build/java/fetched
	@echo "$(JNA_SHA256)  build/java/fetched/jna.jar" | sha256sum --check --quiet
	@mv build/java/fetched/jna.jar $@
	@touch $@

.venv/ready: tests/python/requirements.txt Makefile .ci/venv | need/python
	$(call say,python: installing the test tools into .venv)
	@bash .ci/venv .venv
	@$(VENV_PYTHON) -m pip install --quiet -r tests/python/requirements.txt $(PYTHON_TOOLS)
	@touch $@

.demo/venv/installed: $(LIBRARY_SOURCES) $(PACKAGE_SOURCES) .ci/venv | need/go need/cc need/python
	$(call say,demo: building and installing pgqrs into .demo/venv)
	@bash .ci/venv .demo/venv
	@env -u PGQRS_LIBRARY .demo/venv/bin/python -m pip install --quiet --force-reinstall --no-deps .
	@touch $@

.PHONY: need/go need/cc need/python
need/go:
	@command -v go >/dev/null || { echo 'pgqrs needs the Go toolchain, $(shell sed -n "s/^go /go /p" go.mod) or later: https://go.dev/dl' >&2; exit 1; }
need/cc:
	@command -v $${CC:-cc} >/dev/null || { echo 'pgqrs needs a C compiler: install gcc or clang, or name one in CC' >&2; exit 1; }
need/python:
	@[ -n '$(PYTHON)' ] && '$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'pgqrs needs Python 3.11 or later: install one, or name it, for example PYTHON=python3.13' >&2; exit 1; }
