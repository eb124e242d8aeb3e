$U check -f not_tagged $EX/../tests/verify/mistakes.bpf.o 2>&1 >/dev/null | sed -n '/^Verification failed/,$p'
