/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler in cid form that keeps everything it knows in its arena: one vtime queue for each
 * last-level cache.
 *
 * A task belongs to the LLC where it last ran. It wakes up on an idle CPU of that LLC, else on
 * an idle one anywhere, else it waits in its LLC's queue, or in the shortest one if its own is
 * longer by more than two. A CPU with nothing to do serves its own LLC first and then helps the
 * others.
 *
 * The arena holds an array of struct llc, a table from cid to LLC, the mask of idle cids, and
 * a context for each task with the mask of cids it may use. Nothing of it is copied: the host
 * reads the same structs through the global `llcs`, set_cmask() receives a pointer to a mask
 * that the kernel wrote into this arena, and masks are combined where they are.
 */
#include <uarena/bpf_sched.h>
#include "llc.h"

#define MAX_LLCS 256
#define ENOMEM 12
#define EINVAL 22

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 16); /* pages: 256 MB */
#ifdef __TARGET_ARCH_arm64
	__ulong(map_extra, 1ull << 32);
#else
	__ulong(map_extra, 1ull << 44);
#endif
} arena SEC(".maps");

/* From a task to its context. */
struct task_ref {
	struct task_ctx __arena *ctx;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ref);
} tasks SEC(".maps");

const volatile u64 slice_ns = 5000000;

/* In the arena, readable by the host. */
struct llc __arena *__arena_global llcs;
u32 __arena_global nr_llcs;
u32 __arena_global nr_cids;
u64 __arena_global nr_tasks, nr_masks;

static u32 __arena *__arena_global llc_of_cid;
static cmask_t *__arena_global idle;
static struct task_ctx __arena *__arena_global free_ctx;

/* Guards the list of free contexts. A lock needs a section of its own, and to be hidden: memory
 * that holds one cannot be mapped by the host. */
struct bpf_res_spin_lock free_lock SEC(".data.free_lock") __hidden;

/* -- Memory ----------------------------------------------------------------------------- */

static __always_inline void __arena *alloc(u64 bytes)
{
	return bpf_arena_alloc_pages(&arena, NULL, (bytes + PAGE_SIZE - 1) / PAGE_SIZE,
				     NUMA_NO_NODE, 0);
}

static __always_inline cmask_t *mask_of(struct task_ctx __arena *ctx)
{
	return (cmask_t *)(ctx + 1);
}

/* A page of contexts for the free list. */
static int add_contexts(void)
{
	u32 size = sizeof(struct task_ctx) + CMASK_BYTES(nr_cids);
	u32 n = size <= PAGE_SIZE ? PAGE_SIZE / size : 1;
	char __arena *page = alloc(size);
	u32 i;

	if (!page)
		return -ENOMEM;
	if (bpf_res_spin_lock(&free_lock))
		return -ENOMEM;
	for (i = opaque_zero(); i < n && can_loop; i++) {
		struct task_ctx __arena *ctx = (struct task_ctx __arena *)(page + i * size);

		ctx->next_free = free_ctx;
		free_ctx = ctx;
	}
	bpf_res_spin_unlock(&free_lock);
	return 0;
}

static struct task_ctx __arena *pop_context(void)
{
	struct task_ctx __arena *ctx;

	if (bpf_res_spin_lock(&free_lock))
		return NULL;
	ctx = free_ctx;
	if (ctx)
		free_ctx = ctx->next_free;
	bpf_res_spin_unlock(&free_lock);
	return ctx;
}

static struct task_ctx __arena *new_context(void)
{
	struct task_ctx __arena *ctx = pop_context();

	if (!ctx && !add_contexts())
		ctx = pop_context();
	return ctx;
}

static void free_context(struct task_ctx __arena *ctx)
{
	if (bpf_res_spin_lock(&free_lock))
		return;
	ctx->next_free = free_ctx;
	free_ctx = ctx;
	bpf_res_spin_unlock(&free_lock);
}

static __always_inline struct task_ctx __arena *context(struct task_struct *p)
{
	struct task_ref *ref = bpf_task_storage_get(&tasks, p, NULL, 0);

	return ref ? ref->ctx : NULL;
}

/* -- Choosing a CPU --------------------------------------------------------------------- */

/* An idle cid in [from, to) that the task may use, claimed; or -1. */
static s32 claim_idle(struct task_ctx __arena *ctx, u32 from, u32 to)
{
	cmask_t *allowed = mask_of(ctx);

	while (can_loop) {
		u32 cid = cmask_next_and(idle, allowed, from, to);

		if (cid >= to)
			return -1;
		if (cmask_test_and_clear(idle, cid))
			return cid;
		from = cid + 1;
	}
	return -1;
}

