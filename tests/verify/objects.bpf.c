/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules about objects of the kernel: tasks, CPU masks, pointers to them kept in map values. */
#include "rules.bpf.h"

#define RELOCATED __attribute__((preserve_access_index))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define MAP_TYPE_TASK_STORAGE 29

typedef struct cpumask {
	u64 bits[1];
} cpumask_t;

struct bpf_cpumask {
	cpumask_t cpumask;
	u32 usage;
};

struct task_struct {
	int pid, nr_cpus_allowed;
	u32 flags;
	struct task_struct *real_parent, *parent;
	const cpumask_t *cpus_ptr;
	char comm[16];
} RELOCATED;

struct rq {
	unsigned int nr_running;
	u64 clock_task;
} RELOCATED;

extern struct rq runqueues __ksym;

struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *mask) __ksym;
void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
u32 bpf_cpumask_first(const struct cpumask *mask) __ksym;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask) __ksym;
void bpf_cpumask_copy(struct bpf_cpumask *to, const struct cpumask *from) __ksym;

static struct task_struct *(*const current)(void) = (void *)158;
static void *(*const storage)(void *map, struct task_struct *t, void *value,
			      u64 flags) = (void *)156;
static void *(*const per_cpu)(const void *var, u32 cpu) = (void *)153;
static void *(*const this_cpu)(const void *var) = (void *)154;
static void *(*const exchange)(void *field, void *object) = (void *)194;

struct kept {
	struct task_struct __kptr *task;
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kept);
} kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64[2]);
} values SEC(".maps");

struct {
	__uint(type, MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, 1); /* BPF_F_NO_PREALLOC */
	__type(key, int);
	__type(value, u64);
} tasks SEC(".maps");

static struct kept *kept_at(u32 key)
{
	return map_lookup(&kept, &key);
}

static long put_value(void *from)
{
	u32 key = 0;

	return map_update(&values, &key, from, 0);
}

/* clang-format off */

/* -- As memory -- */

SEC("syscall") __failure __msg("bpf_map_update_elem() may write into memory pointed by R3 type=trusted_ptr_")
int trusted_as_value(void *ctx)
{
	return put_value(current());
}

SEC("syscall") __failure __msg("R3 type=rcu_ptr_ expected=fp")
int rcu_as_value(void *ctx)
{
	long err;

	bpf_rcu_read_lock();
	err = put_value(current()->real_parent);
	bpf_rcu_read_unlock();
	return err;
}

SEC("syscall") __failure __msg("R3 type=untrusted_ptr_ expected=fp")
int untrusted_as_value(void *ctx)
{
	return put_value(current()->parent);
}

SEC("syscall") __failure __msg("R3 type=ptr_ expected=fp")
int held_as_value(void *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);
	long err;

	if (!t)
		return 0;
	err = put_value(t);
	bpf_task_release(t);
	return err;
}

SEC("syscall") __failure __msg("only read is supported")
int task_written(void *ctx)
{
	current()->flags = 1;
	return 0;
}

/* -- Loads and RCU -- */

SEC("syscall") __success
int untrusted_read(void *ctx)
{
	return current()->real_parent->pid;
}

