/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers the engine's own kfuncs; those that need nothing but the run are here. */
#include "prog/kfuncs.h"
#include "prog/engine.h"
#include "prog/format.h"
#include "prog/lock.h"
#include "prog/probe.h"
#include "prog/region.h"
#include "prog/task.h"
#include "base/base.h"
#include "map/map.h"

#include <time.h>

#define K(_name, _flags) {#_name, kfunc_##_name, NULL, (_flags)},
#define T(_name, _flags) {#_name, kfunc_##_name, kfunc_##_name##_nosleep, (_flags)},
#define A(_name, _target, _flags) {#_name, kfunc_##_target, NULL, (_flags)},
static const struct kfunc builtin[] = {UA_KFUNCS(K, T, A)};
#undef K
#undef T
#undef A

int kfunc_add_builtin(struct kfunc_set *set)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		UA_TRY(kfunc_add(set, builtin[i].name, builtin[i].fn, builtin[i].fn_nosleep,
				 builtin[i].flags));
	return 0;
}

/* -- Arena pages ---------------------------------------------------------- */

KFUNC_FN(bpf_arena_alloc_pages)
{
	struct arena *arena = map_arena(host_ptr(r1));

	return arena ? arena_alloc_pages(arena, r2, (uint32_t)r3, (int)r4, r5) : 0;
}

KFUNC_FN(bpf_arena_alloc_pages_nosleep)
{
	return kfunc_bpf_arena_alloc_pages(r1, r2, r3, r4, r5);
}

KFUNC_FN(bpf_arena_free_pages)
{
	struct arena *arena = map_arena(host_ptr(r1));

	if (arena)
		arena_free_pages(arena, r2, (uint32_t)r3);
	return 0;
}

KFUNC_FN(bpf_arena_free_pages_nosleep)
{
	struct arena *arena = map_arena(host_ptr(r1));

	if (arena)
		arena_free_pages_deferred(arena, r2, (uint32_t)r3);
	return 0;
}

KFUNC_FN(bpf_arena_reserve_pages)
{
	struct arena *arena = map_arena(host_ptr(r1));

	return (uint64_t)(int64_t)(arena ? arena_reserve_pages(arena, r2, (uint32_t)r3) : -EINVAL);
}

/* -- Streams -------------------------------------------------------------- */

static struct stream *stream_of(int id)
{
	struct prog *prog = run_top->prog;

	return id == BPF_STREAM_STDOUT || id == BPF_STREAM_STDERR ? prog->streams[id - 1] : NULL;
}

static int stream_vprintk(int id, const char *fmt, const void *args, uint32_t len)
{
	struct stream *s = stream_of(id);
	char text[FORMAT_BUF];
	int n;

	UA_FAIL_IF(!s, -ENOENT);
	n = format_arg_count(args, len);
	UA_FAIL_IF(n < 0, n);
	n = format_print(text, sizeof(text), fmt, FORMAT_CONST, args, (uint32_t)n);
	UA_FAIL_IF(n < 0, n);
	return stream_push(s, text, min_t(size_t, (size_t)n, sizeof(text) - 1));
}

KFUNC_FN(bpf_stream_vprintk)
{
	int ret = stream_vprintk((int)r1, host_ptr(r2), host_ptr(r3), (uint32_t)r4);

	return (uint64_t)(int64_t)ret;
}

KFUNC_FN(bpf_stream_print_stack)
{
	return (uint64_t)(int64_t)prog_print_stack(run_top, (int)r1);
}

/* -- Number iterator: current and end in the program's 8 bytes -------------- */

struct iter_num {
	int32_t cur, end;
};

KFUNC_FN(bpf_iter_num_new)
{
	struct iter_num *it = host_ptr(r1);
	int32_t start = (int32_t)r2, end = (int32_t)r3;

	*it = (struct iter_num){0, 0};
	if (start > end)
		return (uint64_t)-EINVAL;
	if ((int64_t)end - start > BPF_MAX_LOOPS)
		return (uint64_t)-E2BIG;
	*it = (struct iter_num){(int32_t)((uint32_t)start - 1), end};
	return 0;
}

/* The result points into the iterator: the number is there until the next call. */
KFUNC_FN(bpf_iter_num_next)
{
	struct iter_num *it = host_ptr(r1);

	if ((int64_t)(int32_t)((uint32_t)it->cur + 1) >= it->end) {
		*it = (struct iter_num){0, 0};
		return 0;
	}
	it->cur = (int32_t)((uint32_t)it->cur + 1);
	return (uintptr_t)&it->cur;
}

KFUNC_FN(bpf_iter_num_destroy)
{
	*(struct iter_num *)host_ptr(r1) = (struct iter_num){0, 0};
	return 0;
}

/* -- Locks ---------------------------------------------------------------- */

static void report_lock(const char *what, const char *suffix, const void *lock)
{
	void *const *held;
	uint32_t n = lock_res_held(&held);
	char text[1400];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
			       "ERROR: %s for bpf_res_spin_lock%s\nAttempted lock   = 0x%016llx\n"
			       "Total held locks = %u",
			       what, suffix, (unsigned long long)(uintptr_t)lock, n);
	for (uint32_t i = 0; i < n && i < 31; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"\nHeld lock[%2u] = 0x%016llx", i,
					(unsigned long long)(uintptr_t)held[i]);
	prog_report(run_top, text);
}

static int res_lock(uint32_t *lock, const char *suffix)
{
	int err = lock_res_acquire(lock);

	if (err)
		report_lock(err == -ETIMEDOUT ? "Timeout detected" : "AA or ABBA deadlock detected",
			    suffix, lock);
	return err;
}

KFUNC_FN(bpf_res_spin_lock)
{
	return (uint64_t)(int64_t)res_lock(host_ptr(r1), "");
}

KFUNC_FN(bpf_res_spin_unlock)
{
	lock_res_release(host_ptr(r1));
	return 0;
}

KFUNC_FN(bpf_res_spin_lock_irqsave)
{
	int err;

	lock_preempt_disable();
	*(uint64_t *)host_ptr(r2) = 0;
	err = res_lock(host_ptr(r1), "_irqsave");
	if (err)
		lock_preempt_enable();
	return (uint64_t)(int64_t)err;
}

KFUNC_FN(bpf_res_spin_unlock_irqrestore)
{
	lock_res_release(host_ptr(r1));
	lock_preempt_enable();
	return 0;
}

/* -- Critical sections ------------------------------------------------------ */

/* The whole run is one epoch section: nothing it can see is freed before its end. */
KFUNC_FN(bpf_rcu_read_lock)
{
	return 0;
}

KFUNC_FN(bpf_preempt_disable)
{
	lock_preempt_disable();
	return 0;
}

KFUNC_FN(bpf_preempt_enable)
{
	lock_preempt_enable();
	return 0;
}

KFUNC_FN(bpf_local_irq_save)
{
	*(uint64_t *)host_ptr(r1) = 0;
	lock_preempt_disable();
	return 0;
}

KFUNC_FN(bpf_local_irq_restore)
{
	lock_preempt_enable();
	return 0;
}

/* -- Tasks ----------------------------------------------------------------- */

KFUNC_FN(bpf_task_from_pid)
{
	struct task_struct *t = task_by_pid((int32_t)r1);

	region_allow(run_ctx_top(), t, sizeof(*t), false);
	return (uintptr_t)t;
}

KFUNC_FN(bpf_task_acquire)
{
	return (uintptr_t)task_get(host_ptr(r1));
}

KFUNC_FN(bpf_task_release)
{
	task_put(host_ptr(r1));
	return 0;
}
