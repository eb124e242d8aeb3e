$U sched run none --machine 3x; $U sched run none --machine 1c --workload mixed-affinity --time 1ms > /dev/null && echo fits
