/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The walk: every path through the program, depth first.
 *
 * A conditional jump that can go both ways queues one and follows the other. A path ends when
 * the program does, or when prune.c finds that its state is covered.
 */
#include <time.h>
#include "verify/env.h"

#define MAX_NS 10000000000ull

/* Of this thread: on a busy machine a program is no harder to prove. */
static uint64_t used_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- Registers -------------------------------------------------------------------- */

int check_reg_read(struct env *env, int regno)
{
	touch_reg(env, regno);
	if (env_regs(env)[regno].type != R_NONE)
		return 0;
	vlog(env, "R%d !read_ok\n", regno);
	return -EACCES;
}

int check_reg_write(struct env *env, int regno)
{
	touch_reg(env, regno);
	if (regno != BPF_REG_FP)
		return 0;
	vlog(env, "frame pointer is read only\n");
	return -EACCES;
}

void clobber_caller_saved(struct env *env)
{
	memset(env_regs(env), 0, 6 * sizeof(struct reg));
}

/* -- Paths -------------------------------------------------------------------------- */

/* Queues a copy of the current path that continues at `insn`; NULL: see env->push_err. */
struct vstate *walk_push(struct env *env, uint32_t insn)
{
	struct pending *p = env->spare;

	env->push_err = -ENOMEM;
	if (env->n_pending >= MAX_PENDING) {
		env->push_err = -E2BIG;
		vlog(env, "The sequence of %u jumps is too complex.\n", env->n_pending);
		return NULL;
	}
	if (p)
		env->spare = p->next;
	else
		p = mem_zalloc(sizeof(*p));
	if (!p)
		return NULL;
	if (vstate_copy(&p->st, &env->st)) {
		vstate_clear(&p->st);
		mem_free(p);
		return NULL;
	}
	env->pending_mem -= p->size;
	p->size = sizeof(*p) + vstate_size(&p->st);
	env->pending_mem += p->size;
	p->st.insn = insn;
	p->log_pos = env->log ? env->log->pos : 0;
	p->line_open = env->line_open;
	p->prev_insn = env->insn_idx;
	p->next = env->pending;
	env->pending = p;
	env->n_pending++;
	env->aux[env->insn_idx].forks++;
	prune_branch_added(p->st.parent);
	return &p->st;
}

/* The path most recently queued becomes the current one. */
static bool pop(struct env *env)
{
	struct pending *p = env->pending;
	struct vstate old = env->st;

	if (!p)
		return false;
	env->pending = p->next;
	env->n_pending--;
	env->st = p->st;
	p->st = old; /* of about the same size */
	p->next = env->spare;
	env->spare = p;
	env->insn_idx = env->st.insn;
	env->prev_insn = p->prev_insn;
	if (env->log && !(env->log->level & LOG_LEVEL2)) {
		vlog_rewind(env->log, p->log_pos);
		env->line_open = p->line_open;
	}
	env->due = DUE_PATH;
	flow_walked(env, env_frame(env), env->prev_insn, env->insn_idx);
	return true;
}

static void free_list(struct pending *p)
{
	while (p) {
		struct pending *next = p->next;

		vstate_clear(&p->st);
		mem_free(p);
		p = next;
	}
}

static void walk_end(struct env *env)
{
	free_list(env->pending);
	free_list(env->spare);
	env->pending = env->spare = NULL;
	env->n_pending = 0;
	env->pending_mem = 0;
	env->n_asyncs = 0;
	vstate_clear(&env->st);
	prune_forget(env);
}

/* -- Log ---------------------------------------------------------------------------- */

static bool logging(const struct env *env)
{
	return env->log && env->log->level & (LOG_LEVEL1 | LOG_LEVEL2);
}

static void log_before(struct env *env)
{
	if (!logging(env))
		return;
	if (env->due >= DUE_RETURN && env->log->level & LOG_LEVEL2) {
		vlog(env, "\nfrom %u to %u:", env->prev_insn, env->insn_idx);
		print_state(env, &env->st, env->st.depth, true);
	}
	if (env->due == DUE_STATE || env->due == DUE_PATH) {
		vlog(env, "%u:", env->insn_idx);
		print_state(env, &env->st, env->st.depth, true);
	}
	env->due = DUE_NOTHING;
	print_insn(env, env->insn_idx);
}

static void log_covered(struct env *env)
{
	if (!logging(env))
		return;
	if (env->due >= DUE_RETURN)
		vlog(env, "\nfrom %u to %u: safe\n", env->prev_insn, env->insn_idx);
	else
		vlog(env, "%u: safe\n", env->insn_idx);
}

/* -- Steps ---------------------------------------------------------------------------- */

static int load_imm64(struct env *env, const struct bpf_insn *insn)
{
	const struct insn_aux *aux = &env->aux[env->insn_idx];
	struct reg *d = &env_regs(env)[insn->dst_reg];

	UA_TRY(check_reg_write(env, insn->dst_reg));
	env->next_insn = env->insn_idx + 2;
	switch (aux->ld_kind) {
	case LD_CONST:
		reg_const(d, aux->ld_value);
		break;
	case LD_MAP:
		reg_pointer(d, R_MAP_PTR, 0);
		d->map = aux->map;
		break;
	case LD_MAP_VALUE:
		reg_pointer(d, R_MAP_VALUE, 0);
		d->map = aux->map;
		d->off = (int32_t)aux->map_off;
		break;
	case LD_ARENA_VALUE:
		reg_scalar(d);
		break;
	case LD_FUNC:
		reg_pointer(d, R_FUNC, 0);
		d->func = (uint32_t)aux->ld_value;
		break;
	case LD_PERCPU:
		reg_pointer(d, R_BTF, RF_PERCPU);
		d->btf_id = aux->ld_type;
		break;
	default:
		reg_pointer(d, R_MEM, RF_RDONLY);
	}
	return 0;
}

