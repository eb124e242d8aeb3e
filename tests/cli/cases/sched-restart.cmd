printf %s '{"events": [{"at": "2ms", "offline": [1]}], "tasks": {"a": {"run": 500, "sleep": 500}}}' > $T/w.json; $U sched run $EX/sched/fifo.bpf.o --machine 2c --workload $T/w.json --time 4ms
