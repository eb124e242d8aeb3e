$U run -j $EX/../tests/cli/steps.bpf.o 'page_new()' 'page_read(page = page_new.page)'
