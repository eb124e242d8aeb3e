/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For BPF programs: what one needs to write a sched_ext scheduler, with clang 19 or newer and
 * nothing else. The programs run in uarena's simulated machine and unchanged on Linux.
 *
 *	void BPF_PROG(my_enqueue, struct task_struct *p, u64 enq_flags) { ... }
 *
 *	SEC(".struct_ops.link")
 *	struct sched_ext_ops my_ops = {.enqueue = (void *)my_enqueue, .name = "my"};
 *
 * with SEC("struct_ops/enqueue") before the function. Kfuncs that kernels have under several
 * prototypes are called through the functions at the end, which take what there is.
 */
#ifndef UARENA_BPF_SCHED_H
#define UARENA_BPF_SCHED_H

#include <uarena/bpf_arena.h>
#include <uarena/bpf_cmask.h>
#include <uarena/bpf_sched_types.h>

/* -- Programs with typed parameters ------------------------------------------------------- */

#define UARENA_NARG_(_, a, b, c, d, e, f, g, h, i, j, k, l, n, ...) n
#define UARENA_NARG(...) UARENA_NARG_(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

#define UARENA_CTX_0
#define UARENA_CTX_1 (void *)ctx[0]
#define UARENA_CTX_2 UARENA_CTX_1, (void *)ctx[1]
#define UARENA_CTX_3 UARENA_CTX_2, (void *)ctx[2]
#define UARENA_CTX_4 UARENA_CTX_3, (void *)ctx[3]
#define UARENA_CTX_5 UARENA_CTX_4, (void *)ctx[4]
#define UARENA_CTX(...) UARENA_CAT(UARENA_CTX_, UARENA_NARG(__VA_ARGS__))

/* A function whose parameters are the words of the context, up to five. */
#ifndef BPF_PROG
#define BPF_PROG(NAME, ...)                                                             \
	NAME(u64 *ctx);                                                                 \
	static __always_inline typeof(NAME(NULL)) UARENA_CAT(NAME, _body)(__VA_ARGS__); \
	typeof(NAME(NULL)) NAME(u64 *ctx)                                               \
	{                                                                               \
		_Pragma("clang diagnostic push");                                       \
		_Pragma("clang diagnostic ignored \"-Wint-conversion\"");               \
		return UARENA_CAT(NAME, _body)(UARENA_CTX(__VA_ARGS__));                \
		_Pragma("clang diagnostic pop");                                        \
	}                                                                               \
	static __always_inline typeof(NAME(NULL)) UARENA_CAT(NAME, _body)(__VA_ARGS__)
#endif

/* The masks that set_cmask() and enable() get lie in the arena: scx_cmask_arg(cmask) and
 * scx_cmask_arg(args->cmask_arena_addr) are of type cmask_t *. */
#define scx_cmask_arg(cmask) ((cmask_t *)(u64)(cmask))

/* -- Helpers ------------------------------------------------------------------------------ */

enum {
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_F_NO_PREALLOC = 1,
	CLOCK_MONOTONIC = 1,
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u32 (*const bpf_get_prandom_u32)(void) = (void *)7;
static void *(*const bpf_task_storage_get)(void *map, struct task_struct *task, void *value,
					   u64 flags) = (void *)156;
static long (*const bpf_task_storage_delete)(void *map, struct task_struct *task) = (void *)157;
static long (*const bpf_timer_init)(struct bpf_timer *timer, void *map, u64 clock) = (void *)169;
static long (*const bpf_timer_set_callback)(struct bpf_timer *timer, void *fn) = (void *)170;
static long (*const bpf_timer_start)(struct bpf_timer *timer, u64 nsecs, u64 flags) = (void *)171;
static long (*const bpf_timer_cancel)(struct bpf_timer *timer) = (void *)172;

/* -- Kfuncs of general use ---------------------------------------------------------------- */

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym __weak;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym __weak;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym __weak;
int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym __weak;
void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym __weak;
void bpf_rcu_read_lock(void) __ksym __weak;
void bpf_rcu_read_unlock(void) __ksym __weak;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
void bpf_task_release(struct task_struct *p) __ksym __weak;
void bpf_cgroup_release(struct cgroup *cgrp) __ksym __weak;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *cpumask) __ksym __weak;
u32 bpf_cpumask_first(const struct cpumask *cpumask) __ksym __weak;

