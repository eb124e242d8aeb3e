$U test $EX/atomics.bpf.o $EX/htab.bpf.o $EX/list.bpf.o $EX/queue.bpf.o $EX/rbtree.bpf.o $EX/strsearch.bpf.o
