for w in guard mprotect; do $U test --window $w $EX/htab.bpf.o $EX/list.bpf.o; done
