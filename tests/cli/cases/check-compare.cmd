$U check -o csv $EX/queue.bpf.o >$T/a; sed s/272/300/ $T/a >$T/b; $U check -C $T/a $T/b
