$U test -l -t "*literally" $EX/../tests/cli/annotated.bpf.o
