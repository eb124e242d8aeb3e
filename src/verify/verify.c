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

/* Does the caller ask for code that was not proved? Only debug builds of the library obey. */
static bool wants_unproved(const struct verify_in *in)
{
#ifdef UA_DEBUG
	return in->debug_unverified;
#else
	return false;
#endif
}

static int check_member(struct env *env)
{
	const struct verify_in *in = env->in;

	for (uint32_t i = 0; in->member_proto && in->member_arg_flags && !env->arena &&
			     i < btf_vlen(in->member_proto);
	     i++)
		if (in->member_arg_flags[i] & MEMBER_ARG_ARENA) {
			vlog(env,
			     "arg#%u arena pointer requires a program with an associated arena\n",
			     i);
			return -EINVAL;
		}
	return 0;
}

static int prove(struct env *env)
{
	UA_TRY(check_member(env));
	UA_TRY(flow_init(env));
	print_program(env);
	subprog_find_sleepers(env);
	UA_TRY(walk_program(env));
	flow_free(env);
	return depth_check(env);
}

static int run_stages(struct env *env, struct code **out)
{
	UA_TRY(prog_type_check_target(env));
	UA_TRY(insn_check_all(env));
	UA_TRY(func_find_all(env));
	UA_TRY(func_check_btf(env));
	UA_TRY(resolve_all(env));
	UA_TRY(func_check_reachable(env));
	env->unproved = wants_unproved(env->in);
	if (!env->unproved)
		UA_TRY(prove(env));
	return emit_code(env, out);
}

static int env_init(struct env *env, struct verify_in *in)
{
	*env = (struct env){.in = in, .log = in->log, .insns = in->insns, .n = in->n_insns};
	env->sleepable = in->prog_type == BPF_PROG_TYPE_SYSCALL || in->member_sleepable ||
			 (in->prog_flags & BPF_F_SLEEPABLE);
	UA_FAIL_IF(!env->n || env->n > BPF_COMPLEXITY_LIMIT_INSNS, -E2BIG);
	env->aux = mem_calloc(env->n, sizeof(*env->aux));
	return env->aux ? 0 : -ENOMEM;
}

static void env_free(struct env *env)
{
	flow_free(env);
	mem_free(env->aux);
	mem_free(env->funcs);
	mem_free(env->maps);
	mem_free(env->line_at);
	mem_free(env->asyncs);
}

static void report_times(struct env *env, uint64_t ns)
{
	vlog(env, "verification time %llu usec\nstack depth ", (unsigned long long)ns / 1000);
	for (uint32_t f = 0; f < env->n_funcs; f++)
		vlog(env, "%s%u", f ? "+" : "", env->funcs[f].stack_depth);
	vlog(env, "\n");
}

static void report(struct env *env, uint64_t ns)
{
	struct verify_stats *stats = env->in->stats;

	if (env->log && env->log->level & LOG_STATS)
		report_times(env, ns);
	if (env->insn_processed)
		vlog(env,
		     "processed %llu insns (limit %d) max_states_per_insn %u total_states %u "
		     "peak_states %u mark_read %u\n",
		     (unsigned long long)env->insn_processed, BPF_COMPLEXITY_LIMIT_INSNS,
		     env->max_states_per_insn, env->total_states, env->peak_states, 0);
	explain_print(env);
	if (!stats)
		return;
	*stats = (struct verify_stats){
		.insn_processed = (uint32_t)env->insn_processed,
		.total_states = env->total_states,
		.peak_states = env->peak_states,
		.max_states_per_insn = env->max_states_per_insn,
		.verification_ns = ns,
		.stack_depth = env->funcs ? env->funcs[0].stack_depth : 0,
		.max_ctx_offset = env->max_ctx_offset,
	};
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
	report(&env, now_ns() - start);
	env_free(&env);
	vlog_finish(in->log);
	return err;
}
