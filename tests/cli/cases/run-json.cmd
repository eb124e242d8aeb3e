$U run -j $EX/wild.bpf.o wild_load
