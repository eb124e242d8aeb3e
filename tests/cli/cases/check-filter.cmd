$U check -f "test_*" -f "!test_add" $EX/atomics.bpf.o | cut -c1-40
