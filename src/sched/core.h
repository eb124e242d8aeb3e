/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler core: what the files of this folder share. Behaviour after Linux 7.3
 * (kernel/sched/ext); where older kernels differ, the place says so.
 *
 * The way of a task, and the file of each step:
 *
 *   wake (wake.c) -> select (idle.c, ops) -> enqueue (enqueue.c) -> DSQ (dsq.c)
 *     -> dispatch (dispatch.c) -> pick, run, tick, put (pick.c) -> block (wake.c)
 *
 * A runnable task is in exactly one place: on a CPU, in one DSQ, in the default policy's
 * queue, in the custody of the scheduler under test, or (within one instant) on the list of
 * deferred dispatches. check.c verifies that in debug builds.
 *
 * There are no locks: one thread does everything, callbacks cannot be interrupted, and what
 * the kernel does once it drops a runqueue lock happens in machine_leave().
 */
#ifndef UA_SCHED_CORE_H
#define UA_SCHED_CORE_H

#include <pthread.h>

#include "base/base.h"
#include "prog/engine.h"
#include "prog/world.h"
#include "sched/event.h"
#include "sched/machine.h"
#include "sched/vqueue.h"

struct pool;
struct struct_ops_value;
struct cpu;
struct sched;
struct core_task;

#define NSEC_PER_MSEC 1000000ull
#define TASK_FLAG_IDLE 0x2u /* the kernel's PF_* that programs look at */
#define TASK_FLAG_EXITING 0x4u
#define TASK_FLAG_KTHREAD 0x200000u

/* -- DSQs --------------------------------------------------------------------------------- */

struct dsq {
	struct scx_dispatch_q q; /* what programs see: id, nr, seq */
	struct vqueue queue;
	struct cpu *cpu; /* of local and bypass DSQs */
	struct dsq_iter *iters;
	struct dsq *next; /* in the hash of user DSQs */
	struct dsq *reenq_next;
	bool reenq; /* on sched.reenq */
	bool gone;  /* destroyed; freed with its last iterator */
};

/* An open-coded iterator; programs hold its address in bpf_iter_scx_dsq. */
struct dsq_iter {
	struct dsq *dsq;
	struct dsq_iter *next;	 /* of the same DSQ */
	struct dsq_iter *opened; /* older one of the same machine */
	struct op_frame *frame;	 /* the callback that opened it */
	struct vnode *cursor;	 /* what comes next */
	struct core_task *at;	 /* what was returned last */
	uint32_t seq;		 /* of the DSQ when it was opened: later arrivals are passed over */
	bool reverse;
	bool set_slice, set_vtime; /* for the next move */
	uint64_t slice, vtime;
};

#define DSQ_HASH 256

/* -- Tasks -------------------------------------------------------------------------------- */

enum scx_task_state { SCX_TASK_NONE, SCX_TASK_INIT, SCX_TASK_READY, SCX_TASK_ENABLED };

struct core_task {
	struct sim_task t;
	struct machine *m;
	struct core_task *all_prev, *all_next;
	struct core_task *hash_next, *tid_next;
	struct core_task *children, *sibling_prev, *sibling_next;
	struct core_task *runnable_prev, *runnable_next; /* of its CPU, for the watchdog */
	struct core_task *deferred_next;
	struct vnode node; /* in dsq, or in the default policy's queue */
	struct dsq *dsq;
	uint64_t qseq; /* of its stay in custody */
	uint64_t exec_start;
	uint64_t runnable_at;
	uint64_t vruntime; /* default policy */
	uint64_t slice_start;
	uint64_t cookie, core_at; /* core scheduling: 0 is a cookie, too; waits since */
	uint32_t reenq_cnt;	  /* times reenqueued since it ran */
	struct sim_cgroup *cgroup;
	int32_t nice;
	uint8_t scx_state;
	bool ext;	 /* scheduled by the BPF scheduler's class */
	bool ext_policy; /* SCHED_EXT */
	bool queued;	 /* runnable */
	bool in_ops;	 /* handed to ops.enqueue(), not dispatched yet */
	bool custody;	 /* ops.dequeue() is owed */
	bool in_fair;
	bool on_runnable, reset_runnable_at;
	bool deferred; /* direct dispatch to another CPU is pending */
	bool immed;
	bool is_new; /* was never woken */
	bool pinned; /* migration disabled */
	bool exiting;
};

