O=$EX/../tests/cli/steps.bpf.o
for step in 'page_new(1, 2)' 'page_new(nothing = 1)' 'page_new(last[2] = 1)' 'page_new(colour = GREEN)' \
	'page_new(1, 2, 3, 4)' 'page_new(page = page_read.page)' 'page_new(1' 'no_context(1)' \
	'*page_new.page = 1' '*page_new' '**x' 'nobody()' ''; do
	$U run $O "$step" || echo "status $?"
done
