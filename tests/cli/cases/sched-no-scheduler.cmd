$U sched run $EX/list.bpf.o; $U sched run $EX/sched/fifo.bpf.o --ops other; $U sched run $EX/sched/fifo.bpf.o --setup nothing; $U sched run $EX/missing.bpf.o
