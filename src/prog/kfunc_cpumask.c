/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPU masks. A mask has room for UA_NR_CPUS, operations look at the CPUs of the engine.
 * Masks are freed through the epochs: programs may hold them as RCU pointers.
 */
#include "prog/kfuncs.h"
#include "prog/engine.h"
#include "prog/world.h"
#include "base/base.h"
#include "base/epoch.h"
#include "btf/types/task.h"

#define WORD_BITS 64

struct mask {
	struct bpf_cpumask m; /* first: what programs hold points here */
	struct epoch_item free_item;
};

static uint32_t n_cpus(void)
{
	const struct prog *prog = run_top->prog;

	return min_t(uint32_t, prog->engine->n_cpus, UA_NR_CPUS);
}

static uint32_t n_words(void)
{
	return (n_cpus() + WORD_BITS - 1) / WORD_BITS;
}

static unsigned long *bits_of(uint64_t mask)
{
	return ((struct cpumask *)host_ptr(mask))->bits;
}

/* Word i of a mask without the bits beyond the last CPU. */
static unsigned long word_at(const unsigned long *bits, uint32_t i)
{
	uint32_t left = n_cpus() - i * WORD_BITS;
	unsigned long w = __atomic_load_n(&bits[i], __ATOMIC_RELAXED);

	return left >= WORD_BITS ? w : w & ((1ul << left) - 1);
}

/* -- Life ------------------------------------------------------------------- */

KFUNC_FN(bpf_cpumask_create)
{
	struct mask *mask = mem_zalloc(sizeof(*mask));

	if (mask)
		mask->m.usage.refs.counter = 1;
	return (uintptr_t)mask;
}

KFUNC_FN(bpf_cpumask_acquire)
{
	struct mask *mask = host_ptr(r1);

	__atomic_add_fetch(&mask->m.usage.refs.counter, 1, __ATOMIC_RELAXED);
	return r1;
}

static void mask_free(struct epoch_item *item)
{
	mem_free(container_of(item, struct mask, free_item));
}

KFUNC_FN(bpf_cpumask_release)
{
	struct mask *mask = host_ptr(r1);

	if (!__atomic_sub_fetch(&mask->m.usage.refs.counter, 1, __ATOMIC_ACQ_REL))
		epoch_defer(&mask->free_item, mask_free);
	return 0;
}

/* -- One CPU ---------------------------------------------------------------- */

static unsigned long bit_of(uint32_t cpu)
{
	return 1ul << (cpu % WORD_BITS);
}

KFUNC_FN(bpf_cpumask_set_cpu)
{
	uint32_t cpu = (uint32_t)r1;

	if (cpu < n_cpus())
		__atomic_fetch_or(&bits_of(r2)[cpu / WORD_BITS], bit_of(cpu), __ATOMIC_RELAXED);
	return 0;
}

KFUNC_FN(bpf_cpumask_clear_cpu)
{
	uint32_t cpu = (uint32_t)r1;

	if (cpu < n_cpus())
		__atomic_fetch_and(&bits_of(r2)[cpu / WORD_BITS], ~bit_of(cpu), __ATOMIC_RELAXED);
	return 0;
}

KFUNC_FN(bpf_cpumask_test_cpu)
{
	uint32_t cpu = (uint32_t)r1;

	return cpu < n_cpus() && (word_at(bits_of(r2), cpu / WORD_BITS) & bit_of(cpu));
}

KFUNC_FN(bpf_cpumask_test_and_set_cpu)
{
	uint32_t cpu = (uint32_t)r1;

	return cpu < n_cpus() &&
	       (__atomic_fetch_or(&bits_of(r2)[cpu / WORD_BITS], bit_of(cpu), __ATOMIC_SEQ_CST) &
		bit_of(cpu));
}

KFUNC_FN(bpf_cpumask_test_and_clear_cpu)
{
	uint32_t cpu = (uint32_t)r1;

	return cpu < n_cpus() &&
	       (__atomic_fetch_and(&bits_of(r2)[cpu / WORD_BITS], ~bit_of(cpu), __ATOMIC_SEQ_CST) &
		bit_of(cpu));
}

/* -- Searches: the number of CPUs means there is none ------------------------ */

static uint32_t first_from(uint32_t start, const unsigned long *a, const unsigned long *b)
{
	for (uint32_t cpu = start; cpu < n_cpus(); cpu++) {
		unsigned long w = word_at(a, cpu / WORD_BITS);

		if (b)
			w &= word_at(b, cpu / WORD_BITS);
		if (w & bit_of(cpu))
			return cpu;
	}
	return n_cpus();
}

