#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# vmlinux.sh UARENA OBJECT: a scheduler written for Linux loads and runs; what of the object is
# for the rest of the kernel is left out, which is said; what its loader would run before is run.
set -eu
setup='start_ticker(period = 2000000000); check_attached(0); attach; check_attached(want = 1)'
out=$("$1" sched run --machine 1n:1l:2c:1t --workload hogs --time 5s --setup "$setup" "$2" 2>&1) || {
	echo "$out"
	exit 1
}
for want in 'on_reg: not loaded, nothing here would run it: section fentry/bpf_scx_reg' \
	'"written_for_linux" enabled' 'ran 5.000000 s of 5.000000 s' \
	'tick at 2000000000' 'tick at 4000000000' \
	'"written_for_linux" disabled (unregistered from user space)'; do
	case $out in
	*"$want"*) ;;
	*)
		echo "no '$want' in:"
		echo "$out"
		exit 1
		;;
	esac
done

# One that refuses ends it, before and after attaching.
for setup in 'check_attached(1)' 'attach; check_attached(0)' 'no_such' 'check_attached(3, 4)'; do
	if "$1" sched run --machine 1n:1l:2c:1t --workload hogs --time 1ms --setup "$setup" "$2" \
		>/dev/null 2>&1; then
		echo "--setup '$setup' was accepted"
		exit 1
	fi
done
