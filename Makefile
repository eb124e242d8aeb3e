# SPDX-License-Identifier: BSD-2-Clause
# Short commands around meson. `make` builds, `make demo` shows, `make check` tests.

BUILD ?= build
PREFIX ?= /usr/local
SECONDS ?= 60
SEED ?= 1

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup --prefix=$(PREFIX) $(BUILD)

build-asan/build.ninja:
	meson setup -Db_sanitize=address,undefined -Db_lundef=false -Dchecked=true build-asan

deps:
	@scripts/install-deps

demo: deps
	@$(MAKE) --no-print-directory all >/dev/null
	@examples/demo.sh $(BUILD)

check: deps
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja build-asan/build.ninja >/dev/null
	ninja -C $(BUILD)
	ninja -C build-asan
	@scripts/run-tests $(BUILD) build-asan

install: all
	meson install -C $(BUILD) --no-rebuild

bench: deps all
	@bench/run.sh $(BUILD)

stress: all
	$(BUILD)/tests/arena/stress $(SECONDS)

stress-control: all
	$(BUILD)/tests/arena/stress-control $(SECONDS)

fuzz: deps
	@fuzz/run.sh $(SECONDS)

oracle: deps all
	@tests/oracle/run.py $(BUILD) --seed $(SEED) --doc docs/oracle.md

lint:
	@scripts/lint

format:
	clang-format-19 -i $$(git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'bench/*.[ch]' 'fuzz/*.[ch]' 'examples/*.[ch]')

clean:
	rm -rf $(BUILD) build-*

.PHONY: all deps demo check install bench stress stress-control fuzz oracle lint format clean
