/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers that read memory: probes, packets, text to numbers. */
#include "prog/helper.h"
#include "prog/probe.h"
#include "base/base.h"

/* -- Probes: one address space, so kernel and user forms are the same ------ */

static uint64_t do_probe_read(uint64_t dst, uint64_t size, uint64_t src)
{
	return (uint64_t)(int64_t)probe_read(host_ptr(dst), (uint32_t)size, src);
}

static uint64_t do_probe_read_str(uint64_t dst, uint64_t size, uint64_t src)
{
	return (uint64_t)probe_read_str(host_ptr(dst), (uint32_t)size, src);
}

HELPER_FN(probe_read)
{
	return do_probe_read(r1, r2, r3);
}

HELPER_FN(probe_read_kernel)
{
	return do_probe_read(r1, r2, r3);
}

HELPER_FN(probe_read_user)
{
	return do_probe_read(r1, r2, r3);
}

HELPER_FN(copy_from_user)
{
	return do_probe_read(r1, r2, r3);
}

HELPER_FN(probe_read_str)
{
	return do_probe_read_str(r1, r2, r3);
}

HELPER_FN(probe_read_kernel_str)
{
	return do_probe_read_str(r1, r2, r3);
}

HELPER_FN(probe_read_user_str)
{
	return do_probe_read_str(r1, r2, r3);
}

/* -- Packets -------------------------------------------------------------- */

#define SKB_MAX_OFFSET 0xffff
#define BPF_HDR_START_MAC 0
#define BPF_HDR_START_NET 1
#define ETH_HLEN 14

static uint64_t load_packet(uint64_t off, uint64_t start, uint64_t to, uint64_t size)
{
	const struct run_ctx *rc = run_ctx_top();
	uint64_t len = rc->pkt ? (uint64_t)(rc->pkt_end - rc->pkt) : 0;

	if (off > SKB_MAX_OFFSET || start + off > len || size > len - start - off) {
		memset(host_ptr(to), 0, size);
		return (uint64_t)-EFAULT;
	}
	memcpy(host_ptr(to), rc->pkt + start + off, size);
	return 0;
}

HELPER_FN(skb_load_bytes)
{
	return load_packet((uint32_t)r2, 0, r3, (uint32_t)r4);
}

/* Where the headers begin, counted from the packet's data: socket filters start behind the
 * Ethernet header, which they therefore cannot reach. */
HELPER_FN(skb_load_bytes_relative)
{
	bool at_mac = run_ctx_top()->prog->type != BPF_PROG_TYPE_SOCKET_FILTER;

	if (r5 == BPF_HDR_START_MAC && at_mac)
		return load_packet((uint32_t)r2, 0, r3, (uint32_t)r4);
	if (r5 == BPF_HDR_START_NET)
		return load_packet((uint32_t)r2, at_mac ? ETH_HLEN : 0, r3, (uint32_t)r4);
	memset(host_ptr(r3), 0, (uint32_t)r4);
	return (uint64_t)-EFAULT;
}

/* -- Text ----------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Base 0 is taken from a 0 or 0x prefix; base 16 may have one. */
static size_t skip_prefix(const char *s, size_t n, uint32_t *base)
{
	bool prefix = n > 1 && s[0] == '0' && (s[1] | 0x20) == 'x';

	if (!*base)
		*base = prefix && n > 2 && digit_of(s[2]) < 16 ? 16 : n && s[0] == '0' ? 8 : 10;
	return *base == 16 && prefix ? 2 : 0;
}

/* Digits only, from s[0]; how many there were. *overflow: they did not fit 64 bits. */
static size_t parse_digits(const char *s, size_t n, uint32_t base, uint64_t *val, bool *overflow)
{
	size_t i;

	*val = 0;
	*overflow = false;
	for (i = 0; i < n && (uint32_t)digit_of(s[i]) < base; i++)
		*overflow |= __builtin_mul_overflow(*val, (uint64_t)base, val) ||
			     __builtin_add_overflow(*val, (uint64_t)digit_of(s[i]), val);
	return i;
}

/* Returns bytes consumed, or -EINVAL, -ERANGE. */
static long parse_number(const char *s, size_t len, uint64_t flags, uint64_t *val, bool *negative)
{
	uint32_t base = flags & 0x1f;
	size_t pos = 0, digits, n;
	bool overflow;
	char copy[64];

	UA_FAIL_IF(flags & ~0x1full || (base != 0 && base != 8 && base != 10 && base != 16),
		   -EINVAL);
	while (pos < len && is_space(s[pos]))
		pos++;
	*negative = pos < len && s[pos] == '-';
	pos += *negative;
	n = min_t(size_t, len - pos, sizeof(copy) - 1);
	memcpy(copy, s + pos, n);
	UA_FAIL_IF(!n, -EINVAL);
	digits = skip_prefix(copy, n, &base);
	n = digits + parse_digits(copy + digits, n - digits, base, val, &overflow);
	UA_FAIL_IF(n == digits, -EINVAL);
	UA_FAIL_IF(overflow, -ERANGE);
	return (long)(pos + n);
}

HELPER_FN(strtol)
{
	bool negative;
	uint64_t val;
	long n;

	*(int64_t *)host_ptr(r4) = 0;
	n = parse_number(host_ptr(r1), (uint32_t)r2, r3, &val, &negative);
	if (n < 0)
		return (uint64_t)n;
	if (val > (uint64_t)INT64_MAX + negative)
		return (uint64_t)-ERANGE;
	*(int64_t *)host_ptr(r4) = (int64_t)(negative ? 0 - val : val);
	return (uint64_t)n;
}

HELPER_FN(strtoul)
{
	bool negative;
	uint64_t val;
	long n;

	*(uint64_t *)host_ptr(r4) = 0;
	n = parse_number(host_ptr(r1), (uint32_t)r2, r3, &val, &negative);
	if (n < 0)
		return (uint64_t)n;
	if (negative)
		return (uint64_t)-EINVAL;
	*(uint64_t *)host_ptr(r4) = val;
	return (uint64_t)n;
}

HELPER_FN(strncmp)
{
	return (uint64_t)(int64_t)strncmp(host_ptr(r1), host_ptr(r3), (uint32_t)r2);
}
