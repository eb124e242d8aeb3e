/* SPDX-License-Identifier: BSD-2-Clause */
/* Task objects: creation from /proc, lookup by pid, lifetime. */
#include "prog/task.h"
#include "base/base.h"
#include "base/epoch.h"
#include "map/kinds.h"
#include "prog/prog.h"
#include "prog/world.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct task {
	struct task_object obj;
	struct task *next; /* list of threads of this process that ran programs */
};

static pthread_mutex_t tasks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct task *tasks;
static pthread_key_t tasks_key;
static pthread_once_t tasks_once = PTHREAD_ONCE_INIT;
static __thread struct task *self;

static struct {
	struct kernfs_node kn;
	struct css_set css;
	struct task_group tg;
	struct mm_struct mm;
	struct signal_struct signal;
	struct task_struct parent; /* of every task */
} surroundings;

/* With room for the flexible array at its end: itself. */
static union {
	struct cgroup cgroup;
	char room[sizeof(struct cgroup) + sizeof(struct cgroup *)];
} root;

/* -- What is around tasks ------------------------------------------------ */

static void surroundings_init(void)
{
	surroundings.kn = (struct kernfs_node){.id = 1, .name = ""};
	root.cgroup.kn = &surroundings.kn;
	root.cgroup.self.cgroup = &root.cgroup;
	root.cgroup.subsys[cpu_cgrp_id] = &surroundings.tg.css;
	surroundings.tg.css.cgroup = &root.cgroup;
	surroundings.tg.scx.weight = 100;
	root.cgroup.ancestors[0] = &root.cgroup;
	surroundings.css.dfl_cgrp = &root.cgroup;
	surroundings.mm.mm_users.refs.counter = 1;
	surroundings.signal.nr_threads = 1;
	surroundings.parent = (struct task_struct){
		.pid = getppid(),
		.tgid = getppid(),
		.comm = "parent",
		.rcu_users.refs.counter = 1,
		.prio = 120,
		.static_prio = 120,
		.normal_prio = 120,
		.nr_cpus_allowed = 1,
		.cpus_ptr = &surroundings.parent.cpus_mask,
		.cgroups = &surroundings.css,
		.signal = &surroundings.signal,
		.scx.weight = 100,
	};
	surroundings.parent.parent = surroundings.parent.real_parent = &surroundings.parent;
	surroundings.parent.group_leader = &surroundings.parent;
}

static void task_exit(void *arg);

/* In the child of fork() this thread is another task. */
static void after_fork(void)
{
	pthread_mutex_init(&tasks_lock, NULL);
	tasks = NULL;
	self = NULL;
	pthread_setspecific(tasks_key, NULL);
	surroundings.parent.pid = surroundings.parent.tgid = getppid();
}

static void tasks_init(void)
{
	surroundings_init();
	pthread_key_create(&tasks_key, task_exit);
	pthread_atfork(NULL, NULL, after_fork);
}

struct cgroup *cgroup_root(void)
{
	pthread_once(&tasks_once, tasks_init);
	return &root.cgroup;
}

struct cgroup *cgroup_by_id(u64 id)
{
	if (world_here)
		return world_here->cgroup_by_id(world_here->arg, id);
	return id == cgroup_root()->kn->id ? cgroup_root() : NULL;
}

struct cgroup *cgroup_next_child(const struct cgroup *parent, const struct cgroup *child)
{
	if (world_here)
		return world_here->cgroup_next_child(world_here->arg, parent, child);
	return NULL;
}

/* -- Lifetime ------------------------------------------------------------- */

static void object_free(struct epoch_item *item)
{
	struct task_object *obj = container_of(item, struct task_object, free_item);

	map_storage_forget(&obj->ts.bpf_storage);
	obj->free(obj);
}

struct task_struct *task_get(struct task_struct *task)
{
	int *refs = &task->rcu_users.refs.counter, n = __atomic_load_n(refs, __ATOMIC_RELAXED);

