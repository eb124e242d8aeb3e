printf "\005\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" >$T/in
$U run $EX/list.bpf.o list_build list_sum --ctx-in $T/in --ctx-out $T/out && od -An -t u8 $T/out
