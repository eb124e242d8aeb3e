/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that test kfuncs from the inside, as in helpers.bpf.c; they pass on Linux 6.18. */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long size_t;
typedef int s32;
typedef _Bool bool;
#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define NULL ((void *)0)
#define EXPECT(cond)                     \
	do {                             \
		if (!(cond))             \
			return __LINE__; \
	} while (0)

struct task_struct {
	s32 pid, tgid;
	char comm[16];
} __attribute__((preserve_access_index));

struct kernfs_node {
	u64 id;
} __attribute__((preserve_access_index));

struct cgroup {
	int level;
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));

struct cpumask {
	unsigned long bits[1];
} __attribute__((preserve_access_index));

struct bpf_cpumask {
	struct cpumask cpumask;
} __attribute__((preserve_access_index));

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_res_spin_lock {
	u32 val;
};

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
void bpf_preempt_disable(void) __ksym;
void bpf_preempt_enable(void) __ksym;
void bpf_local_irq_save(unsigned long *flags) __ksym;
void bpf_local_irq_restore(unsigned long *flags) __ksym;
int bpf_res_spin_lock(struct bpf_res_spin_lock *lock) __ksym;
void bpf_res_spin_unlock(struct bpf_res_spin_lock *lock) __ksym;
int bpf_res_spin_lock_irqsave(struct bpf_res_spin_lock *lock, unsigned long *flags) __ksym;
void bpf_res_spin_unlock_irqrestore(struct bpf_res_spin_lock *lock, unsigned long *flags) __ksym;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
void bpf_cgroup_release(struct cgroup *cgrp) __ksym;
struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *m) __ksym;
void bpf_cpumask_release(struct bpf_cpumask *m) __ksym;
u32 bpf_cpumask_first(const struct cpumask *m) __ksym;
u32 bpf_cpumask_first_zero(const struct cpumask *m) __ksym;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *m) __ksym;
void bpf_cpumask_clear_cpu(u32 cpu, struct bpf_cpumask *m) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *m) __ksym;
bool bpf_cpumask_test_and_set_cpu(u32 cpu, struct bpf_cpumask *m) __ksym;
bool bpf_cpumask_test_and_clear_cpu(u32 cpu, struct bpf_cpumask *m) __ksym;
void bpf_cpumask_setall(struct bpf_cpumask *m) __ksym;
void bpf_cpumask_clear(struct bpf_cpumask *m) __ksym;
bool bpf_cpumask_and(struct bpf_cpumask *dst, const struct cpumask *a,
		     const struct cpumask *b) __ksym;
void bpf_cpumask_or(struct bpf_cpumask *dst, const struct cpumask *a,
		    const struct cpumask *b) __ksym;
void bpf_cpumask_xor(struct bpf_cpumask *dst, const struct cpumask *a,
		     const struct cpumask *b) __ksym;
bool bpf_cpumask_equal(const struct cpumask *a, const struct cpumask *b) __ksym;
bool bpf_cpumask_subset(const struct cpumask *a, const struct cpumask *b) __ksym;
bool bpf_cpumask_empty(const struct cpumask *m) __ksym;
bool bpf_cpumask_full(const struct cpumask *m) __ksym;
u32 bpf_cpumask_weight(const struct cpumask *m) __ksym;
u32 bpf_cpumask_any_distribute(const struct cpumask *m) __ksym;
int bpf_strcmp(const char *a, const char *b) __ksym;
int bpf_strchr(const char *s, char c) __ksym;
int bpf_strnchr(const char *s, size_t n, char c) __ksym;
int bpf_strchrnul(const char *s, char c) __ksym;
int bpf_strrchr(const char *s, int c) __ksym;
int bpf_strlen(const char *s) __ksym;
int bpf_strnlen(const char *s, size_t n) __ksym;
int bpf_strspn(const char *s, const char *set) __ksym;
int bpf_strcspn(const char *s, const char *set) __ksym;
int bpf_strstr(const char *s, const char *sub) __ksym;
int bpf_strnstr(const char *s, const char *sub, size_t n) __ksym;
int bpf_stream_vprintk_impl(int id, const char *fmt, const void *args, u32 len,
			    void *aux) __ksym __weak;

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*const pid_tgid)(void) = (void *)14;
static void *(*const kptr_xchg)(void *field, void *object) = (void *)194;
static void *(*const storage_get)(void *map, void *task, void *value, u64 flags) = (void *)156;
static long (*const storage_delete)(void *map, void *task) = (void *)157;
static struct task_struct *(*const current_task)(void) = (void *)158;
static void *(*const cgrp_storage_get)(void *map, void *cgrp, void *value, u64 flags) = (void *)210;
static long (*const cgrp_storage_delete)(void *map, void *cgrp) = (void *)211;

