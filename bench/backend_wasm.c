/* SPDX-License-Identifier: BSD-2-Clause */
/* Workloads in WebAssembly: node is a child process that answers one line per request. */
#include "backend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct wasm {
	pid_t pid;
	FILE *to, *from;
};

static int ask(const struct wasm *w, uint64_t *sum, uint64_t *ns)
{
	fflush(w->to);
	return fscanf(w->from, "%" SCNu64 " %" SCNu64, sum, ns) == 2 ? 0 : -EIO;
}

static int wasm_prep(struct backend *b, int i)
{
	const struct wasm *w = b->priv;
	uint64_t sum, ns;

	fprintf(w->to, "prep %d 0 0\n", i);
	return ask(w, &sum, &ns);
}

static int wasm_work(struct backend *b, int i, uint64_t n, uint32_t calls, uint64_t *sum,
		     uint64_t *ns)
{
	const struct wasm *w = b->priv;

	fprintf(w->to, "work %d %" PRIu64 " %u\n", i, n, calls);
	return ask(w, sum, ns);
}

static void wasm_close(struct backend *b)
{
	struct wasm *w = b->priv;

	fclose(w->to);
	fclose(w->from);
	waitpid(w->pid, NULL, 0);
	free(w);
}

static void run_child(const int in[2], const int out[2], const char *script, const char *module)
{
	dup2(in[0], 0);
	dup2(out[1], 1);
	close(in[1]);
	close(out[0]);
	/* The optimising compiler from the first call on. */
	execlp("node", "node", "--no-liftoff", script, module, (char *)NULL);
	_exit(127);
}

int backend_wasm(struct backend *b, const char *name, const char *script, const char *module)
{
	struct wasm *w = calloc(1, sizeof(*w));
	int in[2], out[2];

	if (!w || pipe(in) || pipe(out)) {
		free(w);
		return -ENOMEM;
	}
	w->pid = fork();
	if (w->pid == 0)
		run_child(in, out, script, module);
	close(in[0]);
	close(out[1]);
	w->to = fdopen(in[1], "w");
	w->from = fdopen(out[0], "r");
	*b = (struct backend){
		.name = name, .prep = wasm_prep, .work = wasm_work, .close = wasm_close, .priv = w};
	if (wasm_prep(b, 0)) {
		printf("%s: not measured: node does not answer\n", name);
		wasm_close(b);
		return -ENOENT;
	}
	return 0;
}
