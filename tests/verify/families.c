/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Families of programs: one shape, many numbers, and a formula for the verdict that owes
 * nothing to the verifier.
 */
#include <stdio.h>
#include "families.h"

#define ARRAY_LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const uint8_t sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};
static const int bytes[] = {1, 2, 4, 8};

struct sink {
	void (*fn)(const struct suite_case *c, void *arg);
	void *arg;
};

static void give(const struct sink *s, const char *name, bool ok, int err,
		 const struct bpf_insn *insns, size_t n)
{
	struct suite_case c = {.name = name,
			       .type = BPF_PROG_TYPE_SYSCALL,
			       .err = ok ? 0 : err,
			       .insns = insns,
			       .n = (uint32_t)n};

	s->fn(&c, s->arg);
}

#define GIVE(s, ok, err, name, ...)                                    \
	give(s, name, ok, err, (const struct bpf_insn[]){__VA_ARGS__}, \
	     sizeof((const struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

/* -- Memory ------------------------------------------------------------------------ */

static void value_at(const struct sink *s, int off, int z)
{
	bool ok = off >= 0 && off + bytes[z] <= ARRAY_VALUE;
	char name[64];

	snprintf(name, sizeof(name), "%d bytes of a value at %d", bytes[z], off);
	GIVE(s, ok, -EACCES, name, LD_VALUE(1, MAP_ARRAY, 0), LDX(sizes[z], 0, 1, off), EXIT());
	GIVE(s, ok, -EACCES, name, LD_VALUE(1, MAP_ARRAY, 0), ST(sizes[z], 1, off, 7), DONE);
}

static void value_masked(const struct sink *s, int mask, int z)
{
	bool ok = mask + bytes[z] <= ARRAY_VALUE;
	char name[64];

	snprintf(name, sizeof(name), "%d bytes of a value at random & %d", bytes[z], mask);
	GIVE(s, ok, -EACCES, name, RANDOM(6), ALU(BPF_AND, 6, mask), LD_VALUE(1, MAP_ARRAY, 0),
	     ALUX(BPF_ADD, 1, 6), LDX(sizes[z], 0, 1, 0), EXIT());
	GIVE(s, ok, -EACCES, name, RANDOM(6), ALU32(BPF_AND, 6, mask), LD_VALUE(1, MAP_ARRAY, 0),
	     ALUX(BPF_ADD, 6, 1), LDX(sizes[z], 0, 6, 0), EXIT());
}

static void value_bounded(const struct sink *s, int limit)
{
	bool at = limit + 8 <= ARRAY_VALUE, below = limit + 7 <= ARRAY_VALUE;
	char name[64];

	snprintf(name, sizeof(name), "index bounded by a jump at %d", limit);
	GIVE(s, at, -EACCES, name, CALL(5), JMP(BPF_JGT, 0, limit, 4), LD_VALUE(1, MAP_ARRAY, 0),
	     ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, below, -EACCES, name, CALL(5), JMP(BPF_JGE, 0, limit, 4), LD_VALUE(1, MAP_ARRAY, 0),
	     ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, below, -EACCES, name, CALL(5), JMP(BPF_JLT, 0, limit, 2), DONE,
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, at, -EACCES, name, CALL(5), JMP(BPF_JLE, 0, limit, 2), DONE,
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, at, -EACCES, name, CALL(5), JMP(BPF_JSGT, 0, limit, 5), JMP(BPF_JSLT, 0, 0, 4),
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, false, -EINVAL, name, CALL(5), JMP(BPF_JSGT, 0, limit, 4),
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 0), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, at, -EACCES, name, CALL(5), MOVX32(6, 0), JMP32(BPF_JGT, 6, limit, 4),
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 6), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, at, -EACCES, name, CALL(5), MOVX(6, 0), JMP(BPF_JGT, 0, limit, 4),
	     LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 6), LDX(BPF_DW, 2, 1, 0), DONE);
	GIVE(s, at, -EACCES, name, CALL(5), STX(BPF_DW, 10, 0, -8), JMP(BPF_JGT, 0, limit, 5),
	     LDX(BPF_DW, 6, 10, -8), LD_VALUE(1, MAP_ARRAY, 0), ALUX(BPF_ADD, 1, 6),
	     LDX(BPF_DW, 2, 1, 0), DONE);
}

