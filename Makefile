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

# Data races: what several threads do at once, under ThreadSanitizer.
TSAN_TESTS = base/epoch map/concurrent map/concurrent_kinds map/ringbuf kernel/ids prog/stream \
	prog/helpers prog/kfuncs

build-tsan/build.ninja:
	meson setup -Db_sanitize=thread -Db_lundef=false build-tsan

tsan: deps build-tsan/build.ninja
	ninja -C build-tsan $(foreach t,$(TSAN_TESTS),tests/$(dir $t)t_$(subst /,_,$t)) \
		tests/prog/helpers.bpf.o tests/prog/kfuncs.bpf.o
	TSAN_OPTIONS=die_after_fork=0 meson test -C build-tsan --no-rebuild --print-errorlogs $(TSAN_TESTS)

# A build folder that was set up for another prefix is changed to the one that is given.
install: all
	$(if $(filter command environment,$(origin PREFIX)),meson configure -Dprefix=$(PREFIX) $(BUILD))
	meson install -C $(BUILD)

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

.PHONY: all deps demo check tsan install bench stress stress-control fuzz oracle lint format clean
