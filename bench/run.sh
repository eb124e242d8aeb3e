#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make bench: the workloads on every backend this machine has, then what the arena costs.
# BENCH_ARGS goes to the harness: -r ROUNDS, -f SUBSTRING.
set -eu
build=$1
# shellcheck disable=SC2086 # several words
"$build/bench/bench" ${BENCH_ARGS-} "$build/bench"
"$build/bench/arena_costs"
exec "$build/bench/calls" "$build/bench/calls.bpf.o"
