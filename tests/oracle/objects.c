/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiled objects on Linux and on the engine, compiled and interpreted: each program is loaded
 * alone from a fresh copy of its object and run twice on each of several inputs. Compared are the
 * verdict, the result, context and packet as they come out, every global variable, the page map
 * and the pages of the arena, and both streams.
 *
 *   objects [-q] [-v] OBJECT...	-q: only the first input of those a program takes
 */
#include <bpf/btf.h>
#include <sched.h>
#include <unistd.h>

#include "arena/arena.h"
#include "declared.h"
#include "kernel/handle.h"
#include "kernel/page_map.h"
#include "object/object.h"
#include "side.h"
#include "streams.h"

#define ROOM 1024
#define STREAM_ROOM (1 << 17)
#define RUNS 2
#define FIXED_AT (1ull << 44) /* of arenas that leave their address to the system */

struct input {
	const char *name;
	uint32_t ctx, data; /* bytes */
};

static const struct input inputs[] = {
	{"nothing", 0, 0},   {"16 bytes of context", 16, 0}, {"96 bytes of context", 96, 0},
	{"a packet", 0, 64}, {"a long packet", 0, 300},
};

/* What one side makes of one input. */
struct outcome {
	int load_err, err[RUNS];
	uint32_t ret[RUNS];
	uint8_t ctx[RUNS][ROOM], data[RUNS][ROOM];
	size_t data_size[RUNS];
	char *streams[2];
	uint8_t *globals;
	size_t globals_size;
	uint8_t *kinds; /* of pages */
	uint8_t *pages; /* those allocated, one behind the other */
	size_t n_pages, n_allocated;
};

static struct {
	long objects, programs, cases, accepted, refused, pages, stream_bytes, failures;
} count;
static enum stream_state streams;
static bool verbose, quick;

/* -- What is left after a run ------------------------------------------------------ */

static void take_streams(struct ua_program *p, struct outcome *out)
{
	for (int i = 0; i < 2; i++) {
		size_t at = strlen(out->streams[i]);
		int n;

		while ((n = ua_program__read_stream(p, (enum ua_stream)(i + 1),
						    out->streams[i] + at, STREAM_ROOM - 1 - at)) >
		       0)
			at += (size_t)n;
		out->streams[i][at] = 0;
	}
}

/* What the loader fills in from the types of the side. */
static bool is_of_the_kernel(const struct ua_global_info *g)
{
	return !strncmp(g->name, "__SCX_", 6);
}

static void take_globals(struct ua_object *obj, struct outcome *out)
{
	struct ua_global_info g;

	for (size_t i = 0; !ua_object__global_at(obj, i, &g); i++) {
		uint8_t *bigger = g.addr ? realloc(out->globals, out->globals_size + g.size) : NULL;

		if (!bigger)
			continue;
		memcpy(bigger + out->globals_size, g.addr, g.size);
		if (is_of_the_kernel(&g))
			memset(bigger + out->globals_size, 0, g.size);
		out->globals = bigger;
		out->globals_size += g.size;
	}
}

static int take_kinds(struct ua_object *obj, struct outcome *out)
{
	struct ua_arena *arena = ua_object__arena(obj);

	if (!arena)
		return kernel_page_map(obj->k, obj->arena->fd,
				       (uint64_t)(uintptr_t)obj->arena->data, out->kinds,
				       out->n_pages);
	ua_arena__page_map(arena, 0, out->kinds, out->n_pages);
	for (size_t i = 0; i < out->n_pages; i++) /* Linux cannot tell them */
		if (out->kinds[i] == UA_PAGE_SCRATCH)
			out->kinds[i] = UA_PAGE_HOLE;
	return 0;
}

static int take_arena(struct ua_object *obj, struct outcome *out)
{
	const uint8_t *view = obj->arena ? obj->arena->data : NULL;

	if (!view)
		return 0;
	out->n_pages = obj->arena->data_len / ARENA_PAGE_SIZE;
	out->kinds = calloc(out->n_pages, 1);
	UA_FAIL_IF(!out->kinds, -ENOMEM);
	UA_TRY(take_kinds(obj, out));
	for (size_t i = 0; i < out->n_pages; i++)
		out->n_allocated += out->kinds[i] == UA_PAGE_ALLOC;
	out->pages = calloc(out->n_allocated + 1, ARENA_PAGE_SIZE);
	UA_FAIL_IF(!out->pages, -ENOMEM);
	for (size_t i = 0, n = 0; i < out->n_pages; i++)
		if (out->kinds[i] == UA_PAGE_ALLOC)
			memcpy(out->pages + n++ * ARENA_PAGE_SIZE, view + i * ARENA_PAGE_SIZE,
			       ARENA_PAGE_SIZE);
	return 0;
}

