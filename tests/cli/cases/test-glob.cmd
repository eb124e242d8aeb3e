$U test -t "test_b*" $EX/atomics.bpf.o
