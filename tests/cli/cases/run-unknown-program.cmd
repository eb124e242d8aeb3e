$U run $EX/wild.bpf.o nothing