KFUNC_FN(bpf_cpumask_first)
{
	return first_from(0, bits_of(r1), NULL);
}

KFUNC_FN(bpf_cpumask_first_and)
{
	return first_from(0, bits_of(r1), bits_of(r2));
}

KFUNC_FN(bpf_cpumask_first_zero)
{
	uint32_t cpu = 0;

	while (cpu < n_cpus() && (word_at(bits_of(r1), cpu / WORD_BITS) & bit_of(cpu)))
		cpu++;
	return cpu;
}

/* Goes on where this thread's last answer was; simulated worlds must not see what was before. */
static uint32_t distribute(const unsigned long *a, const unsigned long *b)
{
	static __thread uint32_t last;
	uint32_t cpu;

	if (world_here)
		last = world_here->random(world_here->arg) % n_cpus();
	cpu = first_from(last + 1, a, b);

	if (cpu >= n_cpus())
		cpu = first_from(0, a, b);
	if (cpu < n_cpus())
		last = cpu;
	return cpu;
}

KFUNC_FN(bpf_cpumask_any_distribute)
{
	return distribute(bits_of(r1), NULL);
}

KFUNC_FN(bpf_cpumask_any_and_distribute)
{
	return distribute(bits_of(r1), bits_of(r2));
}

/* -- Whole masks -------------------------------------------------------------- */

KFUNC_FN(bpf_cpumask_setall)
{
	unsigned long *bits = bits_of(r1);

	memset(bits, 0xff, n_words() * sizeof(*bits));
	if (n_cpus() % WORD_BITS)
		bits[n_words() - 1] = word_at(bits, n_words() - 1);
	return 0;
}

KFUNC_FN(bpf_cpumask_clear)
{
	memset(bits_of(r1), 0, n_words() * sizeof(unsigned long));
	return 0;
}

KFUNC_FN(bpf_cpumask_copy)
{
	memmove(bits_of(r1), bits_of(r2), n_words() * sizeof(unsigned long));
	return 0;
}

KFUNC_FN(bpf_cpumask_and)
{
	unsigned long any = 0;

	for (uint32_t i = 0; i < n_words(); i++)
		any |= bits_of(r1)[i] = word_at(bits_of(r2), i) & word_at(bits_of(r3), i);
	return any != 0;
}

KFUNC_FN(bpf_cpumask_or)
{
	for (uint32_t i = 0; i < n_words(); i++)
		bits_of(r1)[i] = word_at(bits_of(r2), i) | word_at(bits_of(r3), i);
	return 0;
}

KFUNC_FN(bpf_cpumask_xor)
{
	for (uint32_t i = 0; i < n_words(); i++)
		bits_of(r1)[i] = word_at(bits_of(r2), i) ^ word_at(bits_of(r3), i);
	return 0;
}

KFUNC_FN(bpf_cpumask_equal)
{
	for (uint32_t i = 0; i < n_words(); i++)
		if (word_at(bits_of(r1), i) != word_at(bits_of(r2), i))
			return 0;
	return 1;
}

KFUNC_FN(bpf_cpumask_intersects)
{
	for (uint32_t i = 0; i < n_words(); i++)
		if (word_at(bits_of(r1), i) & word_at(bits_of(r2), i))
			return 1;
	return 0;
}

KFUNC_FN(bpf_cpumask_subset)
{
	for (uint32_t i = 0; i < n_words(); i++)
		if (word_at(bits_of(r1), i) & ~word_at(bits_of(r2), i))
			return 0;
	return 1;
}

KFUNC_FN(bpf_cpumask_weight)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_words(); i++)
		n += (uint32_t)__builtin_popcountl(word_at(bits_of(r1), i));
	return n;
}

KFUNC_FN(bpf_cpumask_empty)
{
	return kfunc_bpf_cpumask_weight(r1, 0, 0, 0, 0) == 0;
}

KFUNC_FN(bpf_cpumask_full)
{
	return kfunc_bpf_cpumask_weight(r1, 0, 0, 0, 0) == n_cpus();
}

/* From plain memory: -EACCES if it is too short, -EINVAL unless aligned like a mask. */
KFUNC_FN(bpf_cpumask_populate)
{
	if ((uint32_t)r3 < n_words() * sizeof(unsigned long))
		return (uint64_t)-EACCES;
	if (r2 % sizeof(unsigned long))
		return (uint64_t)-EINVAL;
	memcpy(bits_of(r1), host_ptr(r2), n_words() * sizeof(unsigned long));
	return 0;
}