	while (n)
		if (__atomic_compare_exchange_n(refs, &n, n + 1, 1, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return task;
	return NULL;
}

void task_put(struct task_struct *task)
{
	struct task_object *obj = container_of(task, struct task_object, ts);

	if (!__atomic_sub_fetch(&task->rcu_users.refs.counter, 1, __ATOMIC_ACQ_REL))
		epoch_defer(&obj->free_item, object_free);
}

static void task_exit(void *arg)
{
	struct task *t = arg;
	struct task **p;

	pthread_mutex_lock(&tasks_lock);
	for (p = &tasks; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			break;
		}
	pthread_mutex_unlock(&tasks_lock);
	self = NULL;
	task_put(&t->obj.ts);
}

/* -- Creation ------------------------------------------------------------- */

static void set_affinity(struct task_struct *ts, s32 pid)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	if (sched_getaffinity(pid, sizeof(set), &set))
		CPU_SET(0, &set);
	memcpy(&ts->cpus_mask, &set, min_t(size_t, sizeof(set), sizeof(ts->cpus_mask)));
	ts->nr_cpus_allowed = CPU_COUNT(&set);
	ts->cpus_ptr = &ts->cpus_mask;
}

static void task_free(struct task_object *obj)
{
	mem_free(container_of(obj, struct task, obj));
}

static struct task *task_new(s32 pid, s32 tgid)
{
	struct task *t = mem_zalloc(sizeof(*t));
	struct task_struct *ts;
	struct timespec now;

	if (!t)
		return NULL;
	pthread_once(&tasks_once, tasks_init);
	t->obj.free = task_free;
	ts = &t->obj.ts;
	ts->pid = pid;
	ts->tgid = tgid;
	ts->rcu_users.refs.counter = 1;
	ts->prio = ts->static_prio = ts->normal_prio = 120;
	ts->parent = ts->real_parent = &surroundings.parent;
	ts->group_leader = ts;
	ts->signal = &surroundings.signal;
	ts->cgroups = &surroundings.css;
	ts->scx.weight = 100;
	ts->scx.tid = (u64)pid;
	clock_gettime(CLOCK_BOOTTIME, &now);
	ts->start_time = ts->start_boottime = (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec;
	set_affinity(ts, pid);
	return t;
}

static struct task *task_new_self(void)
{
	struct task *t = task_new((s32)syscall(SYS_gettid), getpid());

	if (!t)
		return NULL;
	t->obj.ts.mm = &surroundings.mm;
	t->obj.ts.on_cpu = t->obj.ts.on_rq = 1;
	prctl(PR_GET_NAME, t->obj.ts.comm);
	pthread_mutex_lock(&tasks_lock);
	t->next = tasks;
	tasks = t;
	pthread_mutex_unlock(&tasks_lock);
	pthread_setspecific(tasks_key, t);
	return t;
}

struct task_struct *task_current(void)
{
	const struct run_ctx *rc = run_ctx_top();

	if (rc && rc->task)
		return rc->task;
	if (ua_unlikely(world_here != NULL))
		return world_here->current(world_here->arg);
	if (ua_unlikely(!self))
		self = task_new_self();
	return self ? &self->obj.ts : NULL;
}

/* -- By pid --------------------------------------------------------------- */

static struct task_struct *find_own(s32 pid)
{
	struct task_struct *found = NULL;

	pthread_mutex_lock(&tasks_lock);
	for (struct task *t = tasks; t && !found; t = t->next)
		if (t->obj.ts.pid == pid)
			found = task_get(&t->obj.ts);
	pthread_mutex_unlock(&tasks_lock);
	return found;
}

/* "pid (comm) state ppid pgrp session tty tpgid flags ..." */
static bool parse_stat(char *text, struct task_struct *ts)
{
	char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || close < open)
		return false;
	*close = 0;
	snprintf(ts->comm, sizeof(ts->comm), "%s", open + 1);
	return sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %u", &ts->flags) == 1;
}

static s32 read_tgid(s32 pid)
{
	char path[32], line[128];
	s32 tgid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && !tgid && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &tgid) != 1)
			tgid = 0;
	if (f)
		fclose(f);
	return tgid;
}

static struct task_struct *snapshot(s32 pid)
{
	struct task *t = NULL;
	char path[32], text[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	t = task_new(pid, read_tgid(pid));
	if (t && !parse_stat(text, &t->obj.ts)) {
		mem_free(t);
		return NULL;
	}
	return t ? &t->obj.ts : NULL;
}

struct task_struct *task_by_pid(s32 pid)
{
	struct task_struct *ts;

	if (pid <= 0)
		return NULL;
	if (world_here)
		return world_here->task_by_pid(world_here->arg, pid);
	ts = task_current();
	if (ts && ts->pid == pid)
		return task_get(ts);
	ts = find_own(pid);
	return ts ? ts : snapshot(pid);
}
