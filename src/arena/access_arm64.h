/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Program accesses for arm64, included by access.h. Read-modify-write needs LSE, as programs
 * with arena atomics do on Linux: every one of them is a loop around compare-and-swap.
 */

/* An entry per instruction: where it is, where to go on if it faults; see access.c. */
#define ACCESS_ENTRY                           \
	".pushsection ua_access_ext,\"a\"\n\t" \
	".long 1b - .\n\t"                     \
	".long %l[fault] - .\n\t"              \
	".popsection"

/* For the empty statements see access_x86.h. */
#define ACCESS_FAULTED() __asm__ __volatile__("")
#define ACCESS_ASM(...)                                 \
	do {                                            \
		__asm__ __volatile__ goto(__VA_ARGS__); \
		__asm__ __volatile__("");               \
	} while (0)

/* The macros jump to the label `fault` of the function around them. */
#define ACCESS_LOAD(insn, at, result)                                                         \
	ACCESS_ASM("1: " insn ", [%[mem]]\n\t" ACCESS_ENTRY : [out] "=r"(result) : [mem] "r"( \
		at) : "memory" : fault)

#define ACCESS_STORE(insn, at, operand)                                        \
	ACCESS_ASM("1: " insn ", [%[mem]]\n\t" ACCESS_ENTRY : : [mem] "r"(at), \
		   [val] "r"(operand) : "memory" : fault)

/* `old`: comparand in, what was there out. */
#define ACCESS_CAS(insn, at, old, operand)                                           \
	ACCESS_ASM(".arch_extension lse\n\t1: " insn ", [%[mem]]\n\t" ACCESS_ENTRY : \
		   [cmp] "+r"(old) : [mem] "r"(at), [val] "r"(operand) : "memory" : fault)

#define ACCESS_INLINE static inline __attribute__((always_inline)) bool

ACCESS_INLINE access_load(const void *addr, unsigned int size, uint64_t *val)
{
	uint64_t v;

	switch (size) {
	case 1:
		ACCESS_LOAD("ldrb %w[out]", addr, v);
		break;
	case 2:
		ACCESS_LOAD("ldrh %w[out]", addr, v);
		break;
	case 4:
		ACCESS_LOAD("ldr %w[out]", addr, v);
		break;
	default:
		ACCESS_LOAD("ldr %x[out]", addr, v);
		break;
	}
	*val = v;
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

ACCESS_INLINE access_load_acquire(const void *addr, unsigned int size, uint64_t *val)
{
	uint64_t v;

	switch (size) {
	case 1:
		ACCESS_LOAD("ldarb %w[out]", addr, v);
		break;
	case 2:
		ACCESS_LOAD("ldarh %w[out]", addr, v);
		break;
	case 4:
		ACCESS_LOAD("ldar %w[out]", addr, v);
		break;
	default:
		ACCESS_LOAD("ldar %x[out]", addr, v);
		break;
	}
	*val = v;
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

ACCESS_INLINE access_store(void *addr, unsigned int size, uint64_t val)
{
	switch (size) {
	case 1:
		ACCESS_STORE("strb %w[val]", addr, val);
		break;
	case 2:
		ACCESS_STORE("strh %w[val]", addr, val);
		break;
	case 4:
		ACCESS_STORE("str %w[val]", addr, val);
		break;
	default:
		ACCESS_STORE("str %x[val]", addr, val);
		break;
	}
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

ACCESS_INLINE access_store_release(void *addr, unsigned int size, uint64_t val)
{
	switch (size) {
	case 1:
		ACCESS_STORE("stlrb %w[val]", addr, val);
		break;
	case 2:
		ACCESS_STORE("stlrh %w[val]", addr, val);
		break;
	case 4:
		ACCESS_STORE("stlr %w[val]", addr, val);
		break;
	default:
		ACCESS_STORE("stlr %x[val]", addr, val);
		break;
	}
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

static inline uint64_t access_combine(int op, uint64_t old, uint64_t operand)
{
	switch (op & ~BPF_FETCH) {
	case BPF_ADD:
		return old + operand;
	case BPF_AND:
		return old & operand;
	case BPF_OR:
		return old | operand;
	case BPF_XOR:
		return old ^ operand;
	default:
		return operand;
	}
}

ACCESS_INLINE access_cas(void *addr, unsigned int size, uint64_t *old, uint64_t val)
{
	uint64_t v = size == 4 ? (uint32_t)*old : *old;

	if (size == 4)
		ACCESS_CAS("casal %w[cmp], %w[val]", addr, v, val);
	else
		ACCESS_CAS("casal %x[cmp], %x[val]", addr, v, val);
	*old = v;
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

ACCESS_INLINE access_rmw(void *addr, unsigned int size, int op, uint64_t *val, uint64_t cmp)
{
	uint64_t old = cmp, seen;

	if (op == BPF_CMPXCHG) {
		if (!access_cas(addr, size, &old, *val))
			return false;
		*val = old;
		return true;
	}
	if (!access_load(addr, size, &seen))
		return false;
	for (;;) {
		old = seen;
		if (!access_cas(addr, size, &old, access_combine(op, seen, *val)))
			return false;
		if (old == seen)
			break;
		seen = old;
	}
	if (op & BPF_FETCH)
		*val = old;
	return true;
}
