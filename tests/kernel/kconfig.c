/* SPDX-License-Identifier: BSD-2-Clause */
/* CONFIG_NR_CPUS covers the engine's CPUs and no more than that; options out of range are refused.
 */
#include "base/base.h"
#include "kernel/kernel.h"
#include "uarena.h"

static int failures;

static void expect(uint32_t n_cpus, int want_err, uint64_t want)
{
	UA_OPTS(ua_engine_opts, opts, .n_cpus = n_cpus);
	struct kernel *k = NULL;
	const char *str = NULL;
	uint64_t val = 0;
	int err = kernel_engine_new(&opts, &k);

	if (!err) {
		err = k->ops->kconfig(k, "CONFIG_NR_CPUS", &val, &str);
		k->ops->free(k);
	}
	if (err == want_err && val == want && !str)
		return;
	failures++;
	printf("%u CPUs: %d, CONFIG_NR_CPUS %llu\n", n_cpus, err, (unsigned long long)val);
}

int main(void)
{
	expect(1, 0, 64);
	expect(64, 0, 64);
	expect(65, 0, 128);
	expect(1024, 0, 1024);
	expect(4096, 0, 4096);
	log_set(NULL);
	expect(4097, -EINVAL, 0);
	expect(UINT32_MAX, -EINVAL, 0);
	return failures != 0;
}
