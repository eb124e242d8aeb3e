/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Helpers that print: snprintf into the program's memory, trace_printk into the trace pipe.
 *
 * The trace pipe is one stream for the process. A line has the head that Linux writes, so
 * that tools which parse it work:  COMM-TID [CPU] ..... SECONDS: bpf_trace_printk: TEXT
 */
#include "prog/helper.h"
#include "prog/format.h"
#include "prog/world.h"
#include "base/base.h"
#include "map/map.h"

#include <pthread.h>
#include <uarena.h>

static struct stream *trace;
static pthread_once_t trace_once = PTHREAD_ONCE_INIT;

static void trace_init(void)
{
	if (stream_new(&trace))
		trace = NULL;
}

struct stream *trace_stream(void)
{
	pthread_once(&trace_once, trace_init);
	return trace;
}

__attribute__((destructor)) static void trace_exit(void)
{
	stream_free(trace);
	trace = NULL;
}

int ua_trace__read(void *buf, size_t len)
{
	struct stream *s = trace_stream();

	return s ? stream_read(s, buf, min_t(size_t, len, INT32_MAX)) : -ENOMEM;
}

static void trace_write(const char *text, size_t len)
{
	const struct task_struct *t = task_current();
	struct stream *s = trace_stream();
	char line[FORMAT_BUF + 96];
	uint64_t now = world_clock(CLOCK_MONOTONIC);
	int n;

	if (!s)
		return;
	while (len && text[len - 1] == '\n')
		len--;
	n = snprintf(line, sizeof(line), "%16s-%-7d [%03u] ..... %5lld.%06ld: bpf_trace_printk: ",
		     t ? t->comm : "<...>", t ? t->pid : 0, map_this_cpu(),
		     (long long)(now / 1000000000), (long)(now % 1000000000 / 1000));
	memcpy(line + n, text, len);
	line[n + len] = '\n';
	stream_push(s, line, (size_t)n + len + 1);
}

static uint64_t trace_print(uint64_t fmt, uint64_t fmt_size, const uint64_t *args, uint32_t n_args)
{
	char text[FORMAT_BUF];
	int len = format_print(text, sizeof(text), host_ptr(fmt), (uint32_t)fmt_size, args, n_args);

	if (len >= 0)
		trace_write(text, min_t(size_t, (size_t)len, sizeof(text) - 1));
	return (uint64_t)(int64_t)len;
}

HELPER_FN(trace_printk)
{
	uint64_t args[3] = {r3, r4, r5};

	return trace_print(r1, r2, args, 3);
}

HELPER_FN(trace_vprintk)
{
	int n = format_arg_count(host_ptr(r3), (uint32_t)r4);

	return n < 0 ? (uint64_t)(int64_t)n : trace_print(r1, r2, host_ptr(r3), (uint32_t)n);
}

HELPER_FN(snprintf)
{
	int n = format_arg_count(host_ptr(r4), (uint32_t)r5), len;

	if (n < 0)
		return (uint64_t)(int64_t)n;
	len = format_print(host_ptr(r1), (uint32_t)r2, host_ptr(r3), FORMAT_CONST, host_ptr(r4),
			   (uint32_t)n);
	return (uint64_t)(int64_t)(len < 0 ? len : len + 1);
}
