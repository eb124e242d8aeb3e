/* SPDX-License-Identifier: BSD-2-Clause */
/* The stages in order, and the environment they share. */
#include <time.h>
#include "verify/env.h"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int run_stages(struct env *env, struct code **out)
{
	UA_TRY(insn_check_all(env));
	UA_TRY(func_find_all(env));
	UA_TRY(func_check_btf(env));
	UA_TRY(resolve_all(env));
	return emit_code(env, out);
}

static int env_init(struct env *env, struct verify_in *in)
{
	*env = (struct env){.in = in, .log = in->log, .insns = in->insns, .n = in->n_insns};
	env->sleepable = in->prog_type == BPF_PROG_TYPE_SYSCALL || in->member_sleepable ||
			 (in->prog_flags & BPF_F_SLEEPABLE);
	env->unproved = true;
	UA_FAIL_IF(!env->n, -E2BIG);
	env->aux = mem_calloc(env->n, sizeof(*env->aux));
	return env->aux ? 0 : -ENOMEM;
}

static void env_free(struct env *env)
{
	mem_free(env->aux);
	mem_free(env->funcs);
	mem_free(env->maps);
}

int verify_program(struct verify_in *in, struct code **out)
{
	uint64_t start = now_ns();
	struct env env;
	int err;

	*out = NULL;
	err = env_init(&env, in);
	if (!err)
		err = run_stages(&env, out);
	if (in->stats)
		in->stats->verification_ns = now_ns() - start;
	env_free(&env);
	vlog_finish(in->log);
	return err;
}
