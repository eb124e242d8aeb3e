$U sched run $EX/sched/wild.bpf.o --machine 1c --workload hogs --time 1ms 2>/dev/null
