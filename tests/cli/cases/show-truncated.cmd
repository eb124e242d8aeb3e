head -c 3000 $EX/list.bpf.o >$T/cut.o; $U show $T/cut.o
