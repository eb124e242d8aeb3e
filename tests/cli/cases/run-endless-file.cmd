$U run $EX/list.bpf.o list_build --ctx-in /dev/zero
