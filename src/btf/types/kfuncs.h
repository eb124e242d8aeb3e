/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prototypes of every kfunc, as X-macros: KFUNC(return type, name, parameters).
 *
 * Parameter names are part of the interface: their suffixes tell the verifier what an
 * argument means (btf/kfunc.c). A name ending in ___something is a second prototype under
 * which older objects declare the same kfunc.
 */
#ifndef UA_BTF_TYPES_KFUNCS_H
#define UA_BTF_TYPES_KFUNCS_H

#define KFUNCS_GENERIC(KFUNC)                                                                     \
	KFUNC(void *, bpf_arena_alloc_pages,                                                      \
	      (void *p__map, void *addr__ign, u32 page_cnt, int node_id, u64 flags))              \
	KFUNC(void, bpf_arena_free_pages, (void *p__map, void *ptr__ign, u32 page_cnt))           \
	KFUNC(int, bpf_arena_reserve_pages, (void *p__map, void *ptr__ign, u32 page_cnt))         \
	KFUNC(int, bpf_stream_vprintk,                                                            \
	      (int stream_id, const char *fmt__str, const void *args, u32 len__sz))               \
	KFUNC(int, bpf_stream_vprintk___aux,                                                      \
	      (int stream_id, const char *fmt__str, const void *args, u32 len__sz,                \
	       void *aux__prog))                                                                  \
	KFUNC(int, bpf_stream_vprintk_impl,                                                       \
	      (int stream_id, const char *fmt__str, const void *args, u32 len__sz,                \
	       void *aux__prog))                                                                  \
	KFUNC(int, bpf_stream_print_stack, (int stream_id))                                       \
	KFUNC(int, bpf_iter_num_new, (struct bpf_iter_num * it, int start, int end))              \
	KFUNC(int *, bpf_iter_num_next, (struct bpf_iter_num * it))                               \
	KFUNC(void, bpf_iter_num_destroy, (struct bpf_iter_num * it))                             \
	KFUNC(int, bpf_res_spin_lock, (struct bpf_res_spin_lock * lock))                          \
	KFUNC(void, bpf_res_spin_unlock, (struct bpf_res_spin_lock * lock))                       \
	KFUNC(int, bpf_res_spin_lock_irqsave,                                                     \
	      (struct bpf_res_spin_lock * lock, unsigned long *flags__irq_flag))                  \
	KFUNC(void, bpf_res_spin_unlock_irqrestore,                                               \
	      (struct bpf_res_spin_lock * lock, unsigned long *flags__irq_flag))                  \
	KFUNC(void, bpf_rcu_read_lock, (void))                                                    \
	KFUNC(void, bpf_rcu_read_unlock, (void))                                                  \
	KFUNC(void, bpf_preempt_disable, (void))                                                  \
	KFUNC(void, bpf_preempt_enable, (void))                                                   \
	KFUNC(void, bpf_local_irq_save, (unsigned long *flags__irq_flag))                         \
	KFUNC(void, bpf_local_irq_restore, (unsigned long *flags__irq_flag))                      \
	KFUNC(struct task_struct *, bpf_task_from_pid, (s32 pid))                                 \
	KFUNC(struct task_struct *, bpf_task_acquire, (struct task_struct * p))                   \
	KFUNC(void, bpf_task_release, (struct task_struct * p))                                   \
	KFUNC(struct cgroup *, bpf_cgroup_from_id, (u64 cgid))                                    \
	KFUNC(struct cgroup *, bpf_cgroup_acquire, (struct cgroup * cgrp))                        \
	KFUNC(void, bpf_cgroup_release, (struct cgroup * cgrp))                                   \
	KFUNC(struct cgroup *, bpf_cgroup_ancestor, (struct cgroup * cgrp, int level))            \
	KFUNC(int, bpf_iter_css_new,                                                              \
	      (struct bpf_iter_css * it, struct cgroup_subsys_state * start, unsigned int flags)) \
	KFUNC(struct cgroup_subsys_state *, bpf_iter_css_next, (struct bpf_iter_css * it))        \
	KFUNC(void, bpf_iter_css_destroy, (struct bpf_iter_css * it))                             \
	KFUNCS_STRING(KFUNC)                                                                      \
	KFUNCS_CPUMASK(KFUNC)

