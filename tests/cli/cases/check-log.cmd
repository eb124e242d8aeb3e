$U check -l 2 -f wild_load $EX/wild.bpf.o 2>&1 >/dev/null | sed 's/time [0-9]* usec/time N usec/'