SEC("struct_ops/select_cid")
s32 BPF_PROG(llc_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	struct task_ctx __arena *ctx = context(p);
	struct llc __arena *home;
	s32 cid;

	if (!ctx)
		return prev_cid;
	home = &llcs[ctx->llc];
	if (cmask_test(mask_of(ctx), prev_cid) && cmask_test_and_clear(idle, prev_cid))
		cid = prev_cid;
	else
		cid = claim_idle(ctx, home->first_cid, home->end_cid);
	if (cid < 0)
		cid = claim_idle(ctx, 0, nr_cids);
	if (cid < 0)
		return prev_cid;
	__sync_fetch_and_add(&llcs[llc_of_cid[cid]].nr_woken_idle, 1);
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return cid;
}

/* Every LLC has a virtual time of its own: a task takes its lead or lag along. */
static u64 move_home(struct task_ctx __arena *ctx, u64 vtime, u32 to)
{
	vtime += llcs[to].vtime_now - llcs[ctx->llc].vtime_now;
	ctx->llc = to;
	return vtime;
}

/* Where a task that found no idle CPU waits: at home, unless others have much less to do. */
static u32 calmest(struct task_ctx __arena *ctx)
{
	s32 least = scx_bpf_dsq_nr_queued(ctx->llc) - 2;
	u32 best = ctx->llc, n = nr_llcs, i;

	for (i = opaque_zero(); i < n && can_loop; i++) {
		s32 nr = scx_bpf_dsq_nr_queued(i);

		if (nr < least && cmask_next_and(mask_of(ctx), mask_of(ctx), llcs[i].first_cid,
						 llcs[i].end_cid) < llcs[i].end_cid) {
			least = nr;
			best = i;
		}
	}
	return best;
}

SEC("struct_ops/enqueue")
void BPF_PROG(llc_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct task_ctx __arena *ctx = context(p);
	struct llc __arena *home;
	u64 vtime = p->scx.dsq_vtime;
	s32 cid;

	if (!ctx) {
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, slice_ns, enq_flags);
		return;
	}
	vtime = move_home(ctx, vtime, calmest(ctx));
	home = &llcs[ctx->llc];
	if (time_before(vtime, home->vtime_now - slice_ns))
		vtime = home->vtime_now - slice_ns;
	__sync_fetch_and_add(&home->nr_queued, 1);
	scx_bpf_dsq_insert_vtime(p, ctx->llc, slice_ns, vtime, enq_flags);
	/* A task that was preempted asks for no CPU in select_cid(): wake one up for it. */
	cid = claim_idle(ctx, 0, nr_cids);
	if (cid >= 0)
		scx_bpf_kick_cid(cid, SCX_KICK_IDLE);
}

/* What p has used since it started, on its own clock. */
static u64 vtime_used(struct task_struct *p, struct task_ctx __arena *ctx)
{
	return (scx_bpf_now() - ctx->started) * 100 / p->scx.weight;
}

/* Is prev, which can run on, still behind all who wait here? It joins them only after one of
 * them has been chosen. */
static bool stays_behind(struct task_struct *prev, u32 home)
{
	struct task_struct *first = scx_bpf_dsq_peek(home);
	struct task_ctx __arena *ctx = context(prev);

	return first && ctx && prev->scx.flags & SCX_TASK_QUEUED &&
	       time_before(prev->scx.dsq_vtime + vtime_used(prev, ctx), first->scx.dsq_vtime);
}

SEC("struct_ops/dispatch")
void BPF_PROG(llc_dispatch, s32 cid, struct task_struct *prev)
{
	u32 home = llc_of_cid[cid], n = nr_llcs, i;

	if (prev && stays_behind(prev, home)) {
		scx_bpf_task_set_slice(prev, slice_ns);
		return;
	}
	if (scx_bpf_dsq_move_to_local(home, 0)) {
		__sync_fetch_and_add(&llcs[home].nr_taken, 1);
		return;
	}
	for (i = 1; i < n && can_loop; i++) {
		u32 victim = (home + i) % n;

		if (scx_bpf_dsq_move_to_local(victim, 0)) {
			__sync_fetch_and_add(&llcs[victim].nr_stolen, 1);
			return;
		}
	}
}

SEC("struct_ops/update_idle")
void BPF_PROG(llc_update_idle, s32 cid, bool is_idle)
{
	cmask_change(idle, cid, is_idle);
}

/* -- Tasks ------------------------------------------------------------------------------ */

SEC("struct_ops/running")
void BPF_PROG(llc_running, struct task_struct *p)
{
	struct task_ctx __arena *ctx = context(p);
	struct llc __arena *here;

	if (!ctx)
		return;
	scx_bpf_task_set_dsq_vtime(
		p, move_home(ctx, p->scx.dsq_vtime, llc_of_cid[scx_bpf_task_cid(p)]));
	ctx->started = scx_bpf_now();
	here = &llcs[ctx->llc];
	if (time_before(here->vtime_now, p->scx.dsq_vtime))
		here->vtime_now = p->scx.dsq_vtime;
}

