/* SPDX-License-Identifier: BSD-2-Clause */
/* Program accesses for x86-64, included by access.h. TSO makes plain moves acquire and release. */

/* An entry per instruction: where it is, where to go on if it faults; see access.c. */
#define ACCESS_ENTRY                           \
	".pushsection ua_access_ext,\"a\"\n\t" \
	".long 1b - .\n\t"                     \
	".long %l[fault] - .\n\t"              \
	".popsection"

/* gcc 12 forgets that an asm goto with outputs is volatile, and without an empty statement
 * behind it and another on the jump path may let one path clobber what the other sets. */
#define ACCESS_FAULTED() __asm__ __volatile__("")
#define ACCESS_ASM(...)                                 \
	do {                                            \
		__asm__ __volatile__ goto(__VA_ARGS__); \
		__asm__ __volatile__("");               \
	} while (0)

/*
 * The macros jump to the label `fault` of the function around them. Memory is a register operand,
 * because a dereference in C would be checked by sanitizers.
 */
#define ACCESS_LOAD(insn, at, result) \
	ACCESS_ASM("1: " insn         \
		   "\n\t" ACCESS_ENTRY : [out] "=r"(result) : [mem] "r"(at) : "memory" : fault)

/* Plain stores, and read-modify-write that leaves the operand as it is. */
#define ACCESS_STORE(insn, type, at, operand)                        \
	ACCESS_ASM("1: " insn "\n\t" ACCESS_ENTRY : : [mem] "r"(at), \
		   [val] "q"((type)(operand)) : "memory", "cc" : fault)

/* The operand's register receives the old value. */
#define ACCESS_SWAP(insn, at, operand)                                                   \
	ACCESS_ASM("1: " insn                                                            \
		   "\n\t" ACCESS_ENTRY : [val] "+r"(operand) : [mem] "r"(at) : "memory", \
		   "cc" : fault)

#define ACCESS_CMPXCHG(insn, type, at, comparand, operand)                           \
	ACCESS_ASM("1: " insn "\n\t" ACCESS_ENTRY : "+a"(comparand) : [mem] "r"(at), \
		   [val] "r"((type)(operand)) : "memory", "cc" : fault)

