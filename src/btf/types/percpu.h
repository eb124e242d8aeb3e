/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's per-CPU variables that programs may name, as an X-macro: V(type, name). To a
 * program the address is a number of this list, which the helpers per_cpu_ptr and this_cpu_ptr
 * turn into a pointer (prog/helper_task.c).
 */
#ifndef UA_BTF_TYPES_PERCPU_H
#define UA_BTF_TYPES_PERCPU_H

#define PERCPU_VARS(V)          \
	V(struct rq, runqueues) \
	V(struct cpufreq_policy *, cpufreq_cpu_data)

#define PERCPU_ENUM(type, name) PERCPU_##name,
enum percpu_var { PERCPU_NONE, PERCPU_VARS(PERCPU_ENUM) };

#endif
