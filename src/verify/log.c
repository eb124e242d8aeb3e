/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verifier log: text into the caller's buffer, with the kernel's truncation rules.
 *
 * Unless BPF_LOG_FIXED is set, a log that outgrows its buffer keeps its end: the beginning is
 * dropped. During the walk the buffer is a ring; vlog_finish() rotates it so that the oldest
 * byte kept comes first.
 */
#include "verify/env.h"

static void put_fixed(struct verify_log *log, const char *s, size_t len)
{
	if (log->pos >= log->size)
		return;
	if (len > log->size - 1 - log->pos)
		len = log->size - 1 - log->pos;
	memcpy(log->buf + log->pos, s, len);
	log->buf[log->pos + len] = 0;
}

static void put_ring(struct verify_log *log, const char *s, size_t len)
{
	uint64_t room = log->size - 1, pos = log->pos;

	if (len > room) {
		pos += len - room;
		s += len - room;
		len = room;
	}
	while (len) {
		uint64_t at = pos % room;
		size_t n = len < room - at ? len : room - at;

		memcpy(log->buf + at, s, n);
		pos += n;
		s += n;
		len -= n;
	}
}

void vlog_text(struct verify_log *log, const char *s, size_t len)
{
	if (log->buf && log->size > 1) {
		if (log->level & LOG_FIXED)
			put_fixed(log, s, len);
		else
			put_ring(log, s, len);
	}
	log->pos += len;
	/* What the ring has room for; a fixed log keeps its beginning instead. */
	if (log->size > 1 && log->pos - log->start > log->size - 1)
		log->start = log->pos - (log->size - 1);
	if (log->pos + 1 > log->true_size)
		log->true_size = log->pos + 1;
}

/* The last whole line is what the explanation of a failure starts from. */
static void remember(struct env *env, const char *text)
{
	size_t len = strlen(env->reason);

	if (len && env->reason[len - 1] == '\n') {
		if (env->reason[0] != ';') /* a source line */
			memcpy(env->before, env->reason, sizeof(env->before));
		len = 0;
	}
	snprintf(env->reason + len, sizeof(env->reason) - len, "%s", text);
}

/* A message that comes while the line of an instruction is open ends that line first. */
void vlog(struct env *env, const char *fmt, ...)
{
	struct verify_log *log = env->log;
	char line[1024];
	va_list args;
	int len;

	if (!log || !log->level)
		return;
	if (env->line_open) {
		vlog_text(log, "\n", 1);
		env->reason[0] = 0;
	}
	env->line_open = false;
	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	remember(env, line);
	if (len > 0)
		vlog_text(log, line, min_t(size_t, len, sizeof(line) - 1));
}

/* Forget what was written from `pos` on: the path it described was fine. */
void vlog_rewind(struct verify_log *log, uint64_t pos)
{
	if (pos >= log->pos)
		return;
	log->pos = pos;
	if (log->start > pos)
		log->start = pos;
	if (log->buf && log->size && (log->level & LOG_FIXED) && pos < log->size)
		log->buf[pos] = 0;
}

static void reverse(char *a, char *b)
{
	while (a < b) {
		char c = *a;

		*a++ = *--b;
		*b = c;
	}
}

/* The ring becomes a string: its oldest byte comes first. */
void vlog_finish(struct verify_log *log)
{
	uint64_t room, at;

	if (!log || !log->buf || !log->size)
		return;
	if (log->size == 1 || !log->pos)
		log->buf[0] = 0;
	if (log->size == 1 || (log->level & LOG_FIXED))
		return;
	room = log->size - 1;
	at = log->start % room;
	reverse(log->buf, log->buf + at);
	reverse(log->buf + at, log->buf + room);
	reverse(log->buf, log->buf + room);
	log->buf[log->pos - log->start] = 0;
}
