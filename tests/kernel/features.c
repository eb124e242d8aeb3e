/* SPDX-License-Identifier: BSD-2-Clause */
/* Feature probes: the engine has what it claims, and the kernel gives an answer to each. */
#include <stdio.h>

#include "base/base.h"
#include "kernel/features.h"
#include "kernel/kernel.h"

int main(void)
{
	struct kernel *engine, *lin;
	int failed = 0;

	if (kernel_engine_new(NULL, &engine) || kernel_linux_new(NULL, &lin))
		return 1;
	for (size_t i = 0; i < kernel_feature_count(); i++) {
		const char *name = kernel_feature_name(i);
		int ret = kernel_feature_probe(engine, i);

		if (ret != 1) {
			fprintf(stderr, "engine: %s: %d\n", name, ret);
			failed++;
		}
		ret = kernel_feature_probe(lin, i);
		if (ret != 0 && ret != 1 && ret != -EPERM) {
			fprintf(stderr, "linux: %s: %d\n", name, ret);
			failed++;
		}
	}
	engine->ops->free(engine);
	lin->ops->free(lin);
	return failed != 0;
}