static inline struct core_task *core_of(const struct sim_task *t)
{
	return (struct core_task *)(uintptr_t)t;
}

static inline struct core_task *core_of_ts(const void *ts)
{
	return (struct core_task *)(uintptr_t)ts;
}

static inline struct task_struct *ts_of(struct core_task *t)
{
	return &t->t.obj.ts;
}

static inline struct core_task *core_of_node(struct vnode *n)
{
	return n ? container_of(n, struct core_task, node) : NULL;
}

/* -- CPUs --------------------------------------------------------------------------------- */

struct dispatch_entry {
	struct core_task *t;
	uint64_t qseq, dsq_id, enq_flags;
};

struct cpu {
	struct rq rq; /* what programs see; first */
	struct machine *m;
	int32_t nr;
	bool online;
	struct core_task *curr; /* NULL: idle */
	struct task_struct idle;
	struct dsq local, bypass;
	struct vqueue fair;
	uint64_t fair_min;
	uint32_t n_fair;
	uint32_t nr_running;
	struct core_task *runnable_first, *runnable_last;
	uint64_t ops_qseq;
	uint64_t run_gen;     /* of the event that ends the current stretch of running */
	uint64_t resched_gen; /* of the pending reschedule */
	uint64_t resched_at;
	bool resched_pending;
	bool idle_untold; /* idle since before the scheduler came */
	bool released;	  /* ops.cpu_release() was called and not ops.cpu_acquire() */
	bool reenq_local; /* run the local DSQ through ops.enqueue() again */
	bool reenq_immed;
	uint64_t kick;	/* SCX_KICK_*, handled in machine_leave() */
	bool kick_hard; /* not for idle CPUs only */
	bool kicked;
	struct cpu *kick_next;
	bool switch_pending;
	struct cpu *switch_next;
	uint32_t cpuperf;
	uint64_t tid_next, tid_end;
	int32_t core_first, core_n; /* members of its core in machine.core_cpus */
};

/* -- The scheduler under test ------------------------------------------------------------- */

enum sched_state { SCHED_ENABLING, SCHED_ENABLED, SCHED_DISABLING, SCHED_DISABLED };

struct sched {
	struct machine *m;
	struct sched_ext_ops *ops; /* of either form: the layouts agree up to the data */
	struct struct_ops_value *value;
	bool cid_form;
	enum sched_state state;
	bool initialized; /* ops.init() succeeded */
	bool live;	  /* callbacks for tasks and CPUs are made */
	bool switch_all;
	bool builtin_idle, idle_per_node;
	char name[SCX_OPS_NAME_LEN];
	uint64_t flags, timeout_ns;
	uint32_t batch;
	struct arena *arena;
	struct pool *pool;
	struct scx_cmask **cmasks;	/* by CPU, in the arena */
	struct scx_cmask *online_cmask; /* in the arena, too */
	struct prog *mask_prog;		/* on whose behalf they are written */
	struct dsq *user[DSQ_HASH];
	struct dsq *global; /* by node */
	struct scx_event_stats events;
	uint64_t watchdog_gen;
	bool warned_zero_slice;

	/* the dispatch buffer of the callback under way */
	struct dispatch_entry *buf;
	uint32_t n_buf;
	bool dispatched; /* it moved or inserted something */

	struct dsq *reenq; /* user DSQs to run through ops.enqueue() again */
};

/* -- Callbacks under way ------------------------------------------------------------------ */

enum op_place { OP_OTHER, OP_SELECT, OP_ENQUEUE, OP_DISPATCH, OP_RELEASE, OP_DUMP, OP_INIT };

/* The dump under way (exit.c). */
struct dump {
	char *text;
	size_t len, size;
	const char *indent; /* of what the scheduler prints */
	bool in_line, printed;
};

struct op_frame {
	enum op_place kind;
	const char *name;
	struct cpu *cpu;	/* whose runqueue is locked; NULL: none */
	struct core_task *task; /* select, enqueue: what may be dispatched directly */
	struct op_frame *prev;
	const struct task_struct *subjects[2]; /* tasks it is about */
};

/* -- The machine -------------------------------------------------------------------------- */

#define TASK_HASH 16384

