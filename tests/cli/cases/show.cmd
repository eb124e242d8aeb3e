$U show $EX/htab.bpf.o
