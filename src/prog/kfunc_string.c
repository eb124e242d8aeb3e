/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * String kfuncs. The pointers are whatever the program says: every byte is read fault-safe.
 * -EFAULT: unreadable; -E2BIG: no end within the limit; -ENOENT: not found.
 */
#include "prog/kfuncs.h"
#include "arena/access.h"
#include "base/base.h"

#define STRING_MAX 65536

/* Byte at s + i: 0..255, or -EFAULT. */
static int byte_at(uint64_t s, uint64_t i)
{
	uint64_t v;

	return access_load(host_ptr(s + i), 1, &v) ? (int)(v & 0xff) : -EFAULT;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static uint64_t result(long n)
{
	return (uint64_t)n;
}

/* -- Comparing ---------------------------------------------------------------- */

static long compare(uint64_t s1, uint64_t s2, bool ignore_case)
{
	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int a = byte_at(s1, i), b = byte_at(s2, i);

		if (a < 0 || b < 0)
			return -EFAULT;
		if (ignore_case) {
			a = lower(a);
			b = lower(b);
		}
		if (a != b)
			return a < b ? -1 : 1;
		if (!a)
			return 0;
	}
	return -E2BIG;
}

KFUNC_FN(bpf_strcmp)
{
	return result(compare(r1, r2, false));
}

KFUNC_FN(bpf_strcasecmp)
{
	return result(compare(r1, r2, true));
}

/* -- Lengths ------------------------------------------------------------------ */

static long length(uint64_t s, uint64_t max)
{
	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int c;

		if (i >= max)
			return (long)i;
		c = byte_at(s, i);
		if (c <= 0)
			return c ? c : (long)i;
	}
	return -E2BIG;
}

KFUNC_FN(bpf_strnlen)
{
	return result(length(r1, r2));
}

KFUNC_FN(bpf_strlen)
{
	return result(length(r1, UINT64_MAX));
}

/* -- Characters --------------------------------------------------------------- */

/* Index of the first `c` (the end counts as 0) among the first `max` bytes. `or_end`: the
 * end's index instead of -ENOENT. */
static long find_char(uint64_t s, uint64_t max, int c, bool or_end)
{
	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int got;

		if (i >= max)
			return -ENOENT;
		got = byte_at(s, i);
		if (got < 0)
			return got;
		if (got == c)
			return (long)i;
		if (!got)
			return or_end ? (long)i : -ENOENT;
	}
	return -E2BIG;
}

KFUNC_FN(bpf_strnchr)
{
	return result(find_char(r1, r2, (int)(r3 & 0xff), false));
}

KFUNC_FN(bpf_strchr)
{
	return result(find_char(r1, UINT64_MAX, (int)(r2 & 0xff), false));
}

KFUNC_FN(bpf_strchrnul)
{
	return result(find_char(r1, UINT64_MAX, (int)(r2 & 0xff), true));
}

KFUNC_FN(bpf_strrchr)
{
	long last = -ENOENT;

	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int got = byte_at(r1, i);

		if (got < 0)
			return result(got);
		if (got == (int)(r2 & 0xff))
			last = (long)i;
		if (!got)
			return result(last);
	}
	return result(-E2BIG);
}

/* -- Sets --------------------------------------------------------------------- */

/* Bytes at the start of s that are (`in`) or are not (!`in`) in the set. */
static long span(uint64_t s, uint64_t set, bool in)
{
	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int c = byte_at(s, i);
		long pos;

		if (c <= 0)
			return c ? c : (long)i;
		pos = find_char(set, UINT64_MAX, c, false);
		if (pos < 0 && pos != -ENOENT)
			return pos;
		if ((pos >= 0) != in)
			return (long)i;
	}
	return -E2BIG;
}

KFUNC_FN(bpf_strspn)
{
	return result(span(r1, r2, true));
}

KFUNC_FN(bpf_strcspn)
{
	return result(span(r1, r2, false));
}

/* -- Substrings --------------------------------------------------------------- */

/* Does s2 stand at s1 + from, within max bytes of s1? 1, 0, -ENOENT (s1 ends first), errors. */
static long stands_at(uint64_t s1, uint64_t from, uint64_t max, uint64_t s2)
{
	for (uint64_t i = 0; i < STRING_MAX; i++) {
		int want = byte_at(s2, i), got;

		if (want <= 0)
			return want ? want : 1;
		if (from + i >= max)
			return -ENOENT;
		got = byte_at(s1, from + i);
		if (got < 0)
			return got;
		if (!got)
			return -ENOENT;
		if (got != want)
			return 0;
	}
	return -E2BIG;
}

static long find_string(uint64_t s1, uint64_t s2, uint64_t max)
{
	for (uint64_t from = 0; from < STRING_MAX; from++) {
		long found = stands_at(s1, from, max, s2);

		if (found)
			return found < 0 ? found : (long)from;
	}
	return -E2BIG;
}

KFUNC_FN(bpf_strnstr)
{
	return result(find_string(r1, r2, r3));
}

KFUNC_FN(bpf_strstr)
{
	return result(find_string(r1, r2, UINT64_MAX));
}