struct machine {
	struct topo topo;
	uint32_t n_cpus;
	struct cpu *cpus;
	uint64_t now, tick_ns, ipi_ns;
	struct event_queue events;
	uint64_t n_events, n_checks;
	uint64_t rng[2];
	struct core_task *all_first, *all_last;
	uint32_t n_tasks;
	uint32_t n_fair; /* tasks in the queues of the default policy */
	struct core_task *by_pid[TASK_HASH], *by_tid[TASK_HASH];
	int32_t last_pid;
	uint64_t last_tid;
	struct sim_cgroup *cgroups; /* the root first, parents before children */
	uint64_t last_cgroup_id;
	struct machine_driver driver;
	struct machine_observer *observers;
	struct engine *engine;
	struct world world;
	pthread_mutex_t lock;
	uint32_t depth;	  /* of machine_enter() */
	struct cpu *here; /* that executes what happens now */
	struct op_frame *op;
	struct dump *dump;
	struct dsq_iter *iters;
	struct core_task *deferred; /* direct dispatches to other CPUs */
	struct core_task **deferred_last;
	struct cpu *kicks;
	struct cpu *switches, **switches_last; /* whose task left: they choose another at once */
	bool stop, oom;
	bool core_sched; /* a task has a cookie */
	uint32_t bypass;
	uint64_t bypass_since;
	uint64_t enable_seq, hotplug_seq, nr_rejected;

	struct cpumask online, possible, idle_cpus, idle_cores;
	struct cpumask *node_idle_cpus, *node_idle_cores;
	struct cpumask *node_cpus, *llc_cpus;
	uint32_t n_llcs, n_cores;
	uint32_t any_from; /* where scx_bpf_pick_any_cpu() goes on */
	int32_t *core_cpus;

	struct sched *sched; /* attached; NULL: none */
	bool disable_pending;
	enum machine_sched_state last_state;
	char last_name[SCX_OPS_NAME_LEN];
	struct scx_event_stats last_events;
	struct {
		enum scx_exit_kind kind;
		int32_t cpu;
		int64_t code;
		char msg[1024];
		char *dump; /* owned, may be NULL */
	} exit;
	struct machine_exit exit_view;
};

extern __thread struct machine *machine_here __attribute__((tls_model("initial-exec")));

/* Bracket everything that changes the machine: this thread's programs see its world, and what
 * was deferred is done at the end of the outermost pair. */
void machine_enter(struct machine *m, struct cpu *here);
void machine_leave(struct machine *m);
void machine_notify(struct machine *m, const struct machine_event *ev);
int machine_event(struct machine *m, uint64_t when, void (*fn)(void *, uint64_t), void *owner,
		  uint64_t gen);

static inline struct cpu *cpu_of(const struct core_task *t)
{
	return &t->m->cpus[t->t.cpu];
}

static inline struct core_task *task_on(const struct cpu *c)
{
	return c->curr && c->curr->t.state == TASK_ON_CPU ? c->curr : NULL;
}

/* Number of violated invariants (check.c). */
int core_check(const struct machine *m);

/* -- CPU masks, as many words as the machine needs ---------------------------------------- */

static inline bool mask_test(const struct cpumask *mask, uint32_t cpu)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void mask_set(struct cpumask *mask, uint32_t cpu)
{
	mask->bits[cpu / 64] |= 1ul << (cpu % 64);
}

static inline void mask_clear(struct cpumask *mask, uint32_t cpu)
{
	mask->bits[cpu / 64] &= ~(1ul << (cpu % 64));
}

static inline uint32_t mask_words(const struct machine *m)
{
	return (m->n_cpus + 63) / 64;
}

/* First CPU >= from in both (b may be NULL), or n_cpus. */
uint32_t mask_next(const struct machine *m, const struct cpumask *a, const struct cpumask *b,
		   uint32_t from);
uint32_t mask_weight(const struct machine *m, const struct cpumask *mask);

/* -- task.c ------------------------------------------------------------------------------- */

struct core_task *task_find(struct machine *m, int32_t pid);
struct core_task *task_find_tid(struct machine *m, uint64_t tid);
bool task_may_run_on(const struct core_task *t, const struct cpu *c);
void task_set_weight(struct core_task *t);
/* Let go of it: no references but those of programs and their storage. */
void task_drop(struct core_task *t);
void task_set_cpu(struct core_task *t, struct cpu *c);	       /* with its place in nr_running */
bool task_set_mask(struct core_task *t, const uint64_t *cpus); /* false: no CPU is left */

