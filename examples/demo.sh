#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# demo.sh BUILD: the main job, shown. Every line comes from running the examples.
set -eu
build=$1
uarena=$build/uarena
ex=$build/examples

step() {
	printf '\n== %s\n$ %s\n' "$1" "$2"
	sh -c "$2" 2>&1
}

cd "$(dirname "$0")/.."
step "Objects that clang built for the kernel, tested without one" \
	"$uarena test $ex/*.bpf.o"
step "A list built by a program, walked by this process and by a second one" \
	"$ex/demo $ex/list.bpf.o"
step "A wild pointer: dropped, reported with its source line, nothing else happens" \
	"$uarena run $ex/wild.bpf.o wild_store wild_load"
step "Use after free: the page is gone, so the read gives 0 and the write is dropped" \
	"$uarena run $ex/uaf.bpf.o use_after_free"
step "What is in an arena" \
	"$uarena arena $ex/list.bpf.o test_list --print nodes_built"
step "An arena-based scheduler on a machine of 16 CPUs that does not exist" \
	"$uarena sched run $ex/sched/llc.bpf.o --machine 2l:4c:2t --workload hogs --time 1s"
step "One that forgets some of its tasks, and what the kernel would say of it" \
	"$uarena sched run $ex/sched/stall.bpf.o --time 5s --workload hogs | head -12"
step "A unit test of a scheduler, in C" \
	"$ex/sched/sched_unit_test $ex/sched/vtime.bpf.o"
