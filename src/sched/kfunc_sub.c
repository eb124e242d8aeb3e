/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kfuncs on sub-schedulers and on what each scheduler may do where (Linux 7.3).
 *
 * The simulated machine has one scheduler, the root: it may do everything everywhere, and whoever
 * it wants to hand something to does not exist.
 */
#include "sched/kfuncs.h"

SCHED_KFUNC(scx_bpf_sub_dispatch)
{
	return false;
}

static int check_form(struct sched *s)
{
	UA_FAIL_IF(!s, -ENODEV);
	if (s->cid_form)
		return 0;
	sched_error(s, "sub-cap kfuncs require a cid-form scheduler");
	return -EOPNOTSUPP;
}

/* A child by its cgroup: there is none. */
static uint64_t no_child(struct sched *s)
{
	int err = check_form(s);

	return (uint64_t)(int64_t)(err ? err : -ENODEV);
}

SCHED_KFUNC(scx_bpf_sub_grant)
{
	return no_child(s);
}

SCHED_KFUNC(scx_bpf_sub_revoke)
{
	no_child(s);
	return 0;
}

SCHED_KFUNC(scx_bpf_sub_kill_bstr)
{
	return no_child(s);
}

/* -- What it may do ----------------------------------------------------------------------- */

/* All or none of the cids of a mask in the arena. Its range is read once and must hold: a program
 * may change it at any time. */
static int fill_mask(const struct sched *s, struct scx_cmask *out, bool on)
{
	uint32_t base = *(const volatile u32 *)&out->base;
	uint32_t n = *(const volatile u32 *)&out->nr_cids;
	uint32_t words = *(const volatile u32 *)&out->alloc_words, n_cids = s->m->n_cpus;

	UA_FAIL_IF(base >= n_cids || n > n_cids - base || (n + 63) / 64 + 1 > words, -EINVAL);
	for (uint32_t cid = base; cid < base + n; cid++) {
		u64 bit = 1ull << (cid % 64), *word = &out->bits[cid / 64 - base / 64];

		*word = on ? *word | bit : *word & ~bit;
	}
	return 0;
}

SCHED_KFUNC(scx_bpf_sub_caps)
{
	int err = check_form(s);

	if (!err && r2 & ~(uint64_t)__SCX_CAP_ALL) {
		sched_error(s, "invalid caps 0x%llx", (unsigned long long)r2);
		err = -EINVAL;
	} else if (!err && r1) {
		err = -ENODEV;
	} else if (!err && !s->online_cmask) {
		sched_error(s, "scx_bpf_sub_caps() called before caps storage is initialized");
		err = -ENODEV;
	} else if (!err) {
		err = fill_mask(s, host_ptr(r3), r2);
		if (err)
			sched_error(s, "invalid out (%d)", err);
	}
	return (uint64_t)(int64_t)err;
}