/* -- wake.c ------------------------------------------------------------------------------- */

void task_activate(struct core_task *t, struct cpu *c, uint64_t enq_flags);
void task_deactivate(struct core_task *t, uint64_t deq_flags);

/* -- change.c ----------------------------------------------------------------------------- */

/* Out of its queue and class, change, and in again. */
struct task_change {
	bool queued, running;
	uint64_t flags;
};
struct task_change task_change_begin(struct core_task *t, uint64_t deq_flags);
void task_change_end(struct core_task *t, struct task_change change, uint64_t enq_flags);
struct cpu *task_fallback_cpu(struct core_task *t);
void task_leave_cpu(struct core_task *t); /* which goes offline */

/* -- fair.c: the default policy ----------------------------------------------------------- */

int32_t fair_select(struct core_task *t, int32_t prev);
void fair_enqueue(struct cpu *c, struct core_task *t);
void fair_dequeue(struct cpu *c, struct core_task *t);
struct core_task *fair_pick(struct cpu *c); /* may steal; stays queued until it runs */
void fair_ran(struct core_task *t, uint64_t ns);
bool fair_due(struct cpu *c, struct core_task *t); /* true: somebody else's turn */
void fair_yield(struct cpu *c, struct core_task *t);
/* From the queue to the CPU, and back. */
void fair_start(struct cpu *c, struct core_task *t);
void fair_stop(struct cpu *c, struct core_task *t);

/* -- idle.c: built-in idle tracking ------------------------------------------------------- */

void idle_reset(struct machine *m);
void idle_update(struct cpu *c, bool idle); /* masks only */
bool idle_claim(struct machine *m, int32_t cpu);
/* A claimed CPU of `allowed` (NULL: all), or -EBUSY. node: -1 any. */
int32_t idle_pick(struct machine *m, const struct cpumask *allowed, int32_t node, uint64_t flags);
/* The default selection: *is_idle tells whether the CPU was claimed. */
int32_t idle_select(struct core_task *t, int32_t prev, uint64_t wake_flags,
		    const struct cpumask *allowed, uint64_t flags, bool *is_idle);

/* -- dsq.c -------------------------------------------------------------------------------- */

void dsq_init(struct dsq *dsq, uint64_t id, struct cpu *cpu);
struct dsq *dsq_find_user(struct sched *s, uint64_t id);
/* The DSQ of a verdict about t, seen from CPU c; what does not exist is an error and global. */
struct dsq *dsq_resolve(struct sched *s, struct cpu *c, uint64_t id, struct core_task *t);
void dsq_add(struct sched *s, struct dsq *dsq, struct core_task *t, uint64_t enq_flags);
void dsq_remove(struct core_task *t); /* nothing if it is in none */
int dsq_create(struct sched *s, uint64_t id, int32_t node);
void dsq_destroy(struct sched *s, uint64_t id);
void dsq_free_all(struct sched *s);
struct dsq_iter *dsq_iter_new(struct machine *m, struct dsq *dsq, bool reverse);
struct core_task *dsq_iter_next(struct dsq_iter *it);
void dsq_iter_free(struct machine *m, struct dsq_iter *it);

/* -- enqueue.c ---------------------------------------------------------------------------- */

/* Into and out of the ext class's care; flags SCX_ENQ_*, SCX_DEQ_*. */
void ext_enqueue(struct cpu *c, struct core_task *t, uint64_t enq_flags);
void ext_dequeue(struct cpu *c, struct core_task *t, uint64_t deq_flags);
/* Where does a runnable task wait: ask the scheduler. */
void ext_place(struct cpu *c, struct core_task *t, uint64_t enq_flags);
int32_t ext_select(struct core_task *t, int32_t prev, uint64_t wake_flags);
/* Put a waiting task where a verdict, seen from CPU c, says; in another CPU's local DSQ if the
 * task may go there, else in the global one. */
void ext_dispatch_to(struct sched *s, struct cpu *c, struct core_task *t, uint64_t dsq_id,
		     uint64_t enq_flags);
