/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The context: what r1 of the main function points to, by program type.
 *
 * SYSCALL programs get plain memory. Packet programs see struct __sk_buff by the table below;
 * the three fields that are pointers are rewritten (abi/skb.h). Programs with a prototype
 * (struct_ops members, iterators) see their arguments, eight bytes each.
 */
#include "abi/skb.h"
#include "verify/env.h"

#define MAX_RAW_TP_ARGS 12

static int denied(struct env *env, int off, int size)
{
	vlog(env, "invalid bpf_context access off=%d size=%d\n", off, size);
	return -EACCES;
}

/* -- struct __sk_buff ------------------------------------------------------------- */

enum skb_access {
	SKB_FILTER_R = 1, /* SOCKET_FILTER may read */
	SKB_FILTER_W = 2,
	SKB_TC_R = 4, /* SCHED_CLS may read */
	SKB_TC_W = 8,
	SKB_WHOLE = 16, /* only in its full size */
	SKB_BYTES = 32, /* any part of it */
	SKB_READ = SKB_FILTER_R | SKB_TC_R,
};

#define FIELD(f, how) {offsetof(struct skb_ctx, f), sizeof(((struct skb_ctx *)0)->f), (how)}

static const struct skb_field {
	uint16_t off, size;
	uint8_t how;
} skb_fields[] = {
	FIELD(len, SKB_READ),
	FIELD(pkt_type, SKB_READ),
	FIELD(mark, SKB_READ | SKB_TC_W),
	FIELD(queue_mapping, SKB_READ | SKB_TC_W),
	FIELD(protocol, SKB_READ),
	FIELD(vlan_present, SKB_READ),
	FIELD(vlan_tci, SKB_READ),
	FIELD(vlan_proto, SKB_READ),
	FIELD(priority, SKB_READ | SKB_TC_W),
	FIELD(ingress_ifindex, SKB_READ),
	FIELD(ifindex, SKB_READ),
	FIELD(tc_index, SKB_READ | SKB_TC_W),
	FIELD(cb, SKB_READ | SKB_FILTER_W | SKB_TC_W | SKB_BYTES),
	FIELD(hash, SKB_READ),
	FIELD(tc_classid, SKB_TC_R | SKB_TC_W),
	FIELD(data32, SKB_TC_R | SKB_WHOLE),
	FIELD(data_end32, SKB_TC_R | SKB_WHOLE),
	FIELD(napi_id, SKB_READ),
	FIELD(data_meta32, SKB_TC_R | SKB_WHOLE),
	FIELD(tstamp, SKB_TC_R | SKB_TC_W | SKB_WHOLE),
	FIELD(wire_len, SKB_TC_R),
	FIELD(gso_segs, SKB_READ),
	FIELD(gso_size, SKB_READ),
	FIELD(tstamp_type, SKB_TC_R | SKB_WHOLE),
	FIELD(hwtstamp, SKB_TC_R | SKB_WHOLE),
};

static const struct skb_field *skb_field_at(int off)
{
	for (size_t i = 0; i < ARRAY_SIZE(skb_fields); i++)
		if (off >= skb_fields[i].off && off < skb_fields[i].off + skb_fields[i].size)
			return &skb_fields[i];
	return NULL;
}

static void skb_pointer(struct env *env, int off, struct reg *out)
{
	enum rtype type = off == offsetof(struct skb_ctx, data32)	? R_PKT
			  : off == offsetof(struct skb_ctx, data_end32) ? R_PKT_END
									: R_PKT_META;

	reg_pointer(out, type, 0);
	env->aux[env->insn_idx].ctx_pointer = true;
}

static int skb_access(struct env *env, int off, int size, enum access acc, struct reg *out)
{
	bool filter = env->in->prog_type == BPF_PROG_TYPE_SOCKET_FILTER;
	uint8_t need = acc == ACC_READ ? (filter ? SKB_FILTER_R : SKB_TC_R)
				       : (filter ? SKB_FILTER_W : SKB_TC_W);
	const struct skb_field *f = off >= 0 ? skb_field_at(off) : NULL;

	if (!f || !(f->how & need) || off % size || off + size > f->off + f->size)
		return denied(env, off, size);
	if ((f->how & SKB_WHOLE || acc == ACC_WRITE) && !(f->how & SKB_BYTES) && size != f->size)
		return denied(env, off, size);
	if (skb_ctx_pointer((uint32_t)off))
		skb_pointer(env, off, out);
	return 0;
}

/* -- Arguments by prototype ---------------------------------------------------------- */

bool ctx_is_btf(const struct env *env)
{
	return env->in->member_proto != NULL;
}

static bool is_small(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

static void btf_pointer(struct env *env, uint32_t arg, uint32_t target, struct reg *out)
{
	uint8_t marks = env->in->member_arg_flags ? env->in->member_arg_flags[arg] : 0;
	const struct btf_type *t = btf_resolve(env->in->engine_btf, &target);

	if (marks & MEMBER_ARG_ARENA) {
		reg_pointer(out, R_ARENA, 0);
	} else if (target && btf_is_composite(t)) {
		reg_pointer(out, R_BTF, RF_TRUSTED | (marks & MEMBER_ARG_NULLABLE ? RF_NULL : 0));
		out->btf_id = target;
		if (out->flags & RF_NULL)
			out->id = new_id(env);
	}
}

static int btf_ctx_access(struct env *env, int off, int size, enum access acc, struct reg *out)
{
	const struct btf_type *proto = env->in->member_proto, *t;
	uint32_t arg = (uint32_t)off / 8, id;

	if (acc == ACC_WRITE || off < 0)
		return denied(env, off, size);
	if (off % 8) {
		vlog(env, "func '%s' offset %d is not multiple of 8\n", env->in->name, off);
		return denied(env, off, size);
	}
	if (arg >= btf_vlen(proto)) {
		vlog(env, "func '%s' doesn't have %u-th argument\n", env->in->name, arg + 1);
		return denied(env, off, size);
	}
	id = btf_params(proto)[arg].type;
	t = btf_resolve(env->in->engine_btf, &id);
	if (is_small(t))
		return 0;
	if (!btf_is_ptr(t) || size != 8) {
		vlog(env, "func '%s' size %d must be 8\n", env->in->name, size);
		return denied(env, off, size);
	}
	btf_pointer(env, arg, t->type, out);
	return 0;
}

/* -- By program type -------------------------------------------------------------------- */

static int memory_access(struct env *env, int off, int size)
{
	if (off < 0 || off % size || off + size > UINT16_MAX)
		return denied(env, off, size);
	return 0;
}

static int raw_tp_access(struct env *env, int off, int size, enum access acc)
{
	if (off < 0 || off % size || acc == ACC_WRITE || off + size > 8 * MAX_RAW_TP_ARGS)
		return denied(env, off, size);
	return 0;
}

int ctx_access(struct env *env, int off, int size, enum access acc, int value, struct reg *out)
{
	int err;

	if (ctx_is_btf(env))
		return btf_ctx_access(env, off, size, acc, out);
	switch (env->in->prog_type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_SCHED_CLS:
		err = skb_access(env, off, size, acc, out);
		break;
	case BPF_PROG_TYPE_SYSCALL:
		err = memory_access(env, off, size);
		break;
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
		err = raw_tp_access(env, off, size, acc);
		break;
	default:
		err = denied(env, off, size);
	}
	if (!err && (uint32_t)(off + size) > env->max_ctx_offset)
		env->max_ctx_offset = (uint32_t)(off + size);
	return err;
}
