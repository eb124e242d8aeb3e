/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a scheduler ended, and the dump of its state: texts in the kernel's shape. */
#include "sched/core.h"

#include "sched/events.h"

const char *exit_reason(enum scx_exit_kind kind)
{
	switch (kind) {
	case SCX_EXIT_UNREG:
		return "unregistered from user space";
	case SCX_EXIT_UNREG_BPF:
		return "unregistered from BPF";
	case SCX_EXIT_UNREG_KERN:
		return "unregistered from the main kernel";
	case SCX_EXIT_SYSRQ:
		return "disabled by sysrq-S";
	case SCX_EXIT_PARENT:
		return "parent exiting";
	case SCX_EXIT_PARENT_KILL:
		return "killed by parent scheduler";
	case SCX_EXIT_ERROR:
		return "runtime error";
	case SCX_EXIT_ERROR_BPF:
		return "scx_bpf_error";
	case SCX_EXIT_ERROR_STALL:
		return "runnable task stall";
	case SCX_EXIT_ERROR_REENQ:
		return "reenqueue limit";
	case SCX_EXIT_ERROR_RESCUE:
		return "rescue bandwidth overload";
	default:
		return "<UNKNOWN>";
	}
}

/* -- The text under way ------------------------------------------------------------------- */

static void put(struct dump *d, const char *text, size_t n)
{
	n = min_t(size_t, n, d->size - 1 - d->len);
	memcpy(d->text + d->len, text, n);
	d->len += n;
	d->text[d->len] = 0;
}

static void line(struct dump *d, const char *fmt, ...) UA_PRINTF(2, 3);
static void line(struct dump *d, const char *fmt, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n > 0)
		put(d, text, min_t(size_t, (size_t)n, sizeof(text) - 1));
	put(d, "\n", 1);
}

/* What the scheduler prints comes line by line, indented. */
void exit_dump_text(struct machine *m, const char *text)
{
	struct dump *d = m->dump;

	while (d && *text) {
		size_t n = strcspn(text, "\n");

		if (!d->in_line)
			put(d, d->indent, strlen(d->indent));
		put(d, text, n);
		d->printed = true;
		d->in_line = text[n] != '\n';
		if (!d->in_line)
			put(d, "\n", 1);
		text += n + (text[n] == '\n');
	}
}

static void end_line(struct dump *d)
{
	if (d->in_line)
		put(d, "\n", 1);
	d->in_line = false;
}

/* -- Its parts ---------------------------------------------------------------------------- */

static void heading(struct dump *d, const char *text)
{
	line(d, "%s", "");
	line(d, "%s", text);
	line(d, "%.*s", (int)strlen(text), "--------------------------------");
}

static void dump_task(struct sched *s, struct dump *d, struct scx_dump_ctx *ctx,
		      struct core_task *t, char mark)
{
	const struct task_struct *ts = ts_of(t);
	int64_t ms = ((int64_t)t->runnable_at - (int64_t)s->m->now) / (int64_t)NSEC_PER_MSEC;

	line(d, "%s", "");
	line(d, " %c%c %s[%d] %+lldms", mark, t->queued ? 'Q' : ' ', ts->comm, ts->pid,
	     (long long)ms);
	line(d, "      scx_state/flags=%u/0x%x dsq_flags=0x%x ops_qseq=%llu", t->scx_state,
	     ts->scx.flags, ts->scx.dsq_flags, (unsigned long long)t->qseq);
	line(d, "      sticky/holding_cpu=%d/%d dsq_id=%s0x%llx", ts->scx.sticky_cpu,
	     ts->scx.holding_cpu, t->dsq ? "" : "(n/a) ",
	     (unsigned long long)(t->dsq ? t->dsq->q.id : 0));
	line(d, "      dsq_vtime=%llu slice=%llu weight=%u", (unsigned long long)ts->scx.dsq_vtime,
	     (unsigned long long)ts->scx.slice, ts->scx.weight);
	if (!s->ops->dump_task)
		return;
	d->indent = "    ";
	OP_VOID(s, OP_DUMP, cpu_of(t), dump_task, ctx, ts_of(t));
	end_line(d);
}

static void dump_cpu_head(struct dump *d, const struct cpu *c)
{
	const struct task_struct *curr = c->rq.curr;

	line(d, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d ops_qseq=%llu ksync=%lu", c->nr,
	     c->nr_running, 0u, c->released, (unsigned long long)c->ops_qseq, 0ul);
	line(d, "          curr=%s[%d] class=%s", curr->comm, curr->pid,
	     !c->curr	    ? "idle_sched_class"
	     : c->curr->ext ? "ext_sched_class"
			    : "fair_sched_class");
}

/* An idle CPU about which the scheduler has nothing to say is left out. */
static void dump_cpu(struct sched *s, struct dump *d, struct scx_dump_ctx *ctx, struct cpu *c)
{
	size_t start = d->len;
	bool idle = !c->nr_running && !c->curr;

	line(d, "%s", "");
	dump_cpu_head(d, c);
	d->printed = false;
	d->indent = "  ";
	if (s->ops->dump_cpu)
		OP_VOID(s, OP_DUMP, c, dump_cpu, ctx, sched_cpu_arg(s, c), idle);
	end_line(d);
	if (idle && !d->printed) {
		d->len = start;
		d->text[start] = 0;
		return;
	}
	if (task_on(c) && c->curr->ext)
		dump_task(s, d, ctx, c->curr, '*');
	for (struct core_task *t = c->runnable_first; t; t = t->runnable_next)
		dump_task(s, d, ctx, t, ' ');
}

static void dump_events(const struct sched *s, struct dump *d)
{
	heading(d, "Event counters");
	for (size_t i = 0; i < event_stat_count; i++)
		line(d, "%30s: %16lld", event_stats[i].name, event_stat(&s->events, i));
}

static void dump_all(struct sched *s, struct dump *d)
{
	struct machine *m = s->m;
	struct scx_dump_ctx ctx = {
		.kind = m->exit.kind,
		.exit_code = m->exit.code,
		.reason = exit_reason(m->exit.kind),
		.at_ns = m->now,
		.at_jiffies = m->now / m->tick_ns,
	};
	const struct task_struct *curr = m->here->rq.curr;

	line(d, "%s: root", s->name);
	line(d, "%s[%d] triggered exit kind %d on CPU %d:", curr->comm, curr->pid, m->exit.kind,
	     m->exit.cpu);
	line(d, "  %s (%s)", exit_reason(m->exit.kind), m->exit.msg);
	line(d, "%s", "");
	line(d, "Backtrace:");
	d->indent = "";
	if (s->ops->dump && s->initialized) {
		line(d, "%s", "");
		OP_VOID(s, OP_DUMP, NULL, dump, &ctx);
		end_line(d);
	}
	heading(d, "CPU states");
	for (uint32_t i = 0; i < m->n_cpus; i++)
		dump_cpu(s, d, &ctx, &m->cpus[i]);
	dump_events(s, d);
}

char *exit_dump(struct sched *s)
{
	static const char cut[] = "\n\n~~~~ TRUNCATED ~~~~\n";
	struct dump d = {.size = max_t(size_t, s->ops->exit_dump_len, sizeof(cut) + 1),
			 .indent = ""};

	d.text = mem_zalloc(d.size);
	if (!d.text)
		return NULL;
	s->m->dump = &d;
	dump_all(s, &d);
	s->m->dump = NULL;
	if (d.len == d.size - 1)
		memcpy(d.text + d.size - sizeof(cut), cut, sizeof(cut));
	return d.text;
}
