#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make bench: the workloads on every backend this machine has, what the arena costs, what calls
# cost, the simulated machine.
# BENCH_ARGS goes to the harness: -r ROUNDS, -f SUBSTRING.
set -eu
build=$1
# shellcheck disable=SC2086 # several words
"$build/bench/bench" ${BENCH_ARGS-} "$build/bench"
"$build/bench/arena_costs"
"$build/bench/calls" "$build/bench/calls.bpf.o"
"$build/bench/sched" "$build/examples/sched" "$(dirname "$0")/../workloads"
exec "$build/bench/masks" "$build/bench/masks.bpf.o"
