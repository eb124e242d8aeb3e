/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies to and from the caller's memory. */
#include "kernel/user.h"

#include "arena/access.h"
#include "base/base.h"

/* Widest step that the remaining size allows. */
static unsigned int step_of(size_t size)
{
	return size >= 8 ? 8 : size >= 4 ? 4 : size >= 2 ? 2 : 1;
}

static bool load(const void *addr, unsigned int size, uint64_t *val)
{
	switch (size) {
	case 8:
		return access_load(addr, 8, val);
	case 4:
		return access_load(addr, 4, val);
	case 2:
		return access_load(addr, 2, val);
	default:
		return access_load(addr, 1, val);
	}
}

static bool store(void *addr, unsigned int size, uint64_t val)
{
	switch (size) {
	case 8:
		return access_store(addr, 8, val);
	case 4:
		return access_store(addr, 4, val);
	case 2:
		return access_store(addr, 2, val);
	default:
		return access_store(addr, 1, val);
	}
}

int user_read(void *dst, uint64_t src, size_t size)
{
	uint8_t *to = dst;

	for (unsigned int n; size; size -= n, to += n, src += n) {
		uint64_t val = 0;

		n = step_of(size);
		UA_FAIL_IF(!load((const void *)(uintptr_t)src, n, &val), -EFAULT);
		memcpy(to, &val, n);
	}
	return 0;
}

int user_write(uint64_t dst, const void *src, size_t size)
{
	const uint8_t *from = src;

	for (unsigned int n; size; size -= n, from += n, dst += n) {
		uint64_t val = 0;

		n = step_of(size);
		memcpy(&val, from, n);
		UA_FAIL_IF(!store((void *)(uintptr_t)dst, n, val), -EFAULT);
	}
	return 0;
}

int user_dup(uint64_t src, size_t size, void **out)
{
	void *copy = mem_alloc(size);
	int err = copy ? user_read(copy, src, size) : -ENOMEM;

	if (err)
		mem_free(copy);
	else
		*out = copy;
	return err;
}