static void context_at(const struct sink *s, int off, int z)
{
	char name[64];

	snprintf(name, sizeof(name), "%d bytes of the context at %d", bytes[z], off);
	GIVE(s, off % bytes[z] == 0, -EACCES, name, LDX(sizes[z], 0, 1, off), EXIT());
}

static void stack_at(const struct sink *s, int off, int z)
{
	bool ok = off % bytes[z] == 0 && off + bytes[z] <= 0;
	char name[64];

	snprintf(name, sizeof(name), "%d bytes of the stack at %d", bytes[z], off);
	GIVE(s, ok, -EACCES, name, ST(sizes[z], 10, off, 1), DONE);
	GIVE(s, ok, -EACCES, name, LDX(sizes[z], 0, 10, off), EXIT());
}

static void memory(const struct sink *s)
{
	static const int offs[] = {-8, -1, 0, 1, 39, 40, 41, 44, 45, 46, 47, 48, 49, 1000};
	static const int masks[] = {0, 1, 7, 15, 31, 32, 47, 63, 127};
	static const int limits[] = {1, 39, 40, 41, 47, 48};

	for (int z = 0; z < 4; z++) {
		for (int i = 0; i < ARRAY_LEN(offs); i++)
			value_at(s, offs[i], z);
		for (int i = 0; i < ARRAY_LEN(masks); i++)
			value_masked(s, masks[i], z);
		for (int off = 0; off < 12; off++)
			context_at(s, off, z);
		for (int off = -16; off < 2; off++)
			stack_at(s, off, z);
	}
	for (int i = 0; i < ARRAY_LEN(limits); i++)
		value_bounded(s, limits[i]);
}

/* -- Arithmetic ------------------------------------------------------------------------ */

static uint64_t compute(uint8_t op, uint64_t a, uint64_t b, bool is32)
{
	int w = is32 ? 32 : 64;
	uint64_t keep = is32 ? UINT32_MAX : UINT64_MAX, r = 0;

	a &= keep;
	b &= keep;
	switch (op) {
	case BPF_ADD:
		r = a + b;
		break;
	case BPF_SUB:
		r = a - b;
		break;
	case BPF_MUL:
		r = a * b;
		break;
	case BPF_AND:
		r = a & b;
		break;
	case BPF_OR:
		r = a | b;
		break;
	case BPF_XOR:
		r = a ^ b;
		break;
	case BPF_LSH:
		r = a << (b % (unsigned int)w);
		break;
	case BPF_RSH:
		r = a >> (b % (unsigned int)w);
		break;
	default:
		r = (uint64_t)((int64_t)(a << (64 - w)) >> (64 - w) >> (b % (unsigned int)w));
	}
	return r & keep;
}

/* Known operands give a known result: the branch that would read r9 is never walked. */
static void folds(const struct sink *s, uint8_t op, uint64_t a, uint64_t b)
{
	bool shift = op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH;
	char name[64];

	for (int is32 = 0; is32 < 2; is32++) {
		uint64_t y = shift ? b & (is32 ? 31 : 63) : b, r = compute(op, a, y, is32);
		uint8_t class = is32 ? BPF_ALU : BPF_ALU64;

		snprintf(name, sizeof(name), "%s operation %02x folds", is32 ? "32-bit" : "64-bit",
			 op);
		GIVE(s, true, 0, name, LD64(1, a), LD64(2, y), INSN(class | op | BPF_X, 1, 2, 0, 0),
		     LD64(3, r), MOV(0, 0), JMPX(BPF_JEQ, 1, 3, 1), MOVX(0, 9), EXIT());
		GIVE(s, false, -EACCES, name, LD64(1, a), LD64(2, y),
		     INSN(class | op | BPF_X, 1, 2, 0, 0), LD64(3, r), MOV(0, 0),
		     JMPX(BPF_JNE, 1, 3, 1), MOVX(0, 9), EXIT());
	}
}

