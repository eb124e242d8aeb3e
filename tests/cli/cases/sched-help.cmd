$U sched help; $U sched run --help
