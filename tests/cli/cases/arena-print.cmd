printf "\002\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" >$T/in
$U arena $EX/list.bpf.o list_build --ctx-in $T/in --print head
