$U sched run none --workload ping-pong --machine 2c --time 10ms --seed 7 -j