/* Their pointers may be anything: every byte is read fault-safe. */
#define KFUNCS_STRING(KFUNC)                                                            \
	KFUNC(int, bpf_strcmp, (const char *s1__ign, const char *s2__ign))              \
	KFUNC(int, bpf_strcasecmp, (const char *s1__ign, const char *s2__ign))          \
	KFUNC(int, bpf_strnchr, (const char *s__ign, size_t count, char c))             \
	KFUNC(int, bpf_strchr, (const char *s__ign, char c))                            \
	KFUNC(int, bpf_strchrnul, (const char *s__ign, char c))                         \
	KFUNC(int, bpf_strrchr, (const char *s__ign, int c))                            \
	KFUNC(int, bpf_strnlen, (const char *s__ign, size_t count))                     \
	KFUNC(int, bpf_strlen, (const char *s__ign))                                    \
	KFUNC(int, bpf_strspn, (const char *s__ign, const char *accept__ign))           \
	KFUNC(int, bpf_strcspn, (const char *s__ign, const char *reject__ign))          \
	KFUNC(int, bpf_strnstr, (const char *s1__ign, const char *s2__ign, size_t len)) \
	KFUNC(int, bpf_strstr, (const char *s1__ign, const char *s2__ign))

#define KFUNCS_CPUMASK(KFUNC)                                                                     \
	KFUNC(struct bpf_cpumask *, bpf_cpumask_create, (void))                                   \
	KFUNC(struct bpf_cpumask *, bpf_cpumask_acquire, (struct bpf_cpumask * cpumask))          \
	KFUNC(void, bpf_cpumask_release, (struct bpf_cpumask * cpumask))                          \
	KFUNC(u32, bpf_cpumask_first, (const struct cpumask *cpumask))                            \
	KFUNC(u32, bpf_cpumask_first_zero, (const struct cpumask *cpumask))                       \
	KFUNC(u32, bpf_cpumask_first_and,                                                         \
	      (const struct cpumask *src1, const struct cpumask *src2))                           \
	KFUNC(void, bpf_cpumask_set_cpu, (u32 cpu, struct bpf_cpumask * cpumask))                 \
	KFUNC(void, bpf_cpumask_clear_cpu, (u32 cpu, struct bpf_cpumask * cpumask))               \
	KFUNC(bool, bpf_cpumask_test_cpu, (u32 cpu, const struct cpumask *cpumask))               \
	KFUNC(bool, bpf_cpumask_test_and_set_cpu, (u32 cpu, struct bpf_cpumask * cpumask))        \
	KFUNC(bool, bpf_cpumask_test_and_clear_cpu, (u32 cpu, struct bpf_cpumask * cpumask))      \
	KFUNC(void, bpf_cpumask_setall, (struct bpf_cpumask * cpumask))                           \
	KFUNC(void, bpf_cpumask_clear, (struct bpf_cpumask * cpumask))                            \
	KFUNC(bool, bpf_cpumask_and,                                                              \
	      (struct bpf_cpumask * dst, const struct cpumask *src1, const struct cpumask *src2)) \
	KFUNC(void, bpf_cpumask_or,                                                               \
	      (struct bpf_cpumask * dst, const struct cpumask *src1, const struct cpumask *src2)) \
	KFUNC(void, bpf_cpumask_xor,                                                              \
	      (struct bpf_cpumask * dst, const struct cpumask *src1, const struct cpumask *src2)) \
	KFUNC(bool, bpf_cpumask_equal, (const struct cpumask *src1, const struct cpumask *src2))  \
	KFUNC(bool, bpf_cpumask_intersects,                                                       \
	      (const struct cpumask *src1, const struct cpumask *src2))                           \
	KFUNC(bool, bpf_cpumask_subset, (const struct cpumask *src1, const struct cpumask *src2)) \
	KFUNC(bool, bpf_cpumask_empty, (const struct cpumask *cpumask))                           \
	KFUNC(bool, bpf_cpumask_full, (const struct cpumask *cpumask))                            \
	KFUNC(void, bpf_cpumask_copy, (struct bpf_cpumask * dst, const struct cpumask *src))      \
	KFUNC(u32, bpf_cpumask_any_distribute, (const struct cpumask *cpumask))                   \
	KFUNC(u32, bpf_cpumask_any_and_distribute,                                                \
	      (const struct cpumask *src1, const struct cpumask *src2))                           \
	KFUNC(u32, bpf_cpumask_weight, (const struct cpumask *cpumask))                           \
	KFUNC(int, bpf_cpumask_populate, (struct cpumask * cpumask, void *src, size_t src__sz))

