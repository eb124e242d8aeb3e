/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the verifier's stages share: one struct env per program under verification.
 *
 * Stages, in the order verify.c runs them:
 *   insn.c      each instruction on its own: opcode, registers, reserved fields
 *   func.c      functions and their boundaries, func_info, line_info
 *   resolve.c   maps, BTF ids, callbacks, helper and kfunc numbers
 *   flow.c      control flow, live registers, and later what values matter where
 *   walk.c      the walk over all paths; alu.c jump.c mem.c stack.c ctx.c btf_access.c
 *               call.c subprog.c helper.c kfunc.c iter.c section.c ref.c sched_filter.c
 *               say what one instruction does
 *   prog_type.c what the type of a program settles
 *   prune.c     which paths need not be walked
 *   depth.c     stack depth over chains of calls
 *   emit.c      the executable form
 */
#ifndef UA_VERIFY_ENV_H
#define UA_VERIFY_ENV_H

#include "base/base.h"
#include "verify/verify.h"
#include "verify/state.h"
#include "btf/btf.h"
#include "btf/kfunc.h"

#define MAX_USED_MAPS 64
#define MAX_FUNCS 256
#define BPF_FUNC_tail_call 12
#define BPF_FUNC_spin_unlock 94
#define BPF_FUNC_for_each_map_elem 164
#define BPF_FUNC_timer_set_callback 170
#define BPF_FUNC_loop 181
#define MAX_VAR_OFF (1 << 29)
#define MAX_PENDING 8192
#define MAX_MEM (240u << 20) /* of one verification, all that grows with the program */

/* What the log has to say before the next instruction, as Linux says it. */
enum due {
	DUE_NOTHING,
	DUE_STATE,  /* the whole state */
	DUE_RETURN, /* level 2: where the path comes from, and the state */
	DUE_PATH,   /* level 2: where it comes from and the state; then the state */
};

/* What an LDIMM64 loads. */
enum ld_kind { LD_CONST, LD_MAP, LD_MAP_VALUE, LD_ARENA_VALUE, LD_FUNC, LD_KSYM, LD_PERCPU };

/* Facts about one instruction. */
struct insn_aux {
	uint8_t ld_kind;
	bool pad;	   /* second half of an LDIMM64 */
	bool seen;	   /* reached by the walk */
	bool nosleep;	   /* kfunc call where the program must not sleep */
	bool prune_point;  /* states are compared here */
	bool force_state;  /* ... and always kept: loop heads */
	bool ctx_pointer;  /* load of a context field that is a pointer */
	bool arena_alu;	   /* 64-bit operation on an arena pointer */
	bool scalar_alu;   /* ... also reached with ordinary numbers */
	uint8_t mem_type;  /* enum rtype of the pointer a memory access goes through */
	bool probe;	   /* load through a BTF pointer that may be bad */
	uint32_t forks;	   /* paths that were queued here */
	uint8_t taken;	   /* conditional jumps: bit 0 fell through, bit 1 jumped */
	struct map *map;   /* LD_MAP, LD_MAP_VALUE */
	uint64_t ld_value; /* final value of an LDIMM64; function index for LD_FUNC */
	uint32_t map_off;  /* LD_MAP_VALUE: offset into the value */
	uint32_t ld_type;  /* LD_PERCPU: of the variable */
	const struct kfunc *kfunc;
	struct cached *states;
};

enum func_arg_kind {
	FARG_SCALAR,
	FARG_CTX,
	FARG_ARENA,
	FARG_MEM,
	FARG_BTF,
};

struct env;

struct func_arg {
	uint8_t kind;
	bool nullable;
	uint8_t flags; /* FARG_BTF: enum rflag */
	uint32_t id;   /* FARG_BTF: type in the engine's BTF */
	uint32_t size; /* FARG_MEM */
};

