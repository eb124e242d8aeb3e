$U test -l $EX/atomics.bpf.o
