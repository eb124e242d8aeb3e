#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make fuzz SECONDS=N: the loader and workloads under libFuzzer, random mutations of the example
# objects, the verifier's soundness run, a quarter of the time each. Findings: build-fuzz/findings.
set -eu
seconds=${1:-60}
part=$((seconds / 4 + 1))
cd "$(dirname "$0")/.."

# `make` exports its flags; meson's own ninja does not want them.
unset MAKEFLAGS MFLAGS
[ -d build-fuzz ] || CC=clang-19 meson setup build-fuzz -Db_sanitize=address,undefined \
	-Db_lundef=false -Dchecked=true -Dc_args=-fsanitize=fuzzer-no-link >/dev/null
ninja -C build-fuzz all fuzz/object_fuzz fuzz/workload_fuzz
mkdir -p build-fuzz/corpus build-fuzz/workloads build-fuzz/findings
build-fuzz/fuzz/object_fuzz -max_total_time="$part" -artifact_prefix=build-fuzz/findings/ \
	build-fuzz/corpus fuzz/corpus/object
build-fuzz/fuzz/workload_fuzz -max_total_time="$part" -artifact_prefix=build-fuzz/findings/ \
	build-fuzz/workloads fuzz/corpus/workload workloads
(cd build-fuzz && timeout "$part" fuzz/object_mutate -n 1000000000 fuzz/seed_*.o) || [ $? -eq 124 ]
exec build-fuzz/tests/verify/t_verify_soundness "$part"
