$U run $EX/list.bpf.o list_sum
