#include <stdio.h>
#include <uarena.h>

struct node {
	struct node *next;
	uint64_t value;
};

int main(int argc, char **argv)
{
	uint64_t ctx[2] = {3, 0}; /* struct build_args of list.bpf.c: build three nodes */
	struct ua_engine *engine;
	struct ua_object *obj;
	struct node **head;

	if (argc != 2 || ua_engine__open(NULL, &engine) ||
	    ua_object__open_file(engine, argv[1], NULL, &obj) || ua_object__load(obj) ||
	    ua_program__call(ua_object__find_program(obj, "list_build"), ctx, NULL) ||
	    ua_object__find_global(obj, "head", (void **)&head, NULL))
		return 1;
	for (struct node *n = *head; n; n = n->next) /* the program's own pointers */
		printf("%llu at %p\n", (unsigned long long)n->value, (void *)n);
	ua_object__close(obj);
	ua_engine__close(engine);
}
