/* SPDX-License-Identifier: BSD-2-Clause */
/* What a struct ua_engine is: the public name of one side of the seam. */
#ifndef UA_KERNEL_HANDLE_H
#define UA_KERNEL_HANDLE_H

#include "kernel/kernel.h"

struct ua_engine {
	struct kernel *kernel;
};

#endif
