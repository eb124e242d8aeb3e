$U bench $EX/list.bpf.o 'list_build(count = 3)' 'list_sum()' --rounds 3 2>$T/err | sed 's/  *[0-9][0-9.]*/ N/g' | grep -v linux
$U bench $EX/list.bpf.o no_such 2>&1
$U bench -j $EX/wild.bpf.o wild_load --rounds 2 2>$T/err | sed 's/: [0-9][0-9.]*/: N/' | head -9
