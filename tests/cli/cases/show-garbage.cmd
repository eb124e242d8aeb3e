head -c 4096 /dev/zero >$T/zero.o; $U show $T/zero.o
