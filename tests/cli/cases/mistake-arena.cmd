$U check -f arena_not_named $EX/../tests/verify/mistakes.bpf.o 2>&1 >/dev/null | sed -n '/^Verification failed/,$p'