struct value {
	struct bpf_res_spin_lock lock;
	u32 pad;
	u64 count;
};

struct {
	__uint(type, 2);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct value);
} locks SEC(".maps");

struct {
	__uint(type, 6);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} percpu SEC(".maps");

/* -- Iterator, sections ------------------------------------------------------- */

SEC("syscall") int test_iter_num(void *ctx)
{
	struct bpf_iter_num it;
	int *v, sum = 0, err;

	bpf_iter_num_new(&it, 3, 7);
	while ((v = bpf_iter_num_next(&it)))
		sum += *v;
	bpf_iter_num_destroy(&it);
	EXPECT(sum == 18);
	err = bpf_iter_num_new(&it, 7, 3);
	v = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	EXPECT(err == -22 && !v);
	err = bpf_iter_num_new(&it, 0, (8 << 20) + 1);
	bpf_iter_num_destroy(&it);
	EXPECT(err == -7);
	bpf_iter_num_new(&it, -2147483647 - 1, -2147483647);
	v = bpf_iter_num_next(&it);
	sum = v ? *v : 0;
	v = bpf_iter_num_next(&it);
	bpf_iter_num_destroy(&it);
	EXPECT(sum == -2147483647 - 1 && !v);
	return 0;
}

SEC("syscall") int test_sections(void *ctx)
{
	unsigned long outer, inner;

	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable();
	bpf_local_irq_save(&outer);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&inner);
	bpf_local_irq_restore(&outer);
	return 0;
}

/* Who disables preemption is alone on its CPU: counting needs no atomics then. */
SEC("syscall") int worker_preempt(void *ctx)
{
	volatile u64 *count;
	u32 key = 0;

	for (int i = 0; i < 1000; i++) {
		bpf_preempt_disable();
		count = map_lookup(&percpu, &key);
		if (count)
			*count = *count + 1;
		bpf_preempt_enable();
	}
	return 0;
}

/* -- Locks --------------------------------------------------------------------- */

SEC("syscall") int worker_res_lock(void *ctx)
{
	u32 key = 0;
	struct value *v = map_lookup(&locks, &key);

	if (!v)
		return __LINE__;
	for (int i = 0; i < 1000; i++) {
		if (bpf_res_spin_lock(&v->lock))
			return __LINE__;
		v->count++;
		bpf_res_spin_unlock(&v->lock);
	}
	return 0;
}

/* Only to be run once: the report is on stderr afterwards. */
SEC("syscall") int deadlock(void *ctx)
{
	u32 key = 1, again = 1;
	struct value *a = map_lookup(&locks, &key), *b = map_lookup(&locks, &again);
	int err;

	if (!a || !b)
		return __LINE__;
	if (bpf_res_spin_lock(&a->lock))
		return __LINE__;
	err = bpf_res_spin_lock(&b->lock);
	if (!err)
		bpf_res_spin_unlock(&b->lock);
	bpf_res_spin_unlock(&a->lock);
	return err == -35 ? 0 : __LINE__;
}

u32 stage; /* of the two programs below, which must run at the same time */

static inline int take_two(u32 first, u32 second)
{
	struct value *a = map_lookup(&locks, &first), *b = map_lookup(&locks, &second);
	struct bpf_iter_num it;
	int err;

	if (!a || !b)
		return 1;
	if (bpf_res_spin_lock(&a->lock))
		return 2;
	__sync_fetch_and_add(&stage, 1);
	bpf_iter_num_new(&it, 0, 8 << 20);
	while (bpf_iter_num_next(&it) && *(volatile u32 *)&stage < 2)
		;
	bpf_iter_num_destroy(&it);
	err = bpf_res_spin_lock(&b->lock);
	if (!err)
		bpf_res_spin_unlock(&b->lock);
	bpf_res_spin_unlock(&a->lock);
	return err;
}

/* -- Tasks, cgroups, masks ------------------------------------------------------ */

SEC("syscall") int test_tasks(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid((s32)pid_tgid()), *q;
	s32 pid, tgid;

	EXPECT(p);
	pid = p->pid;
	tgid = p->tgid;
	q = bpf_task_acquire(p);
	bpf_task_release(p);
	EXPECT(q);
	bpf_task_release(q);
	EXPECT(((u64)tgid << 32 | (u32)pid) == pid_tgid());
	EXPECT(current_task()->pid == pid);
	p = bpf_task_from_pid(tgid);
	EXPECT(p);
	pid = p->pid;
	bpf_task_release(p);
	EXPECT(pid == tgid);
	p = bpf_task_from_pid(-1);
	if (p) {
		bpf_task_release(p);
		return __LINE__;
	}
	return 0;
}