#define KFUNCS_SCX(KFUNC)                                                                        \
	KFUNC(s32, scx_bpf_create_dsq, (u64 dsq_id, s32 node))                                   \
	KFUNC(void, scx_bpf_destroy_dsq, (u64 dsq_id))                                           \
	KFUNC(void, scx_bpf_dsq_insert,                                                          \
	      (struct task_struct * p, u64 dsq_id, u64 slice, u64 enq_flags))                    \
	KFUNC(bool, scx_bpf_dsq_insert___v2,                                                     \
	      (struct task_struct * p, u64 dsq_id, u64 slice, u64 enq_flags))                    \
	KFUNC(bool, __scx_bpf_dsq_insert_vtime,                                                  \
	      (struct task_struct * p, struct scx_bpf_dsq_insert_vtime_args * args))             \
	KFUNC(void, scx_bpf_dsq_insert_vtime,                                                    \
	      (struct task_struct * p, u64 dsq_id, u64 slice, u64 vtime, u64 enq_flags))         \
	KFUNC(u32, scx_bpf_dispatch_nr_slots, (void))                                            \
	KFUNC(void, scx_bpf_dispatch_cancel, (void))                                             \
	KFUNC(bool, scx_bpf_dsq_move_to_local, (u64 dsq_id))                                     \
	KFUNC(bool, scx_bpf_dsq_move_to_local___v2, (u64 dsq_id, u64 enq_flags))                 \
	KFUNC(bool, scx_bpf_dsq_move,                                                            \
	      (struct bpf_iter_scx_dsq * it__iter, struct task_struct * p, u64 dsq_id,           \
	       u64 enq_flags))                                                                   \
	KFUNC(bool, scx_bpf_dsq_move_vtime,                                                      \
	      (struct bpf_iter_scx_dsq * it__iter, struct task_struct * p, u64 dsq_id,           \
	       u64 enq_flags))                                                                   \
	KFUNC(void, scx_bpf_dsq_move_set_slice, (struct bpf_iter_scx_dsq * it__iter, u64 slice)) \
	KFUNC(void, scx_bpf_dsq_move_set_vtime, (struct bpf_iter_scx_dsq * it__iter, u64 vtime)) \
	KFUNC(int, bpf_iter_scx_dsq_new, (struct bpf_iter_scx_dsq * it, u64 dsq_id, u64 flags))  \
	KFUNC(struct task_struct *, bpf_iter_scx_dsq_next, (struct bpf_iter_scx_dsq * it))       \
	KFUNC(void, bpf_iter_scx_dsq_destroy, (struct bpf_iter_scx_dsq * it))                    \
	KFUNC(s32, scx_bpf_dsq_nr_queued, (u64 dsq_id))                                          \
	KFUNC(struct task_struct *, scx_bpf_dsq_peek, (u64 dsq_id))                              \
	KFUNC(void, scx_bpf_dsq_reenq, (u64 dsq_id, u64 reenq_flags))                            \
	KFUNC(u32, scx_bpf_reenqueue_local, (void))                                              \
	KFUNC(void, scx_bpf_reenqueue_local___v2, (void))                                        \
	KFUNC(bool, scx_bpf_task_set_slice, (struct task_struct * p, u64 slice))                 \
	KFUNC(bool, scx_bpf_task_set_dsq_vtime, (struct task_struct * p, u64 vtime))             \
	KFUNC(u64, scx_bpf_now, (void))                                                          \
	KFUNC(void, scx_bpf_events, (struct scx_event_stats * events, size_t events__sz))        \
	KFUNC(struct cgroup *, scx_bpf_task_cgroup, (struct task_struct * p))                    \
	KFUNC(void, scx_bpf_exit_bstr,                                                           \
	      (s64 exit_code, char *fmt, unsigned long long *data, u32 data__sz))                \
	KFUNC(void, scx_bpf_error_bstr, (char *fmt, unsigned long long *data, u32 data__sz))     \
	KFUNC(void, scx_bpf_dump_bstr, (char *fmt, unsigned long long *data, u32 data__sz))      \
	KFUNC(struct rq *, scx_bpf_locked_rq, (void))                                            \
	KFUNC(bool, scx_bpf_task_running, (const struct task_struct *p))                         \
	KFUNC(u32, scx_bpf_nr_cpu_ids, (void))                                                   \
	KFUNC(u32, scx_bpf_nr_node_ids, (void))                                                  \
	KFUNCS_SCX_CID(KFUNC)                                                                    \
	KFUNCS_SCX_CPU(KFUNC)

