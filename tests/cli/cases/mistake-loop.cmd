$U check -f loop_without_can_loop $EX/../tests/verify/mistakes.bpf.o 2>&1 >/dev/null | sed -n '/^Verification failed/,$p'
