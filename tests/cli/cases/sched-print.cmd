$U sched run $EX/sched/fifo.bpf.o --workload hogs --machine 1c --time 30ms --print nr_queued 2>/dev/null | tail -2
$U sched run $EX/sched/llc.bpf.o --workload hogs --machine 2l:1c --time 30ms --print llcs 2>/dev/null | grep -A3 '^llcs'
$U sched run $EX/sched/llc.bpf.o --workload hogs --machine 2l:1c --time 30ms --print nr_tasks --print nr_llcs -j 2>/dev/null | grep -A3 globals
$U sched run $EX/sched/llc.bpf.o --time 1s --print nr_bananas
$U sched run none --time 1ms --print nr_tasks
