/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running programs: the run record around the call, callbacks, packets.
 *
 * A run is: thread attached to the fault handler (once per thread), epoch section open, record
 * on top, call, record off, section closed. No clock, no locked instruction, no system call.
 *
 * Stores are what that costs. So each thread keeps a record for the outermost run of a compiled
 * program, filled in but for what differs from run to run; a run that leaves more than that
 * behind restores it. Every other run has its record on the stack.
 */
#include <time.h>

#include "arena/arena.h"
#include "arena/fault.h"
#include "base/base.h"
#include "interp/interp.h"
#include "prog/engine.h"
#include "prog/lock.h"
#include "prog/prog.h"
#include "prog/region.h"

static void report_timeout(struct run *run)
{
	prog_report(run, "ERROR: Timeout detected for may_goto instruction");
}

static bool load_packet(struct run *run, uint64_t ctx, int32_t off, uint32_t size, uint64_t *val)
{
	const struct run_ctx *rc = run->ctx;
	uint64_t room = (uint64_t)(rc->pkt_end - rc->pkt);
	uint64_t v = 0;

	if (ctx != (uintptr_t)rc->ctx || off < 0 || (uint64_t)off + size > room)
		return false;
	for (uint32_t i = 0; i < size; i++)
		v = v << 8 | rc->pkt[(uint32_t)off + i];
	*val = v;
	return true;
}

static const struct run_hooks hooks = {
	.report = prog_report,
	.allowed = region_allowed,
	.load_packet = load_packet,
};

/* What is the same in every record. */
static inline __attribute__((always_inline)) void record_clear(struct run *run, struct run_ctx *rc)
{
	run->ctx = rc;
	run->violation = prog_report_violation;
	run->timeout = report_timeout;
	run->hooks = &hooks;
	run->null_shown = NULL;
	run->exit_fp = NULL;
	run->callbacks = NULL;
	run->interp = NULL;
	run->stop = 0;
}

static inline __attribute__((always_inline)) void record_init(struct run *run, struct run_ctx *rc)
{
	struct prog *p = rc->prog;

	record_clear(run, rc);
	run->code = p->code;
	run->arena = p->arena;
	run->prog = p;
}

struct frame {
	struct run run;
	struct run_ctx rc;
};

static __thread struct frame self __attribute__((tls_model("initial-exec"), aligned(64)));

static void frame_restore(struct frame *f)
{
	f->rc = (struct run_ctx){0};
	f->run.prev = NULL;
	record_clear(&f->run, &f->rc);
}

static __attribute__((noinline)) int attach(void)
{
	UA_TRY(fault_thread_attach());
	if (!run_top)
		frame_restore(&self);
	if (!epoch_self.registered)
		epoch_register();
	epoch_self.attached = 1;
	return 0;
}

static __attribute__((noinline)) uint64_t interpret(struct run *run, const struct code_func *func,
						    const uint64_t args[5])
{
	int err = 0;
	uint64_t ret = interp_call(run, func, args, &err);

	if (err && !run->stop)
		run->stop = err;
	return ret;
}

static __attribute__((noinline)) uint64_t interpret_main(struct run *run, void *ctx)
{
	uint64_t args[5] = {(uintptr_t)ctx};

	return interpret(run, &run->code->funcs[0], args);
}

/* A run that was stopped half-way, was checked, or dereferenced NULL. */
static __attribute__((noinline)) int run_ended(const struct run *run, struct run_ctx *rc)
{
	if (run->stop)
		lock_run_stopped(rc);
	if (run->null_shown)
		arena_hide_null(run->null_shown);
	region_run_end(rc);
	return run->stop ? run->stop : rc->error;
}

/* The verifier saw to it that a main function reads no argument but the first. */
typedef uint64_t (*main_fn)(uint64_t ctx);

