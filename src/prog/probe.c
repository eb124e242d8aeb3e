/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes that survive bad addresses. */
#include "prog/probe.h"
#include "arena/access.h"
#include "base/base.h"

int probe_read(void *dst, size_t size, uint64_t src)
{
	uint8_t *out = dst;
	size_t i = 0;
	uint64_t v;

	for (; i + 8 <= size; i += 8) {
		if (!access_load((const void *)(uintptr_t)(src + i), 8, &v))
			goto fault;
		memcpy(out + i, &v, 8);
	}
	for (; i < size; i++) {
		if (!access_load((const void *)(uintptr_t)(src + i), 1, &v))
			goto fault;
		out[i] = (uint8_t)v;
	}
	return 0;
fault:
	memset(dst, 0, size);
	return -EFAULT;
}

int probe_write(uint64_t dst, const void *src, size_t size)
{
	const uint8_t *in = src;
	size_t i = 0;
	uint64_t v;

	for (; i + 8 <= size; i += 8) {
		memcpy(&v, in + i, 8);
		UA_FAIL_IF(!access_store((void *)(uintptr_t)(dst + i), 8, v), -EFAULT);
	}
	for (; i < size; i++)
		UA_FAIL_IF(!access_store((void *)(uintptr_t)(dst + i), 1, in[i]), -EFAULT);
	return 0;
}

long probe_read_str(char *dst, size_t size, uint64_t src)
{
	uint64_t v;

	for (size_t i = 0; i < size; i++) {
		if (!access_load((const void *)(uintptr_t)(src + i), 1, &v)) {
			memset(dst, 0, size);
			return -EFAULT;
		}
		dst[i] = (char)v;
		if (!v)
			return (long)i + 1;
	}
	if (size)
		dst[size - 1] = 0;
	return (long)size;
}
