$U arena --null-guard $EX/list.bpf.o test_list
