$U sched list; $U sched list hogs; $U sched list nobody; $U sched run none --workload nobody
