$U test -t "bad_*" $EX/../tests/cli/annotated.bpf.o 2>&1 | grep -E "^(not )?ok|^1\.\.|^# (not in|must not|annotation|test_|wrong|returned|loaded|refused)"
