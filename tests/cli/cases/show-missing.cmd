$U show $T/none.bpf.o
