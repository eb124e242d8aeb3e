/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verifier: proves a program safe and rewrites it for execution.
 *
 * verify_program() takes what BPF_PROG_LOAD was given, with descriptors already resolved to
 * maps and BTF, and returns the executable form or the kernel's errno with the kernel's text
 * in the log. It knows nothing of descriptors, engines or runs.
 */
#ifndef UA_VERIFY_VERIFY_H
#define UA_VERIFY_VERIFY_H

#include "abi/bpf.h"
#include "abi/code.h"

struct btf;
struct btf_type;
struct map;
struct kfunc_set;

/* Verifier log with the kernel's truncation rules (BPF_LOG_FIXED and rotating). */
struct verify_log {
	char *buf; /* caller's, may be NULL */
	uint32_t size, level;
	uint64_t true_size; /* bytes the whole log takes, with the terminating NUL */
	uint64_t pos;
	uint64_t start; /* oldest byte still in the ring */
};

struct verify_stats {
	uint32_t insn_processed, total_states, peak_states, max_states_per_insn;
	uint64_t verification_ns;
	uint32_t stack_depth;
	uint32_t max_ctx_offset; /* end of the furthest context access; a run must supply that much
				  */
};

struct verify_in {
	uint32_t prog_type, expected_attach_type, attach_btf_id, prog_flags;
	char name[BPF_OBJ_NAME_LEN];
	struct bpf_insn *insns; /* verifier's own copy, it rewrites in place */
	uint32_t n_insns;
	const struct btf *btf; /* program's BTF, may be NULL */
	const struct bpf_func_info *func_info;
	uint32_t n_func_info;
	const struct bpf_line_info *line_info;
	uint32_t n_line_info;
	const struct btf *engine_btf; /* kernel types and kfunc prototypes */
	const struct kfunc_set *kfuncs;
	/* struct_ops programs: the member's prototype in engine_btf and the per-argument marks. */
	const struct btf_type *member_proto;
	uint32_t member_btf_type, member_idx;
	const uint8_t *member_arg_flags; /* enum member_arg bits, one byte per argument */
	bool member_sleepable;
	/* Descriptor in an instruction, or index into fd_array, to map; takes a reference that
	 * the caller of verify_program() keeps track of. -EBADF, -EINVAL (not a map). */
	int (*resolve_map)(void *arg, int fd, bool is_idx, struct map **out);
	void *resolve_arg;
	struct map **fd_array_maps; /* maps bound by the load-time fd_array, may be NULL */
	uint32_t n_fd_array_maps;
	/* Helper ids this engine implements: bit i of helper_known[i / 64]. */
	const host_fn *helper_fns;
	uint32_t n_helper_fns;
	uint32_t n_cpus;       /* the processor a program sees is below this; 0: not known */
	bool not_gpl;	       /* license is not GPL-compatible: no GPL-only helpers, no kfuncs */
	bool debug_unverified; /* debug builds only: structural checks and rewriting, no proof */
	struct verify_log *log;
	struct verify_stats *stats; /* may be NULL */
};

enum member_arg { MEMBER_ARG_NULLABLE = 1, MEMBER_ARG_ARENA = 2, MEMBER_ARG_REF = 4 };

/* May a program of this type be loaded for this attach type? */
bool prog_type_attaches(uint32_t type, uint32_t attach);
int verify_program(struct verify_in *in, struct code **out);

#endif
