$U test -t "good_*" $EX/../tests/cli/annotated.bpf.o
