$U check -f too_many_states $EX/../tests/verify/mistakes.bpf.o 2>&1 >/dev/null | sed -n '/^Verification failed/,$p'
