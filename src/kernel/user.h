/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that bpf(2) attributes point to. A bad pointer gives -EFAULT, as in the kernel: the
 * copies are program accesses with exception-table entries. fault_install() must have run.
 */
#ifndef UA_KERNEL_USER_H
#define UA_KERNEL_USER_H

#include <stddef.h>
#include <stdint.h>

int user_read(void *dst, uint64_t src, size_t size);
int user_write(uint64_t dst, const void *src, size_t size);
/* Copy of `size` bytes, owned by the caller (mem_free). 0, -EFAULT, -ENOMEM. */
int user_dup(uint64_t src, size_t size, void **out);

#endif
