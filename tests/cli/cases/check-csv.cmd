$U check -o csv $EX/wild.bpf.o | cut -d, -f1-3,7
