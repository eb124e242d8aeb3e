$U run $EX/list.bpf.o test_list -G 'nope = 1'