SEC("syscall") int test_cgroups(void *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(1);
	u64 id;
	int level;

	EXPECT(cgrp);
	id = cgrp->kn->id;
	level = cgrp->level;
	bpf_cgroup_release(cgrp);
	EXPECT(id == 1 && level == 0);
	cgrp = bpf_cgroup_from_id(0x123456789);
	if (cgrp) {
		bpf_cgroup_release(cgrp);
		return __LINE__;
	}
	return 0;
}

static inline int check_masks(struct bpf_cpumask *a, struct bpf_cpumask *b)
{
	const struct cpumask *ca = (const struct cpumask *)a, *cb = (const struct cpumask *)b;
	u32 all;

	EXPECT(bpf_cpumask_empty(ca) && bpf_cpumask_weight(ca) == 0);
	bpf_cpumask_setall(b);
	all = bpf_cpumask_weight(cb);
	EXPECT(all >= 1 && bpf_cpumask_full(cb) && bpf_cpumask_first_zero(cb) >= all);
	EXPECT(bpf_cpumask_first(ca) >= all);
	bpf_cpumask_set_cpu(0, a);
	bpf_cpumask_set_cpu(100000, a);
	EXPECT(bpf_cpumask_test_cpu(0, ca) && !bpf_cpumask_test_cpu(100000, ca));
	EXPECT(bpf_cpumask_first(ca) == 0 && bpf_cpumask_weight(ca) == 1);
	EXPECT(bpf_cpumask_any_distribute(ca) == 0);
	EXPECT(bpf_cpumask_subset(ca, cb));
	EXPECT(bpf_cpumask_and(b, cb, ca) && bpf_cpumask_equal(ca, cb));
	bpf_cpumask_xor(b, ca, cb);
	EXPECT(bpf_cpumask_empty(cb));
	bpf_cpumask_or(b, ca, cb);
	EXPECT(bpf_cpumask_equal(ca, cb));
	EXPECT(bpf_cpumask_test_and_clear_cpu(0, a) && !bpf_cpumask_test_and_set_cpu(0, a));
	bpf_cpumask_clear_cpu(0, a);
	EXPECT(!bpf_cpumask_test_cpu(0, ca));
	bpf_cpumask_clear(b);
	EXPECT(bpf_cpumask_empty(cb));
	return 0;
}

SEC("syscall") int test_cpumask(void *ctx)
{
	struct bpf_cpumask *a = bpf_cpumask_create(), *b, *c;
	int ret = __LINE__;

	if (!a)
		return __LINE__;
	b = bpf_cpumask_create();
	if (b) {
		ret = check_masks(a, b);
		c = bpf_cpumask_acquire(b);
		bpf_cpumask_release(c);
		bpf_cpumask_release(b);
	}
	bpf_cpumask_release(a);
	return ret;
}

struct owner {
	u64 before;
	struct bpf_cpumask __attribute__((btf_type_tag("kptr"))) * mask;
};

struct {
	__uint(type, 2);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct owner);
} owners SEC(".maps");

struct {
	__uint(type, 6);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct owner);
} percpu_owners SEC(".maps");

/* A new mask into the field; whether there was one before. */
static inline int put_mask(struct owner *o)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -1;
	bpf_cpumask_set_cpu(0, mask);
	mask = kptr_xchg(&o->mask, mask);
	if (!mask)
		return 0;
	bpf_cpumask_release(mask);
	return 1;
}

/* The last one stays behind: it goes with the map. */
SEC("syscall") int test_kptr(void *ctx)
{
	u32 key = 1, zero = 0;
	struct owner *o = map_lookup(&owners, &key), *p = map_lookup(&percpu_owners, &zero);
	struct bpf_cpumask *mask;
	bool set;

	EXPECT(o && p);
	EXPECT(put_mask(o) == 0 && put_mask(o) == 1 && put_mask(p) == 0);
	bpf_rcu_read_lock();
	mask = o->mask;
	set = mask && bpf_cpumask_test_cpu(0, (const struct cpumask *)mask);
	bpf_rcu_read_unlock();
	EXPECT(set);
	mask = kptr_xchg(&o->mask, NULL);
	EXPECT(mask);
	bpf_cpumask_release(mask);
	EXPECT(!o->mask && put_mask(o) == 0);
	return 0;
}

/* Several in one value, in storage that goes with the task or is deleted. */
struct keeper {
	u64 before;
	struct owner one;
	struct bpf_cpumask __attribute__((btf_type_tag("kptr"))) * other;
	struct owner more[2];
};

struct {
	__uint(type, 29);
	__uint(map_flags, 1);
	__type(key, int);
	__type(value, struct keeper);
} keepers SEC(".maps");

struct {
	__uint(type, 29);
	__uint(map_flags, 1);
	__type(key, int);
	__type(value, struct keeper);
} kept SEC(".maps");