SEC("struct_ops/stopping")
void BPF_PROG(llc_stopping, struct task_struct *p, bool runnable)
{
	struct task_ctx __arena *ctx = context(p);

	if (!ctx)
		return;
	__sync_fetch_and_add(&llcs[ctx->llc].busy_ns, scx_bpf_now() - ctx->started);
	scx_bpf_task_set_dsq_vtime(p, p->scx.dsq_vtime + vtime_used(p, ctx));
}

/* Told right after enable() and whenever the affinity changes. The mask is valid during the call
 * only: take its bits over into the task's own. */
SEC("struct_ops/set_cmask")
void BPF_PROG(llc_set_cmask, struct task_struct *p, const struct scx_cmask *cmask)
{
	struct task_ctx __arena *ctx = context(p);

	if (!ctx)
		return;
	cmask_copy(mask_of(ctx), scx_cmask_arg(cmask));
	__sync_fetch_and_add(&nr_masks, 1);
}

SEC("struct_ops.s/init_task")
s32 BPF_PROG(llc_init_task, struct task_struct *p, struct scx_init_task_args *args)
{
	struct task_ref *ref;
	struct task_ctx __arena *ctx;
	u32 cid;

	ref = bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	ctx = ref ? new_context() : NULL;
	if (!ctx)
		return -ENOMEM;
	cid = scx_bpf_task_cid(p);
	ctx->llc = cid < nr_cids ? llc_of_cid[cid] : 0;
	cmask_init(mask_of(ctx), 0, nr_cids, CMASK_WORDS(nr_cids));
	ref->ctx = ctx;
	__sync_fetch_and_add(&nr_tasks, 1);
	return 0;
}

SEC("struct_ops/exit_task")
void BPF_PROG(llc_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	struct task_ctx __arena *ctx = context(p);

	if (!ctx)
		return;
	free_context(ctx);
	__sync_fetch_and_add(&nr_tasks, -1);
	bpf_task_storage_delete(&tasks, p);
}

SEC("struct_ops/enable")
void BPF_PROG(llc_enable, struct task_struct *p, struct scx_enable_args *args)
{
	struct task_ctx __arena *ctx = context(p);

	if (ctx)
		scx_bpf_task_set_dsq_vtime(p, llcs[ctx->llc].vtime_now);
}

/* -- Setting up ------------------------------------------------------------------------- */

/* CPUs without a place in the topology (offline ones) are served by the first LLC. */
static void add_cid(u32 cid)
{
	struct scx_cid_topo topo;
	struct llc __arena *llc;

	scx_bpf_cid_topo(cid, &topo, sizeof(topo));
	if (topo.llc_idx < 0 || topo.llc_idx >= MAX_LLCS)
		return;
	llc_of_cid[cid] = topo.llc_idx;
	llc = &llcs[topo.llc_idx];
	if (!llc->end_cid)
		llc->first_cid = cid;
	llc->end_cid = cid + 1;
	if (topo.llc_idx >= nr_llcs)
		nr_llcs = topo.llc_idx + 1;
}

SEC("struct_ops.s/init")
s32 BPF_PROG(llc_init)
{
	u32 n = scx_bpf_nr_cids(), i;

	nr_cids = n;
	llcs = alloc(MAX_LLCS * sizeof(struct llc));
	llc_of_cid = alloc(n * sizeof(u32));
	idle = alloc(CMASK_BYTES(n));
	if (!llcs || !llc_of_cid || !idle)
		return -ENOMEM;
	cmask_init(idle, 0, n, CMASK_WORDS(n));
	bpf_for(i, 0, n)
		add_cid(i);
	n = nr_llcs;
	bpf_for(i, 0, n) {
		s32 err = scx_bpf_create_dsq(i, NUMA_NO_NODE);

		if (err)
			return err;
	}
	return n ? 0 : -EINVAL;
}

SEC(".struct_ops.link")
struct sched_ext_ops_cid llc_ops = {
	.select_cid = (void *)llc_select_cid,
	.enqueue = (void *)llc_enqueue,
	.dispatch = (void *)llc_dispatch,
	.update_idle = (void *)llc_update_idle,
	.running = (void *)llc_running,
	.stopping = (void *)llc_stopping,
	.set_cmask = (void *)llc_set_cmask,
	.init_task = (void *)llc_init_task,
	.exit_task = (void *)llc_exit_task,
	.enable = (void *)llc_enable,
	.init = (void *)llc_init,
	.name = "llc",
};

char _license[] SEC("license") = "Dual BSD/GPL";