/* End of custody: ops.dequeue(). */
void ext_custody_end(struct core_task *t, uint64_t deq_flags);
/* Into a DSQ that exists; a local one makes the task move to its CPU, which it may. */
void ext_put_in(struct sched *s, struct dsq *dsq, struct core_task *t, uint64_t enq_flags);
/* The verdict of select or enqueue for the task at hand. False: refused. */
bool ext_insert_direct(struct sched *s, struct core_task *t, uint64_t dsq_id, uint64_t enq_flags);
void ext_run_deferred(struct machine *m);
void ext_refill(struct sched *s, struct core_task *t);
void ext_set_runnable(struct cpu *c, struct core_task *t);
void ext_clear_runnable(struct core_task *t, bool reset);
void ext_running(struct cpu *c,
		 struct core_task *t); /* it gets the CPU, or goes on after a change */

/* -- dispatch.c
 * -------------------------------------------------------------------------------------------------
 */

/* Make sure that c has something of the ext class to run; prev may go on: *keep. */
bool dispatch_balance(struct cpu *c, struct core_task *prev, bool *keep);
void dispatch_flush(struct sched *s, struct cpu *c);
bool dispatch_consume(struct sched *s, struct cpu *c, struct dsq *dsq, uint64_t enq_flags);
bool dispatch_insert(struct sched *s, struct core_task *t, uint64_t dsq_id, uint64_t enq_flags);
/* May t be moved to c? Reports why not if `enforce`. */
bool dispatch_may_move(struct sched *s, struct core_task *t, struct cpu *c, bool enforce);
/* scx_bpf_dsq_move() and its vtime form. */
bool dispatch_move(struct sched *s, struct dsq_iter *it, struct core_task *t, struct cpu *here,
		   uint64_t dsq_id, uint64_t enq_flags); /* here: NULL outside ops.dispatch() */
uint32_t dispatch_reenq_local(struct cpu *c, bool immed_only); /* how many */
void dispatch_reenq_user(struct sched *s, struct dsq *dsq);    /* in machine_leave() */
void dispatch_run_reenq(struct sched *s);

/* -- pick.c
 * ----------------------------------------------------------------------------------------------------------
 */

void pick_resched(struct cpu *c); /* soon, as a kernel would by an interrupt */
void pick_switch(struct cpu *c);  /* in machine_leave(): the running task has gone */
void pick_run_switches(struct machine *m);
void pick_schedule(struct cpu *c);
void pick_account(struct cpu *c);
void pick_program(struct cpu *c);	       /* the next event of the running task */
#define KICK_QUIET (1ull << 63)		       /* no kick: only look at reenq_* */
void pick_kick(struct cpu *c, uint64_t flags); /* SCX_KICK_*; carried out in machine_leave() */
void pick_run_kicks(struct machine *m);

/* -- coresched.c -------------------------------------------------------------------------- */

void coresched_touch(struct core_task *t);
/* What c runs given that it would run t; NULL: it stays idle. */
struct core_task *coresched_choose(struct cpu *c, struct core_task *prev, struct core_task *t);
void coresched_chosen(struct cpu *c);

/* -- ops.c: calling the scheduler --------------------------------------------------------- */

int sched_register_types(struct engine *e);
void op_push(struct op_frame *f, struct sched *s, enum op_place kind, const char *name,
	     struct cpu *cpu, struct core_task *task);
void op_pop(struct op_frame *f, struct sched *s);

/* Is the callback under way about this task? Ends the scheduler if not. */
bool op_subject_ok(struct sched *s, const struct task_struct *ts);

