$U run $EX/../tests/cli/steps.bpf.o 'page_new(last[1] = 4, colour = RED)' '*page_new.page = -5' 'page_read(page_new.page)' no_context