/* -- One run -------------------------------------------------------------------------- */

static void run_once(struct ua_program *p, const struct input *in, int i, struct outcome *out)
{
	uint8_t ctx[ROOM], data[ROOM];
	UA_OPTS(ua_run_opts, o, .cpu = -1);

	for (int k = 0; k < ROOM; k++) { /* small numbers first, as counts go */
		ctx[k] = k % 8 ? 0 : (uint8_t)(k / 8 + 2);
		data[k] = (uint8_t)(k * 31 + i);
	}
	if (in->ctx) {
		o.ctx_in = ctx;
		o.ctx_in_size = in->ctx;
		o.ctx_out = out->ctx[i];
		o.ctx_out_size = in->ctx;
	}
	if (in->data) {
		o.data_in = data;
		o.data_in_size = in->data;
		o.data_out = out->data[i];
		o.data_out_size = ROOM;
	}
	out->err[i] = ua_program__run(p, &o);
	out->ret[i] = out->err[i] ? 0 : o.retval;
	out->data_size[i] = in->data && !out->err[i] ? o.data_out_size : 0;
	take_streams(p, out);
}

static int load_one(struct ua_engine *engine, const char *path, const char *name,
		    struct ua_object **obj)
{
	struct ua_program *p = NULL;

	UA_TRY(ua_object__open_file(engine, path, NULL, obj));
	if ((*obj)->arena && !(*obj)->arena->def.map_extra)
		(*obj)->arena->def.map_extra = FIXED_AT; /* so that pointers are equal */
	while ((p = ua_object__next_program(*obj, p)))
		ua_program__set_autoload(p, !strcmp(ua_program__name(p), name));
	return ua_object__load(*obj);
}

static int run_on(enum side_kind side, const char *path, const char *name, const struct input *in,
		  struct outcome *out)
{
	UA_OPTS(ua_engine_opts, opts,
		.backend = side == SIDE_LINUX ? UA_BACKEND_LINUX : UA_BACKEND_ENGINE,
		.exec = side == SIDE_JIT ? UA_EXEC_JIT : UA_EXEC_INTERP);
	struct ua_engine *engine = NULL;
	struct ua_object *obj = NULL;
	int err = ua_engine__open(&opts, &engine);

	*out = (struct outcome){.streams = {calloc(1, STREAM_ROOM), calloc(1, STREAM_ROOM)}};
	if (!err && (!out->streams[0] || !out->streams[1]))
		err = -ENOMEM;
	if (!err) {
		out->load_err = load_one(engine, path, name, &obj);
		for (int i = 0; !out->load_err && i < RUNS; i++)
			run_once(ua_object__find_program(obj, name), in, i, out);
		if (!out->load_err) {
			take_globals(obj, out);
			err = take_arena(obj, out);
		}
	}
	for (int i = 0; i < 2; i++)
		if (out->streams[i])
			stream_normalize(out->streams[i]);
	ua_object__close(obj);
	ua_engine__close(engine);
	return err;
}

static void outcome_free(struct outcome *out)
{
	free(out->streams[0]);
	free(out->streams[1]);
	free(out->globals);
	free(out->kinds);
	free(out->pages);
}

/* -- Comparing ------------------------------------------------------------------------- */

static bool streams_differ(const struct outcome *a, const struct outcome *b)
{
	return strcmp(a->streams[0], b->streams[0]) || strcmp(a->streams[1], b->streams[1]);
}

static bool arenas_differ(const struct outcome *a, const struct outcome *b)
{
	if (a->n_pages != b->n_pages || a->n_allocated != b->n_allocated)
		return true;
	return a->n_pages && (memcmp(a->kinds, b->kinds, a->n_pages) ||
			      memcmp(a->pages, b->pages, a->n_allocated * ARENA_PAGE_SIZE));
}