/* -- Kfuncs of sched_ext ------------------------------------------------------------------ */

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym __weak;
void scx_bpf_destroy_dsq(u64 dsq_id) __ksym __weak;
u32 scx_bpf_dispatch_nr_slots(void) __ksym __weak;
void scx_bpf_dispatch_cancel(void) __ksym __weak;
bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it, struct task_struct *p, u64 dsq_id,
		      u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_vtime(struct bpf_iter_scx_dsq *it, struct task_struct *p, u64 dsq_id,
			    u64 enq_flags) __ksym __weak;
void scx_bpf_dsq_move_set_slice(struct bpf_iter_scx_dsq *it, u64 slice) __ksym __weak;
void scx_bpf_dsq_move_set_vtime(struct bpf_iter_scx_dsq *it, u64 vtime) __ksym __weak;
int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags) __ksym __weak;
struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym __weak;
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym __weak;
s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym __weak;
struct task_struct *scx_bpf_dsq_peek(u64 dsq_id) __ksym __weak;
void scx_bpf_dsq_reenq(u64 dsq_id, u64 reenq_flags) __ksym __weak;
bool scx_bpf_task_set_slice(struct task_struct *p, u64 slice) __ksym __weak;
bool scx_bpf_task_set_dsq_vtime(struct task_struct *p, u64 vtime) __ksym __weak;
u64 scx_bpf_now(void) __ksym __weak;
void scx_bpf_events(struct scx_event_stats *events, unsigned long events__sz) __ksym __weak;
struct cgroup *scx_bpf_task_cgroup(struct task_struct *p) __ksym __weak;
void scx_bpf_exit_bstr(s64 exit_code, char *fmt, u64 *data, u32 data__sz) __ksym __weak;
void scx_bpf_error_bstr(char *fmt, u64 *data, u32 data__sz) __ksym __weak;
void scx_bpf_dump_bstr(char *fmt, u64 *data, u32 data__sz) __ksym __weak;
bool scx_bpf_task_running(const struct task_struct *p) __ksym __weak;
u32 scx_bpf_nr_cpu_ids(void) __ksym __weak;
u32 scx_bpf_nr_node_ids(void) __ksym __weak;
struct rq *scx_bpf_locked_rq(void) __ksym __weak;

/* In cid form; schedulers in cpu form may call these too. */
void scx_bpf_kick_cid(s32 cid, u64 flags) __ksym __weak;
s32 scx_bpf_cid_to_cpu(s32 cid) __ksym __weak;
s32 scx_bpf_cpu_to_cid(s32 cpu) __ksym __weak;
void scx_bpf_cid_topo(s32 cid, struct scx_cid_topo *out, unsigned long out__sz) __ksym __weak;
void scx_bpf_cid_override(const s32 __arena *cpu_to_cid, u32 cpu_to_cid_cnt,
			  const s32 __arena *shard_start, u32 shard_start_cnt) __ksym __weak;
u32 scx_bpf_nr_cids(void) __ksym __weak;
u32 scx_bpf_nr_online_cids(void) __ksym __weak;
const void __arena *scx_bpf_online_cmask(void) __ksym __weak;
s32 scx_bpf_this_cid(void) __ksym __weak;
s32 scx_bpf_task_cid(const struct task_struct *p) __ksym __weak;
struct task_struct *scx_bpf_cid_curr(s32 cid) __ksym __weak;
u32 scx_bpf_cidperf_cap(s32 cid) __ksym __weak;
u32 scx_bpf_cidperf_cur(s32 cid) __ksym __weak;
s32 scx_bpf_cidperf_set(s32 cid, u32 perf) __ksym __weak;
struct task_struct *scx_bpf_tid_to_task(u64 tid) __ksym __weak;
bool scx_bpf_sub_dispatch(u64 cgroup_id) __ksym __weak;
s32 scx_bpf_sub_caps(u64 cgroup_id, u64 caps, cmask_t *out) __ksym __weak;
s32 scx_bpf_sub_grant(u64 cgroup_id, u64 caps, const cmask_t *cids, cmask_t *denied) __ksym __weak;
void scx_bpf_sub_revoke(u64 cgroup_id, u64 caps, const cmask_t *cids) __ksym __weak;
s32 scx_bpf_sub_kill_bstr(u64 cgroup_id, char *fmt, u64 *data, u32 data__sz) __ksym __weak;

