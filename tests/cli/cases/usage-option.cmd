$U run --engine turbo $EX/list.bpf.o test_list
