/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors, logging, memory and assertions: what every other folder may use.
 *
 * One error convention: functions return 0 or a negative errno; the text is logged where the
 * error is found. UA_FAIL() and UA_TRY() log the failing expression in debug builds.
 */
#ifndef UA_BASE_BASE_H
#define UA_BASE_BASE_H

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ua_likely(x) __builtin_expect(!!(x), 1)
#define ua_unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define min_t(type, a, b) ((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max_t(type, a, b) ((type)(a) > (type)(b) ? (type)(a) : (type)(b))

/* The kernel-internal errno that bpf(2) leaks to user space. */
#ifndef ENOTSUPP
#define ENOTSUPP 524
#endif

/* ---- Log: one process-wide callback, levels as in libbpf ---- */

enum log_level { LOG_WARN, LOG_INFO, LOG_DEBUG };
typedef int (*log_fn)(enum log_level level, const char *fmt, va_list args);

/* Not thread-safe against concurrent logging; NULL silences. Returns the previous callback. */
log_fn log_set(log_fn fn);
void log_print(enum log_level level, const char *fmt, ...) UA_PRINTF(2, 3);
#define log_warn(...) log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#ifdef UA_CHECKED
#define UA_TRACE_FAIL(err, what) \
	log_debug("%s:%d: %s: %s -> %d\n", __FILE__, __LINE__, __func__, what, (int)(err))
#else
#define UA_TRACE_FAIL(err, what) ((void)0)
#endif

/* Return `err` (a negative errno) if `cond` holds. */
#define UA_FAIL_IF(cond, err)                      \
	do {                                       \
		if (ua_unlikely(cond)) {           \
			UA_TRACE_FAIL(err, #cond); \
			return (err);              \
		}                                  \
	} while (0)

/* Return what `expr` returns if it is negative. */
#define UA_TRY(expr)                                       \
	do {                                               \
		int ua_try_err_ = (expr);                  \
		if (ua_unlikely(ua_try_err_ < 0)) {        \
			UA_TRACE_FAIL(ua_try_err_, #expr); \
			return ua_try_err_;                \
		}                                          \
	} while (0)

/* ---- Assertions: always cheap in ua_assert, whole-structure walks in ua_assert_expensive ---- */

#ifdef UA_CHECKED
#define ua_assert(x) assert(x)
#else
#define ua_assert(x) ((void)sizeof(!(x)))
#endif
#ifdef UA_CHECKED_EXPENSIVE
#define ua_assert_expensive(x) assert(x)
#else
#define ua_assert_expensive(x) ((void)sizeof(!(x)))
#endif

/* ---- Memory: the only way the library allocates; NULL on failure ---- */

void *mem_alloc(size_t size);		 /* contents undefined */
void *mem_zalloc(size_t size);		 /* zeroed */
void *mem_calloc(size_t n, size_t size); /* zeroed, NULL when n * size overflows */
void *mem_realloc(void *ptr, size_t size);
void *mem_recalloc(void *ptr, size_t n, size_t size); /* NULL when n * size overflows */
char *mem_strdup(const char *s);
void *mem_dup(const void *p, size_t size);
void mem_free(void *ptr);

/* Make the n-th allocation from now (1 = next) and all later ones fail; 0 switches it off.
 * Present in every build so that the tests exercise the shipped code. */
void mem_fail_after(unsigned long n);

/* ---- Growing array: UA_GROW(&vec, &cap, n) makes room for n elements; 0 or -ENOMEM ---- */

int mem_grow(void **vec, size_t *cap, size_t need, size_t elem_size);
#define UA_GROW(vec, cap, need) mem_grow((void **)(vec), (cap), (need), sizeof(**(vec)))

#endif