/* In cpu form only. */
s32 scx_bpf_select_cpu_dfl(struct task_struct *p, s32 prev_cpu, u64 wake_flags,
			   bool *is_idle) __ksym __weak;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym __weak;
u32 scx_bpf_cpuperf_cap(s32 cpu) __ksym __weak;
u32 scx_bpf_cpuperf_cur(s32 cpu) __ksym __weak;
void scx_bpf_cpuperf_set(s32 cpu, u32 perf) __ksym __weak;
s32 scx_bpf_cpu_node(s32 cpu) __ksym __weak;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym __weak;
struct rq *scx_bpf_cpu_rq(s32 cpu) __ksym __weak;
struct task_struct *scx_bpf_cpu_curr(s32 cpu) __ksym __weak;
const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym __weak;
void scx_bpf_put_cpumask(const struct cpumask *cpumask) __ksym __weak;
const struct cpumask *scx_bpf_get_idle_cpumask(void) __ksym __weak;
const struct cpumask *scx_bpf_get_idle_smtmask(void) __ksym __weak;
void scx_bpf_put_idle_cpumask(const struct cpumask *idle_mask) __ksym __weak;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym __weak;
s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, u64 flags) __ksym __weak;
s32 scx_bpf_pick_any_cpu(const struct cpumask *cpus_allowed, u64 flags) __ksym __weak;

/* Older and newer prototypes of one name: below is what to call. */
bool scx_bpf_dsq_insert___v2___new(struct task_struct *p, u64 dsq_id, u64 slice,
				   u64 enq_flags) __ksym __weak;
void scx_bpf_dsq_insert___old(struct task_struct *p, u64 dsq_id, u64 slice,
			      u64 enq_flags) __ksym __weak;
bool __scx_bpf_dsq_insert_vtime(struct task_struct *p,
				struct scx_bpf_dsq_insert_vtime_args *args) __ksym __weak;
