$U check -f no_null_check $EX/../tests/verify/mistakes.bpf.o 2>&1 >/dev/null | sed -n '/^Verification failed/,$p'
