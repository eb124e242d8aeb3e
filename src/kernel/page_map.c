/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that asks, and halving the arena until every range is of one kind. */
#include "kernel/page_map.h"

#include "arena/arena.h"
#include "base/base.h"
#include "btf/btf.h"
#include "kernel/kernel.h"

/* The program's context, and what it returns besides kinds of pages. */
struct question {
	uint64_t addr;
	uint32_t pages, pad;
};
#define MIXED 100

struct probe {
	struct kernel *k;
	int prog;
	uint64_t start;
	uint8_t *kinds;
};

#define INSN(c, d, s, o, i) {.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)}
#define RETURN(k) \
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, k), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define COPY(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
/* r0 = func(map, r7, r8) */
#define CALL(func, map)                                                                     \
	INSN(BPF_LD | BPF_IMM | BPF_DW, 1, BPF_PSEUDO_MAP_FD, 0, map), INSN(0, 0, 0, 0, 0), \
		COPY(2, 7), COPY(3, 8),                                                     \
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int32_t)(func))

static int load(struct kernel *k, int map, uint32_t reserve, uint32_t free_pages)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 7, 1, offsetof(struct question, addr), 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 8, 1, offsetof(struct question, pages), 0),
		CALL(reserve, map),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 7, 0),
		CALL(free_pages, map),
		RETURN(ARENA_PAGE_HOLE),
		/* refused: something is there; of one page we can tell what */
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 8, 0, 2, 1),
		RETURN(MIXED),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 7, 7, BPF_ADDR_SPACE_CAST, BPF_CAST_KERN),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 7, 0, 0),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 4, 0),
		INSN(BPF_ST | BPF_MEM | BPF_DW, 7, 0, 0, 1),
		INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 7, 0, 0),
		INSN(BPF_ST | BPF_MEM | BPF_DW, 7, 0, 0, 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2, 0),
		RETURN(ARENA_PAGE_ALLOC),
		RETURN(ARENA_PAGE_RESERVED),
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SYSCALL,
			       .prog_flags = BPF_F_SLEEPABLE,
			       .prog_name = "page_map",
			       .insns = (uintptr_t)insns,
			       .insn_cnt = ARRAY_SIZE(insns),
			       .license = (uintptr_t)"Dual BSD/GPL"};

	return (int)kernel_bpf(k, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static int ask(const struct probe *p, size_t first, size_t n, uint32_t *answer)
{
	struct question q = {.addr = p->start + first * ARENA_PAGE_SIZE, .pages = (uint32_t)n};
	union bpf_attr attr = {.test = {.prog_fd = (uint32_t)p->prog,
					.ctx_in = (uintptr_t)&q,
					.ctx_size_in = sizeof(q)}};
	long err = kernel_bpf(p->k, BPF_PROG_TEST_RUN, &attr, sizeof(attr));

	*answer = attr.test.retval;
	return (int)err;
}

static int look_at(const struct probe *p, size_t first, size_t n)
{
	uint32_t answer;

	UA_TRY(ask(p, first, n, &answer));
	if (answer != MIXED) {
		memset(p->kinds + first, (int)answer, n);
		return 0;
	}
	UA_TRY(look_at(p, first, n / 2));
	return look_at(p, first + n / 2, n - n / 2);
}

int kernel_page_map(struct kernel *k, int map_fd, uint64_t start, uint8_t *kinds, size_t n)
{
	const struct btf *btf = k->ops->vmlinux_btf(k);
	uint32_t reserve = btf ? btf_find(btf, "bpf_arena_reserve_pages", BTF_KIND_FUNC) : 0;
	uint32_t free_pages = btf ? btf_find(btf, "bpf_arena_free_pages", BTF_KIND_FUNC) : 0;
	struct probe p = {.k = k, .start = start, .kinds = kinds};
	int err;

	UA_FAIL_IF(!reserve || !free_pages, -EOPNOTSUPP);
	p.prog = load(k, map_fd, reserve, free_pages);
	UA_FAIL_IF(p.prog < 0, p.prog);
	err = n ? look_at(&p, 0, n) : 0;
	k->ops->close(k, p.prog);
	return err;
}
