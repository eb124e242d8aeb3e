$U run $EX/wild.bpf.o wild_store wild_load 2>&1
