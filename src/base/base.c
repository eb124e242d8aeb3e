/* SPDX-License-Identifier: BSD-2-Clause */
/* Logging, allocation with a failure switch, growing arrays. */
#include "base/base.h"

#include <stdatomic.h>

/* -- Log ------------------------------------------------------------------ */

static int log_default(enum log_level level, const char *fmt, va_list args)
{
	if (level > LOG_INFO)
		return 0;
	return vfprintf(stderr, fmt, args);
}

static log_fn log_current = log_default;

log_fn log_set(log_fn fn)
{
	log_fn old = log_current;

	log_current = fn;
	return old;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	log_fn fn = log_current;
	int saved = errno;
	va_list args;

	if (!fn)
		return;
	va_start(args, fmt);
	fn(level, fmt, args);
	va_end(args);
	errno = saved;
}

/* -- Allocation ----------------------------------------------------------- */

static atomic_ulong fail_countdown; /* 0 off, 1 failing, n>1: n-1 more succeed */

void mem_fail_after(unsigned long n)
{
	atomic_store(&fail_countdown, n);
}

static bool alloc_fails(void)
{
	unsigned long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	while (left > 1)
		if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
			return false;
	return left == 1;
}

void *mem_alloc(size_t size)
{
	return alloc_fails() ? NULL : malloc(size ? size : 1);
}

void *mem_zalloc(size_t size)
{
	return mem_calloc(1, size);
}

void *mem_calloc(size_t n, size_t size)
{
	return alloc_fails() ? NULL : calloc(n ? n : 1, size ? size : 1);
}

void *mem_realloc(void *ptr, size_t size)
{
	return alloc_fails() ? NULL : realloc(ptr, size ? size : 1);
}

void *mem_recalloc(void *ptr, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return mem_realloc(ptr, bytes);
}

char *mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

void *mem_dup(const void *p, size_t size)
{
	void *copy = mem_alloc(size);

	return copy && size ? memcpy(copy, p, size) : copy;
}

void mem_free(void *ptr)
{
	free(ptr);
}

int mem_grow(void **vec, size_t *cap, size_t need, size_t elem_size)
{
	size_t want = *cap ? *cap : 8;
	void *bigger;

	if (need <= *cap)
		return 0;
	while (want < need)
		UA_FAIL_IF(__builtin_mul_overflow(want, 2, &want), -ENOMEM);
	bigger = mem_recalloc(*vec, want, elem_size);
	UA_FAIL_IF(!bigger, -ENOMEM);
	*vec = bigger;
	*cap = want;
	return 0;
}
