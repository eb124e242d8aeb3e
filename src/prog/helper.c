/* SPDX-License-Identifier: BSD-2-Clause */
/* Helper ids to host functions, and the helpers that need nothing but the processor. */
#include "prog/helper.h"
#include "prog/engine.h"
#include "prog/world.h"
#include "base/base.h"
#include "map/map.h"

#include <sys/random.h>

#define H(_id, _name, ...) [_id] = helper_##_name,
#define N(_id, _name)
static const host_fn table[HELPER_ID_MAX] = {UA_HELPERS(H, N)};
#undef H
#undef N

const host_fn *helper_table(uint32_t *n)
{
	*n = HELPER_ID_MAX;
	return table;
}

/* -- Clocks --------------------------------------------------------------- */

HELPER_FN(ktime_get_ns)
{
	return world_clock(CLOCK_MONOTONIC);
}

HELPER_FN(ktime_get_boot_ns)
{
	return world_clock(CLOCK_BOOTTIME);
}

HELPER_FN(ktime_get_coarse_ns)
{
	return world_clock(CLOCK_MONOTONIC_COARSE);
}

HELPER_FN(ktime_get_tai_ns)
{
	return world_clock(CLOCK_TAI);
}

/* Ticks of 1/HZ with HZ = 1000, counted from boot as the kernel does minus its wrap test. */
HELPER_FN(jiffies64)
{
	return world_clock(CLOCK_MONOTONIC_COARSE) / 1000000;
}

/* -- Processor ------------------------------------------------------------ */

/* The verifier promised less than the engine's number; another engine may have more. */
HELPER_FN(get_smp_processor_id)
{
	const struct run_ctx *rc = run_ctx_top();
	uint32_t cpu = map_this_cpu();

	return rc && cpu >= rc->prog->engine->n_cpus ? cpu % rc->prog->engine->n_cpus : cpu;
}

HELPER_FN(get_numa_node_id)
{
	return world_here && world_here->node ? world_here->node(world_here->arg) : 0;
}

/* -- Random numbers: the world's, or xorshift128+ per thread, seeded by the system -- */

static __thread uint64_t prandom_state[2];

static void prandom_seed(void)
{
	if (getrandom(prandom_state, sizeof(prandom_state), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(prandom_state)) {
		prandom_state[0] = world_clock(CLOCK_MONOTONIC);
		prandom_state[1] = (uintptr_t)&prandom_state;
	}
	prandom_state[0] |= 1;
}

HELPER_FN(get_prandom_u32)
{
	uint64_t a, b;

	if (ua_unlikely(world_here != NULL))
		return world_here->random(world_here->arg);
	if (ua_unlikely(!prandom_state[0] && !prandom_state[1]))
		prandom_seed();
	a = prandom_state[0];
	b = prandom_state[1];
	prandom_state[0] = b;
	a ^= a << 23;
	prandom_state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
	return (uint32_t)((prandom_state[1] + b) >> 32);
}

/* -- Calls back into the program ------------------------------------------ */

HELPER_FN(loop)
{
	uint32_t n = (uint32_t)r1, i;

	if (r4)
		return (uint64_t)-EINVAL;
	if (n > BPF_MAX_LOOPS)
		return (uint64_t)-E2BIG;
	for (i = 0; i < n;)
		if (prog_callback(r2, i++, r3, 0, 0, 0))
			break;
	return i;
}

HELPER_FN(get_func_ip)
{
	return 0;
}

HELPER_FN(get_attach_cookie)
{
	return 0;
}