static inline __attribute__((always_inline)) int run_once(struct run_ctx *rc, uint64_t *retval)
{
	main_fn entry = (main_fn)(uintptr_t)rc->prog->entry;
	struct run run, *prev;
	uint64_t ret;

	record_init(&run, rc);
	epoch_enter();
	prev = run_top;
	run_push(&run);
	if (ua_likely(entry != NULL))
		ret = entry((uintptr_t)rc->ctx);
	else
		ret = interpret_main(&run, rc->ctx);
	run_pop_to(prev);
	epoch_exit();
	if (retval)
		*retval = ret;
	if (ua_unlikely(run.stop | rc->error | (uintptr_t)rc->records | (uintptr_t)run.null_shown))
		return run_ended(&run, rc);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The thread's first run, or runs are counted. */
static __attribute__((noinline)) int run_unusual(struct run_ctx *rc, uint64_t *retval)
{
	struct prog *p = rc->prog;
	uint64_t start;
	int err;

	if (!epoch_self.attached)
		UA_TRY(attach());
	if (!atomic_load_explicit(&p->engine->stats_users, memory_order_relaxed))
		return run_once(rc, retval);
	start = now_ns();
	err = run_once(rc, retval);
	atomic_fetch_add_explicit(&p->run_cnt, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->run_time_ns, now_ns() - start, memory_order_relaxed);
	return err;
}

static inline __attribute__((always_inline)) int run_any(struct run_ctx *rc, uint64_t *retval)
{
	if (ua_unlikely(!epoch_self.attached ||
			atomic_load_explicit(&rc->prog->engine->stats_users, memory_order_relaxed)))
		return run_unusual(rc, retval);
	return run_once(rc, retval);
}

int prog_run(struct run_ctx *rc, uint64_t *retval)
{
	return run_any(rc, retval);
}

/* -- The outermost run of a compiled program ------------------------------------ */

static __attribute__((noinline)) int call_slow(struct prog *prog, void *ctx, uint32_t ctx_size,
					       uint64_t *retval)
{
	struct run_ctx rc;

	run_ctx_init(&rc, prog, ctx, ctx_size);
	return run_any(&rc, retval);
}

/* A copy of the record ends the run: its memory is restored before anything can run again. */
static __attribute__((noinline)) int frame_ended(struct frame *f)
{
	struct frame end = *f;

	frame_restore(f);
	run_pop_to(NULL);
	return run_ended(&end.run, &end.rc);
}

/* Did the run change what the next one expects to find? */
static inline __attribute__((always_inline)) bool frame_used(const struct frame *f)
{
	const struct run_ctx *rc = &f->rc;
	uintptr_t ptrs = (uintptr_t)f->run.null_shown | (uintptr_t)rc->records |
			 (uintptr_t)rc->spin_lock | (uintptr_t)rc->task;

	return ptrs | (uint32_t)f->run.stop | rc->tail_calls | rc->n_res_locks | rc->preempt_depth |
	       (uint32_t)rc->error;
}

int prog_call(struct prog *prog, void *ctx, uint32_t ctx_size, uint64_t *retval)
{
	main_fn entry = (main_fn)(uintptr_t)prog->entry;
	struct frame *f = &self;
	uint64_t ret;

	if (ua_unlikely(run_top || !epoch_self.attached || !entry ||
			atomic_load_explicit(&prog->engine->stats_users, memory_order_relaxed)))
		return call_slow(prog, ctx, ctx_size, retval);
	/* First, so that a signal handler that calls a program takes another record. */
	run_top = &f->run;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	f->run.code = prog->code;
	f->run.arena = prog->arena;
	f->run.prog = prog;
	f->run.exit_fp = NULL;
	f->rc.prog = prog;
	f->rc.ctx = ctx;
	f->rc.ctx_size = ctx_size;
	epoch_enter_registered();
	ret = entry((uintptr_t)ctx);
	epoch_exit();
	if (ua_likely(retval != NULL))
		*retval = ret;
	if (ua_unlikely(frame_used(f)))
		return frame_ended(f);
	run_pop_to(NULL);
	return 0;
}

/* -- Callbacks ------------------------------------------------------------------ */

/* The value of a callback is a native entry in compiled code, else a struct code_func. */
static uint64_t call_value(struct run *run, uint64_t cb, const uint64_t args[5])
{
	struct run_callback frame = {run->callbacks, run->exit_fp};
	uint64_t ret;

	if (!run->code->jit)
		return interpret(run, (const struct code_func *)(uintptr_t)cb, args);
	run->callbacks = &frame;
	ret = ((host_fn)(uintptr_t)cb)(args[0], args[1], args[2], args[3], args[4]);
	run->exit_fp = frame.exit_fp;
	run->callbacks = frame.prev;
	return ret;
}

uint64_t prog_callback(uint64_t cb, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	uint64_t args[5] = {a1, a2, a3, a4, a5};
	struct run *run = run_top;
	uint64_t ret;

	/* 1 ends the loops of the helpers that call back. */
	if (run->stop)
		return 1;
	ret = call_value(run, cb, args);
	return run->stop ? 1 : ret;
}

int prog_callback_run(struct run_ctx *rc, uint64_t cb, const uint64_t args[5], uint64_t *retval)
{
	struct run run;

	if (ua_unlikely(!epoch_self.attached))
		UA_TRY(attach());
	record_init(&run, rc);
	epoch_enter();
	run_push(&run);
	*retval = call_value(&run, cb, args);
	run_pop(&run);
	epoch_exit();
	return run_ended(&run, rc);
}

int prog_host_run(struct prog *prog, void (*fn)(void *arg), void *arg)
{
	struct run_ctx rc;
	struct run run;

	if (ua_unlikely(!epoch_self.attached))
		UA_TRY(attach());
	run_ctx_init(&rc, prog, NULL, 0);
	record_init(&run, &rc);
	epoch_enter();
	run_push(&run);
	fn(arg);
	run_pop(&run);
	epoch_exit();
	return run_ended(&run, &rc);
}
