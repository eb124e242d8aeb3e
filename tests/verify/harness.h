/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine's verifier on raw instructions: an engine's tables and the suite's maps. */
#ifndef UA_TESTS_VERIFY_HARNESS_H
#define UA_TESTS_VERIFY_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "map/map.h"
#include "prog/engine.h"
#include "verify/verify.h"
#include "suite.h"

static struct engine *engine;
static struct map *maps[N_MAPS];
static char log_buf[1 << 16];

static void must(int err, const char *what)
{
	if (!err)
		return;
	printf("%s: %d\n", what, err);
	exit(1);
}

static void harness_open(void)
{
	must(engine_new(NULL, &engine), "engine");
	for (int i = 0; i < N_MAPS; i++) {
		struct map_env env = {
			.n_cpus = 1, .engine = engine, .arena_opts = &engine->arena_opts};
		union bpf_attr attr;

		suite_map_attr(i, &attr);
		must(map_create(&attr, &env, &maps[i]), "map");
	}
}

static void harness_close(void)
{
	for (int i = 0; i < N_MAPS; i++)
		map_put(maps[i]);
	engine_free(engine);
}

static int harness_map(void *arg, int fd, bool is_idx, struct map **out)
{
	if (is_idx || fd < 0 || fd >= N_MAPS)
		return -EBADF;
	*out = maps[fd];
	return 0;
}

/* Kfuncs by the engine's ids. */
static inline void harness_kfuncs(struct bpf_insn *insns, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) &&
		    insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL && insns[i].imm < N_KFUNCS)
			insns[i].imm =
				(int32_t)kfunc_by_name(&engine->kfuncs, suite_kfuncs[insns[i].imm])
					->btf_id;
}

/* Verifies a copy of the instructions; the log is in log_buf. *code is the caller's. */
static inline int harness_verify(uint32_t type, uint32_t attach, const struct bpf_insn *insns,
				 uint32_t n, uint32_t log_level, struct verify_stats *stats,
				 struct code **code)
{
	struct bpf_insn *copy = mem_dup(insns, n * sizeof(*insns));
	struct verify_log log = {.buf = log_buf, .size = sizeof(log_buf), .level = log_level};
	struct verify_in in = {
		.prog_type = type,
		.expected_attach_type = attach,
		.insns = copy,
		.n_insns = n,
		.engine_btf = engine->btf,
		.kfuncs = &engine->kfuncs,
		.resolve_map = harness_map,
		.helper_fns = engine->helper_fns,
		.n_helper_fns = engine->n_helper_fns,
		.log = &log,
		.stats = stats,
	};
	int err;

	log_buf[0] = 0;
	if (copy)
		harness_kfuncs(copy, n);
	err = !prog_type_attaches(type, attach) ? -EINVAL
	      : copy				? verify_program(&in, code)
						: -ENOMEM;
	mem_free(copy);
	return err;
}

#endif
