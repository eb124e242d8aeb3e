$U sched run --hz 4000000000 $EX/sched/fifo.bpf.o
