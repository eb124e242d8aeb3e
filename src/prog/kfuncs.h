/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's own kfuncs: one list. Prototypes are in btf/types/kfuncs.h.
 *
 *   K(name, flags)           kfunc_NAME for every call site
 *   T(name, flags)           kfunc_NAME, and kfunc_NAME_nosleep where the program may not sleep
 *   A(name, target, flags)   another name or prototype of kfunc_TARGET
 */
#ifndef UA_PROG_KFUNCS_H
#define UA_PROG_KFUNCS_H

#include "btf/kfunc.h"
#include "prog/helper.h"

#define KFUNC_FN(name) uint64_t kfunc_##name(HOST_ARGS)

/* clang-format off */
#define UA_KFUNCS(K, T, A) \
	T(bpf_arena_alloc_pages, KF_TRUSTED_ARGS | KF_ARENA_RET | KF_ARENA_ARG2 | KF_LOCK_OK) \
	T(bpf_arena_free_pages, KF_TRUSTED_ARGS | KF_ARENA_ARG2 | KF_LOCK_OK) \
	K(bpf_arena_reserve_pages, KF_TRUSTED_ARGS | KF_ARENA_ARG2 | KF_LOCK_OK) \
	K(bpf_stream_vprintk, KF_TRUSTED_ARGS | KF_LOCK_OK) \
	A(bpf_stream_vprintk___aux, bpf_stream_vprintk, KF_TRUSTED_ARGS | KF_LOCK_OK) \
	A(bpf_stream_vprintk_impl, bpf_stream_vprintk, KF_TRUSTED_ARGS | KF_LOCK_OK) \
	K(bpf_stream_print_stack, KF_LOCK_OK) \
	K(bpf_iter_num_new, KF_ITER_NEW | KF_LOCK_OK) \
	K(bpf_iter_num_next, KF_ITER_NEXT | KF_RET_NULL | KF_LOCK_OK) \
	K(bpf_iter_num_destroy, KF_ITER_DESTROY | KF_LOCK_OK) \
	K(bpf_res_spin_lock, KF_RET_NULL | KF_LOCK_OK) \
	K(bpf_res_spin_unlock, KF_LOCK_OK) \
	K(bpf_res_spin_lock_irqsave, KF_RET_NULL | KF_LOCK_OK) \
	K(bpf_res_spin_unlock_irqrestore, KF_LOCK_OK) \
	K(bpf_rcu_read_lock, 0) \
	A(bpf_rcu_read_unlock, bpf_rcu_read_lock, 0) \
	K(bpf_preempt_disable, KF_LOCK_OK) \
	K(bpf_preempt_enable, KF_LOCK_OK) \
	K(bpf_local_irq_save, KF_LOCK_OK) \
	K(bpf_local_irq_restore, KF_LOCK_OK) \
	K(bpf_task_from_pid, KF_OF_OBJECTS | KF_ACQUIRE | KF_RET_NULL) \
	K(bpf_task_acquire, KF_OF_OBJECTS | KF_ACQUIRE | KF_RCU | KF_RET_NULL) \
	K(bpf_task_release, KF_OF_OBJECTS | KF_RELEASE) \
	K(bpf_cgroup_from_id, KF_OF_OBJECTS | KF_ACQUIRE | KF_RET_NULL) \
	K(bpf_cgroup_acquire, KF_OF_OBJECTS | KF_ACQUIRE | KF_RCU | KF_RET_NULL) \
	K(bpf_cgroup_release, KF_OF_OBJECTS | KF_RELEASE) \
	K(bpf_cgroup_ancestor, KF_OF_OBJECTS | KF_ACQUIRE | KF_RCU | KF_RET_NULL) \
	K(bpf_iter_css_new, KF_OF_OBJECTS | KF_ITER_NEW | KF_RCU_PROTECTED) \
	K(bpf_iter_css_next, KF_OF_OBJECTS | KF_ITER_NEXT | KF_RET_NULL) \
	K(bpf_iter_css_destroy, KF_OF_OBJECTS | KF_ITER_DESTROY) \
	UA_KFUNCS_CPUMASK(K) \
	UA_KFUNCS_STRING(K)

#define UA_KFUNCS_CPUMASK(K) \
	K(bpf_cpumask_create, KF_OF_TRACING | KF_ACQUIRE | KF_RET_NULL) \
	K(bpf_cpumask_acquire, KF_OF_TRACING | KF_ACQUIRE | KF_TRUSTED_ARGS) \
	K(bpf_cpumask_release, KF_OF_TRACING | KF_RELEASE) \
	K(bpf_cpumask_first, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_first_zero, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_first_and, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_set_cpu, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_clear_cpu, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_test_cpu, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_test_and_set_cpu, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_test_and_clear_cpu, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_setall, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_clear, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_and, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_or, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_xor, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_equal, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_intersects, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_subset, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_empty, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_full, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_copy, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_any_distribute, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_any_and_distribute, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_weight, KF_OF_TRACING | KF_RCU) \
	K(bpf_cpumask_populate, KF_OF_TRACING | KF_RCU)

#define UA_KFUNCS_STRING(K) \
	K(bpf_strcmp, 0) \
	K(bpf_strcasecmp, 0) \
	K(bpf_strnchr, 0) \
	K(bpf_strchr, 0) \
	K(bpf_strchrnul, 0) \
	K(bpf_strrchr, 0) \
	K(bpf_strnlen, 0) \
	K(bpf_strlen, 0) \
	K(bpf_strspn, 0) \
	K(bpf_strcspn, 0) \
	K(bpf_strnstr, 0) \
	K(bpf_strstr, 0)
/* clang-format on */

#define K(name, flags) KFUNC_FN(name);
#define T(name, flags)  \
	KFUNC_FN(name); \
	KFUNC_FN(name##_nosleep);
#define A(name, target, flags)
UA_KFUNCS(K, T, A)
#undef K
#undef T
#undef A

#endif
