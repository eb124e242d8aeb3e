/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of CO-RE record against the engine's types; results go to out[]. */
#include "common.bpf.h"

/* Members in another order than the engine's, one of another size, one that does not exist. */
struct cpumask;
struct sched_ext_entity___mine {
	u64 slice;
	u32 weight;
	u64 flags;
	bool disallow;
	u64 invented;
} CORE;
struct task_struct___mine {
	char comm[16];
	struct sched_ext_entity___mine scx;
	int pid;
	const struct cpumask *cpus_ptr;
} CORE;
struct task_struct {
	int tgid;
} CORE;
struct no_such_struct {
	int x;
} CORE;
/* The engine has exactly these members, and never a string in place of a number. */
struct scx_exit_task_args {
	bool cancelled;
} CORE;
struct scx_init_task_args {
	u64 fork;
} CORE;
typedef struct {
	int counter;
} atomic_t;
enum scx_enq_flags___mine { SCX_ENQ_PREEMPT___mine = 5, SCX_ENQ_INVENTED___mine = 6 };
enum scx_exit_kind { SCX_EXIT_DONE = 100 };

u64 out[40];

#define INFO(i, expr, kind) out[i] = __builtin_preserve_field_info(expr, kind)
#define TYPE(i, type, kind) out[i] = __builtin_preserve_type_info(*(type *)0, kind)
#define ENUM(i, type, val, kind) out[i] = __builtin_preserve_enum_value(*(type *)val, kind)

SEC("syscall")
int core(void *ctx)
{
	struct task_struct___mine *p = 0;
	struct no_such_struct *none = 0;

	INFO(0, p->pid, 0);
	INFO(1, p->comm, 1);
	INFO(2, p->scx.slice, 0);
	INFO(3, p->scx.flags, 1);
	INFO(4, p->scx.invented, 2);
	INFO(5, p->scx.weight, 2);
	INFO(6, p->pid, 3);
	INFO(7, p->scx.weight, 3);
	INFO(8, p->scx.weight, 4);
	INFO(9, p->scx.disallow, 5);
	INFO(10, p->comm[3], 0);
	INFO(11, none->x, 2);
	TYPE(12, struct task_struct___mine, 0);
	TYPE(13, struct no_such_struct, 0);
	TYPE(14, struct task_struct___mine, 1);
	TYPE(15, struct scx_exit_task_args, 2);
	TYPE(16, struct scx_init_task_args, 2);
	TYPE(17, atomic_t, 0);
	ENUM(18, enum scx_enq_flags___mine, SCX_ENQ_PREEMPT___mine, 0);
	ENUM(19, enum scx_enq_flags___mine, SCX_ENQ_PREEMPT___mine, 1);
	ENUM(20, enum scx_enq_flags___mine, SCX_ENQ_INVENTED___mine, 0);
	ENUM(21, enum scx_exit_kind, SCX_EXIT_DONE, 1);
	out[22] = __builtin_btf_type_id(*(struct task_struct *)0, 1);
	out[23] = __builtin_btf_type_id(*(struct task_struct *)0, 0);
	TYPE(24, struct no_such_struct, 1);
	out[25] = __builtin_btf_type_id(*(struct no_such_struct *)0, 1);
	return 0;
}

/* Guarded uses of what does not exist load; the bodies are never reached. */
SEC("syscall")
int guarded(struct task_struct___mine *ctx)
{
	if (__builtin_preserve_field_info(ctx->scx.invented, 2))
		out[30] = ctx->scx.invented;
	if (__builtin_preserve_enum_value(*(enum scx_enq_flags___mine *)SCX_ENQ_INVENTED___mine, 0))
		out[31] = __builtin_preserve_enum_value(
			*(enum scx_enq_flags___mine *)SCX_ENQ_INVENTED___mine, 1);
	out[32] = 1;
	return 0;
}

SEC("?syscall")
int unguarded(struct task_struct___mine *ctx)
{
	return ctx->scx.invented;
}
