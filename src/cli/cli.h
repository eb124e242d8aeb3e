/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The uarena tool: one file per verb, this header is what they share.
 *
 * Exit status of every verb: 0 done, 1 the object or a program was refused or stopped,
 * 2 the command line is wrong.
 */
#ifndef UA_CLI_CLI_H
#define UA_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include "uarena.h"

struct btf;

enum { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };

/* X(name, function, operands, summary) */
#define CLI_VERBS(X)                                                                              \
	X("show", cli_show, "OBJ", "list the programs, maps and globals of an object")            \
	X("run", cli_run, "OBJ STEP...", "run programs in the order given")                       \
	X("test", cli_test, "OBJ...", "run programs named test_* or annotated as tests")          \
	X("check", cli_check, "OBJ...", "verify every program, show what it took")                \
	X("arena", cli_arena, "OBJ STEP...", "run programs, then show the arena")                 \
	X("dump", cli_dump, "xlated|jited|btf [OBJ PROG]", "show what a program was turned into") \
	X("bench", cli_bench, "OBJ STEP...",                                                      \
	  "measure programs, interpreted, compiled and on Linux")                                 \
	X("sched", cli_sched, "VERB OPERAND...",                                                  \
	  "run a sched_ext scheduler in a simulated machine")                                     \
	X("features", cli_features, "", "what engine and kernel support")                         \
	X("conformance-plugin", cli_conformance_plugin, "[HEX]",                                  \
	  "plugin of the public bpf_conformance runner")

#define X(name, fn, operands, summary) int fn(int argc, char **argv);
CLI_VERBS(X)
#undef X

/* The simulated machine's. */
struct cli_sched_options {
	const char *machine, *ops, *setup, *trace, *html, *save;
	const char **workloads; /* --workload, in order */
	size_t n_workloads;
	uint64_t time; /* ns, 0: not given */
	uint64_t seed;
	bool has_seed;
	uint32_t hz;
};

/* Options that several verbs take, as parsed by cli_options(). */
struct cli_options {
	struct ua_engine_opts engine;
	const char **globals; /* -G, in order */
	size_t n_globals;
	const char *ctx_in, *ctx_out, *data_in, *data_out;
	uint32_t repeat, rounds;
	uint32_t log_level;
	bool json, list;
	bool late_streams;    /* not an option: read what a program wrote after it has ended */
	bool csv, compare;    /* check: -o csv, -C */
	const char **filters; /* check: -f, in order */
	size_t n_filters;
	const char *filter;  /* -t */
	const char **prints; /* --print, in order */
	size_t n_prints;
	struct cli_sched_options sched;
	char **operands; /* what is left */
	int n_operands;
};

/* Which of the shared options a verb accepts besides -h and -d. */
enum cli_accept {
	ACCEPT_BACKEND = 1 << 0, /* --on --cpus */
	ACCEPT_IO = 1 << 1,	 /* --ctx-in --ctx-out --data-in --data-out --repeat */
	ACCEPT_JSON = 1 << 2,	 /* -j */
	ACCEPT_TESTS = 1 << 3,	 /* -t -l */
	ACCEPT_PRINT = 1 << 4,	 /* --print */
	ACCEPT_CHECK = 1 << 5,	 /* -o -f -C -l N */
	ACCEPT_SCHED = 1 << 6,	 /* --machine --workload --time --seed --hz --ops --setup */
	ACCEPT_REPORT = 1 << 7,	 /* --trace --html */
	ACCEPT_SAVE = 1 << 8,	 /* --save */
	ACCEPT_EXEC = 1 << 9,	 /* --engine --window --scratch --null-guard -G */
	ACCEPT_BENCH = 1 << 10,	 /* --rounds */
	ACCEPT_ENGINE = ACCEPT_BACKEND | ACCEPT_EXEC,
};

/* 0, or the exit status: help was printed or the command line is wrong. *done says to stop. */
int cli_options(int argc, char **argv, const char *verb, unsigned int accept, int min_operands,
		struct cli_options *o, bool *done);
void cli_options_free(struct cli_options *o);

/* An object opened on an engine of its own. */
struct cli_session {
	struct ua_engine *engine;
	struct ua_object *obj;
};

/* Open engine and object and set the -G globals; prints what is wrong. */
int cli_open(const struct cli_options *o, const char *path, struct cli_session *s);
void cli_close(struct cli_session *s);
/* Enable only the programs named (all must exist), then load. */
int cli_load_only(struct cli_session *s, const char **progs, int n);

struct cli_bytes {
	void *data;
	size_t size;
};

/* What one run of a program gave. The texts are owned. */
struct cli_result {
	const char *program;
	int err;
	uint32_t retval, ns;
	char *out, *err_text;
	void *ctx_out, *data_out;
	size_t ctx_out_size, data_out_size;
};

/* The context is *ctx, or without one what --ctx-in says. */
int cli_run_program(struct cli_session *s, const char *name, const struct cli_options *o,
		    const struct cli_bytes *ctx, struct cli_result *r);
void cli_result_free(struct cli_result *r);
json_t *cli_result_json(const struct cli_result *r);
void cli_result_print(const struct cli_result *r);

/* Whole file into memory (owned) and back. 0 or a negative errno, message printed. */
int cli_read_file(const char *path, void **buf, size_t *size);
int cli_write_file(const char *path, const void *buf, size_t size);
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *cli_prog_type(uint32_t type);
const char *cli_map_type(uint32_t type);
/* Between the two, messages are kept instead of printed; the text is owned, NULL if there is none.
 */
void cli_catch_begin(void);
char *cli_catch_end(void);
/* A variable of this type as C would initialise it; negative errno if that is impossible. */
int cli_print_data(const struct btf *btf, uint32_t type_id, const void *data, size_t size);
json_t *cli_data_json(const struct btf *btf, uint32_t type_id, const void *data, size_t size);
/*
 * The object's arena as it is now. The engine knows its pages; of Linux they are found out
 * (kernel/page_map.h), which is why no program may run meanwhile.
 */
struct cli_arena {
	struct ua_arena *engine; /* NULL: on Linux */
	const uint8_t *view;	 /* where this process sees it */
	uint64_t start, n_pages;
	uint8_t *kinds; /* enum arena_page_kind of each page; owned */
	bool probed;
};

int cli_arena_take(struct cli_session *s, const struct cli_options *o, struct cli_arena *a);
void cli_arena_free(struct cli_arena *a);
/* Copy memory of the arena; false: some of it is not allocated. */
bool cli_arena_read(const struct cli_arena *a, void *dst, uint64_t addr, size_t n);
/* --print: do all the variables exist? CLI_USAGE, with a message, if not. */
int cli_check_prints(const struct cli_session *s, const struct cli_options *o);
/* --print: a global and what it leads to in the arena, if there is one. */
int cli_print_global(struct cli_session *s, const struct cli_arena *arena, const char *name);
json_t *cli_prints_json(const struct cli_session *s, const struct cli_options *o);
/* What the live kernel made of a loaded program. */
enum cli_dump { CLI_DUMP_XLATED, CLI_DUMP_JITED, CLI_DUMP_JITED_LINES };
int cli_dump_linux(struct cli_session *s, struct ua_program *p, enum cli_dump what);
int cli_print_json(json_t *root); /* takes the reference */

#endif
