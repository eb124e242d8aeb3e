/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter around its loop: state, calls out, reports, and the checks of the checked
 * mode. loop.h holds the loop itself; it is compiled twice, with and without those checks.
 *
 * Every access to memory goes through arena/access.h, plain ones too: that costs nothing, and
 * a wild access that slipped through the verifier stops the program instead of the host.
 */
#include "interp/interp.h"

#include "arena/access.h"
#include "arena/arena.h"
#include "arena/run.h"
#include "base/base.h"

#define STEPS_PER_QUESTION 65536
#define MAX_NESTED_ACTIVATIONS 8

struct frame {
	const struct op *ret; /* where the caller goes on */
	uint64_t saved[4];    /* the caller's r6..r9 */
	uint64_t since;	      /* may_goto: clock and count, see run_may_goto() */
	uint32_t count;
};

struct interp {
	struct interp_activation act;
	struct run *run;
	uint32_t steps; /* checked: jumps and calls until the next question */
	struct frame frames[MAX_CALL_FRAMES];
	uint8_t stack[MAX_CALL_FRAMES * MAX_BPF_STACK] __attribute__((aligned(16)));
};

/* ---- Arithmetic whose edge cases C leaves open ---- */

static inline uint64_t sdiv64(uint64_t a, uint64_t b)
{
	if (b == 0)
		return 0;
	return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint32_t sdiv32(uint32_t a, uint32_t b)
{
	if (b == 0)
		return 0;
	return b == UINT32_MAX ? -a : (uint32_t)((int32_t)a / (int32_t)b);
}

static inline uint64_t smod64(uint64_t a, uint64_t b)
{
	if (b == 0)
		return a;
	return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint32_t smod32(uint32_t a, uint32_t b)
{
	if (b == 0)
		return a;
	return b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b);
}

static inline void *host_ptr(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

/* ---- Frames ---- */

static inline void frame_begin(struct interp *in, uint32_t i, const struct code *code)
{
	in->frames[i].count = RUN_MAY_GOTO_COUNT;
	in->frames[i].since = 0;
	in->act.frame[i].code = code;
	if (code->checked)
		memset(in->stack + i * MAX_BPF_STACK, 0, MAX_BPF_STACK);
}

static inline void publish(struct interp *in, const struct op *pc)
{
	uint32_t i = in->act.depth - 1;

	in->act.frame[i].slot = (uint32_t)(pc - in->act.frame[i].code->ops);
}

/* ---- Reports and stops ---- */

static __attribute__((noinline, cold)) void stop(struct interp *in, const struct op *pc, int err,
						 const char *headline)
{
	struct run *run = in->run;

	publish(in, pc);
	run->stop = err;
	if (run->hooks && run->hooks->report)
		run->hooks->report(run, headline);
}

static __attribute__((noinline, cold)) void violate(struct interp *in, const struct op *pc,
						    uint64_t reg, bool write)
{
	struct run *run = in->run;
	const struct code *code = in->act.frame[in->act.depth - 1].code;
	uint64_t start = (uint64_t)code->user_hi << 32;

	publish(in, pc);
	if (run->violation)
		run->violation(run, start + (uint32_t)reg + (uint64_t)(int64_t)pc->off, write, NULL,
			       pc - code->ops);
}

static __attribute__((noinline, cold)) void stop_wild(struct interp *in, const struct op *pc,
						      uint64_t addr, unsigned int size, bool write)
{
	char text[96];

	snprintf(text, sizeof(text), "ERROR: Invalid memory access: %s of %u bytes at 0x%llx",
		 write ? "WRITE" : "READ", size, (unsigned long long)addr);
	stop(in, pc, -EFAULT, text);
}

/* ---- Checked mode ---- */

enum where { WHERE_ARENA, WHERE_HOST, WHERE_NOWHERE };

static bool on_stack(const struct interp *in, uint64_t addr, uint32_t size)
{
	for (const struct interp_activation *act = &in->act; act; act = act->prev) {
		uint64_t start = (uintptr_t)act->stack;
		uint64_t end = start + act->depth * MAX_BPF_STACK;

		if (addr >= start && addr <= end - size)
			return true;
	}
	return false;
}

/*
 * The two common cases of locate(), inline: the arena, and the frames of this activation. NULL:
 * ask locate(). A fault on what this returns is looked into by locate(), too.
 */
static inline void *locate_fast(const struct interp *in, const uint8_t *base, uint64_t reg,
				int64_t off, uint32_t size)
{
	uint64_t at = reg + (uint64_t)off - (uintptr_t)in->stack;

	if (base && reg <= UINT32_MAX)
		return (void *)(base + reg + off);
	return at <= in->act.depth * MAX_BPF_STACK - size ? host_ptr(reg + (uint64_t)off) : NULL;
}

/* Where a plain access at reg + off goes, and the host address it has there. */
static enum where locate(struct interp *in, const struct op *pc, uint64_t reg, uint32_t size,
			 bool write, void **host)
{
	const struct code *code = in->act.frame[in->act.depth - 1].code;
	struct run *run = in->run;
	uint64_t addr = reg + (uint64_t)(int64_t)pc->off;

	if (code->arena && reg <= UINT32_MAX) {
		*host = arena_window_base(code->arena) + (int64_t)reg + pc->off;
		return WHERE_ARENA;
	}
	*host = host_ptr(addr);
	if (addr + size < addr)
		return WHERE_NOWHERE;
	if (on_stack(in, addr, size))
		return WHERE_HOST;
	publish(in, pc);
	if (run->hooks && run->hooks->allowed && run->hooks->allowed(run, addr, size, write))
		return WHERE_HOST;
	return WHERE_NOWHERE;
}

/* The access at `where` failed: a hole of the arena is reported, anything else ends the run. */
static bool went_wrong(struct interp *in, const struct op *pc, enum where where, uint64_t reg,
		       uint32_t size, bool write)
{
	if (where == WHERE_ARENA)
		violate(in, pc, reg, write);
	else
		stop_wild(in, pc, reg + (uint64_t)(int64_t)pc->off, size, write);
	return where == WHERE_ARENA;
}

static __attribute__((noinline)) bool checked_load(struct interp *in, const struct op *pc,
						   uint64_t reg, uint32_t size, uint64_t *val)
{
	void *host;
	enum where where = locate(in, pc, reg, size, false, &host);

	*val = 0;
	return (where != WHERE_NOWHERE && access_load_acquire(host, size, val)) ||
	       went_wrong(in, pc, where, reg, size, false);
}

static __attribute__((noinline)) bool checked_store(struct interp *in, const struct op *pc,
						    uint64_t reg, uint32_t size, uint64_t val)
{
	void *host;
	enum where where = locate(in, pc, reg, size, true, &host);

	return (where != WHERE_NOWHERE && access_store_release(host, size, val)) ||
	       went_wrong(in, pc, where, reg, size, true);
}

/* *val: operand in; old value out, 0 after a violation. */
static __attribute__((noinline)) bool checked_rmw(struct interp *in, const struct op *pc,
						  uint32_t size, int op, uint64_t reg,
						  uint64_t *val, uint64_t cmp)
{
	void *host;
	enum where where = locate(in, pc, reg, size, true, &host);

	/* The verifier wants atomics aligned, except in the arena. */
	if (where == WHERE_HOST && (uintptr_t)host % size)
		where = WHERE_NOWHERE;
	if (where != WHERE_NOWHERE && access_rmw(host, size, op, val, cmp))
		return true;
	*val = 0;
	return went_wrong(in, pc, where, reg, size, true);
}

static __attribute__((noinline)) bool checked_call(struct interp *in, const struct op *pc,
						   const struct code *code, const uint64_t args[5])
{
	struct run *run = in->run;
	bool known = pc->op == OP_CALL_KFUNC ? pc->imm >= 0 && pc->imm < code->n_kcalls
					     : pc->imm >= 0 && pc->imm < code->n_helper_fns &&
						       code->helper_fns[pc->imm];

	publish(in, pc);
	if (!known)
		stop(in, pc, -EFAULT, "ERROR: Call of an unknown function");
	else if (run->hooks && run->hooks->call_allowed && !run->hooks->call_allowed(run, pc, args))
		stop(in, pc, -EFAULT, "ERROR: Invalid argument of a function");
	else
		return true;
	return false;
}

static __attribute__((noinline)) bool checked_pause(struct interp *in, const struct op *pc)
{
	struct run *run = in->run;

	in->steps = STEPS_PER_QUESTION;
	if (!run->hooks || !run->hooks->go_on || run->hooks->go_on(run))
		return true;
	stop(in, pc, -ETIMEDOUT, "ERROR: Time limit of the program exceeded");
	return false;
}

/* ---- Calls out ---- */

static inline uint64_t kfunc_arg(const uint8_t *base, uint8_t conv, uint64_t val)
{
	if (conv == KARG_PLAIN || (conv == KARG_ARENA_NULLABLE && (uint32_t)val == 0))
		return conv == KARG_PLAIN ? val : 0;
	return (uint64_t)(uintptr_t)base + (uint32_t)val;
}

static inline uint64_t kfunc_ret(uint8_t conv, uint64_t val)
{
	switch (conv) {
	case KRET_S32:
		return (uint64_t)(int64_t)(int32_t)val;
	case KRET_U32:
		return (uint32_t)val;
	case KRET_S16:
		return (uint64_t)(int64_t)(int16_t)val;
	case KRET_U16:
		return (uint16_t)val;
	case KRET_S8:
		return (uint64_t)(int64_t)(int8_t)val;
	case KRET_U8:
		return (uint8_t)val;
	case KRET_BOOL:
		return (uint8_t)val != 0;
	case KRET_VOID:
		return 0;
	default:
		return val;
	}
}

static inline uint64_t kfunc_call(const struct code_kcall *k, const uint8_t *base,
				  const uint64_t *r)
{
	if (!k->has_arena_args)
		return kfunc_ret(k->ret, k->fn(r[1], r[2], r[3], r[4], r[5]));
	return kfunc_ret(k->ret,
			 k->fn(kfunc_arg(base, k->conv[0], r[1]), kfunc_arg(base, k->conv[1], r[2]),
			       kfunc_arg(base, k->conv[2], r[3]), kfunc_arg(base, k->conv[3], r[4]),
			       kfunc_arg(base, k->conv[4], r[5])));
}

static bool load_packet(struct interp *in, const struct op *pc, uint64_t ctx, int32_t off,
			uint64_t *val)
{
	struct run *run = in->run;

	publish(in, pc);
	return run->hooks && run->hooks->load_packet &&
	       run->hooks->load_packet(run, ctx, off, bpf_size_bytes(op_info[pc->op].code), val);
}

/* ---- The two loops ---- */

#define LOOP loop_trusting
#define CHECKED 0
#include "interp/loop.h"
#undef LOOP
#undef CHECKED

#define LOOP loop_checked
#define CHECKED 1
#include "interp/loop.h"

/* Callbacks count against the steps of the program around them. */
static uint64_t call_checked(struct interp *in, const struct code_func *func,
			     const uint64_t args[5])
{
	struct interp *outer = in->act.prev ? container_of(in->act.prev, struct interp, act) : NULL;
	const struct op *pc = func->code->ops + func->start;
	uint64_t ret = 0;

	in->steps = outer ? outer->steps : STEPS_PER_QUESTION;
	if (in->act.level >= MAX_NESTED_ACTIVATIONS)
		stop(in, pc, -EFAULT, "ERROR: Callbacks nest too deep");
	else if (--in->steps || checked_pause(in, pc))
		ret = loop_checked(in, func, args);
	if (outer)
		outer->steps = in->steps;
	return ret;
}

uint64_t interp_call(struct run *run, const struct code_func *func, const uint64_t args[5],
		     int *err)
{
	struct interp in;
	uint64_t ret;

	in.run = run;
	in.act.prev = run->interp;
	in.act.level = in.act.prev ? in.act.prev->level + 1 : 0;
	in.act.depth = 1;
	in.act.stack = in.stack;
	frame_begin(&in, 0, func->code);
	in.act.frame[0].slot = func->start;
	run->interp = &in.act;
	ret = func->code->checked ? call_checked(&in, func, args) : loop_trusting(&in, func, args);
	run->interp = in.act.prev;
	*err = run->stop;
	return ret;
}