static void arithmetic(const struct sink *s)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_AND, BPF_OR,
				      BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH};
	static const uint64_t pairs[][2] = {{5, 3},
					    {0xffffffff, 1},
					    {0x8000000000000001, 0x7fffffff},
					    {0xfffffffffffffff0, 17}};

	for (int o = 0; o < ARRAY_LEN(ops); o++)
		for (int p = 0; p < ARRAY_LEN(pairs); p++)
			folds(s, ops[o], pairs[p][0], pairs[p][1]);
}

/* -- Arenas -------------------------------------------------------------------------------- */

static void arena_atomic(const struct sink *s, int32_t op, int z)
{
	bool fetch_logic = op == (BPF_AND | BPF_FETCH) || op == (BPF_OR | BPF_FETCH) ||
			   op == (BPF_XOR | BPF_FETCH);
	bool ok = bytes[z] >= 4;
	int err = bytes[z] < 4 ? -EINVAL : -EACCES;
	char name[64];

#ifdef __x86_64__
	ok = ok && !fetch_logic;
#else
	(void)fetch_logic;
#endif
	snprintf(name, sizeof(name), "arena atomic %02x of %d bytes", (unsigned int)op, bytes[z]);
	GIVE(s, ok, err, name, TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1), MOV(0, 1),
	     ATOMIC(sizes[z], op, 2, 0, 0), DONE);
}

static void arena_ordered(const struct sink *s, int z)
{
	GIVE(s, true, 0, "arena load-acquire", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
	     ATOMIC(sizes[z], BPF_LOAD_ACQ, 0, 2, 4), EXIT());
	GIVE(s, true, 0, "arena store-release", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
	     ATOMIC(sizes[z], BPF_STORE_REL, 2, 0, 4), DONE);
}

static void arena_arithmetic(const struct sink *s, uint8_t op)
{
	static const uint8_t classes[] = {BPF_ALU, BPF_ALU64};

	for (int c = 0; c < 2; c++) {
		GIVE(s, true, 0, "arena pointer op number", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
		     INSN(classes[c] | op | BPF_K, 2, 0, 0, 3), LDX(BPF_B, 0, 2, 0), EXIT());
		GIVE(s, true, 0, "arena pointer op register", TOUCH_ARENA, RANDOM(1),
		     CAST_KERN(2, 1), INSN(classes[c] | op | BPF_X, 2, 0, 0, 0),
		     LDX(BPF_B, 0, 2, 0), EXIT());
		GIVE(s, true, 0, "number op arena pointer", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
		     INSN(classes[c] | op | BPF_X, 0, 2, 0, 0), LDX(BPF_B, 0, 0, 0), EXIT());
	}
}

static void arena_access(const struct sink *s, int off, int z)
{
	GIVE(s, true, 0, "arena load", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
	     LDX(sizes[z], 0, 2, off), EXIT());
	GIVE(s, true, 0, "arena store", TOUCH_ARENA, RANDOM(1), CAST_KERN(2, 1),
	     STX(sizes[z], 2, 10, off), DONE);
	GIVE(s, false, -EACCES, "arena load without cast", TOUCH_ARENA, RANDOM(1),
	     LDX(sizes[z], 0, 1, off), EXIT());
}

static void arenas(const struct sink *s)
{
	static const int32_t atomics[] = {
		BPF_ADD,  BPF_ADD | BPF_FETCH, BPF_AND, BPF_AND | BPF_FETCH,
		BPF_OR,	  BPF_OR | BPF_FETCH,  BPF_XOR, BPF_XOR | BPF_FETCH,
		BPF_XCHG, BPF_CMPXCHG};
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD, BPF_AND,
				      BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH, BPF_ARSH};
	static const int offs[] = {-32768, -1, 0, 7, 32767};

	for (int z = 0; z < 4; z++) {
		for (int a = 0; a < ARRAY_LEN(atomics); a++)
			arena_atomic(s, atomics[a], z);
		for (int o = 0; o < ARRAY_LEN(offs); o++)
			arena_access(s, offs[o], z);
		arena_ordered(s, z);
	}
	for (int o = 0; o < ARRAY_LEN(ops); o++)
		arena_arithmetic(s, ops[o]);
}