/* The first variable with another value. */
static const char *variable_differs(const char *path, const struct outcome *a,
				    const struct outcome *b)
{
	static char name[256];
	struct ua_engine *engine = NULL;
	struct ua_object *obj = NULL;
	struct ua_global_info g;
	size_t off = 0;

	*name = 0;
	if (!ua_engine__open(NULL, &engine) && !ua_object__open_file(engine, path, NULL, &obj))
		for (size_t i = 0; !*name && !ua_object__global_at(obj, i, &g); off += g.size, i++)
			if (off + g.size <= a->globals_size && off + g.size <= b->globals_size &&
			    memcmp(a->globals + off, b->globals + off, g.size))
				snprintf(name, sizeof(name), "%s", g.name);
	ua_object__close(obj);
	ua_engine__close(engine);
	return name;
}

/* In what, or NULL. */
static const char *outcomes_differ(const struct outcome *a, const struct outcome *b)
{
	if (a->load_err || b->load_err)
		return !a->load_err != !b->load_err ? "verdict" : NULL;
	if (memcmp(a->err, b->err, sizeof(a->err)))
		return "errno";
	if (memcmp(a->ret, b->ret, sizeof(a->ret)))
		return "result";
	if (memcmp(a->ctx, b->ctx, sizeof(a->ctx)))
		return "context";
	if (memcmp(a->data_size, b->data_size, sizeof(a->data_size)) ||
	    memcmp(a->data, b->data, sizeof(a->data)))
		return "packet";
	if (a->globals_size != b->globals_size ||
	    (a->globals_size && memcmp(a->globals, b->globals, a->globals_size)))
		return "variables";
	if (arenas_differ(a, b))
		return "arena";
	return streams_differ(a, b) ? "streams" : NULL;
}

static void print_outcome(enum side_kind side, const struct outcome *o)
{
	printf("  %-6s load %d run %d %d ret %#x %#x; %zu pages, %zu allocated\n", side_names[side],
	       o->load_err, o->err[0], o->err[1], o->ret[0], o->ret[1], o->n_pages, o->n_allocated);
	printf("%s%s", o->streams[0], o->streams[1]);
}

/* Do they name different lines for what is reported, and agree in all else? The texts go. */
static bool only_lines_differ(struct outcome *a, struct outcome *b)
{
	struct outcome *both[] = {a, b};

	for (int i = 0; i < 4; i++)
		stream_drop_fault_lines(both[i / 2]->streams[i % 2]);
	return !streams_differ(a, b);
}

/* Does one side lack what the object implements, or is it only that Linux keeps nothing in
 * streams? A program that prints may see that. */
static bool is_declared(const char *what, bool has_ops, struct outcome out[N_SIDES])
{
	struct outcome *there = &out[SIDE_LINUX], *here = &out[SIDE_JIT];
	bool printed = *here->streams[0], sees = !strcmp(what, "result");

	if (!strcmp(what, "verdict") && there->load_err == -ESRCH)
		return declare(OTHER_RESULT, "kernel function of one side");
	if (has_ops && !strcmp(what, "verdict"))
		return (there->load_err == -EOPNOTSUPP || here->load_err == -EOPNOTSUPP) &&
		       declare(OTHER_RESULT, "struct_ops of one side");
	if (streams == STREAMS_WORK && !strcmp(what, "streams"))
		return !streams_differ(here, &out[SIDE_INTERP]) && only_lines_differ(there, here) &&
		       declare(OTHER_RESULT, "line of an access");
	if (streams == STREAMS_WORK || *there->streams[0] || *there->streams[1])
		return false;
	if (strcmp(what, "streams") && !(sees && printed && streams == STREAMS_NO_MEMORY))
		return false;
	return declare(OTHER_RESULT, stream_state_text[streams]);
}

static void tally(const char *path, const char *name, bool has_ops, const struct input *in,
		  struct outcome out[N_SIDES])
{
	const char *what = outcomes_differ(&out[SIDE_LINUX], &out[SIDE_JIT]), *own;
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char full[256];

