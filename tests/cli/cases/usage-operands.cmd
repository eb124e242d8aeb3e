$U run $EX/list.bpf.o
