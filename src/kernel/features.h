/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one side of the seam supports of what arena programs need, found out by trying: small
 * maps and programs are loaded and dropped again.
 */
#ifndef UA_KERNEL_FEATURES_H
#define UA_KERNEL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

struct kernel;

size_t kernel_feature_count(void);
const char *kernel_feature_name(size_t i); /* one word */
const char *kernel_feature_text(size_t i); /* what it is */
/* 1 supported, 0 not, -EPERM: this process may not ask. */
int kernel_feature_probe(struct kernel *k, size_t i);

/* Whether programs may name arena variables KERNEL_FAR_OFFSET bytes and more from its start. */
#define KERNEL_FAR_OFFSET (1ull << 29)
bool kernel_has_far_globals(struct kernel *k);

#endif
