$U sched run $EX/sched/fifo.bpf.o --workload hogs --machine 2c:2t --time 200ms
