$U sched compare none $EX/sched/fifo.bpf.o $EX/sched/stall.bpf.o --workload hogs --machine 4c --time 4s 2>/dev/null