struct func {
	uint32_t start, end;
	uint32_t type_id; /* FUNC in the program's BTF, 0 if there is none */
	const char *name; /* "" if there is no BTF */
	bool is_global;
	bool is_callback;
	bool is_async; /* callback that runs from a timer */
	bool called;   /* global: some caller needs it verified */
	bool verified; /* global: done */
	bool prepared; /* args are filled in */
	bool might_sleep;
	bool uses_may_goto, has_tail_call, has_ld_abs;
	bool returns_void;
	uint32_t stack_depth;
	uint32_t max_stack, max_frames;
	uint32_t n_args;
	struct func_arg args[5];
};

/* A path still to be walked. */
struct pending {
	struct pending *next;
	size_t size; /* of st */
	struct vstate st;
	uint64_t log_pos;
	bool line_open; /* at log_pos */
	uint32_t prev_insn;
};

/* A function of the program that a host function will call. */
struct callback {
	uint32_t func;
	int ret_min, ret_max;
	bool async;
	struct map *map;
	uint32_t inner; /* which map, if it is inside another */
	void (*set_args)(struct env *env, struct frame *caller, struct frame *callee,
			 const struct callback *cb);
};

/* A callback that runs later, and is walked once for each map whose timers call it. */
struct async {
	uint32_t func;
	const struct map *map;
};

struct flow;

struct env {
	struct verify_in *in;
	struct verify_log *log;
	struct bpf_insn *insns;
	uint32_t n;
	struct insn_aux *aux;
	struct func *funcs;
	uint32_t n_funcs;
	struct map **maps;
	uint32_t n_maps;
	size_t cap_maps;
	struct map *arena_map;
	struct arena *arena;
	bool sleepable;
	bool unproved; /* structural checks only: the interpreter has to check accesses */

	uint32_t *line_at; /* where each line record is once dead code is gone */
	size_t cap_kcalls;

	/* The walk. */
	struct flow *flow;
	struct vstate st; /* the current path */
	uint32_t insn_idx, prev_insn;
	uint32_t next_insn; /* where the instruction being checked goes on */
	struct pending *pending, *spare;
	uint32_t n_pending;
	struct async *asyncs;
	uint32_t n_asyncs;
	size_t cap_asyncs;
	int push_err; /* why walk_push() failed */
	uint32_t next_id;
	uint32_t top_func; /* function whose verification this walk is */
	uint64_t insn_processed;
	uint64_t jmps_processed, prev_insn_processed, prev_jmps_processed;
	uint32_t live_states, total_states, peak_states, max_states_per_insn;
	struct cached *all_cached;
	size_t state_mem, pending_mem;
	uint64_t deadline_ns;
	uint32_t max_ctx_offset;
	uint32_t scratch_regs[MAX_CALL_FRAMES]; /* touched by the instruction, for the log */
	uint64_t scratch_slots[MAX_CALL_FRAMES];
	uint32_t last_line;			    /* line record printed last */
	uint32_t iter_frame, iter_slot, iter_slots; /* iterator argument of the call */
	int insn_len;				    /* characters print_insn() wrote */
	bool line_open;
	uint8_t due;	  /* enum due */
	bool path_dead;	  /* nothing can reach the next instruction */
	char reason[256]; /* the last message, for the explanation */
	char before[256]; /* the one before it of the same instruction */
	char explanation[4096];
	size_t explanation_len;
};

static inline struct frame *env_frame(struct env *env)
{
	return cur_frame(&env->st);
}

static inline struct reg *env_regs(struct env *env)
{
	return cur_frame(&env->st)->regs;
}

static inline void touch_reg(struct env *env, int regno)
{
	env->scratch_regs[env->st.depth] |= 1u << regno;
}

static inline void touch_slot(struct env *env, uint32_t frame, uint32_t slot)
{
	env->scratch_slots[frame] |= 1ull << slot;
}

static inline uint32_t new_id(struct env *env)
{
	return ++env->next_id;
}

/* ---- log.c ---- */

#define LOG_LEVEL1 1u
#define LOG_LEVEL2 2u
#define LOG_STATS 4u
#define LOG_FIXED 8u

void vlog(struct env *env, const char *fmt, ...) UA_PRINTF(2, 3);
void vlog_text(struct verify_log *log, const char *s, size_t len);
void vlog_rewind(struct verify_log *log, uint64_t pos);
void vlog_finish(struct verify_log *log);