/* Call a member that returns nothing. */
#define OP_VOID(s, kind_, cpu_, member, ...)                        \
	do {                                                        \
		struct op_frame op_frame_;                          \
		op_push(&op_frame_, s, kind_, #member, cpu_, NULL); \
		(s)->ops->member(__VA_ARGS__);                      \
		op_pop(&op_frame_, s);                              \
	} while (0)

/* The same for one about a task. */
#define OP_TASK(s, cpu_, member, ts, ...)                              \
	do {                                                           \
		struct op_frame op_frame_;                             \
		op_push(&op_frame_, s, OP_OTHER, #member, cpu_, NULL); \
		op_frame_.subjects[0] = (ts);                          \
		(s)->ops->member(ts, ##__VA_ARGS__);                   \
		op_pop(&op_frame_, s);                                 \
	} while (0)

/* About two, returning what it says. */
#define OP_TASKS_RET(s, cpu_, member, ts_a, ts_b)                      \
	({                                                             \
		struct op_frame op_frame_;                             \
		op_push(&op_frame_, s, OP_OTHER, #member, cpu_, NULL); \
		op_frame_.subjects[0] = (ts_a);                        \
		op_frame_.subjects[1] = (ts_b);                        \
		__auto_type op_ret_ = (s)->ops->member(ts_a, ts_b);    \
		op_pop(&op_frame_, s);                                 \
		op_ret_;                                               \
	})

#define OP_RET(s, kind_, cpu_, task_, member, ...)                   \
	({                                                           \
		struct op_frame op_frame_;                           \
		op_push(&op_frame_, s, kind_, #member, cpu_, task_); \
		__auto_type op_ret_ = (s)->ops->member(__VA_ARGS__); \
		op_pop(&op_frame_, s);                               \
		op_ret_;                                             \
	})

/* The scheduler, if callbacks about tasks and CPUs are to be made now. */
static inline struct sched *sched_active(const struct machine *m)
{
	return m->sched && m->sched->live && !m->bypass ? m->sched : NULL;
}

/* CPU numbers as the scheduler counts them, and back. */
int32_t sched_cpu_arg(const struct sched *s, const struct cpu *c);
struct cpu *sched_cpu(const struct sched *s, int64_t cpu_or_cid); /* NULL: no such */
/* The same of what a scheduler gave; one that does not exist ends it, `where` or "" says more. */
struct cpu *sched_cpu_given(struct sched *s, int32_t cpu_or_cid, const char *where);
int sched_check_errno(struct sched *s, const char *op, int err);
/* Of a task that joins: enable(); in cid form set_cmask() follows. */
void sched_call_enable(struct sched *s, struct core_task *t);
void sched_call_set_mask(struct sched *s, struct core_task *t);
/* The masks in the scheduler's arena: make them, and keep that of online CPUs up to date. */
int sched_make_masks(struct sched *s);
void sched_mark_online(struct sched *s, const struct cpu *c, bool online);

/* -- sched.c: its life
 * ----------------------------------------------------------------------------------------------------------
 */

int sched_enable(struct machine *m, struct sched_ext_ops *ops, struct struct_ops_value *value,
		 bool cid_form);
void sched_unregister(struct machine *m, struct sched_ext_ops *ops);
/* The first request wins. */
void sched_exit(struct sched *s, enum scx_exit_kind kind, int64_t code, const char *fmt, ...)
	UA_PRINTF(4, 5);
#define sched_error(s, ...) sched_exit(s, SCX_EXIT_ERROR, 0, __VA_ARGS__)
void sched_disable_pending(struct machine *m);
int sched_init_task(struct sched *s, struct core_task *t, bool fork);
void sched_exit_task(struct sched *s, struct core_task *t);
void sched_enable_task(struct sched *s, struct core_task *t); /* forked */
void sched_switch_in(struct sched *s, struct core_task *t);   /* from the default policy */
void sched_disable_task(struct sched *s, struct core_task *t);
bool sched_wants(const struct sched *s, const struct core_task *t); /* in the ext class? */
void sched_bypass(struct machine *m, bool on);

/* -- exit.c
 * ----------------------------------------------------------------------------------------------------------------------------
 */

const char *exit_reason(enum scx_exit_kind kind);
char *exit_dump(struct sched *s); /* owned by the caller; NULL if memory is short */
void exit_dump_text(struct machine *m, const char *text);

/* -- cgroup.c
 * ------------------------------------------------------------------------------------------------------------------------------
 */

struct sim_cgroup {
	struct sim_cgroup *next, *parent;
	struct kernfs_node kn;
	struct css_set css;
	char *name;
	uint32_t n_tasks, n_children;
	bool inited, removed;
	struct task_group tg; /* weight and bandwidth */
	struct cgroup cg;     /* last: has a flexible array of its ancestors */
};

int cgroup_make_root(struct machine *m);
void cgroup_free_all(struct machine *m);
void cgroup_attach(struct core_task *t, struct sim_cgroup *cg);
int cgroup_init_all(struct sched *s);
void cgroup_exit_all(struct sched *s);
struct sim_cgroup *sim_cgroup_by_id(struct machine *m, uint64_t id);

/* -- kfunc*.c
 * ------------------------------------------------------------------------------------------------------------------------------
 */

int sched_register_kfuncs(struct engine *e);

#endif
