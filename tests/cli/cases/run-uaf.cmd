$U run $EX/uaf.bpf.o use_after_free
