$U sched; $U sched walk; $U sched run; $U sched run none --time never; $U sched run none --seed x; $U sched run none none; $U sched run none --workload hogs --workload ping-pong --trace $T/x