/* ---- print.c ---- */

void print_insn(struct env *env, uint32_t idx);
void print_state(struct env *env, const struct vstate *st, uint32_t frame, bool all);
void print_insn_state(struct env *env);
void print_program(struct env *env);
void print_end_line(struct env *env); /* if print_insn() left one open */
void print_line(struct env *env, uint32_t idx);
const char *reg_type_name(const struct reg *r, char buf[64]);
void tnum_print(char *buf, size_t size, struct tnum t);

/* ---- insn.c ---- */

int insn_check_all(struct env *env);

/* ---- func.c ---- */

int func_find_all(struct env *env);
/* Can all be reached from slot 0, through calls and callbacks? -EINVAL, logged. */
int func_check_reachable(struct env *env);
int func_of(const struct env *env, uint32_t idx);   /* function holding slot idx */
int func_at(const struct env *env, uint32_t start); /* function starting there, or -1 */
bool insn_jump_target(const struct bpf_insn *insns, uint32_t i, int64_t *target);
bool insn_ends_flow(const struct bpf_insn *insn);
int func_check_btf(struct env *env);

/* ---- resolve.c ---- */

int resolve_all(struct env *env);

/* ---- flow.c ---- */

int flow_init(struct env *env);
size_t flow_memory(const struct env *env);
void flow_free(struct env *env);
/* Registers that may be read at or after slot idx before they are written. */
uint32_t flow_live_regs(const struct env *env, uint32_t idx);
uint32_t flow_writes(const struct env *env, uint32_t idx); /* registers it may write */
uint64_t flow_live_slots(const struct env *env, const struct frame *f, uint32_t idx);
uint32_t flow_exact_regs(const struct env *env, const struct frame *f, uint32_t idx);
uint64_t flow_exact_slots(const struct env *env, const struct frame *f, uint32_t idx);
void flow_kept(const struct env *env, const struct frame *f, uint32_t idx, uint32_t *regs,
	       uint64_t *slots);
/* The instruction being checked reads these slots of a frame of the current path. */
void flow_read_slots(struct env *env, uint32_t frame, uint64_t slots);
/* It loads register `dst` from these slots / stores `src` into them. */
void flow_fill(struct env *env, int dst, uint32_t frame, uint64_t slots);
void flow_spill(struct env *env, int src, uint32_t frame, uint64_t slots);
/* The value of a register, or of half a slot, just before the instruction matters for safety. */
void flow_need_reg(struct env *env, int regno);
void flow_need_half(struct env *env, uint32_t frame, uint32_t slot, bool high);
/* Registers and slots of the current frame whose ranges a jump refines together. */
void flow_link(struct env *env, uint32_t regs, uint64_t slots);
void flow_walked(struct env *env, const struct frame *f, uint32_t from, uint32_t to);
/* The sets of `func` as called from the current instruction of `caller` (NULL: from outside). */
int flow_enter(struct env *env, struct inst *caller, uint32_t func, struct inst **out);

/* ---- walk.c ---- */

int walk_function(struct env *env, uint32_t func);
struct vstate *walk_push(struct env *env, uint32_t insn);
int check_reg_read(struct env *env, int regno);
int check_reg_write(struct env *env, int regno);
void clobber_caller_saved(struct env *env);
int walk_program(struct env *env);

/* ---- alu.c, jump.c ---- */

int alu_step(struct env *env, const struct bpf_insn *insn);
int jump_step(struct env *env, const struct bpf_insn *insn);
void null_mark(struct env *env, struct vstate *st, uint32_t id, bool is_null);
void link_forget(struct env *env, struct reg *reg);

/* ---- mem.c and what it dispatches to ---- */

enum access { ACC_READ, ACC_WRITE };

int mem_step(struct env *env, const struct bpf_insn *insn);
/* [off, off + size) of the pointer's target. value: register written to or read, or -1. */
int mem_access(struct env *env, int regno, int off, int size, enum access acc, int value,
	       bool sext);
