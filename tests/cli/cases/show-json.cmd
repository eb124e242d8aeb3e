$U show -j $EX/wild.bpf.o