static inline int put_other(struct keeper *k)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -1;
	mask = kptr_xchg(&k->other, mask);
	if (!mask)
		return 0;
	bpf_cpumask_release(mask);
	return 1;
}

static inline int fill_keeper(void *map, struct task_struct *task)
{
	struct keeper *k = storage_get(map, task, NULL, 1);

	EXPECT(k);
	EXPECT(put_mask(&k->one) == 0 && put_other(k) == 0);
	EXPECT(put_mask(&k->more[0]) == 0 && put_mask(&k->more[1]) == 0);
	EXPECT(put_mask(&k->one) == 1 && put_other(k) == 1 && put_mask(&k->more[1]) == 1);
	return 0;
}

SEC("syscall") int test_kptrs_in_storage(void *ctx)
{
	struct task_struct *task = current_task();
	int err = fill_keeper(&keepers, task);

	if (!err)
		err = fill_keeper(&kept, task);
	EXPECT(!err);
	EXPECT(storage_delete(&keepers, task) == 0);
	return 0;
}

struct {
	__uint(type, 32);
	__uint(map_flags, 1);
	__type(key, int);
	__type(value, u64);
} of_cgroup SEC(".maps");

SEC("syscall") int test_cgroup_storage(void *ctx)
{
	struct cgroup *cgrp = bpf_cgroup_from_id(1);
	u64 *value, init = 9;
	int ok;

	EXPECT(cgrp);
	ok = !cgrp_storage_get(&of_cgroup, cgrp, NULL, 0);
	value = cgrp_storage_get(&of_cgroup, cgrp, &init, 1);
	ok = ok && value && *value == 9;
	if (value)
		*value = 10;
	value = cgrp_storage_get(&of_cgroup, cgrp, NULL, 0);
	ok = ok && value && *value == 10;
	ok = ok && cgrp_storage_delete(&of_cgroup, cgrp) == 0;
	ok = ok && cgrp_storage_delete(&of_cgroup, cgrp) == -2;
	bpf_cgroup_release(cgrp);
	EXPECT(ok);
	return 0;
}

/* -- Strings --------------------------------------------------------------------- */

static const char hello[] = "hello", help[] = "help", lo[] = "lo", none[] = "", set[] = "hel";

SEC("syscall") int test_strings(void *ctx)
{
	EXPECT(bpf_strcmp(hello, hello) == 0);
	EXPECT(bpf_strcmp(hello, help) < 0 && bpf_strcmp(help, hello) > 0);
	EXPECT(bpf_strchr(hello, 'l') == 2 && bpf_strchr(hello, 'x') == -2);
	EXPECT(bpf_strchr(hello, 0) == 5);
	EXPECT(bpf_strnchr(hello, 2, 'l') == -2 && bpf_strnchr(hello, 3, 'l') == 2);
	EXPECT(bpf_strchrnul(hello, 'x') == 5 && bpf_strchrnul(hello, 'e') == 1);
	EXPECT(bpf_strrchr(hello, 'l') == 3 && bpf_strrchr(hello, 'x') == -2);
	EXPECT(bpf_strlen(hello) == 5 && bpf_strlen(none) == 0);
	EXPECT(bpf_strnlen(hello, 3) == 3 && bpf_strnlen(hello, 9) == 5);
	EXPECT(bpf_strspn(hello, set) == 4 && bpf_strcspn(hello, lo) == 2);
	EXPECT(bpf_strstr(hello, lo) == 3 && bpf_strstr(hello, help) == -2);
	EXPECT(bpf_strstr(hello, none) == 0);
	EXPECT(bpf_strnstr(hello, lo, 4) == -2 && bpf_strnstr(hello, lo, 5) == 3);
	EXPECT(bpf_strlen((const char *)0xdead000000000000) < 0);
	return 0;
}

/* -- Streams ---------------------------------------------------------------------- */

static const char fmt[] = "%d %s\n", bad[] = "%q";

SEC("syscall") int print(void *ctx)
{
	volatile u64 number = 42;
	u64 args[2] = {number, (u64)hello};

	EXPECT(bpf_stream_vprintk_impl(1, fmt, args, sizeof(args), NULL) == 0);
	EXPECT(bpf_stream_vprintk_impl(3, fmt, args, sizeof(args), NULL) == -2);
	EXPECT(bpf_stream_vprintk_impl(1, fmt, args, 8, NULL) == -22);
	EXPECT(bpf_stream_vprintk_impl(1, bad, args, 8, NULL) == -22);
	EXPECT(bpf_stream_vprintk_impl(1, fmt, args, 12, NULL) == -22);
	return 0;
}

SEC("syscall") int abba_a(void *ctx)
{
	return take_two(0, 1);
}

SEC("syscall") int abba_b(void *ctx)
{
	return take_two(1, 0);
}

char LICENSE[] SEC("license") = "GPL";