#define KFUNCS_SCX_CID(KFUNC)                                                                   \
	KFUNC(void, scx_bpf_kick_cid, (s32 cid, u64 flags))                                     \
	KFUNC(s32, scx_bpf_cid_to_cpu, (s32 cid))                                               \
	KFUNC(s32, scx_bpf_cpu_to_cid, (s32 cpu))                                               \
	KFUNC(void, scx_bpf_cid_topo,                                                           \
	      (s32 cid, struct scx_cid_topo * out__uninit, size_t out__sz))                     \
	KFUNC(void, scx_bpf_cid_override,                                                       \
	      (const s32 *cpu_to_cid__arena, u32 cpu_to_cid_cnt, const s32 *shard_start__arena, \
	       u32 shard_start_cnt))                                                            \
	KFUNC(u32, scx_bpf_nr_cids, (void))                                                     \
	KFUNC(u32, scx_bpf_nr_online_cids, (void))                                              \
	KFUNC(const void *, scx_bpf_online_cmask, (void))                                       \
	KFUNC(s32, scx_bpf_this_cid, (void))                                                    \
	KFUNC(s32, scx_bpf_task_cid, (const struct task_struct *p))                             \
	KFUNC(struct task_struct *, scx_bpf_cid_curr, (s32 cid))                                \
	KFUNC(u32, scx_bpf_cidperf_cap, (s32 cid))                                              \
	KFUNC(u32, scx_bpf_cidperf_cur, (s32 cid))                                              \
	KFUNC(s32, scx_bpf_cidperf_set, (s32 cid, u32 perf))                                    \
	KFUNC(struct task_struct *, scx_bpf_tid_to_task, (u64 tid))                             \
	KFUNC(bool, scx_bpf_sub_dispatch, (u64 cgroup_id))                                      \
	KFUNC(s32, scx_bpf_sub_caps, (u64 cgroup_id, u64 caps, struct scx_cmask * out__arena))  \
	KFUNC(s32, scx_bpf_sub_grant,                                                           \
	      (u64 cgroup_id, u64 caps, const struct scx_cmask *cmask__arena,                   \
	       struct scx_cmask *denied_out__arena__nullable))                                  \
	KFUNC(void, scx_bpf_sub_revoke,                                                         \
	      (u64 cgroup_id, u64 caps, const struct scx_cmask *cmask__arena))                  \
	KFUNC(s32, scx_bpf_sub_kill_bstr,                                                       \
	      (u64 cgroup_id, char *fmt, unsigned long long *data, u32 data__sz))

#define KFUNCS_SCX_CPU(KFUNC)                                                              \
	KFUNC(s32, scx_bpf_select_cpu_dfl,                                                 \
	      (struct task_struct * p, s32 prev_cpu, u64 wake_flags, bool *is_idle))       \
	KFUNC(s32, __scx_bpf_select_cpu_and,                                               \
	      (struct task_struct * p, const struct cpumask *cpus_allowed,                 \
	       struct scx_bpf_select_cpu_and_args *args))                                  \
	KFUNC(s32, scx_bpf_select_cpu_and,                                                 \
	      (struct task_struct * p, s32 prev_cpu, u64 wake_flags,                       \
	       const struct cpumask *cpus_allowed, u64 flags))                             \
	KFUNC(void, scx_bpf_kick_cpu, (s32 cpu, u64 flags))                                \
	KFUNC(u32, scx_bpf_cpuperf_cap, (s32 cpu))                                         \
	KFUNC(u32, scx_bpf_cpuperf_cur, (s32 cpu))                                         \
	KFUNC(void, scx_bpf_cpuperf_set, (s32 cpu, u32 perf))                              \
	KFUNC(s32, scx_bpf_cpu_node, (s32 cpu))                                            \
	KFUNC(s32, scx_bpf_task_cpu, (const struct task_struct *p))                        \
	KFUNC(struct rq *, scx_bpf_cpu_rq, (s32 cpu))                                      \
	KFUNC(struct task_struct *, scx_bpf_cpu_curr, (s32 cpu))                           \
	KFUNC(const struct cpumask *, scx_bpf_get_possible_cpumask, (void))                \
	KFUNC(const struct cpumask *, scx_bpf_get_online_cpumask, (void))                  \
	KFUNC(void, scx_bpf_put_cpumask, (const struct cpumask *cpumask))                  \
	KFUNC(const struct cpumask *, scx_bpf_get_idle_cpumask, (void))                    \
	KFUNC(const struct cpumask *, scx_bpf_get_idle_cpumask_node, (s32 node))           \
	KFUNC(const struct cpumask *, scx_bpf_get_idle_smtmask, (void))                    \
	KFUNC(const struct cpumask *, scx_bpf_get_idle_smtmask_node, (s32 node))           \
	KFUNC(void, scx_bpf_put_idle_cpumask, (const struct cpumask *idle_mask))           \
	KFUNC(bool, scx_bpf_test_and_clear_cpu_idle, (s32 cpu))                            \
	KFUNC(s32, scx_bpf_pick_idle_cpu, (const struct cpumask *cpus_allowed, u64 flags)) \
	KFUNC(s32, scx_bpf_pick_idle_cpu_node,                                             \
	      (const struct cpumask *cpus_allowed, s32 node, u64 flags))                   \
	KFUNC(s32, scx_bpf_pick_any_cpu, (const struct cpumask *cpus_allowed, u64 flags))  \
	KFUNC(s32, scx_bpf_pick_any_cpu_node,                                              \
	      (const struct cpumask *cpus_allowed, s32 node, u64 flags))

#endif