/* -- Types of programs ------------------------------------------------------------- */

static const struct typed {
	const char *name;
	uint32_t type, attach;
	int min, max;	       /* of what it may return; min > max: anything */
	bool objects, tracing; /* calls kfuncs on tasks, on CPU masks */
} typed[] = {
	{"socket_filter", BPF_PROG_TYPE_SOCKET_FILTER, 0, 1, 0, false, false},
	{"kprobe", BPF_PROG_TYPE_KPROBE, 0, 1, 0, false, false},
	{"kprobe.session", BPF_PROG_TYPE_KPROBE, 56, 0, 1, false, false},
	{"uprobe.session", BPF_PROG_TYPE_KPROBE, 57, 0, 1, false, false},
	{"tc", BPF_PROG_TYPE_SCHED_CLS, 0, 1, 0, true, false},
	{"action", BPF_PROG_TYPE_SCHED_ACT, 0, 1, 0, false, false},
	{"tracepoint", BPF_PROG_TYPE_TRACEPOINT, 0, 1, 0, true, true},
	{"xdp", BPF_PROG_TYPE_XDP, 0, 1, 0, true, false},
	{"perf_event", BPF_PROG_TYPE_PERF_EVENT, 0, 1, 0, true, true},
	{"cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, 0, 0, 1, true, false},
	{"cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, 1, 0, 3, true, false},
	{"cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK, 2, 0, 1, true, false},
	{"cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, 12, 0, 1, true, false},
	{"cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, 34, 0, 1, true, false},
	{"lwt_in", BPF_PROG_TYPE_LWT_IN, 0, 1, 0, false, false},
	{"lwt_xmit", BPF_PROG_TYPE_LWT_XMIT, 0, 1, 0, false, false},
	{"sockops", BPF_PROG_TYPE_SOCK_OPS, 3, 0, 1, true, false},
	{"sk_skb", BPF_PROG_TYPE_SK_SKB, 0, 1, 0, false, false},
	{"cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, 6, 0, 1, true, false},
	{"sk_msg", BPF_PROG_TYPE_SK_MSG, 7, 1, 0, false, false},
	{"raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 1, 0, false, false},
	{"raw_tp.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 1, 0, false, false},
	{"cgroup/bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 8, 0, 3, true, false},
	{"cgroup/bind6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 9, 0, 3, true, false},
	{"cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 10, 0, 1, true, false},
	{"cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 15, 0, 1, true, false},
	{"cgroup/recvmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 19, 1, 1, true, false},
	{"cgroup/getpeername4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 29, 1, 1, true, false},
	{"cgroup/getsockname6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 32, 1, 1, true, false},
	{"cgroup/connect_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 49, 0, 1, true, false},
	{"cgroup/recvmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 51, 1, 1, true, false},
	{"lwt_seg6local", BPF_PROG_TYPE_LWT_SEG6LOCAL, 0, 1, 0, false, false},
	{"sk_reuseport", BPF_PROG_TYPE_SK_REUSEPORT, 39, 1, 0, false, false},
	{"flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, 17, 1, 0, false, false},
	{"cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, 18, 0, 1, true, false},
	{"cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, 21, 0, 1, true, false},
	{"sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, 36, 0, 1, false, false},
	{"syscall", BPF_PROG_TYPE_SYSCALL, 0, 1, 0, true, true},
	{"netfilter", BPF_PROG_TYPE_NETFILTER, 45, 0, 1, false, false},
	/* Attach types that these cannot be loaded for. */
	{"cgroup_skb for 2", BPF_PROG_TYPE_CGROUP_SKB, 2, 1, -1, false, false},
	{"sock_addr for 0", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 0, 1, -1, false, false},
	{"sockopt for 0", BPF_PROG_TYPE_CGROUP_SOCKOPT, 0, 1, -1, false, false},
	{"sk_lookup for 0", BPF_PROG_TYPE_SK_LOOKUP, 0, 1, -1, false, false},
	{"netfilter for 0", BPF_PROG_TYPE_NETFILTER, 0, 1, -1, false, false},
	{"syscall for 1", BPF_PROG_TYPE_SYSCALL, 1, 1, -1, false, false},
};

static void give_typed(const struct sink *s, const struct typed *t, bool ok, int err,
		       const char *msg, const struct bpf_insn *insns, size_t n)
{
	bool loads = t->min <= t->max || !t->max;
	struct suite_case c = {.name = t->name,
			       .type = t->type,
			       .attach = t->attach,
			       .err = !loads ? -EINVAL
				      : ok   ? 0
					     : err,
			       .msg = ok || !loads ? NULL : msg,
			       .insns = insns,
			       .n = (uint32_t)n};

	s->fn(&c, s->arg);
}

#define GIVE_TYPED(s, t, ok, err, msg, ...)                                    \
	give_typed(s, t, ok, err, msg, (const struct bpf_insn[]){__VA_ARGS__}, \
		   sizeof((const struct bpf_insn[]){__VA_ARGS__}) / sizeof(struct bpf_insn))

static void typed_returns(const struct sink *s, const struct typed *t)
{
	static const char msg[] = "At program exit the register R0 has";
	bool any = t->min > t->max;

	for (int v = -1; v <= 4; v++)
		GIVE_TYPED(s, t, any || (v >= t->min && v <= t->max), -EINVAL, msg, MOV(0, v),
			   EXIT());
	GIVE_TYPED(s, t, any, -EINVAL, msg, CALL(7), EXIT());
	GIVE_TYPED(s, t, any || t->max == 3, -EINVAL, msg, CALL(7), ALU(BPF_AND, 0, 3), EXIT());
	GIVE_TYPED(s, t, any, -EINVAL, "At program exit the register R0 is not a known value (fp)",
		   MOVX(0, 10), EXIT());
}

static void typed_kfuncs(const struct sink *s, const struct typed *t)
{
	static const char msg[] = "is not allowed";
	int ret = t->min == 1 && t->max == 1;

	GIVE_TYPED(s, t, t->objects, -EACCES, msg, MOV(1, 1), KCALL(TASK_FROM_PID),
		   JMP(BPF_JEQ, 0, 0, 2), MOVX(1, 0), KCALL(TASK_RELEASE), MOV(0, ret), EXIT());
	GIVE_TYPED(s, t, t->objects, -EACCES, msg, MOV(1, 1), KCALL(CGROUP_FROM_ID),
		   JMP(BPF_JEQ, 0, 0, 2), MOVX(1, 0), KCALL(CGROUP_RELEASE), MOV(0, ret), EXIT());
	GIVE_TYPED(s, t, t->tracing, -EACCES, msg, KCALL(CPUMASK_CREATE), JMP(BPF_JEQ, 0, 0, 2),
		   MOVX(1, 0), KCALL(CPUMASK_RELEASE), MOV(0, ret), EXIT());
	GIVE_TYPED(s, t, true, 0, NULL, KCALL(RCU_READ_LOCK), KCALL(RCU_READ_UNLOCK), MOV(0, ret),
		   EXIT());
}

static void types(const struct sink *s)
{
	for (int i = 0; i < ARRAY_LEN(typed); i++) {
		typed_returns(s, &typed[i]);
		typed_kfuncs(s, &typed[i]);
	}
}

void families_each(void (*fn)(const struct suite_case *c, void *arg), void *arg)
{
	struct sink s = {fn, arg};

	memory(&s);
	arithmetic(&s);
	arenas(&s);
	types(&s);
}
