/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A loaded program: its code, the maps and BTF it holds, its streams.
 *
 * Life: prog_load() (load.c: verify, rewrite, compile) -> prog_run*() (run.c) -> prog_put().
 */
#ifndef UA_PROG_PROG_H
#define UA_PROG_PROG_H

#include <stdatomic.h>
#include "abi/bpf.h"
#include "abi/code.h"
#include "arena/run.h"
#include "base/epoch.h"
#include "base/owner.h"
#include "prog/stream.h"
#include "verify/verify.h"

struct map;
struct engine; /* prog/engine.h: tables shared by the programs of one engine */

struct prog {
	_Atomic int refs;
	struct owner owner;
	uint32_t id, type, expected_attach_type, prog_flags;
	char name[BPF_OBJ_NAME_LEN];
	bool gpl, sleepable;
	struct code *code;
	struct arena *arena; /* held through `maps` */
	struct map **maps;   /* one reference each */
	uint32_t n_maps;
	void *btf_obj; /* keeps the program's BTF alive */
	void (*btf_obj_put)(void *btf_obj);
	const struct btf *btf;
	struct bpf_insn *orig; /* as loaded, for the tag and tools */
	uint32_t n_orig;
	struct bpf_func_info *func_info;
	uint32_t n_func_info;
	struct bpf_line_info *line_info;
	uint32_t n_line_info;
	host_fn entry;		   /* compiled main function, NULL: interpreted */
	struct stream *streams[2]; /* stdout, stderr */
	struct verify_stats stats;
	uint64_t load_time_ns;
	_Atomic uint64_t run_cnt, run_time_ns;
	int fd;
	uint8_t tag[BPF_TAG_SIZE];
	struct engine *engine;
	uint32_t attach_btf_id; /* struct_ops programs: struct and member they are for */
	uint32_t member_idx;
	const struct struct_ops_member *member;
	void *struct_ops; /* associated struct_ops map, or NULL */
	struct epoch_item free_item;
};

/*
 * What helpers and kfuncs need to know of the run they are called from; run->ctx points here.
 * Lives beside the run record on the runner's stack.
 */
struct run_ctx {
	struct prog *prog;
	void *ctx;		/* the program's r1 */
	uint8_t *pkt, *pkt_end; /* packet of SOCKET_FILTER / SCHED_CLS runs */
	uint32_t *spin_lock;	/* the bpf_spin_lock it holds, or NULL */
	void *records;		/* checked mode: memory handed to the program (region.h) */
	void *task;		/* struct task_struct programs see as current; NULL: the thread's */
	uint32_t tail_calls;
	uint32_t n_res_locks;	/* bpf_res_spin_locks this run holds; lock.c knows which */
	uint32_t preempt_depth; /* bpf_preempt_disable and irq saves not undone yet */
	int error;		/* the program runs to its end, then the run returns this errno */
	uint32_t ctx_size;
} __attribute__((aligned(16))); /* initialised by every run: zeros in whole vector stores */

static inline struct run_ctx *run_ctx_top(void)
{
	return run_top ? (struct run_ctx *)run_top->ctx : NULL;
}

static inline void run_ctx_init(struct run_ctx *rc, struct prog *prog, void *ctx, uint32_t ctx_size)
{
	*rc = (struct run_ctx){
		.prog = prog,
		.ctx = ctx,
		.ctx_size = ctx_size,
	};
}

struct prog *prog_get(struct prog *prog);
void prog_put(struct prog *prog);

/*
 * Run the main function once on this thread with r1 = rc->ctx. rc->prog must be set; the rest
 * zero or filled. 0 and *retval, or an errno: the one that stopped the program half-way
 * (run_top->stop), or the one a host function left in rc->error.
 */
int prog_run(struct run_ctx *rc, uint64_t *retval);
/* The same with nothing but a context: the hot path of ua_program__call(). retval may be NULL. */
int prog_call(struct prog *prog, void *ctx, uint32_t ctx_size, uint64_t *retval);

/* Call a callback or subprogram value from a helper: works under interpreter and JIT, nested in
 * the run on top of this thread. */
uint64_t prog_callback(uint64_t cb, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		       uint64_t a5);
/* The same where no run is on top (timers): on a fresh record for rc, inside an epoch section.
 * rc->prog must be set and own the callback. Returns the errno that stopped it, or 0. */
int prog_callback_run(struct run_ctx *rc, uint64_t cb, const uint64_t args[5], uint64_t *retval);

/* Run host code on behalf of a program: its stray accesses to the arena are reported on the
 * program's stream and recover, as within a kfunc the program calls. 0 or the attaching errno. */
int prog_host_run(struct prog *prog, void (*fn)(void *arg), void *arg);

/* BPF_PROG_TEST_RUN */
int prog_test_run(struct prog *prog, union bpf_attr *attr);

/* Violation and stack-dump texts (report.c); signal-safe. */
void prog_report_violation(struct run *run, uint64_t addr, bool is_write, void *uc, int64_t idx);
void prog_report(struct run *run, const char *headline); /* headline + stack to stderr */
int prog_print_stack(struct run *run, int stream_id);

#endif
