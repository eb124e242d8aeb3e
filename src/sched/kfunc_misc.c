/* SPDX-License-Identifier: BSD-2-Clause */
/* kfuncs on tasks, time and events; messages. Outside a scheduler, an error ends the run. */
#include "sched/kfuncs.h"

#include "prog/format.h"
#include "prog/probe.h"

/* -- Tasks -------------------------------------------------------------------------------- */

SCHED_KFUNC(scx_bpf_task_set_slice)
{
	if (!s)
		return false;
	ts_of(core_of_ts(host_ptr(r1)))->scx.slice = r2;
	return true;
}

SCHED_KFUNC(scx_bpf_task_set_dsq_vtime)
{
	if (!s)
		return false;
	ts_of(core_of_ts(host_ptr(r1)))->scx.dsq_vtime = r2;
	return true;
}

SCHED_KFUNC(scx_bpf_tid_to_task)
{
	struct core_task *t;

	if (!s)
		return 0;
	if (!(s->flags & SCX_OPS_TID_TO_TASK)) {
		sched_error(s, "scx_bpf_tid_to_task() called without SCX_OPS_TID_TO_TASK");
		return 0;
	}
	t = task_find_tid(m, r1);
	return t ? sched_give_task(ts_of(t)) : 0;
}

SCHED_KFUNC(scx_bpf_task_cgroup)
{
	const struct task_struct *ts = host_ptr(r1);
	struct cgroup *cg = m ? &m->cgroups->cg : cgroup_root();

	if (s && op_subject_ok(s, ts))
		cg = ts->cgroups->dfl_cgrp;

	sched_give(cg->kn, sizeof(*cg->kn));
	return sched_give(cg, sizeof(*cg) + ((size_t)cg->level + 1) * sizeof(cg));
}

/* -- Time and events ---------------------------------------------------------------------- */

SCHED_KFUNC(scx_bpf_now)
{
	return m ? m->now : helper_ktime_get_ns(0, 0, 0, 0, 0);
}

SCHED_KFUNC(scx_bpf_events)
{
	size_t n = min_t(size_t, r2, sizeof(struct scx_event_stats));

	memset(host_ptr(r1), 0, r2);
	if (s)
		memcpy(host_ptr(r1), &s->events, n);
	return 0;
}

/* -- Messages ----------------------------------------------------------------------------- */

/* The format is memory the verifier saw one byte of; it is read like a foreign string. */
static int format(char *text, size_t size, uint64_t fmt, uint64_t args, uint64_t args_size)
{
	char copy[FORMAT_BUF];
	int n = format_arg_count(host_ptr(args), (uint32_t)args_size);

	UA_FAIL_IF(n < 0, n);
	UA_FAIL_IF(probe_read_str(copy, sizeof(copy), fmt) < 0, -EFAULT);
	return format_print(text, size, copy, FORMAT_CONST, host_ptr(args), (uint32_t)n);
}

static void end_run(const char *what, const char *text)
{
	char report[FORMAT_BUF + 64];

	snprintf(report, sizeof(report), "ERROR: %s: %s", what, text);
	report[strcspn(report, "\n")] = 0;
	prog_report(run_top, report);
	run_ctx_top()->error = -EINVAL;
}

/* A scheduler ends even if what it has to say cannot be formatted. */
static void end_sched(struct sched *s, enum scx_exit_kind kind, int64_t code, uint64_t fmt,
		      uint64_t args, uint64_t args_size)
{
	char text[FORMAT_BUF];
	int n = format(text, sizeof(text), fmt, args, args_size);

	if (n < 0)
		snprintf(text, sizeof(text), "exit message formatting failed (%d)", n);
	if (s)
		sched_exit(s, kind, code, "%s", text);
	else
		end_run(kind == SCX_EXIT_ERROR_BPF ? "scx_bpf_error" : "scx_bpf_exit", text);
}

SCHED_KFUNC(scx_bpf_error_bstr)
{
	end_sched(s, SCX_EXIT_ERROR_BPF, 0, r1, r2, r3);
	return 0;
}

SCHED_KFUNC(scx_bpf_exit_bstr)
{
	end_sched(s, SCX_EXIT_UNREG_BPF, (int64_t)r1, r2, r3, r4);
	return 0;
}

/* Without a scheduler the text goes to the program's stderr, and the run ends in an error. */
SCHED_KFUNC(scx_bpf_dump_bstr)
{
	struct prog *prog = run_top->prog;
	char text[FORMAT_BUF];
	int n = format(text, sizeof(text), r1, r2, r3);

	if (n < 0 && s)
		sched_error(s, "format preparation failed (%d)", n);
	if (s && !m->dump)
		sched_error(s, "scx_bpf_dump() must only be called from ops.dump() and friends");
	else if (n > 0 && s)
		exit_dump_text(m, text);
	else if (n > 0)
		stream_push(prog->streams[BPF_STREAM_STDERR - 1], text,
			    min_t(size_t, (size_t)n, sizeof(text) - 1));
	if (!s)
		run_ctx_top()->error = -EINVAL;
	return 0;
}
