/* SPDX-License-Identifier: BSD-2-Clause */
/* The way into the sched_ext kfuncs, and their registration. */
#include "sched/kfuncs.h"

#include "prog/region.h"

uint64_t sched_give(const void *p, size_t size)
{
	if (p)
		region_allow(run_ctx_top(), (void *)(uintptr_t)p, size, false);
	return (uintptr_t)p;
}

/* A thread that does not run the machine. */
static __attribute__((noinline)) uint64_t from_outside(sched_fn fn, HOST_ARGS)
{
	struct machine *m = run_ctx_top()->prog->engine->machine;
	uint64_t ret;

	if (!m)
		return fn(NULL, NULL, r1, r2, r3, r4, r5);
	machine_enter(m, NULL);
	ret = fn(m, m->sched, r1, r2, r3, r4, r5);
	machine_leave(m);
	return ret;
}

static inline uint64_t enter(sched_fn fn, HOST_ARGS)
{
	struct machine *m = machine_here;

	return ua_likely(m != NULL) ? fn(m, m->sched, r1, r2, r3, r4, r5)
				    : from_outside(fn, r1, r2, r3, r4, r5);
}

#define K(name, flags)                                          \
	static uint64_t entry_##name(HOST_ARGS)                 \
	{                                                       \
		return enter(sched_##name, r1, r2, r3, r4, r5); \
	}
#define A(name, target, flags)
SCHED_KFUNCS(K, A)
#undef K
#undef A

static const struct {
	const char *name;
	host_fn fn;
	uint32_t flags;
} kfuncs[] = {
#define K(name, flags) {#name, entry_##name, (flags) | KF_SCHED},
#define A(name, target, flags) {#name, entry_##target, (flags) | KF_SCHED},
	SCHED_KFUNCS(K, A)
#undef K
#undef A
};

int sched_register_kfuncs(struct engine *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++)
		UA_TRY(kfunc_add(&e->kfuncs, kfuncs[i].name, kfuncs[i].fn, NULL, kfuncs[i].flags));
	return 0;
}