	count.cases++;
	count.accepted += !out[SIDE_LINUX].load_err && !out[SIDE_JIT].load_err;
	count.refused += out[SIDE_LINUX].load_err && out[SIDE_JIT].load_err;
	count.pages += (long)out[SIDE_JIT].n_allocated;
	count.stream_bytes +=
		(long)strlen(out[SIDE_LINUX].streams[0]) + (long)strlen(out[SIDE_LINUX].streams[1]);
	own = outcomes_differ(&out[SIDE_JIT], &out[SIDE_INTERP]);
	if (what && is_declared(what, has_ops, out))
		what = NULL;
	if (!what) /* the engine must agree with itself even where Linux says something else */
		what = own;
	snprintf(full, sizeof(full), "%.80s %.80s: %s %.80s", base, name, what ? what : "",
		 what && !strcmp(what, "variables")
			 ? variable_differs(path, &out[SIDE_LINUX], &out[SIDE_JIT])
			 : "");
	if (verbose || (what && !declare(OTHER_RESULT, full))) {
		count.failures += what != NULL;
		printf("%s, given %s\n", full, in->name);
		for (int i = 0; i < N_SIDES; i++)
			print_outcome((enum side_kind)i, &out[i]);
	}
}

static int compare(const char *path, const char *name, bool has_ops, const struct input *in)
{
	static struct outcome out[N_SIDES];
	int err = 0;

	memset(out, 0, sizeof(out));
	for (int i = 0; i < N_SIDES && !err; i++)
		err = run_on((enum side_kind)i, path, name, in, &out[i]);
	if (!err)
		tally(path, name, has_ops, in, out);
	else
		printf("%s %s, given %s: %s\n", path, name, in->name, strerror(-err));
	count.failures += err != 0;
	for (int i = 0; i < N_SIDES; i++)
		outcome_free(&out[i]);
	return err;
}

/* Which inputs a type of program can take at all is for both sides to say. */
static bool takes(uint32_t type, const struct input *in)
{
	if (type == BPF_PROG_TYPE_STRUCT_OPS) /* which nobody can run alone */
		return in == inputs;
	if (type == BPF_PROG_TYPE_SOCKET_FILTER || type == BPF_PROG_TYPE_SCHED_CLS)
		return in->data;
	return !in->data;
}

static bool has_struct_ops(const struct ua_object *obj)
{
	struct ua_map *map = NULL;

	while ((map = ua_object__next_map(obj, map)))
		if (ua_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			return true;
	return false;
}

static int compare_object(struct ua_engine *engine, const char *path)
{
	struct ua_program *p = NULL;
	struct ua_object *obj;
	bool has_ops;
	int err = ua_object__open_file(engine, path, NULL, &obj);

	if (err) {
		printf("%s: cannot be opened: %s\n", path, strerror(-err));
		return err;
	}
	count.objects++;
	has_ops = has_struct_ops(obj);
	while ((p = ua_object__next_program(obj, p))) {
		uint32_t type = ua_program__type(p);

		count.programs++;
		for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
			if (takes(type, &inputs[i])) {
				compare(path, ua_program__name(p), has_ops, &inputs[i]);
				if (quick)
					break;
			}
	}
	ua_object__close(obj);
	return 0;
}

/* Programs may ask which processor they are on: the engine tells its first thread 0. */
static void stay_here(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(int argc, char **argv)
{
	UA_OPTS(ua_engine_opts, opts, .backend = UA_BACKEND_ENGINE);
	struct ua_engine *engine;
	int err = streams_probe(&streams), option;

	if (err == -EPERM) {
		printf("skipped: the running kernel does not let us use BPF\n");
		return 77;
	}
	while ((option = getopt(argc, argv, "qv")) != -1) {
		quick |= option == 'q';
		verbose |= option == 'v';
	}
	ua_set_print(NULL);
	stay_here();
	if (err || ua_engine__open(&opts, &engine))
		return 1;
	for (int i = optind; i < argc; i++)
		count.failures += compare_object(engine, argv[i]) != 0;
	ua_engine__close(engine);
	printf("count|objects|%ld\ncount|programs|%ld\ncount|programs with their inputs|%ld\n"
	       "count|accepted by both|%ld\ncount|refused by both|%ld\n"
	       "count|arena pages compared|%ld\ncount|bytes of streams compared|%ld\n"
	       "count|failures|%ld\n",
	       count.objects, count.programs, count.cases, count.accepted, count.refused,
	       count.pages, count.stream_bytes, count.failures);
	declared_print();
	return count.failures != 0;
}
