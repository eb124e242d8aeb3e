/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that look around in a simulated world; see world.c, which has the same structs. */
#include <uarena/bpf_arena.h>

struct kernfs_node {
	u64 id;
} __attribute__((preserve_access_index));
struct cgroup {
	struct kernfs_node *kn;
} __attribute__((preserve_access_index));
struct task_struct {
	int pid;
} __attribute__((preserve_access_index));
struct bpf_timer {
	u64 __opaque[2];
} __attribute__((aligned(8)));

static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value,
				u64 flags) = (void *)2;
static u64 (*const mono_ns)(void) = (void *)5;
static u32 (*const prandom)(void) = (void *)7;
static u32 (*const this_cpu)(void) = (void *)8;
static u64 (*const pid_tgid)(void) = (void *)14;
static u64 (*const uid_gid)(void) = (void *)15;
static long (*const current_comm)(void *buf, u32 size) = (void *)16;
static u32 (*const this_node)(void) = (void *)42;
static u64 (*const cgroup_id)(void) = (void *)80;
static u64 (*const jiffies)(void) = (void *)118;
static u64 (*const ancestor_cgroup_id)(int level) = (void *)123;
static u64 (*const boot_ns)(void) = (void *)125;
static struct task_struct *(*const current_task)(void) = (void *)158;
static long (*const timer_init)(struct bpf_timer *t, void *map, u64 flags) = (void *)169;
static long (*const timer_set_callback)(struct bpf_timer *t, void *cb) = (void *)170;
static long (*const timer_start)(struct bpf_timer *t, u64 ns, u64 flags) = (void *)171;
static long (*const timer_cancel)(struct bpf_timer *t) = (void *)172;
static u64 (*const tai_ns)(void) = (void *)208;

extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 id) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

struct seen {
	u64 mono, boot, tai, jiffies;
	u64 pid_tgid, uid_gid, cgroup, ancestor, no_ancestor;
	u32 cpu, node, random[2];
	int current_pid, found_pid;
	u64 found_cgroup;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} slots SEC(".maps");

struct {
	__uint(type, 5); /* per-CPU hash */
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} hash_slots SEC(".maps");

SEC("syscall")
int look(struct seen *s)
{
	struct task_struct *t;
	struct cgroup *cgrp;
	char comm[16];

	s->mono = mono_ns();
	s->boot = boot_ns();
	s->tai = tai_ns();
	s->jiffies = jiffies();
	s->pid_tgid = pid_tgid();
	s->uid_gid = uid_gid();
	s->cgroup = cgroup_id();
	s->ancestor = ancestor_cgroup_id(0);
	s->no_ancestor = ancestor_cgroup_id(5);
	s->cpu = this_cpu();
	s->node = this_node();
	s->random[0] = prandom();
	s->random[1] = prandom();
	s->current_pid = current_task()->pid;
	current_comm(comm, sizeof(comm));
	__builtin_memcpy(s->comm, comm, sizeof(comm));
	t = bpf_task_from_pid(77);
	if (t) {
		s->found_pid = t->pid;
		bpf_task_release(t);
	}
	cgrp = bpf_cgroup_from_id(9);
	if (cgrp) {
		s->found_cgroup = cgrp->kn->id;
		bpf_cgroup_release(cgrp);
	}
	return 0;
}

SEC("syscall")
int count(void *ctx)
{
	u64 one = 1, *v;
	u32 key = 0;

	v = map_lookup(&slots, &key);
	if (v)
		(*v)++;
	v = map_lookup(&hash_slots, &key);
	if (v)
		(*v)++;
	else
		map_update(&hash_slots, &key, &one, 0);
	return 0;
}

/* -- Timers: a log of what fired when and where ----------------------------------------- */

#define LOG_MAX 32

struct fired {
	u64 at;
	u32 key, cpu;
};

struct {
	struct fired entry[LOG_MAX];
	u32 n;
	int own_cancel;
} fired_log;

struct timed {
	struct bpf_timer timer;
	u64 again; /* ns; 0: once */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, u32);
	__type(value, struct timed);
} timers SEC(".maps");

static int on_timer(void *map, u32 *key, struct timed *v)
{
	u32 i = fired_log.n++;

	if (i < LOG_MAX)
		fired_log.entry[i] =
			(struct fired){.at = mono_ns(), .key = *key, .cpu = this_cpu()};
	fired_log.own_cancel = (int)timer_cancel(&v->timer);
	if (v->again)
		timer_start(&v->timer, v->again, 0);
	return 0;
}

struct start {
	u32 key, flags;
	u64 ns, again;
};

SEC("syscall")
int start(struct start *s)
{
	u32 key = s->key;
	struct timed *v = map_lookup(&timers, &key);

	if (!v)
		return -1;
	timer_init(&v->timer, &timers, 1);
	timer_set_callback(&v->timer, on_timer);
	v->again = s->again;
	return (int)timer_start(&v->timer, s->ns, s->flags);
}

SEC("syscall")
int cancel(struct start *s)
{
	u32 key = s->key;
	struct timed *v = map_lookup(&timers, &key);

	return v ? (int)timer_cancel(&v->timer) : -1;
}

char _license[] SEC("license") = "GPL";
