$U sched shrink $EX/sched/fifo.bpf.o --time 100ms; echo {} > $T/c.json; $U sched replay $T/c.json
