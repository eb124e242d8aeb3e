$U check -l 3 $EX/wild.bpf.o