SEC("syscall") __success
int rcu_acquired(void *ctx)
{
	struct task_struct *t;

	bpf_rcu_read_lock();
	t = bpf_task_acquire(current()->real_parent);
	bpf_rcu_read_unlock();
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") __failure __msg("R1 must be a rcu pointer")
int acquired_outside_rcu(void *ctx)
{
	struct task_struct *t = bpf_task_acquire(current()->real_parent);

	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") __failure __msg("R1 must be a rcu pointer")
int mask_outside_rcu(void *ctx)
{
	return bpf_cpumask_first(current()->cpus_ptr);
}

SEC("syscall") __success
int mask_in_rcu(void *ctx)
{
	int first;

	bpf_rcu_read_lock();
	first = bpf_cpumask_first(current()->cpus_ptr);
	bpf_rcu_read_unlock();
	return first;
}

/* -- References -- */

SEC("syscall") __failure __msg("R{{[0-9]}} invalid mem access 'scalar'")
int used_after_release(void *ctx)
{
	struct task_struct *t = bpf_task_acquire(current());

	if (!t)
		return 0;
	bpf_task_release(t);
	return t->pid;
}

SEC("syscall") __failure __msg("Unreleased reference") __msg("BPF_EXIT instruction in main prog would lead to reference leak")
int never_released(void *ctx)
{
	return bpf_task_acquire(current()) != NULL;
}

SEC("syscall") __failure __msg("release kernel function bpf_task_release expects refcounted PTR_TO_BTF_ID")
int never_held(void *ctx)
{
	bpf_task_release(current());
	return 0;
}

SEC("syscall") __failure __msg("Possibly NULL pointer passed to trusted arg1")
int mask_unchecked(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	bpf_cpumask_set_cpu(1, mask);
	bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall") __success
int mask_shared(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create(), *same;

	if (!mask)
		return 0;
	same = bpf_cpumask_acquire(mask);
	bpf_cpumask_release(mask);
	bpf_cpumask_set_cpu(1, same);
	bpf_cpumask_release(same);
	return 0;
}

/* -- Kept in map values -- */

SEC("syscall") __success
int exchanged(void *ctx)
{
	struct kept *v = kept_at(0);
	struct task_struct *t = v ? bpf_task_acquire(current()) : NULL;

	if (!t)
		return 0;
	t = exchange(&v->task, t);
	if (t)
		bpf_task_release(t);
	return 0;
}

SEC("syscall") __failure __msg("would lead to reference leak")
int taken_and_lost(void *ctx)
{
	struct kept *v = kept_at(0);

	return v ? exchange(&v->task, NULL) != NULL : 0;
}

SEC("syscall") __failure __msg("store to referenced kptr disallowed")
int overwritten(void *ctx)
{
	struct kept *v = kept_at(0);

	if (v)
		v->task = NULL;
	return 0;
}

SEC("syscall") __success
int kept_read_in_rcu(void *ctx)
{
	struct kept *v = kept_at(0);
	struct bpf_cpumask *mask;

	if (!v)
		return 0;
	bpf_rcu_read_lock();
	mask = v->mask;
	if (mask)
		bpf_cpumask_set_cpu(1, mask);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall") __failure __msg("R2 must be a rcu pointer")
int kept_used_outside_rcu(void *ctx)
{
	struct kept *v = kept_at(0);
	struct bpf_cpumask *mask = v ? v->mask : NULL;

	if (mask)
		bpf_cpumask_set_cpu(1, mask);
	return 0;
}

SEC("perf_event") __success
int kept_acquired(void *ctx)
{
	struct kept *v = kept_at(0);
	struct task_struct *t = v ? v->task : NULL;

	t = t ? bpf_task_acquire(t) : NULL;
	if (t)
		bpf_task_release(t);
	return 0;
}

/* -- Parameters of global functions -- */

#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))

__noinline int pid_of(struct task_struct *t __arg_trusted)
{
	return t->pid;
}

__noinline int pid_or_0(struct task_struct *t __arg_trusted __arg_nullable)
{
	return t ? t->pid : 0;
}

SEC("syscall") __success
int trusted_passed(void *ctx)
{
	return pid_of(current()) + pid_or_0(current()) + pid_or_0(NULL);
}

SEC("syscall") __failure __msg("Caller passes invalid args into func#1 ('pid_of')")
int null_passed(void *ctx)
{
	return pid_of(NULL);
}

/* -- Storage of tasks -- */

SEC("syscall") __success
int stored(void *ctx)
{
	u64 *v = storage(&tasks, current(), NULL, 1);

	if (v)
		*v = 1;
	return 0;
}

SEC("syscall") __failure __msg("R2 type=untrusted_ptr_ expected=ptr_, trusted_ptr_, rcu_ptr_")
int stored_by_untrusted(void *ctx)
{
	return storage(&tasks, current()->parent, NULL, 1) != NULL;
}

/* -- Per-CPU variables -- */

SEC("syscall") __success
int percpu_checked(void *ctx)
{
	struct rq *rq = per_cpu(&runqueues, 0);

	return rq ? rq->clock_task != 0 : 0;
}

SEC("syscall") __success
int percpu_of_this_cpu(void *ctx)
{
	return ((struct rq *)this_cpu(&runqueues))->clock_task != 0;
}

SEC("syscall") __failure __msg("R0 invalid mem access 'ptr_or_null_'")
int percpu_unchecked(void *ctx)
{
	return ((struct rq *)per_cpu(&runqueues, 0))->clock_task != 0;
}

SEC("syscall") __failure __msg("is ptr_rq access percpu memory: off=")
int percpu_direct(void *ctx)
{
	return runqueues.clock_task != 0;
}

SEC("syscall") __failure
__msg("R1 type=trusted_ptr_ expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_")
int percpu_of_task(void *ctx)
{
	return this_cpu(current()) != NULL;
}

SEC("syscall") __failure __msg("R2 type=percpu_ptr_ expected=ptr_, trusted_ptr_, rcu_ptr_")
int percpu_as_task(void *ctx)
{
	return storage(&tasks, (struct task_struct *)&runqueues, NULL, 1) != NULL;
}

SEC("syscall") __failure __msg("only read is supported")
int percpu_written(void *ctx)
{
	((struct rq *)this_cpu(&runqueues))->nr_running = 1;
	return 0;
}