static inline __attribute__((always_inline)) bool access_load(const void *addr, unsigned int size,
							      uint64_t *val)
{
	uint32_t narrow;
	uint64_t wide;

	switch (size) {
	case 1:
		ACCESS_LOAD("movzbl (%[mem]), %k[out]", addr, narrow);
		break;
	case 2:
		ACCESS_LOAD("movzwl (%[mem]), %k[out]", addr, narrow);
		break;
	case 4:
		ACCESS_LOAD("movl (%[mem]), %k[out]", addr, narrow);
		break;
	default:
		ACCESS_LOAD("movq (%[mem]), %q[out]", addr, wide);
		*val = wide;
		return true;
	}
	*val = narrow;
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

static inline __attribute__((always_inline)) bool access_store(void *addr, unsigned int size,
							       uint64_t val)
{
	switch (size) {
	case 1:
		ACCESS_STORE("movb %b[val], (%[mem])", uint8_t, addr, val);
		break;
	case 2:
		ACCESS_STORE("movw %w[val], (%[mem])", uint16_t, addr, val);
		break;
	case 4:
		ACCESS_STORE("movl %k[val], (%[mem])", uint32_t, addr, val);
		break;
	default:
		ACCESS_STORE("movq %q[val], (%[mem])", uint64_t, addr, val);
		break;
	}
	return true;
fault:
	ACCESS_FAULTED();
	return false;
}

static inline __attribute__((always_inline)) bool
access_load_acquire(const void *addr, unsigned int size, uint64_t *val)
{
	bool ok = access_load(addr, size, val);

	__atomic_signal_fence(__ATOMIC_ACQUIRE);
	return ok;
}

static inline __attribute__((always_inline)) bool
access_store_release(void *addr, unsigned int size, uint64_t val)
{
	return access_store(addr, size, val); /* clobbers memory, so the compiler keeps the order */
}

/* What AND, OR and XOR with FETCH store; x86 has no instruction that returns the old value. */
static inline uint64_t access_combine(int op, uint64_t old, uint64_t operand)
{
	switch (op & ~BPF_FETCH) {
	case BPF_AND:
		return old & operand;
	case BPF_OR:
		return old | operand;
	default:
		return old ^ operand;
	}
}

static inline __attribute__((always_inline)) bool access_rmw32(void *addr, int op, uint64_t *val,
							       uint64_t cmp)
{
	uint32_t v = (uint32_t)*val, old = (uint32_t)cmp;
	uint64_t seen;

	switch (op) {
	case BPF_ADD:
		ACCESS_STORE("lock addl %k[val], (%[mem])", uint32_t, addr, v);
		return true;
	case BPF_OR:
		ACCESS_STORE("lock orl %k[val], (%[mem])", uint32_t, addr, v);
		return true;
	case BPF_AND:
		ACCESS_STORE("lock andl %k[val], (%[mem])", uint32_t, addr, v);
		return true;
	case BPF_XOR:
		ACCESS_STORE("lock xorl %k[val], (%[mem])", uint32_t, addr, v);
		return true;
	case BPF_ADD | BPF_FETCH:
		ACCESS_SWAP("lock xaddl %k[val], (%[mem])", addr, v);
		*val = v;
		return true;
	case BPF_XCHG:
		ACCESS_SWAP("xchgl %k[val], (%[mem])", addr, v);
		*val = v;
		return true;
	case BPF_CMPXCHG:
		ACCESS_CMPXCHG("lock cmpxchgl %k[val], (%[mem])", uint32_t, addr, old, v);
		*val = old;
		return true;
	default:
		if (!access_load(addr, 4, &seen))
			return false;
		for (;;) {
			old = (uint32_t)seen;
			ACCESS_CMPXCHG("lock cmpxchgl %k[val], (%[mem])", uint32_t, addr, old,
				       access_combine(op, seen, v));
			if (old == (uint32_t)seen)
				break;
			seen = old;
		}
		*val = old;
		return true;
	}
fault:
	ACCESS_FAULTED();
	return false;
}

static inline __attribute__((always_inline)) bool access_rmw64(void *addr, int op, uint64_t *val,
							       uint64_t cmp)
{
	uint64_t v = *val, old = cmp, seen;

	switch (op) {
	case BPF_ADD:
		ACCESS_STORE("lock addq %q[val], (%[mem])", uint64_t, addr, v);
		return true;
	case BPF_OR:
		ACCESS_STORE("lock orq %q[val], (%[mem])", uint64_t, addr, v);
		return true;
	case BPF_AND:
		ACCESS_STORE("lock andq %q[val], (%[mem])", uint64_t, addr, v);
		return true;
	case BPF_XOR:
		ACCESS_STORE("lock xorq %q[val], (%[mem])", uint64_t, addr, v);
		return true;
	case BPF_ADD | BPF_FETCH:
		ACCESS_SWAP("lock xaddq %q[val], (%[mem])", addr, v);
		*val = v;
		return true;
	case BPF_XCHG:
		ACCESS_SWAP("xchgq %q[val], (%[mem])", addr, v);
		*val = v;
		return true;
	case BPF_CMPXCHG:
		ACCESS_CMPXCHG("lock cmpxchgq %q[val], (%[mem])", uint64_t, addr, old, v);
		*val = old;
		return true;
	default:
		if (!access_load(addr, 8, &seen))
			return false;
		for (;;) {
			old = seen;
			ACCESS_CMPXCHG("lock cmpxchgq %q[val], (%[mem])", uint64_t, addr, old,
				       access_combine(op, seen, v));
			if (old == seen)
				break;
			seen = old;
		}
		*val = old;
		return true;
	}
fault:
	ACCESS_FAULTED();
	return false;
}

static inline __attribute__((always_inline)) bool access_rmw(void *addr, unsigned int size, int op,
							     uint64_t *val, uint64_t cmp)
{
	return size == 4 ? access_rmw32(addr, op, val, cmp) : access_rmw64(addr, op, val, cmp);
}