void scx_bpf_dsq_insert_vtime___old(struct task_struct *p, u64 dsq_id, u64 slice, u64 vtime,
				    u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___v2___new(u64 dsq_id, u64 enq_flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___old(u64 dsq_id) __ksym __weak;
s32 __scx_bpf_select_cpu_and(struct task_struct *p, const struct cpumask *cpus_allowed,
			     struct scx_bpf_select_cpu_and_args *args) __ksym __weak;
void scx_bpf_reenqueue_local___v2___new(void) __ksym __weak;

/* Does the kernel have it? Where the answer is no, the verifier drops the code behind it. */
#define ksym_exists(sym) (!!(sym))

/* False: p could not be inserted, or (older kernels do not tell) it is not known. */
static __always_inline bool scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice,
					       u64 enq_flags)
{
	if (ksym_exists(scx_bpf_dsq_insert___v2___new))
		return scx_bpf_dsq_insert___v2___new(p, dsq_id, slice, enq_flags);
	scx_bpf_dsq_insert___old(p, dsq_id, slice, enq_flags);
	return true;
}

static __always_inline bool scx_bpf_dsq_insert_vtime(struct task_struct *p, u64 dsq_id, u64 slice,
						     u64 vtime, u64 enq_flags)
{
	struct scx_bpf_dsq_insert_vtime_args args = {dsq_id, slice, vtime, enq_flags};

	if (ksym_exists(__scx_bpf_dsq_insert_vtime))
		return __scx_bpf_dsq_insert_vtime(p, &args);
	scx_bpf_dsq_insert_vtime___old(p, dsq_id, slice, vtime, enq_flags);
	return true;
}

/* Older kernels know no flags here and ignore them. */
static __always_inline bool scx_bpf_dsq_move_to_local(u64 dsq_id, u64 enq_flags)
{
	if (ksym_exists(scx_bpf_dsq_move_to_local___v2___new))
		return scx_bpf_dsq_move_to_local___v2___new(dsq_id, enq_flags);
	return scx_bpf_dsq_move_to_local___old(dsq_id);
}

static __always_inline s32 scx_bpf_select_cpu_and(struct task_struct *p, s32 prev_cpu,
						  u64 wake_flags,
						  const struct cpumask *cpus_allowed, u64 flags)
{
	struct scx_bpf_select_cpu_and_args args = {prev_cpu, wake_flags, flags};

	return __scx_bpf_select_cpu_and(p, cpus_allowed, &args);
}

/* -- Texts -------------------------------------------------------------------------------- */

#define UARENA_U64_0() 0
#define UARENA_U64_1(x) (u64)(x)
#define UARENA_U64_2(x, ...) (u64)(x), UARENA_U64_1(__VA_ARGS__)
#define UARENA_U64_3(x, ...) (u64)(x), UARENA_U64_2(__VA_ARGS__)
#define UARENA_U64_4(x, ...) (u64)(x), UARENA_U64_3(__VA_ARGS__)
#define UARENA_U64_5(x, ...) (u64)(x), UARENA_U64_4(__VA_ARGS__)
#define UARENA_U64_6(x, ...) (u64)(x), UARENA_U64_5(__VA_ARGS__)
#define UARENA_U64_7(x, ...) (u64)(x), UARENA_U64_6(__VA_ARGS__)
#define UARENA_U64_8(x, ...) (u64)(x), UARENA_U64_7(__VA_ARGS__)
#define UARENA_U64S(...) UARENA_CAT(UARENA_U64_, UARENA_NARG(__VA_ARGS__))(__VA_ARGS__)

/* The format may not be constant memory, as the kfuncs are declared; there is always a word. */
#define UARENA_ARGS(...) __VA_ARGS__
#define UARENA_BSTR(FN, BEFORE, FMT, ...)                                            \
	({                                                                           \
		static char uarena_fmt[] = FMT;                                      \
		u64 uarena_args[] = {UARENA_U64S(__VA_ARGS__)};                      \
                                                                                     \
		FN(UARENA_ARGS BEFORE uarena_fmt, uarena_args, sizeof(uarena_args)); \
	})

/* End the scheduler: with an error, or in good order with a code for its user part; printf
 * formats with up to eight arguments. Text in dump callbacks goes to the exit dump. */
#define scx_bpf_error(fmt, ...) UARENA_BSTR(scx_bpf_error_bstr, (), fmt, ##__VA_ARGS__)
#define scx_bpf_exit(code, fmt, ...) UARENA_BSTR(scx_bpf_exit_bstr, ((code), ), fmt, ##__VA_ARGS__)
#define scx_bpf_dump(fmt, ...) UARENA_BSTR(scx_bpf_dump_bstr, (), fmt, ##__VA_ARGS__)

/* -- Loops -------------------------------------------------------------------------------- */

/* for (i = from; i < to; i++), which the verifier does not walk round by round. */
#define bpf_for(i, from, to)                                                               \
	for (struct bpf_iter_num uarena_it __attribute__((cleanup(bpf_iter_num_destroy))), \
	     *uarena_unused                                                                \
	     __attribute__((unused)) = (bpf_iter_num_new(&uarena_it, (from), (to)), NULL); \
	     ({                                                                            \
		     int *uarena_i = bpf_iter_num_next(&uarena_it);                        \
                                                                                           \
		     uarena_i && ((i) = *uarena_i, (i) >= (from) && (i) < (to));           \
	     });)

/* The tasks that were queued on a DSQ when the loop began; `it` names the iterator, for
 * scx_bpf_dsq_move(&it, ...). flags: 0 or SCX_DSQ_ITER_REV. */
#define scx_for_each_queued(it, p, dsq_id, flags)                                            \
	for (struct bpf_iter_scx_dsq it __attribute__((cleanup(bpf_iter_scx_dsq_destroy))),  \
	     *uarena_unused                                                                  \
	     __attribute__((unused)) = (bpf_iter_scx_dsq_new(&it, (dsq_id), (flags)), NULL); \
	     ((p) = bpf_iter_scx_dsq_next(&it));)

/* -- Odds and ends ------------------------------------------------------------------------ */

/* a is before b, on a clock that may wrap. */
static __always_inline bool time_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* The cids whose CPUs are in a cpumask: what a task may use before set_cmask() tells. For
 * p->cpus_ptr in a sleepable program, between bpf_rcu_read_lock() and _unlock(). */
static __always_inline void cmask_from_cpumask(cmask_t *m, const struct cpumask *cpumask)
{
	s32 nr = scx_bpf_nr_cids(), cid;

	cmask_zero(m);
	bpf_for(cid, 0, nr)
		if (bpf_cpumask_test_cpu(scx_bpf_cid_to_cpu(cid), cpumask))
			cmask_set(m, cid);
}

#endif