/* Loads from the packet by offset: r6 is the context, the result a number. */
static int load_packet(struct env *env, const struct bpf_insn *insn)
{
	struct reg *regs = env_regs(env), zero;

	if (env->in->prog_type != BPF_PROG_TYPE_SOCKET_FILTER &&
	    env->in->prog_type != BPF_PROG_TYPE_SCHED_CLS) {
		vlog(env, "BPF_LD_[ABS|IND] instructions not allowed for this program type\n");
		return -EINVAL;
	}
	UA_TRY(check_reg_read(env, BPF_REG_6));
	UA_TRY(ref_check_exit(env, "BPF_LD_[ABS|IND]"));
	if (regs[BPF_REG_6].type != R_CTX) {
		vlog(env, "at the time of BPF_LD_ABS|IND R6 != pointer to skb\n");
		return -EINVAL;
	}
	UA_TRY(check_fixed_off(env, &regs[BPF_REG_6], BPF_REG_6, false));
	if (BPF_MODE(insn->code) == BPF_IND)
		UA_TRY(check_reg_read(env, insn->src_reg));
	clobber_caller_saved(env);
	reg_scalar(&regs[BPF_REG_0]);
	touch_reg(env, BPF_REG_0);
	reg_const(&zero, 0);
	return return_early(env, &zero);
}

static int jmp_step(struct env *env, const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		return call_step(env, insn);
	case BPF_EXIT:
		return exit_step(env);
	default:
		return jump_step(env, insn);
	}
}

static int step(struct env *env)
{
	const struct bpf_insn *insn = &env->insns[env->insn_idx];

	env->next_insn = env->insn_idx + 1;
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return alu_step(env, insn);
	case BPF_LD:
		return insn_is_ldimm64(insn) ? load_imm64(env, insn) : load_packet(env, insn);
	case BPF_JMP:
	case BPF_JMP32:
		return jmp_step(env, insn);
	default:
		return mem_step(env, insn);
	}
}

static int check_limits(struct env *env)
{
	if (++env->insn_processed > BPF_COMPLEXITY_LIMIT_INSNS) {
		vlog(env, "BPF program is too large. Processed %llu insn\n",
		     (unsigned long long)env->insn_processed);
		return -E2BIG;
	}
	if (!(env->insn_processed & 0xff) && used_ns() > env->deadline_ns) {
		vlog(env, "verification takes too long: %llu insns in %llu s\n",
		     (unsigned long long)env->insn_processed, MAX_NS / 1000000000u);
		return -E2BIG;
	}
	return 0;
}

/* For explanations: who wrote which register last. */
static void note_writes(struct env *env, uint32_t regs)
{
	struct frame *f = env_frame(env);

	for (; regs; regs &= regs - 1)
		f->set_at[__builtin_ctz(regs)] = env->insn_idx + 1;
}

/* Messages explain a failure only if they are of the instruction that fails. */
static void forget_reasons(struct env *env)
{
	env->reason[0] = env->before[0] = 0;
}

/* One instruction. 1: the path is at its end. */
static int advance(struct env *env)
{
	struct insn_aux *aux = &env->aux[env->insn_idx];
	uint32_t regs;
	int covered = 0;

	UA_TRY(check_limits(env));
	forget_reasons(env);
	env->path_dead = false;
	if (aux->prune_point)
		UA_TRY(covered = prune_check(env));
	if (covered) {
		log_covered(env);
		return 1;
	}
	aux->seen = true;
	regs = flow_writes(env, env->insn_idx);
	log_before(env);
	forget_reasons(env);
	UA_TRY(step(env));
	note_writes(env, regs);
	if (logging(env) && !env->path_dead && env->due == DUE_NOTHING)
		print_insn_state(env);
	else
		print_end_line(env);
	env->prev_insn = env->insn_idx;
	env->insn_idx = env->next_insn;
	if (!env->path_dead)
		flow_walked(env, env_frame(env), env->prev_insn, env->insn_idx);
	return env->path_dead;
}

static int walk_paths(struct env *env)
{
	do {
		struct cached *parent;
		int done;

		do
			UA_TRY(done = advance(env));
		while (!done);
		parent = env->st.parent;
		env->st.parent = NULL;
		prune_path_done(env, parent);
	} while (pop(env));
	return 0;
}

int walk_function(struct env *env, uint32_t func)
{
	int err;

	env->insn_idx = env->funcs[func].start;
	env->prev_insn = UINT32_MAX;
	env->due = DUE_STATE;
	env->top_func = func;
	err = subprog_entry(env, func);
	if (!err)
		err = walk_paths(env);
	if (!err && env->log && !(env->log->level & LOG_LEVEL2))
		vlog_rewind(env->log, 0);
	if (err)
		explain_failure(env);
	walk_end(env);
	return err;
}

/* The main program, then each global function that somebody called. */
int walk_program(struct env *env)
{
	bool more = true;

	env->deadline_ns = used_ns() + MAX_NS;
	UA_TRY(walk_function(env, 0));
	while (more) {
		more = false;
		for (uint32_t f = 1; f < env->n_funcs; f++) {
			struct func *func = &env->funcs[f];

			if (!func->called || func->verified)
				continue;
			if (logging(env))
				vlog(env, "Validating %s() func#%u...\n", func->name, f);
			UA_TRY(walk_function(env, f));
			if (logging(env))
				vlog(env,
				     "Func#%u ('%s') is safe for any args that match its "
				     "prototype\n",
				     f, func->name);
			func->verified = more = true;
		}
	}
	return 0;
}
