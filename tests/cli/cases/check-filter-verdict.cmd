$U check -f verdict=success $EX/atomics.bpf.o | tail -1; $U check -f verdict=failure $EX/atomics.bpf.o | tail -1