int check_align(struct env *env, const struct reg *reg, int off, int size, bool strict);
int check_region(struct env *env, int regno, int off, int64_t size, uint64_t region, bool zero_ok);
int check_fixed_off(struct env *env, const struct reg *reg, int regno, bool off_ok);
/* Memory argument of a call: `size` bytes are readable (or writable). */
int mem_arg(struct env *env, int regno, uint64_t size, bool zero_ok, enum access acc, bool raw);
int stack_read(struct env *env, int regno, int off, int size, int dst, bool sext);
int stack_write(struct env *env, int regno, int off, int size, int src,
		const struct bpf_insn *insn);
int stack_arg(struct env *env, int regno, int off, uint64_t size, bool zero_ok, enum access acc,
	      bool raw);
int ctx_access(struct env *env, int off, int size, enum access acc, int value, struct reg *out);
bool ctx_is_btf(const struct env *env);
int btf_access(struct env *env, int regno, int off, int size, enum access acc, struct reg *out);
int map_ptr_access(struct env *env, int regno, int off, int size, enum access acc, struct reg *out);

/* ---- call.c and what it dispatches to ---- */

int call_step(struct env *env, const struct bpf_insn *insn);
int exit_step(struct env *env);
int return_early(struct env *env, const struct reg *value);
int subprog_prepare(struct env *env, uint32_t func); /* arguments of a global function */
int subprog_entry(struct env *env, uint32_t func);   /* initial registers of a walk */
int callback_enter(struct env *env, const struct callback *cb);
void subprog_find_sleepers(struct env *env);
int subprog_check_args(struct env *env, uint32_t func); /* of a call of a global function */
int helper_call(struct env *env, uint32_t id);
int const_string_arg(struct env *env, int regno);
int kfunc_call(struct env *env, const struct kfunc *kf);
int iter_arg(struct env *env, const struct kfunc *kf, const struct kfunc_arg *arg, int regno);
int iter_call(struct env *env, const struct kfunc *kf, uint32_t *ref);
int iter_next(struct env *env);
int irq_flag_arg(struct env *env, const struct kfunc *kf, int regno);
int res_lock_arg(struct env *env, const struct kfunc *kf, int regno);
int section_begin(struct env *env, const struct kfunc *kf);
int section_call(struct env *env, const struct kfunc *kf);
void section_result(struct env *env, const struct kfunc *kf);
bool sched_allows(const struct env *env, const struct kfunc *kf);
bool env_may_sleep(const struct env *env);

/* ---- prog_type.c ---- */

int prog_type_check_target(struct env *env);
bool prog_type_calls(const struct env *env, uint32_t kfunc_flags);
bool prog_type_returns(const struct env *env, int *min, int *max); /* false: anything */

/* ---- ref.c ---- */

int ref_add(struct env *env, enum ref_kind kind, const struct reg *lock, uint32_t *id);
bool ref_is_lock(const struct ref *ref, const struct reg *lock);
int ref_release(struct env *env, uint32_t id); /* forget the reference and every copy of it */
int ref_drop(struct env *env, uint32_t id, enum ref_kind kind);
const struct ref *ref_find(const struct vstate *st, uint32_t id);
int ref_check_exit(struct env *env, const char *what);

/* ---- prune.c ---- */

/* At slot env->insn_idx: > 0 if a state already walked covers this one. */
int prune_check(struct env *env);
void prune_path_done(struct env *env, struct cached *parent);
void prune_branch_added(struct cached *parent);
int prune_path(const struct env *env, uint32_t *insns, int max); /* checkpoints, newest first */
void prune_forget(struct env *env);				 /* the walk is over */
/* Widens, before a loop head is entered again, what no check depended on so far. */
int prune_widen(struct env *env, struct vstate *st, uint32_t insn);

/* ---- depth.c, emit.c, explain.c ---- */

int depth_check(struct env *env);
int emit_code(struct env *env, struct code **out);
void explain_failure(struct env *env);
void explain_print(struct env *env);

#endif
