$U arena -j $EX/wild.bpf.o wild_load
